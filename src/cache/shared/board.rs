//! The board: marks of purges that nodes publish to each other in the bucket. Contract: what has been published is in
//! force on every node that reads, before the publisher is told so; a board that cannot be read in full, or holds
//! what cannot be understood, counts as not read.
//!
//! Every node lists the board once an interval and takes in what it has not seen. As long as all marks fit one page of
//! a listing, all of them are listed each time; with more, only the latest, and all of them now and then.
//!
//! An object of the board is JSON: `{"tintype":"marks","version":1,"marks":[…]}`. It is never changed, and deleted by
//! whoever sees that nothing can be old enough any more to be named by it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::super::marks::{Mark, Marks, MarksError};
use super::super::stamp::Stamp;
use super::bucket::{Bucket, BucketError};
use super::clocks::{self, Reading};
use super::counted;
use super::names::{Names, published};
use super::{SharedError, SharedSpec};
use crate::telemetry::clock;

/// The board as one node sees it.
#[derive(Debug)]
pub(super) struct Board {
    bucket: Arc<dyn Bucket>,
    names: Names,
    marks: Arc<Marks>,
    /// Tells our marks from those of others; another one in every process.
    node: String,
    interval: Duration,
    keep: Duration,
    skew: Duration,
    seen: Mutex<Seen>,
    /// Whether a reading has ended, well or not.
    is_tried: watch::Sender<bool>,
    /// When the last reading that went well began.
    readings: watch::Sender<Option<Instant>>,
}

/// What has been read.
#[derive(Debug, Default)]
struct Seen {
    names: BTreeSet<String>,
    /// When the last reading that went well began.
    read_at: Option<Instant>,
    readings: u64,
}

/// Why the board could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error("marks `{name}` in the shared bucket cannot be understood")]
    Strange {
        name: String,
        #[source]
        cause: Option<serde_json::Error>,
    },
    #[error("marks from the shared bucket cannot be kept")]
    Journal(#[from] MarksError),
    #[error("marks from the shared bucket cannot be taken in, the process ends")]
    Ending,
}

/// An object of the board.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    tintype: String,
    version: u32,
    marks: Vec<Mark>,
}

const KIND: &str = "marks";
const VERSION: u32 = 1;
/// Marks in one object, so that it stays small enough to be read.
const PAGE_MARKS_MAX: usize = 1000;
/// A reading that took longer is begun again; what it had taken in stays.
const READING_MAX: Duration = Duration::from_secs(30);
/// Writing marks must have ended within this time, or the purge is not acknowledged.
const WRITING_MAX: Duration = Duration::from_secs(10);
/// Beyond two intervals, for what a reading itself takes.
const SETTLING: Duration = Duration::from_millis(250);
/// Without a reading for so many intervals, a purge may have been missed, and the bucket is not read.
pub(super) const LAG_INTERVALS_MAX: u32 = 10;
/// Marks that are read at a time.
const PAGES_AT_ONCE: usize = 16;
/// Names that a listing may bring again; half a page.
const RELISTED_MAX: usize = 500;
/// Every so many readings list everything.
const FULL_READINGS: u64 = 300;
/// Old marks that one reading deletes.
const DELETED_MAX: usize = 100;
/// Beyond the time that things are kept, for clocks that differ, until marks are forgotten.
const FORGETTING_MARGIN: Duration = Duration::from_hours(1);

// === impl Board ===

impl Board {
    pub fn new(spec: &SharedSpec, bucket: Arc<dyn Bucket>, marks: Arc<Marks>, node: String) -> Self {
        let SharedSpec { marks_poll, keep, clock_skew, .. } = *spec;
        let names = Names::new(&spec.prefix);
        let (seen, is_tried, readings) = (Mutex::default(), watch::Sender::new(false), watch::Sender::new(None));
        Self { bucket, names, marks, node, interval: marks_poll, keep, skew: clock_skew, seen, is_tried, readings }
    }

    /// Reads once an interval until `stop`.
    pub async fn run(&self, stop: &CancellationToken) {
        let reading = async {
            let mut was_read = true;
            loop {
                let began = clock::instant();
                let is_read = self.read_and_tell(was_read).await;
                was_read = is_read;
                self.is_tried.send_replace(true);
                sleep_until(began + self.interval).await;
            }
        };
        let _: Option<std::convert::Infallible> = stop.run_until_cancelled(reading).await;
    }

    /// Waits until the first reading has ended, well or not.
    pub async fn tried(&self) {
        // The sender lives in what this borrows.
        let _ = self.is_tried.subscribe().wait_for(|is_tried| *is_tried).await;
    }

    /// When the last reading that went well began, and each after it.
    pub fn readings(&self) -> watch::Receiver<Option<Instant>> {
        self.readings.subscribe()
    }

    /// Whether all marks of other nodes are known that were published a few intervals ago.
    pub fn is_current(&self) -> bool {
        self.age().is_some_and(|age| age <= self.interval * LAG_INTERVALS_MAX)
    }

    /// How long ago the last reading that went well began.
    pub fn age(&self) -> Option<Duration> {
        self.lock().read_at.map(|at| clock::instant().duration_since(at))
    }

    /// How many objects of the board are known.
    pub fn len(&self) -> usize {
        self.lock().names.len()
    }

    /// Publishes marks, and returns when they hold on every node that reads the board.
    pub async fn publish(&self, marks: &[Mark]) -> Result<(), SharedError> {
        if marks.is_empty() {
            return Ok(());
        }
        for marks in marks.chunks(PAGE_MARKS_MAX) {
            self.write(marks).await.map_err(|error| {
                counted::failed("publish");
                SharedError::Unpublished(error)
            })?;
        }
        // A reading that had just begun may not have seen it; the next one does.
        sleep(self.interval * 2 + SETTLING).await;
        Ok(())
    }

    async fn write(&self, marks: &[Mark]) -> Result<(), BucketError> {
        // Not the stamp of a mark: two orders may carry the same one.
        let name = self.names.marks(self.marks.stamps().now(), &self.node);
        let page = Page { tintype: KIND.to_owned(), version: VERSION, marks: marks.to_vec() };
        let bytes = serde_json::to_vec(&page).expect("invariant: texts and numbers always serialize");
        within(WRITING_MAX, self.bucket.put(&name, vec![Bytes::from(bytes)])).await
    }

    /// Reads the board once; whether that went well. Tells of the first of several failures only.
    async fn read_and_tell(&self, was_read: bool) -> bool {
        match within(READING_MAX, self.read()).await {
            Ok(()) => {
                if !was_read {
                    tracing::info!("purges of other nodes are read again");
                }
                true
            }
            Err(error) => {
                counted::failed("list");
                if was_read {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "purges of other nodes cannot be read; without them the bucket is not used");
                }
                false
            }
        }
    }

    async fn read(&self) -> Result<(), Unread> {
        let began = clock::instant();
        let (after, reading) = self.lock().next(&self.names, self.skew);
        let listed = self.bucket.list(&self.names.marks_folder(), after.as_deref()).await?;
        let (old, young): (Vec<_>, Vec<_>) =
            listed.into_iter().filter(|name| self.is_of_others(name)).partition(|name| self.is_over(name));
        let news: Vec<String> = {
            let seen = self.lock();
            young.iter().filter(|name| !seen.names.contains(*name)).cloned().collect()
        };
        for names in news.chunks(PAGES_AT_ONCE) {
            let pages = try_join_all(names.iter().map(|name| self.page(name))).await?;
            let found: Vec<_> = names.iter().zip(pages).filter_map(|(name, page)| page.zip(Some(name))).collect();
            // It was there some time after the stamp in its name, and what was made until then may be in the bucket.
            let there = |name: &str| published(name).map_or(Stamp::default(), |(stamp, _)| stamp.plus(WRITING_MAX));
            let marks = found.iter().flat_map(|(marks, name)| marks.iter().map(|mark| (mark.clone(), there(name))));
            self.take_in(marks.collect(), reading).await?;
            self.lock().names.extend(found.into_iter().map(|(_, name)| name.clone()));
        }
        self.lock().finish(after.is_none().then_some(young), began);
        self.readings.send_replace(Some(began));
        counted::marks_read();
        self.delete(&old).await;
        Ok(())
    }

    /// The marks of one object; `None` where it is listed and not there: deleted as too old by another node, or else
    /// it is there when the next reading asks.
    async fn page(&self, name: &str) -> Result<Option<Vec<Mark>>, Unread> {
        let strange = |cause| Unread::Strange { name: name.to_owned(), cause };
        let Some(bytes) = self.bucket.get(name).await? else { return Ok(None) };
        let page: Page = serde_json::from_slice(&bytes).map_err(|cause| strange(Some(cause)))?;
        if page.tintype != KIND || page.version != VERSION {
            return Err(strange(None));
        }
        if published(name).is_some_and(|(stamp, _)| stamp.unix_s() > clock::now_unix_s() + self.skew.as_secs() + 1) {
            tracing::warn!(name, "clock of another node is ahead of ours by more than shared.clock_skew");
        }
        Ok(Some(page.marks))
    }

    /// Takes in marks, each with the latest stamp at which it may not have been there yet.
    async fn take_in(&self, theirs: Vec<(Mark, Stamp)>, reading: Reading) -> Result<(), Unread> {
        let (marks, skew) = (Arc::clone(&self.marks), self.skew);
        let taking = tokio::task::spawn_blocking(move || {
            marks.take_in(|stamps| {
                let stamped = |(mark, there): (Mark, Stamp)| Mark {
                    stamp: clocks::of_mark(mark.stamp, there, stamps, skew, reading),
                    ..mark
                };
                theirs.into_iter().map(stamped).collect()
            })
        });
        taking.await.map_err(|_| Unread::Ending)?.map_err(Unread::Journal)
    }

    /// Best effort: whoever reads next tries again.
    async fn delete(&self, names: &[String]) {
        let deleting = async {
            for name in names.iter().take(DELETED_MAX) {
                if self.bucket.delete(name).await.is_err() {
                    counted::failed("delete");
                    return;
                }
            }
        };
        // Not at the cost of the next reading.
        let _ = timeout(self.interval, deleting).await;
    }

    fn is_of_others(&self, name: &str) -> bool {
        published(name).is_some_and(|(_, node)| node != self.node)
    }

    /// Whether nothing that may still be used can be named by it.
    fn is_over(&self, name: &str) -> bool {
        let until = |(stamp, _): (Stamp, &str)| stamp.plus(self.keep + self.skew * 4 + FORGETTING_MARGIN);
        published(name).is_some_and(|name| until(name).unix_s() < clock::now_unix_s())
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Nothing in here panics between two changes.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seen ===

impl Seen {
    /// Where the next listing begins, and what it is.
    fn next(&self, names: &Names, skew: Duration) -> (Option<String>, Reading) {
        let reading = if self.read_at.is_some() { Reading::Steady } else { Reading::First };
        let is_full = reading == Reading::First || self.readings.is_multiple_of(FULL_READINGS);
        let (Some(tail), false) = (self.names.iter().rev().nth(RELISTED_MAX), is_full) else {
            return (None, reading);
        };
        // One that is seen late is older than the newest by as much as writing may take, and clocks differ.
        let newest = self.names.last().and_then(|name| published(name)).map(|(stamp, _)| stamp).unwrap_or_default();
        let late = u64::try_from((skew * 2 + WRITING_MAX).as_micros()).unwrap_or(u64::MAX);
        let from = names.before_marks(Stamp::from_micros(newest.micros().saturating_sub(late)));
        (Some(from.min(tail.clone())), reading)
    }

    /// A reading went well; `all` are the names that there are, where it listed everything.
    fn finish(&mut self, all: Option<Vec<String>>, began: Instant) {
        if let Some(all) = all {
            let all: BTreeSet<String> = all.into_iter().collect();
            self.names.retain(|name| all.contains(name));
        }
        self.readings += 1;
        self.read_at = Some(began);
    }
}

async fn within<T, E: From<BucketError>>(time: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let after_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    timeout(time, work).await.unwrap_or_else(|_| Err(E::from(BucketError::Late { after_ms })))
}

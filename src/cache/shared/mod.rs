//! The shared tier: one bucket behind all nodes, so that what one has made no other has to make. Contract: it never
//! fails and never takes long; what it cannot give in time is absent. What it gives is whole, of the key asked for,
//! young enough, and not purged as far as any node has published.
//!
//! - Reading ([`SharedTier::get`]) has a time and a number at once. A bucket that fails is left alone for a while.
//! - Writing ([`SharedTier::put`]) happens behind, from a bounded queue.
//! - Purges ([`SharedTier::publish`]) leave their marks in the bucket, where every node looks once an interval.
//!
//! # What an acknowledged purge promises
//!
//! When `publish` returns, two intervals and a little have passed since the marks could be read. So every node that
//! reads the board at its interval, and is done with it within an interval, has taken the marks in: they hold there
//! for its memory, its disk, its work under way and all that it will read from the bucket. Nothing purged is served by
//! it again, also after a restart.
//!
//! A node that cannot reach the bucket, or only slowly, is not waited for, since it cannot be told from one that is
//! gone. It goes on serving what it keeps itself until it reads the board again; then it takes in all marks it missed.
//! From the bucket it reads nothing once its last look at the board is ten intervals old. `SharedState::marks_age_ms`
//! and the metric `tintype_shared_marks_read_timestamp_seconds` show such a node. A process that starts reads nothing
//! from the bucket before it has read the whole board, and serves nothing before that either, as long as the bucket
//! answers soon ([`SharedTier::settle`]).
//!
//! Which clocks this needs is said in `clocks.rs`.
//!
//! # What is left to the bucket
//!
//! Entries are not deleted when they are purged or too old, only no longer used: a lifecycle rule of the bucket on
//! `<prefix>/v1/objects/`, with the time of [`SharedSpec::keep`] and a day more, takes them away. There must be none on
//! `<prefix>/v1/marks/`, which nodes clean up themselves. All nodes must have the same `keep` and prefix.

mod board;
mod breaker;
mod bucket;
mod clocks;
mod counted;
mod names;
mod queue;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::bucket::{Bucket, BucketError, BucketFuture};

use self::board::Board;
use self::breaker::Breaker;
use self::names::Names;
use self::queue::{Queue, QueueLimits, Writer};
use super::entry::Entry;
use super::key::Key;
use super::marks::{Mark, Marks, Verdict};
use super::stamp::Stamp;
use crate::telemetry::clock;

/// How the shared tier is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSpec {
    /// Before all names, without slashes at its ends; may be empty.
    pub prefix: String,
    /// A read that takes longer is an absence.
    pub get_timeout: Duration,
    /// Bytes that wait to be written; entries beyond that are dropped.
    pub queue_bytes_max: u64,
    /// Larger entries are not written, and their objects not read.
    pub object_bytes_max: u64,
    /// Between two looks at the board; a purge is acknowledged after two of them.
    pub marks_poll: Duration,
    /// Older entries are not used.
    pub keep: Duration,
    /// How far the clocks of any two nodes may differ.
    pub clock_skew: Duration,
}

/// A bucket as the last tier. Clones are the same one.
#[derive(Clone)]
pub struct SharedTier {
    inner: Arc<Inner>,
}

/// How the tier is doing, for operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedState {
    /// Whether the bucket would be asked now.
    pub is_read: bool,
    /// Whether reads, or writes, failed so often that they are left out for a while.
    pub is_get_open: bool,
    pub is_put_open: bool,
    /// Since the last look at the board that went well began; `None` before the first.
    pub marks_age_ms: Option<u64>,
    /// Objects on the board that were read.
    pub marks_objects: usize,
    pub queue_bytes: u64,
    pub queue_entries: usize,
    pub written: u64,
    /// Not written, because there was no room, they were purged, or the bucket had failed.
    pub dropped: u64,
    pub failed_gets: u64,
    /// Writes and deletions.
    pub failed_puts: u64,
}

/// Why something did not hold on all nodes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SharedError {
    /// It may come to hold on other nodes all the same, but nobody knows.
    #[error("purge could not be published to other nodes")]
    Unpublished(#[source] BucketError),
}

struct Inner {
    bucket: Arc<dyn Bucket>,
    names: Names,
    marks: Arc<Marks>,
    spec: SharedSpec,
    board: Board,
    breaker: Breaker,
    puts: Arc<Breaker>,
    slots: Semaphore,
    queue: Queue,
    failed_gets: AtomicU64,
}

/// Reads at a time; each may hold a whole entry.
const READS_AT_ONCE: usize = 64;
/// What is digested where it is; BLAKE3 takes about 100 µs for so much.
const INLINE_BYTES_MAX: usize = 256 * 1024;

// === impl SharedTier ===

impl SharedTier {
    /// A tier over `bucket`, whose tasks run on `tracker` until `stop`. `marks` are those of all tiers of this process.
    pub fn start(
        spec: SharedSpec,
        bucket: Arc<dyn Bucket>,
        marks: Arc<Marks>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let names = Names::new(&spec.prefix);
        let puts = Arc::new(Breaker::new("put"));
        let board = Board::new(&spec, Arc::clone(&bucket), Arc::clone(&marks), node());
        let writer = Writer {
            bucket: Arc::clone(&bucket),
            names: names.clone(),
            marks: Arc::clone(&marks),
            skew: spec.clock_skew,
            breaker: Arc::clone(&puts),
            readings: board.readings(),
            lag_max: spec.marks_poll * board::LAG_INTERVALS_MAX,
        };
        let limits = QueueLimits { bytes_max: spec.queue_bytes_max, entry_bytes_max: spec.object_bytes_max };
        let queue = Queue::start(writer, limits, tracker, stop);
        let inner = Arc::new(Inner {
            board,
            bucket,
            names,
            marks,
            spec,
            breaker: Breaker::new("get"),
            puts,
            slots: Semaphore::new(READS_AT_ONCE),
            queue,
            failed_gets: AtomicU64::new(0),
        });
        let (reader, stop) = (Arc::clone(&inner), stop.clone());
        tracker.spawn(async move { reader.board.run(&stop).await });
        Self { inner }
    }

    /// The entry of a key, if the bucket has it, gives it in time, and it may be used. Its stamp is one of this node,
    /// lower than that in the bucket; what soft marks name is given too, and is judged stale by that stamp.
    pub async fn get(&self, key: &Key) -> Option<Entry> {
        let found = self.inner.get(key).await?;
        counted::event(if found.is_some() { "hit" } else { "miss" });
        found
    }

    /// Offers an entry to be written some time. Never waits; there is no telling whether it will be written.
    pub fn put(&self, entry: Entry) {
        self.inner.queue.put(entry);
    }

    /// Deletes the object of a key some time, after what was put of it before.
    pub fn remove(&self, key: Key) {
        self.inner.queue.remove(key);
    }

    /// Publishes marks that hold here already, and returns when they hold on every node that reads the board: see
    /// above for what that promises. Takes two intervals and a little.
    ///
    /// # Errors
    /// [`SharedError::Unpublished`]: no other node is known to have them. The same marks may be published again.
    pub async fn publish(&self, marks: &[Mark]) -> Result<(), SharedError> {
        self.inner.board.publish(marks).await
    }

    /// Waits until the board was read for the first time, at most for `time`, and not for a bucket that fails: whoever
    /// was away while something was purged should know before it serves what it kept.
    pub async fn settle(&self, time: Duration) {
        let _ = timeout(time, self.inner.board.tried()).await;
    }

    /// Waits until all that was put before is written or dropped; `false` where it was not within `time`. To be called
    /// before `stop`, which drops what waits.
    pub async fn flush(&self, time: Duration) -> bool {
        self.inner.queue.flush(time).await
    }

    /// How it is doing.
    pub fn state(&self) -> SharedState {
        let Inner { board, breaker, puts, queue, failed_gets, .. } = &*self.inner;
        let counts = queue.counts();
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        SharedState {
            is_read: board.is_current() && !breaker.is_open(),
            is_get_open: breaker.is_open(),
            is_put_open: puts.is_open(),
            marks_age_ms: board.age().map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            marks_objects: board.len(),
            queue_bytes: queue.bytes(),
            queue_entries: queue.len(),
            written: count(&counts.written),
            dropped: count(&counts.dropped),
            failed_gets: count(failed_gets),
            failed_puts: count(&counts.failed),
        }
    }
}

impl fmt::Debug for SharedTier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedTier").field("spec", &self.inner.spec).finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    /// `None` where the bucket was not asked or did not answer, `Some(None)` where it has nothing that may be used.
    async fn get(&self, key: &Key) -> Option<Option<Entry>> {
        let began = clock::instant();
        if !self.board.is_current() {
            counted::skipped("marks");
            return None;
        }
        let Some(pass) = self.breaker.admit() else {
            counted::skipped("breaker");
            return None;
        };
        // With less than half its time left, a read would say nothing about the bucket.
        let Ok(Ok(_slot)) = timeout_at(began + self.spec.get_timeout / 2, self.slots.acquire()).await else {
            counted::skipped("busy");
            return None;
        };
        let read_at = self.marks.stamps().now();
        let name = self.names.object(key);
        let bytes = match timeout_at(began + self.spec.get_timeout, self.bucket.get(&name)).await {
            Ok(Ok(bytes)) => {
                pass.succeeded();
                bytes
            }
            Ok(Err(BucketError::TooLarge)) => {
                pass.succeeded();
                None
            }
            failure => {
                pass.failed();
                self.failed_gets.fetch_add(1, Ordering::Relaxed);
                counted::failed("get");
                tracing::debug!(?failure, name, "shared bucket did not give an answer");
                return None;
            }
        };
        let Some(bytes) = bytes else { return Some(None) };
        let entry = decoded(bytes, *key, &name).await;
        Some(entry.and_then(|entry| self.usable(entry, read_at)))
    }

    fn usable(&self, mut entry: Entry, read_at: Stamp) -> Option<Entry> {
        if entry.stamp.plus(self.spec.keep).unix_s() < clock::now_unix_s() {
            return None;
        }
        entry.stamp = clocks::of_entry(entry.stamp, read_at, self.spec.clock_skew);
        (self.marks.judge(entry.stamp, &entry.labels) != Verdict::Gone).then_some(entry)
    }
}

async fn decoded(bytes: Bytes, key: Key, name: &str) -> Option<Entry> {
    match off_thread(bytes.len(), move || Entry::decode(&bytes, &key)).await? {
        Ok(entry) => Some(entry),
        Err(damage) => {
            tracing::warn!(%damage, name, "object of the shared bucket is not used");
            None
        }
    }
}

/// Digests so many bytes here, or on a thread that may take its time; `None` only while the runtime ends.
async fn off_thread<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if bytes <= INLINE_BYTES_MAX {
        return Some(work());
    }
    tokio::task::spawn_blocking(work).await.ok()
}

/// A name for this process that no other one has.
fn node() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("invariant: the kernel's random source never fails once the system is up");
    format!("{:016x}", u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

//! The way into the bucket, behind the answer. Contract: whoever puts never waits; what waits is bounded in bytes and
//! in number, and dropped beyond that; what is put and removed under one key happens in this order.
//!
//! An entry waits for the next look at the board, so that purges of other nodes from before it are known. Then it is
//! judged against the marks, so that nothing purged is written knowingly, and again after it was written: a purge may
//! have come in between, and then it is deleted. That is clean-up: readers judge by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::entry::{Entry, FIXED_BYTES};
use super::super::key::Key;
use super::super::marks::{Marks, Verdict};
use super::breaker::Breaker;
use super::bucket::Bucket;
use super::names::Names;
use super::{clocks, counted, off_thread};
use crate::telemetry::clock;

/// What waits to be written, and who writes it.
#[derive(Debug)]
pub(super) struct Queue {
    lanes: Vec<mpsc::Sender<Order>>,
    /// In units of [`UNIT_BYTES`].
    room: Arc<Semaphore>,
    units_max: u32,
    entry_bytes_max: u64,
    counts: Arc<Counts>,
}

/// How much is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    /// From 1 KiB to 4 TiB, all that waits together.
    pub bytes_max: u64,
    pub entry_bytes_max: u64,
}

/// What has become of orders.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub written: AtomicU64,
    pub dropped: AtomicU64,
    pub failed: AtomicU64,
}

/// What a lane needs to carry out its orders.
#[derive(Debug)]
pub(super) struct Writer {
    pub bucket: Arc<dyn Bucket>,
    pub names: Names,
    pub marks: Arc<Marks>,
    pub skew: Duration,
    pub breaker: Arc<Breaker>,
    /// When the last look at the board that went well began.
    pub readings: watch::Receiver<Option<Instant>>,
    /// What no look at the board follows for so long is not written.
    pub lag_max: Duration,
}

#[derive(Debug)]
enum Order {
    Put {
        entry: Entry,
        room: OwnedSemaphorePermit,
        since: Instant,
    },
    Remove(Key),
    /// Answered when all before it are done.
    Tell(oneshot::Sender<()>),
}

struct Lane {
    writer: Arc<Writer>,
    counts: Arc<Counts>,
    room: Arc<Semaphore>,
    units_max: u32,
}

/// Keys go to lanes by their first byte, so that the orders of one key stay in order.
const LANES: usize = 4;
/// Orders that wait in one lane; small entries would fill the bytes with too many of them.
const LANE_ORDERS_MAX: usize = 1024;
/// What room is counted in.
const UNIT_BYTES: usize = 1024;
/// A write or a deletion has ended by then.
const CALL_MAX: Duration = Duration::from_secs(30);

// === impl Queue ===

impl Queue {
    /// A queue whose lanes work until `stop`.
    pub fn start(writer: Writer, limits: QueueLimits, tracker: &TaskTracker, stop: &CancellationToken) -> Self {
        let units_max = u32::try_from(limits.bytes_max / UNIT_BYTES as u64).unwrap_or(u32::MAX).max(1);
        let room = Arc::new(Semaphore::new(units_max as usize));
        let (writer, counts) = (Arc::new(writer), Arc::new(Counts::default()));
        let lane = |_| {
            let (sender, mut orders) = mpsc::channel(LANE_ORDERS_MAX);
            let lane =
                Lane { writer: Arc::clone(&writer), counts: Arc::clone(&counts), room: Arc::clone(&room), units_max };
            let stop = stop.clone();
            tracker.spawn(async move {
                let work = async {
                    while let Some(order) = orders.recv().await {
                        lane.carry_out(order).await;
                    }
                };
                stop.run_until_cancelled(work).await;
            });
            sender
        };
        Self { lanes: (0..LANES).map(lane).collect(), room, units_max, entry_bytes_max: limits.entry_bytes_max, counts }
    }

    /// Takes an entry to be written, or drops it.
    pub fn put(&self, entry: Entry) {
        let bytes = weight_bytes(&entry);
        if bytes as u64 > self.entry_bytes_max {
            return self.counts.drop_one("large");
        }
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(units) else {
            return self.counts.drop_one("full");
        };
        if self.lane(&entry.key).try_send(Order::Put { entry, room, since: clock::instant() }).is_err() {
            self.counts.drop_one("full");
        }
        counted::queued(self.bytes());
    }

    /// Takes a key whose object is to be deleted. Dropped like an entry where there is no room: this is clean-up.
    pub fn remove(&self, key: Key) {
        if self.lane(&key).try_send(Order::Remove(key)).is_err() {
            self.counts.drop_one("full");
        }
    }

    /// Waits until all that was put before this call is written or dropped; whether it was within `time`.
    pub async fn flush(&self, time: Duration) -> bool {
        let until = clock::instant() + time;
        let lanes = self.lanes.iter().map(|lane| flush(lane, until));
        futures_util::future::join_all(lanes).await.into_iter().all(|is_done| is_done)
    }

    /// Bytes that wait or are being written, in whole units.
    pub fn bytes(&self) -> u64 {
        bytes_taken(&self.room, self.units_max)
    }

    /// Orders that wait.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.max_capacity() - lane.capacity()).sum()
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn lane(&self, key: &Key) -> &mpsc::Sender<Order> {
        &self.lanes[usize::from(key.as_bytes()[0]) % LANES]
    }
}

// === impl Counts ===

impl Counts {
    fn drop_one(&self, reason: &'static str) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        counted::dropped(reason);
    }

    fn fail_one(&self, call: &'static str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        counted::failed(call);
    }
}

// === impl Lane ===

impl Lane {
    async fn carry_out(&self, order: Order) {
        match order {
            Order::Put { entry, room, since } => {
                self.put(entry, since).await;
                drop(room);
                counted::queued(bytes_taken(&self.room, self.units_max));
            }
            Order::Remove(key) => self.delete(&key).await,
            // Nobody may wait any more.
            Order::Tell(teller) => drop(teller.send(())),
        }
    }

    async fn put(&self, entry: Entry, since: Instant) {
        let writer = &self.writer;
        if !writer.is_read_after(since).await {
            return self.counts.drop_one("marks");
        }
        if !writer.may_be_written(&entry) {
            return self.counts.drop_one("purged");
        }
        let Some(pass) = writer.breaker.admit() else {
            return self.counts.drop_one("breaker");
        };
        let name = writer.names.object(&entry.key);
        let Some((entry, head)) = off_thread(entry.body.len(), move || {
            let head = entry.head_bytes();
            (entry, head)
        })
        .await
        else {
            return;
        };
        let parts = vec![Bytes::from(head), entry.body.clone()];
        match timeout(CALL_MAX, writer.bucket.put(&name, parts)).await {
            Ok(Ok(())) => {
                pass.succeeded();
                self.counts.written.fetch_add(1, Ordering::Relaxed);
                counted::event("insert");
            }
            failure => {
                pass.failed();
                self.counts.fail_one("put");
                tracing::debug!(?failure, name, "entry was not written to the shared bucket");
            }
        }
        // Also where it failed: what is late may still come to be there.
        if !writer.may_be_written(&entry) {
            self.delete(&entry.key).await;
        }
    }

    async fn delete(&self, key: &Key) {
        let name = self.writer.names.object(key);
        if !matches!(timeout(CALL_MAX, self.writer.bucket.delete(&name)).await, Ok(Ok(()))) {
            self.counts.fail_one("delete");
        }
    }
}

// === impl Writer ===

impl Writer {
    /// Waits for a look at the board that began later: only then it is known which purges were there before.
    async fn is_read_after(&self, since: Instant) -> bool {
        let mut readings = self.readings.clone();
        let reading = readings.wait_for(|began| began.is_some_and(|began| began > since));
        matches!(timeout_at(since + self.lag_max, reading).await, Ok(Ok(_)))
    }

    /// Whether it is good here, and not so old for readers that they would take it for purged.
    fn may_be_written(&self, entry: &Entry) -> bool {
        let for_readers = clocks::of_entry(entry.stamp, entry.stamp, self.skew);
        self.marks.judge(entry.stamp, &entry.labels) == Verdict::Good && !self.marks.is_gone(for_readers, &entry.labels)
    }
}

async fn flush(lane: &mpsc::Sender<Order>, until: Instant) -> bool {
    let (teller, told) = oneshot::channel();
    let flushing = async { lane.send(Order::Tell(teller)).await.is_ok() && told.await.is_ok() };
    timeout_at(until, flushing).await.unwrap_or(false)
}

fn bytes_taken(room: &Semaphore, units_max: u32) -> u64 {
    (units_max as usize).saturating_sub(room.available_permits()) as u64 * UNIT_BYTES as u64
}

fn weight_bytes(entry: &Entry) -> usize {
    FIXED_BYTES + entry.labels.weight_bytes() + entry.record.len() + entry.body.len()
}

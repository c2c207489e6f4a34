//! How many fetches may be under way, in all and from one place, so that one slow origin cannot hold everything.
//! Contract: some times as many as may be under way may wait for that, for a moment; whoever comes beyond them is
//! refused at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::OriginError;
use super::spec::OriginLimits;

/// The slots of all origins.
#[derive(Debug)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    // Holds only origins that are in use now, so it has at most as many entries as there are requests.
    origins: Origins,
    per_origin_fetches_max: usize,
    slot_wait_ms_max: u64,
}

/// By the names of origins.
type Origins = Arc<Mutex<HashMap<String, Arc<Row>>>>;

/// Those who have a slot of one origin, and those who wait for one.
#[derive(Debug)]
struct Row {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// One who waits; leaves the row when dropped.
#[derive(Debug)]
struct Waiting<'a>(&'a Row);

/// The right to one fetch; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _all: OwnedSemaphorePermit,
    _origin: OriginSlot,
}

#[derive(Debug)]
struct OriginSlot {
    permit: Option<OwnedSemaphorePermit>,
    entry: OriginEntry,
}

/// Someone's interest in an origin's row; the last one removes it.
#[derive(Debug)]
struct OriginEntry {
    origins: Origins,
    name: String,
    row: Option<Arc<Row>>,
}

/// Those who wait for one slot of an origin: a page whose pictures all come from one place is no flood.
const WAITING_PER_SLOT: usize = 4;

// === impl Slots ===

impl Slots {
    pub(super) fn new(limits: &OriginLimits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.fetches_max.min(Semaphore::MAX_PERMITS))),
            origins: Arc::default(),
            per_origin_fetches_max: limits.per_origin_fetches_max.min(Semaphore::MAX_PERMITS),
            slot_wait_ms_max: limits.slot_wait_ms_max,
        }
    }

    /// Waits for a slot, for `slot_wait_ms_max` at most.
    pub(super) async fn take(&self, origin: &str) -> Result<Slot, OriginError> {
        let overloaded = |waited_ms| OriginError::Overloaded { waited_ms };
        let wait = Duration::from_millis(self.slot_wait_ms_max);
        match timeout(wait, self.wait(origin)).await {
            Ok(slot) => slot.ok_or(overloaded(0)),
            Err(_) => Err(overloaded(self.slot_wait_ms_max)),
        }
    }

    /// `None` where as many wait as may.
    async fn wait(&self, origin: &str) -> Option<Slot> {
        // The origin's own slot comes first: whoever waits for a slow origin must not hold a slot that others
        // could use.
        let entry = self.entry(origin);
        let permit = match entry.row.as_deref() {
            Some(row) => row.permit(self.per_origin_fetches_max.saturating_mul(WAITING_PER_SLOT)).await?,
            None => return None,
        };
        let origin = OriginSlot { permit: Some(permit), entry };
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Slot { _all: all, _origin: origin })
    }

    fn entry(&self, origin: &str) -> OriginEntry {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let row = origins.entry(origin.to_owned()).or_insert_with(|| Arc::new(Row::new(self.per_origin_fetches_max)));
        OriginEntry { origins: Arc::clone(&self.origins), name: origin.to_owned(), row: Some(Arc::clone(row)) }
    }
}

// === impl Row ===

impl Row {
    fn new(slots: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots)), waiting: AtomicUsize::new(0) }
    }

    /// A slot, waited for where fewer than `waiting_max` wait already.
    async fn permit(&self, waiting_max: usize) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = self.join(waiting_max)?;
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    fn join(&self, waiting_max: usize) -> Option<Waiting<'_>> {
        let is_free = |waiting: usize| (waiting < waiting_max).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_free).ok().map(|_| Waiting(self))
    }
}

// === impl Waiting ===

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl OriginSlot ===

impl Drop for OriginSlot {
    fn drop(&mut self) {
        // Whoever finds the row gone makes a new one, and must not find more slots than there are.
        self.permit = None;
        self.entry.release();
    }
}

// === impl OriginEntry ===

impl OriginEntry {
    fn release(&mut self) {
        // Entries are made, counted and dropped under the lock (the row below goes before the lock does), so the last
        // one sees exactly two references: its own and the map's.
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(row) = self.row.take() else { return };
        if Arc::strong_count(&row) <= 2 {
            origins.remove(&self.name);
        }
    }
}

impl Drop for OriginEntry {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(all: usize, each: usize) -> Slots {
        Slots::new(&OriginLimits {
            fetches_max: all,
            per_origin_fetches_max: each,
            slot_wait_ms_max: 50,
            ..OriginLimits::default()
        })
    }

    #[tokio::test]
    async fn a_full_origin_leaves_room_for_others() {
        let slots = slots(2, 1);
        let first = slots.take("a").await.expect("free");
        let error = slots.take("a").await.expect_err("one at a time");
        assert_eq!((error.status(), error.kind()), (503, "origin-overloaded"));
        let second = slots.take("b").await.expect("others are free");
        slots.take("c").await.expect_err("two in all");
        drop(first);
        slots.take("a").await.expect("free again");
        drop(second);
        assert_eq!(slots.origins.lock().expect("no panic").len(), 0, "nothing is kept for origins that rest");
    }

    #[tokio::test]
    async fn a_waiter_gets_the_slot_that_becomes_free() {
        let slots = slots(1, 1);
        let first = slots.take("a").await.expect("free");
        let (second, ()) = tokio::join!(slots.take("a"), async { drop(first) });
        second.expect("given on");
    }

    #[tokio::test]
    async fn some_wait_for_a_slot_and_the_next_is_refused_at_once() {
        let slots = slots(2, 1);
        let first = slots.take("a").await.expect("free");
        let mut waiting: Vec<_> = (0..WAITING_PER_SLOT).map(|_| Box::pin(slots.take("a"))).collect();
        for waits in &mut waiting {
            assert!(futures_util::poll!(waits).is_pending());
        }
        let error = slots.take("a").await.expect_err("as many wait as may");
        assert!(matches!(error, OriginError::Overloaded { waited_ms: 0 }), "{error}");
        drop(first);
        for waits in waiting {
            waits.await.expect("given on");
        }
        assert_eq!(slots.origins.lock().expect("no panic").len(), 0, "nobody is left");
    }

    #[tokio::test]
    async fn a_waiter_for_one_origin_holds_no_slot_of_all() {
        let slots = slots(2, 1);
        let _first = slots.take("a").await.expect("free");
        let (waiter, other) = tokio::join!(slots.take("a"), slots.take("b"));
        waiter.expect_err("never given on");
        other.expect("free");
    }
}

//! How many fetches may be under way, in all and from one place, so that one slow origin cannot hold everything.

use std::collections::HashMap;
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
    origins: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    per_origin_fetches_max: usize,
    slot_wait_ms_max: u64,
}

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

/// Someone's interest in an origin's semaphore; the last one removes it.
#[derive(Debug)]
struct OriginEntry {
    origins: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    name: String,
    semaphore: Option<Arc<Semaphore>>,
}

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
        let wait = Duration::from_millis(self.slot_wait_ms_max);
        let overloaded = OriginError::Overloaded { waited_ms: self.slot_wait_ms_max };
        timeout(wait, self.wait(origin)).await.unwrap_or(None).ok_or(overloaded)
    }

    async fn wait(&self, origin: &str) -> Option<Slot> {
        // The origin's own slot comes first: whoever waits for a slow origin must not hold a slot that others
        // could use.
        let entry = self.entry(origin);
        let semaphore = entry.semaphore.clone()?;
        let permit = semaphore.acquire_owned().await.ok()?;
        let origin = OriginSlot { permit: Some(permit), entry };
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Slot { _all: all, _origin: origin })
    }

    fn entry(&self, origin: &str) -> OriginEntry {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let semaphore = origins
            .entry(origin.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(self.per_origin_fetches_max)))
            .clone();
        OriginEntry { origins: Arc::clone(&self.origins), name: origin.to_owned(), semaphore: Some(semaphore) }
    }
}

// === impl OriginSlot ===

impl Drop for OriginSlot {
    fn drop(&mut self) {
        // The permit refers to the semaphore and must be gone before the entry counts who is left.
        self.permit = None;
        self.entry.release();
    }
}

// === impl OriginEntry ===

impl OriginEntry {
    fn release(&mut self) {
        // Entries are made, counted and dropped under the lock (the semaphore below goes before the lock does), so the
        // last one sees exactly two references: its own and the map's.
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(semaphore) = self.semaphore.take() else { return };
        if Arc::strong_count(&semaphore) <= 2 {
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
    async fn a_waiter_for_one_origin_holds_no_slot_of_all() {
        let slots = slots(2, 1);
        let _first = slots.take("a").await.expect("free");
        let (waiter, other) = tokio::join!(slots.take("a"), slots.take("b"));
        waiter.expect_err("never given on");
        other.expect("free");
    }
}

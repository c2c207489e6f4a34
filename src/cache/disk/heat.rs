//! How often keys were asked for lately: a fixed table that hits of any tier write to without a lock.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::cache::Key;

/// Counts from 0 to 3 by key. Keys share places; a wrong count keeps something a little longer.
pub struct Heat {
    counts: Box<[AtomicU8]>,
}

/// A megabyte: at a million entries two of three have a place of their own.
const PLACES: usize = 1 << 20;
/// What is asked for more often is not kept longer.
const HEAT_MAX: u8 = 3;

// === impl Heat ===

impl Heat {
    pub fn new() -> Self {
        Self { counts: (0..PLACES).map(|_| AtomicU8::new(0)).collect() }
    }

    /// Counts a hit.
    pub fn touch(&self, key: &Key) {
        let place = self.place(key);
        let heat = place.load(Ordering::Relaxed);
        // Two at once may count as one, which is less than what a lock would cost.
        if heat < HEAT_MAX {
            place.store(heat + 1, Ordering::Relaxed);
        }
    }

    pub(super) fn of(&self, key: &Key) -> u8 {
        self.place(key).load(Ordering::Relaxed)
    }

    /// Takes one off; whether there was one.
    pub(super) fn cool(&self, key: &Key) -> bool {
        let place = self.place(key);
        let heat = place.load(Ordering::Relaxed);
        place.store(heat.saturating_sub(1), Ordering::Relaxed);
        heat > 0
    }

    pub(super) fn forget(&self, key: &Key) {
        self.place(key).store(0, Ordering::Relaxed);
    }

    fn place(&self, key: &Key) -> &AtomicU8 {
        // Keys are digests, so any bits of them are spread evenly.
        let [.., a, b, c, d] = *key.as_bytes();
        &self.counts[u32::from_le_bytes([a, b, c, d]) as usize % PLACES]
    }
}

impl Default for Heat {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Heat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Heat").finish_non_exhaustive()
    }
}

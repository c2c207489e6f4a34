//! When something began, in an order that no clock can turn around.
//!
//! A purge holds for everything that began before it. A wall clock alone cannot say what that is: it stands still for
//! two readings, and goes back when it is set. A stamp is a reading that never repeats and never goes back; across
//! nodes it is as good as their clocks, so those who compare stamps of different nodes allow for a skew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::telemetry::clock;

/// Microseconds since 1970, as [`Stamps`] gave them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(u64);

/// Where stamps come from; clones are the same source. One for all tiers of a process.
#[derive(Debug, Clone, Default)]
pub struct Stamps {
    last: Arc<AtomicU64>,
}

// === impl Stamp ===

impl Stamp {
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub const fn unix_s(self) -> u64 {
        self.0 / 1_000_000
    }

    /// As much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }
}

// === impl Stamps ===

impl Stamps {
    /// A stamp later than every one given or observed before.
    pub fn now(&self) -> Stamp {
        let elapsed = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let clock = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX - 1);
        let next = |last: u64| clock.max(last.saturating_add(1));
        let last = self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(next(last)));
        Stamp(next(last.unwrap_or_default()))
    }

    /// Makes later stamps come after this one, which was kept from an earlier run or came from another node.
    pub fn observe(&self, stamp: Stamp) {
        self.last.fetch_max(stamp.0, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_only_grow_whatever_the_clock_says() {
        let stamps = Stamps::default();
        let given: Vec<Stamp> = (0..1000).map(|_| stamps.now()).collect();
        assert!(given.is_sorted_by(|a, b| a < b));
        let ahead = given[999].plus(Duration::from_hours(1));
        stamps.observe(ahead);
        stamps.observe(given[0]);
        let next = stamps.now();
        assert!(next > ahead, "{next:?} after {ahead:?}");
        assert_eq!(next.unix_s(), ahead.unix_s());
    }

    #[test]
    fn clones_are_one_source() {
        let stamps = Stamps::default();
        let first = stamps.clone().now();
        assert!(stamps.now() > first);
    }
}

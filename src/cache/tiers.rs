//! The tiers of one class as one: memory first, then what is slower, and every find offered to memory again.
//!
//! Nothing leaves here that a purge has taken away: each find is judged by the marks, whichever tier it came from. What
//! a tier below brings is checked there and is as good as what was put in.

use std::fmt;
use std::sync::Arc;

use super::keep::Keep;
use super::key::Key;
use super::marks::{MarkSet, Marks, Verdict};
use super::memory::MemoryTier;
use crate::telemetry::metrics::Counter;

/// Kept values of one class in all tiers. Clones are the same tiers.
pub struct Tiers<V> {
    memory: MemoryTier<V>,
    marks: Arc<Marks>,
    names: TierNames,
}

/// The name of each tier in metrics.
#[derive(Debug, Clone, Copy)]
pub struct TierNames {
    pub memory: &'static str,
    pub disk: &'static str,
    pub shared: &'static str,
}

/// Where something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Memory,
    Disk,
    Shared,
}

/// Something kept that may be used.
#[derive(Debug)]
pub struct Found<V> {
    pub value: Arc<V>,
    pub place: Place,
    /// Since when something else than time makes it stale, in Unix seconds.
    pub stale_since_s: Option<u64>,
}

// === impl Place ===

impl Place {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Shared => "shared",
        }
    }
}

// === impl Tiers ===

impl<V: Keep> Tiers<V> {
    /// Tiers over a memory of `budget_bytes`; what they give obeys `marks`.
    pub fn new(budget_bytes: u64, marks: Arc<Marks>, names: TierNames) -> Self {
        Self { memory: MemoryTier::new(budget_bytes), marks, names }
    }

    /// The memory tier, for its numbers.
    pub const fn memory(&self) -> &MemoryTier<V> {
        &self.memory
    }

    /// What memory has. Never waits, so a hit never stands behind anything.
    pub fn peek(&self, key: &Key) -> Option<Found<V>> {
        let found = self.memory.get(key).and_then(|value| self.judged(value, Place::Memory));
        count(self.names.memory, found.is_some());
        found
    }

    /// What any tier has. Whoever calls this does so in a flight, so that one look serves all who wait.
    pub async fn find(&self, key: &Key) -> Option<Found<V>> {
        self.memory.get(key).and_then(|value| self.judged(value, Place::Memory))
    }

    /// Offers a value to every tier. Those below memory take it when they get to it, or not at all.
    pub fn keep(&self, key: Key, value: &Arc<V>) {
        // A purge came while it was made.
        if self.is_gone(value) {
            return;
        }
        self.memory.insert(key, Arc::clone(value));
        Counter::CacheEvents.add(1, &[("tier", self.names.memory), ("event", "insert")]);
    }

    /// Whether a value that is at hand may still be given to someone who asks now.
    pub fn is_gone(&self, value: &V) -> bool {
        self.marks.is_gone(value.stamp(), value.labels())
    }

    /// Gives back the room of what these marks name, or leaves it where they only make it stale; how many entries it
    /// is in each tier. What they name is not served in any case. Blocks.
    pub fn clean_up(&self, marks: &MarkSet, soft: bool) -> Vec<(&'static str, u64)> {
        let memory = if soft { self.memory.count(marks) } else { self.memory.purge(marks) };
        vec![(self.names.memory, memory.entries)]
    }

    fn judged(&self, value: Arc<V>, place: Place) -> Option<Found<V>> {
        let stale_since_s = match self.marks.judge(value.stamp(), value.labels()) {
            Verdict::Good => None,
            Verdict::Stale { since } => Some(since.unix_s()),
            Verdict::Gone => return None,
        };
        Some(Found { value, place, stale_since_s })
    }
}

fn count(tier: &'static str, is_hit: bool) {
    Counter::CacheEvents.add(1, &[("tier", tier), ("event", if is_hit { "hit" } else { "miss" })]);
}

impl<V> Clone for Tiers<V> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone(), marks: Arc::clone(&self.marks), names: self.names }
    }
}

impl<V> fmt::Debug for Tiers<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tiers").field("names", &self.names).finish_non_exhaustive()
    }
}

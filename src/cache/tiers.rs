//! The tiers of one class as one: memory first, then what is slower, and every find offered to memory again.
//!
//! Nothing leaves here that a purge has taken away: each find is judged by the marks, whichever tier it came from. What
//! a tier below brings is checked there and is as good as what was put in.

use std::fmt;
use std::sync::Arc;

use super::disk::DiskTier;
use super::entry::Entry;
use super::keep::Keep;
use super::key::Key;
use super::marks::{MarkSet, Marks, Verdict};
use super::memory::MemoryTier;
use super::shared::SharedTier;
use crate::telemetry::metrics::Counter;

/// Kept values of one class in all tiers. Clones are the same tiers.
pub struct Tiers<V> {
    memory: MemoryTier<V>,
    disk: Option<DiskTier>,
    shared: Option<SharedTier>,
    marks: Arc<Marks>,
    names: TierNames,
}

/// The name of each tier in metrics.
#[derive(Debug, Clone, Copy)]
pub struct TierNames {
    pub memory: &'static str,
    pub disk: &'static str,
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
    /// Its name in `Cache-Status`.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Memory => "mem",
            Self::Disk => "disk",
            Self::Shared => "shared",
        }
    }
}

// === impl Tiers ===

impl<V: Keep> Tiers<V> {
    /// Tiers over a memory of `budget_bytes`; what they give obeys `marks`.
    pub fn new(budget_bytes: u64, marks: Arc<Marks>, names: TierNames) -> Self {
        Self { memory: MemoryTier::new(budget_bytes, names.memory), disk: None, shared: None, marks, names }
    }

    /// With a disk below the memory.
    #[must_use]
    pub fn with_disk(self, disk: Option<DiskTier>) -> Self {
        Self { disk, ..self }
    }

    /// With a bucket below everything.
    #[must_use]
    pub fn with_shared(self, shared: Option<SharedTier>) -> Self {
        Self { shared, ..self }
    }

    /// The memory tier, for its numbers.
    pub const fn memory(&self) -> &MemoryTier<V> {
        &self.memory
    }

    /// What memory has. Never waits, so a hit never stands behind anything.
    pub fn peek(&self, key: &Key) -> Option<Found<V>> {
        let found = self.look(key);
        count(self.names.memory, found.is_some());
        found
    }

    /// The same for one look of several at a request, which is counted by whoever knows how it ended.
    pub fn look(&self, key: &Key) -> Option<Found<V>> {
        let found = self.memory.get(key).and_then(|value| self.judged(value, Place::Memory));
        if found.is_some()
            && let Some(disk) = &self.disk
        {
            // What memory serves would otherwise look like something that nobody wants.
            disk.touch(key);
        }
        found
    }

    /// What any tier has. Below memory each call reads, so whoever can expect company calls this in a flight.
    pub async fn find(&self, key: &Key) -> Option<Found<V>> {
        if let Some(found) = self.memory.get(key).and_then(|value| self.judged(value, Place::Memory)) {
            return Some(found);
        }
        if let Some(disk) = &self.disk {
            let found = self.taken(disk.get(key).await, key, Place::Disk);
            count(self.names.disk, found.is_some());
            if found.is_some() {
                return found;
            }
        }
        let entry = self.shared.as_ref()?.get(key).await?;
        let found = self.taken(Some(entry.clone()), key, Place::Shared)?;
        if let Some(disk) = &self.disk {
            disk.put(entry);
        }
        Some(found)
    }

    /// Offers a value to every tier. Those below memory take it when they get to it, or not at all.
    pub fn keep(&self, key: Key, value: &Arc<V>) {
        // A purge came while it was made.
        if self.is_gone(value) {
            return;
        }
        self.memory.insert(key, Arc::clone(value));
        Counter::CacheEvents.add(1, &[("tier", self.names.memory), ("event", "insert")]);
        if self.disk.is_none() && self.shared.is_none() {
            return;
        }
        let entry = value.entry(key);
        if let Some(disk) = &self.disk {
            disk.put(entry.clone());
        }
        if let Some(shared) = &self.shared {
            shared.put(entry);
        }
    }

    /// Forgets the key, in memory and on disk. What other nodes can have is left to marks.
    pub fn remove(&self, key: &Key) {
        self.memory.remove(key);
        if let Some(disk) = &self.disk {
            disk.remove(key);
        }
    }

    /// Whether a value that is at hand may still be given to someone who asks now.
    pub fn is_gone(&self, value: &V) -> bool {
        self.marks.is_gone(value.stamp(), value.labels())
    }

    /// Gives back the memory of what these marks name, or leaves it where they only make it stale; how many entries it
    /// is. What they name is not served in any case. Blocks.
    pub fn clean_up(&self, marks: &MarkSet, soft: bool) -> (&'static str, u64) {
        let memory = if soft { self.memory.count(marks) } else { self.memory.purge(marks) };
        (self.names.memory, memory.entries)
    }

    /// An entry of a tier below, as a value that is in memory from now on.
    fn taken(&self, entry: Option<Entry>, key: &Key, place: Place) -> Option<Found<V>> {
        let entry = entry.filter(|entry| entry.class == V::CLASS)?;
        let found = self.judged(Arc::new(V::restore(entry)?), place)?;
        self.memory.insert(*key, Arc::clone(&found.value));
        Some(found)
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
        Self {
            memory: self.memory.clone(),
            disk: self.disk.clone(),
            shared: self.shared.clone(),
            marks: Arc::clone(&self.marks),
            names: self.names,
        }
    }
}

impl<V> Clone for Found<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), place: self.place, stale_since_s: self.stale_since_s }
    }
}

impl<V> fmt::Debug for Tiers<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tiers").field("names", &self.names).finish_non_exhaustive()
    }
}

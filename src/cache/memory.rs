//! The memory tier: what is asked for often stays, weighed by bytes, inside one budget.
//!
//! It enforces no freshness. What is asked for only once does not push out what is asked for daily (`TinyLFU`), so an
//! insertion into a full tier is an offer that may be declined.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::keep::Keep;
use super::key::Key;
use super::marks::MarkSet;
use super::weigh::Weigh;
use crate::telemetry::metrics::Counter;

/// Kept values by key, within a byte budget.
///
/// Upkeep is done by callers and by [`Self::run_pending`]. Between two upkeeps the tier may hold a few hundred
/// insertions more than its budget, so those who insert bound the bytes that they have in flight.
///
/// Clones are the same tier.
pub struct MemoryTier<V> {
    /// `None` = off.
    kept: Option<Cache<Key, Arc<V>>>,
    entry_bytes_max: u64,
    /// Held while a key is written; see [`Self::insert`].
    stripes: Arc<[Mutex<()>; STRIPES]>,
}

/// How much of what is kept a purge names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named {
    pub entries: u64,
    pub bytes: u64,
}

/// How many keys can be written at once; keys are spread evenly, so more would only cost memory.
const STRIPES: usize = 64;

// === impl MemoryTier ===

impl<V: Weigh + Send + Sync + 'static> MemoryTier<V> {
    /// A tier of `budget_bytes`; 0 = off, nothing is ever kept. `name` is that of the tier in metrics.
    pub fn new(budget_bytes: u64, name: &'static str) -> Self {
        // One weight has 32 bits. An entry that does not fit would be weighed too light, so it is not taken at all.
        let entry_bytes_max = budget_bytes.min(u64::from(u32::MAX));
        let kept = (budget_bytes > 0).then(|| {
            Cache::builder()
                .name("memory")
                .max_capacity(budget_bytes)
                .weigher(|_: &Key, value: &Arc<V>| u32::try_from(value.weight_bytes()).unwrap_or(u32::MAX))
                .eviction_policy(EvictionPolicy::tiny_lfu())
                // For want of room alone: what made room, and what was not let in because it is asked for too seldom.
                .eviction_listener(move |_, _, cause| {
                    if cause == RemovalCause::Size {
                        Counter::CacheEvents.add(1, &[("tier", name), ("event", "evict")]);
                    }
                })
                .build()
        });
        Self { kept, entry_bytes_max, stripes: Arc::new([const { Mutex::new(()) }; STRIPES]) }
    }

    /// The value kept under `key`, however old.
    pub fn get(&self, key: &Key) -> Option<Arc<V>> {
        self.kept.as_ref()?.get(key)
    }

    /// Offers a value. What was kept under the key before is gone in any case; a value that is heavier than the budget
    /// (or than 4 GiB) is not kept.
    pub fn insert(&self, key: Key, value: Arc<V>) {
        let Some(kept) = &self.kept else {
            return;
        };
        // Never over an entry that is there: moka 0.12.16 notes the new weight at once and settles it later, and an
        // entry that is removed in between takes off a weight that it never put on. Such errors add up until the tier
        // holds nothing, or more than its budget.
        let _writing = self.stripe(&key);
        kept.invalidate(&key);
        if value.weight_bytes() <= self.entry_bytes_max {
            kept.insert(key, value);
        }
    }

    /// Forgets the key; no later `get` sees the value.
    pub fn remove(&self, key: &Key) {
        if let Some(kept) = &self.kept {
            kept.invalidate(key);
        }
    }

    /// Bytes kept, as of the last upkeep.
    pub fn bytes(&self) -> u64 {
        self.kept.as_ref().map_or(0, Cache::weighted_size)
    }

    /// Entries kept, as of the last upkeep.
    pub fn len(&self) -> u64 {
        self.kept.as_ref().map_or(0, Cache::entry_count)
    }

    /// Whether nothing is kept, as of the last upkeep.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Does the upkeep that is due: evicts down to the budget and settles the counts. To be called every second.
    pub fn run_pending(&self) {
        if let Some(kept) = &self.kept {
            kept.run_pending_tasks();
        }
    }
}

impl<V: Keep> MemoryTier<V> {
    /// Forgets what these marks name. Looks at every entry, so it belongs on a thread that may take its time.
    pub fn purge(&self, marks: &MarkSet) -> Named {
        self.each_named(marks, |key| {
            // As in `insert`: an entry must not go while another one comes in its place.
            let _writing = self.stripe(key);
            // One that came meanwhile may be younger than the marks.
            if self.get(key).is_some_and(|value| marks.names(value.stamp(), value.labels())) {
                self.remove(key);
            }
        })
    }

    /// How much these marks name; it stays.
    pub fn count(&self, marks: &MarkSet) -> Named {
        self.each_named(marks, |_| {})
    }

    fn each_named(&self, marks: &MarkSet, act: impl Fn(&Key)) -> Named {
        let mut named = Named::default();
        for (key, value) in self.kept.iter().flatten() {
            if marks.names(value.stamp(), value.labels()) {
                act(&key);
                named.entries += 1;
                named.bytes += value.weight_bytes();
            }
        }
        named
    }
}

impl<V> MemoryTier<V> {
    fn stripe(&self, key: &Key) -> MutexGuard<'_, ()> {
        let stripe = &self.stripes[usize::from(key.as_bytes()[0]) % STRIPES];
        stripe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Clone for MemoryTier<V> {
    fn clone(&self) -> Self {
        Self { kept: self.kept.clone(), entry_bytes_max: self.entry_bytes_max, stripes: Arc::clone(&self.stripes) }
    }
}

impl<V> fmt::Debug for MemoryTier<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryTier").field("is_on", &self.kept.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

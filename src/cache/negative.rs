//! The small cache of failures: an origin that said no is not asked again at once.
//!
//! Exact and bounded: an entry lives for the time given with it, and when the table is full the entry that would end
//! first makes room.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::key::Key;

/// Errors by key, each with its own time to live.
pub struct Negative<E> {
    entries_max: usize,
    table: Mutex<Table<E>>,
}

struct Table<E> {
    by_key: HashMap<Key, Refusal<E>>,
    /// The same entries by their end; `until_s` first, so that the first of the set ends first.
    by_end: BTreeSet<(u64, Key)>,
}

struct Refusal<E> {
    error: E,
    since_s: u64,
    until_s: u64,
}

// === impl Negative ===

impl<E: Clone> Negative<E> {
    /// A table of at most `entries_max` errors; 0 = off.
    pub fn new(entries_max: usize) -> Self {
        Self { entries_max, table: Mutex::new(Table { by_key: HashMap::new(), by_end: BTreeSet::new() }) }
    }

    /// The error kept under `key`, unless its time is over. `now_s` in seconds since 1970; on a clock that went back
    /// behind the insertion the entry counts as over, because it could otherwise live for hours.
    pub fn get(&self, key: &Key, now_s: u64) -> Option<E> {
        let table = self.lock();
        let refusal = table.by_key.get(key)?;
        (refusal.since_s..refusal.until_s).contains(&now_s).then(|| refusal.error.clone())
    }

    /// Keeps an error for `ttl_s` seconds from `now_s`; 0 = not at all. An error kept under the key before is gone.
    pub fn insert(&self, key: Key, error: E, ttl_s: u64, now_s: u64) {
        let mut table = self.lock();
        table.remove(&key);
        if ttl_s == 0 || self.entries_max == 0 {
            return;
        }
        while table.is_first_over(now_s) || table.by_end.len() >= self.entries_max {
            table.remove_first();
        }
        let until_s = now_s.saturating_add(ttl_s);
        table.by_end.insert((until_s, key));
        table.by_key.insert(key, Refusal { error, since_s: now_s, until_s });
    }

    /// Forgets the key.
    pub fn purge(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// Forgets everything.
    pub fn purge_all(&self) {
        let mut table = self.lock();
        table.by_key.clear();
        table.by_end.clear();
    }

    /// How many errors are held, those whose time is over among them until they make room.
    pub fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Table<E>> {
        // Nothing in here panics between two changes; a poisoned table is a whole one.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> fmt::Debug for Negative<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Negative").field("entries_max", &self.entries_max).finish_non_exhaustive()
    }
}

// === impl Table ===

impl<E> Table<E> {
    fn remove(&mut self, key: &Key) {
        if let Some(refusal) = self.by_key.remove(key) {
            self.by_end.remove(&(refusal.until_s, *key));
        }
    }

    fn is_first_over(&self, now_s: u64) -> bool {
        self.by_end.first().is_some_and(|(until_s, _)| *until_s <= now_s)
    }

    fn remove_first(&mut self) {
        if let Some((_, key)) = self.by_end.pop_first() {
            self.by_key.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests;

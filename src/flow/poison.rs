//! Originals that bring down workers. One picture that did so is remembered as any other that failed; an original that
//! did it for two different pictures is not tried for any more, for a while: each try would cost a worker.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cache::Key;

/// Originals that brought down workers a moment ago.
#[derive(Debug, Default)]
pub(super) struct Poison {
    by_original: Mutex<HashMap<Key, Record>>,
}

#[derive(Debug)]
struct Record {
    pictures: HashSet<Key>,
    until_s: u64,
}

/// Different pictures of one original that bring down a worker before the original is refused.
const PICTURES_MAX: usize = 2;

/// Originals that are remembered; with more, those that are over make room, and then nothing is added: each costs a
/// worker, so that whoever fills this is slowed down by that already.
const ORIGINALS_MAX: usize = 4096;

// === impl Poison ===

impl Poison {
    /// A picture of this original brought down its worker; it is remembered for `keep`.
    pub(super) fn note(&self, original: Key, picture: Key, keep: Duration, now_s: u64) {
        let mut by_original = self.lock();
        if by_original.len() >= ORIGINALS_MAX {
            by_original.retain(|_, record| record.until_s > now_s);
        }
        if by_original.len() >= ORIGINALS_MAX && !by_original.contains_key(&original) {
            return;
        }
        let fresh = || Record { pictures: HashSet::new(), until_s: 0 };
        let record = by_original.entry(original).or_insert_with(fresh);
        if record.until_s <= now_s {
            record.pictures.clear();
        }
        // Those beyond say nothing new.
        if record.pictures.len() < PICTURES_MAX {
            record.pictures.insert(picture);
        }
        record.until_s = now_s.saturating_add(keep.as_secs());
    }

    /// Whether nothing is made of this original now.
    pub(super) fn is_refused(&self, original: &Key, now_s: u64) -> bool {
        let by_original = self.lock();
        by_original.get(original).is_some_and(|record| record.until_s > now_s && record.pictures.len() >= PICTURES_MAX)
    }

    /// Forgets all that was said of an original: it was purged.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// How many originals are refused now.
    pub(super) fn len(&self, now_s: u64) -> usize {
        let refused = |record: &&Record| record.until_s > now_s && record.pictures.len() >= PICTURES_MAX;
        self.lock().values().filter(refused).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Record>> {
        self.by_original.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_mins(1);

    fn key(name: &str) -> Key {
        Key::of("test", &[name.as_bytes()])
    }

    #[test]
    fn an_original_is_refused_after_two_pictures_and_for_a_while() {
        let poison = Poison::default();
        let original = key("original");
        for _ in 0..3 {
            poison.note(original, key("one"), KEEP, 100);
            assert!(!poison.is_refused(&original, 100), "one picture may be at fault");
        }
        poison.note(original, key("other"), KEEP, 110);
        assert!(poison.is_refused(&original, 169) && !poison.is_refused(&key("another"), 110));
        assert_eq!((poison.len(110), poison.len(170)), (1, 0));
        assert!(!poison.is_refused(&original, 170));
        poison.note(original, key("third"), KEEP, 200);
        assert!(!poison.is_refused(&original, 200), "what is over counts no more");
        poison.note(original, key("one"), KEEP, 200);
        poison.clear();
        assert!(!poison.is_refused(&original, 200));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let poison = Poison::default();
        for number in 0..2 * ORIGINALS_MAX {
            poison.note(key(&number.to_string()), key("a"), KEEP, 100);
        }
        assert_eq!(poison.lock().len(), ORIGINALS_MAX);
        poison.note(key("later"), key("a"), KEEP, 200);
        assert_eq!(poison.lock().len(), 1, "what is over makes room");
    }
}

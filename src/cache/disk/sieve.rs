//! Which entry goes when room is needed: S3-FIFO over bytes.
//!
//! What is new waits in a small queue. Asked for again it moves to the main one, otherwise it goes, and only a
//! fingerprint of it stays for a while; what comes back before that is forgotten enters the main queue at once. The
//! main queue is a clock: what was asked for since it last came round stays. So a scan of things asked for once passes
//! through a tenth of the budget and leaves the rest alone.
//!
//! The policy is written over [`Queues`], which here are in memory, for tests and benches, and in the tier are rows of
//! its index, so that order survives a restart.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;

pub use super::heat::Heat;
use crate::cache::Key;

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What is new.
    Small,
    /// What was asked for again.
    Main,
}

/// An entry in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    pub key: Key,
    /// What it takes up; never 0.
    pub bytes: u64,
}

/// The two queues of a class.
pub trait Queues {
    type Error;

    /// Bytes of all items in the queue.
    fn bytes(&self, lane: Lane) -> u64;

    /// Items in both queues.
    fn entries(&self) -> u64;

    /// The item that has been longest in the queue.
    fn oldest(&mut self, lane: Lane) -> Result<Option<Item>, Self::Error>;

    /// Moves an item to the end of a queue, its own or the other one.
    fn to_back(&mut self, item: &Item, lane: Lane) -> Result<(), Self::Error>;
}

/// What the policy remembers of a class: fingerprints of what went without having been asked for again, about as many
/// as there are entries.
#[derive(Debug, Default)]
pub struct Sieve {
    ghosts: HashSet<u32>,
    order: VecDeque<u32>,
    ghosts_max: usize,
}

/// Queues in memory.
#[derive(Debug, Default)]
pub struct MemoryQueues {
    lanes: [VecDeque<(Key, u64)>; 2],
    bytes: [u64; 2],
    /// Where each item is, its bytes, and the turn in which it was put there; older places are skipped.
    places: HashMap<Key, (Lane, u64, u64)>,
    turn: u64,
}

/// The share of the budget for what is new.
const SMALL_SHARE: u64 = 10;
/// The fewest and the most fingerprints; the most take up 5 MB of memory a class.
const GHOSTS_MIN: usize = 1 << 10;
const GHOSTS_MAX: usize = 1 << 19;
/// Hits that let an item out of the small queue into the main one.
const PROMOTED_FROM: u8 = 1;
/// Items moved for one that goes; after that the oldest goes whatever its hits, so that room is made in bounded time.
const MOVES_MAX: usize = 128;

// === impl Sieve ===

impl Sieve {
    /// The queue that a new item of so many bytes enters, `None` where it is not to be kept: what is larger than the
    /// small queue would pass everything else out through it, so it must fit into free room or come a second time.
    pub fn admit(&mut self, item: &Item, free_bytes: u64, budget_bytes: u64) -> Option<Lane> {
        if self.ghosts.remove(&fingerprint(&item.key)) {
            return Some(Lane::Main);
        }
        if item.bytes > budget_bytes / SMALL_SHARE && item.bytes > free_bytes {
            self.remember(&item.key);
            return None;
        }
        Some(Lane::Small)
    }

    /// The item to go next, still in its queue; `None` when both are empty.
    pub fn victim<Q: Queues>(
        &mut self,
        queues: &mut Q,
        heat: &Heat,
        budget_bytes: u64,
    ) -> Result<Option<Item>, Q::Error> {
        self.ghosts_max = usize::try_from(queues.entries()).unwrap_or(usize::MAX).clamp(GHOSTS_MIN, GHOSTS_MAX);
        for moves in 0.. {
            let small = queues.bytes(Lane::Small);
            let is_small_due = small >= budget_bytes / SMALL_SHARE || queues.bytes(Lane::Main) == 0;
            let lane = if is_small_due && small > 0 { Lane::Small } else { Lane::Main };
            let Some(item) = queues.oldest(lane)? else {
                return Ok(None);
            };
            let is_asked_for = match lane {
                Lane::Small => heat.of(&item.key) >= PROMOTED_FROM,
                Lane::Main => heat.cool(&item.key),
            };
            if is_asked_for && moves < MOVES_MAX {
                queues.to_back(&item, Lane::Main)?;
                continue;
            }
            if lane == Lane::Small {
                self.remember(&item.key);
            }
            heat.forget(&item.key);
            return Ok(Some(item));
        }
        Ok(None)
    }

    fn remember(&mut self, key: &Key) {
        let ghost = fingerprint(key);
        if !self.ghosts.insert(ghost) {
            return;
        }
        self.order.push_back(ghost);
        while self.order.len() > self.ghosts_max.max(GHOSTS_MIN) {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.ghosts.remove(&oldest);
        }
    }
}

fn fingerprint(key: &Key) -> u32 {
    let [a, b, c, d, ..] = *key.as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

// === impl MemoryQueues ===

impl MemoryQueues {
    pub fn contains(&self, key: &Key) -> bool {
        self.places.contains_key(key)
    }

    pub fn push(&mut self, item: &Item, lane: Lane) {
        self.remove(&item.key);
        self.turn += 1;
        self.lanes[lane as usize].push_back((item.key, self.turn));
        self.bytes[lane as usize] += item.bytes;
        self.places.insert(item.key, (lane, item.bytes, self.turn));
    }

    pub fn remove(&mut self, key: &Key) {
        if let Some((lane, bytes, _)) = self.places.remove(key) {
            self.bytes[lane as usize] -= bytes;
        }
    }
}

impl Queues for MemoryQueues {
    type Error = Infallible;

    fn bytes(&self, lane: Lane) -> u64 {
        self.bytes[lane as usize]
    }

    fn entries(&self) -> u64 {
        self.places.len() as u64
    }

    fn oldest(&mut self, lane: Lane) -> Result<Option<Item>, Infallible> {
        while let Some((key, turn)) = self.lanes[lane as usize].front() {
            match self.places.get(key) {
                Some((_, bytes, placed)) if placed == turn => return Ok(Some(Item { key: *key, bytes: *bytes })),
                _ => self.lanes[lane as usize].pop_front(),
            };
        }
        Ok(None)
    }

    fn to_back(&mut self, item: &Item, lane: Lane) -> Result<(), Infallible> {
        self.push(item, lane);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

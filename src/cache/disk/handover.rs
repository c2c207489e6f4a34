//! What is handed to the keeper and not done yet: a queue bounded by bytes, in which everything can already be found.
//!
//! A key waits at most once: what is handed over later for the same key takes the place of what waits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Purged;
use crate::cache::{Entry, Key, Selector, Stamp};
use crate::telemetry::clock;

/// The queue to the keeper.
#[derive(Debug)]
pub(super) struct Handover {
    bytes_max: u64,
    inner: Mutex<Inner>,
    bell: Condvar,
}

/// What the keeper is to do next.
#[derive(Debug)]
pub(super) enum Order {
    /// See [`Handover::wanted`].
    Settle(Key),
    /// A reader found the file of this key damaged.
    Inspect(Key),
    Purge(PurgeOrder),
    /// Answered when everything before it is in the index.
    Flush(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct PurgeOrder {
    pub(super) selector: Selector,
    pub(super) before: Stamp,
    pub(super) reply: oneshot::Sender<Purged>,
}

/// What is to become of a key.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Kept(Arc<Entry>),
    Gone,
}

/// The queue does not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Debug)]
struct Inner {
    orders: VecDeque<Order>,
    /// When the oldest order came.
    since: Option<Instant>,
    /// Orders that somebody waits for.
    urgent: usize,
    waiting: HashMap<Key, Waiting>,
    bytes: u64,
    turn: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    cost_bytes: u64,
    turn: u64,
    /// The keeper is at it: what comes now needs an order of its own.
    is_taken: bool,
}

/// The most orders that wait, whatever their bytes; a removal beyond that is dropped.
const ORDERS_MAX: usize = 65_536;
/// How many orders are done together at most, and for how long the keeper gathers them.
pub(super) const BATCH_ORDERS: usize = 512;
const GATHER: Duration = Duration::from_millis(100);

// === impl Handover ===

impl Handover {
    pub(super) fn new(bytes_max: u64) -> Self {
        let inner = Inner {
            orders: VecDeque::new(),
            since: None,
            urgent: 0,
            waiting: HashMap::new(),
            bytes: 0,
            turn: 0,
            is_closed: false,
        };
        Self { bytes_max, inner: Mutex::new(inner), bell: Condvar::new() }
    }

    /// Hands over an entry of so many bytes.
    pub(super) fn put(&self, entry: Entry, cost_bytes: u64) -> Result<(), Full> {
        let mut inner = self.lock();
        let key = entry.key;
        let replaced = inner.waiting.get(&key).map_or(0, |waiting| waiting.cost_bytes);
        if inner.bytes - replaced + cost_bytes > self.bytes_max {
            return Err(Full);
        }
        inner.want(key, Wanted::Kept(Arc::new(entry)), cost_bytes)?;
        self.ring(inner);
        Ok(())
    }

    /// Hands over that nothing is to be kept under the key.
    pub(super) fn remove(&self, key: &Key) -> Result<(), Full> {
        let mut inner = self.lock();
        inner.want(*key, Wanted::Gone, 0)?;
        self.ring(inner);
        Ok(())
    }

    pub(super) fn inspect(&self, key: &Key) -> Result<(), Full> {
        let mut inner = self.lock();
        inner.push(Order::Inspect(*key))?;
        self.ring(inner);
        Ok(())
    }

    /// Adds an order that its caller waits for; dropped, with its sender, when nobody will do it any more.
    pub(super) fn ask(&self, order: Order) {
        let mut inner = self.lock();
        if inner.push(order).is_ok() {
            inner.urgent += 1;
        }
        self.ring(inner);
    }

    /// What waits for the key, if anything does.
    pub(super) fn waiting(&self, key: &Key) -> Option<Wanted> {
        self.lock().waiting.get(key).map(|waiting| waiting.wanted.clone())
    }

    /// Takes back what waits and is named by a purge, the keeper not being at it; how many and their bytes.
    pub(super) fn take_back(&self, selector: &Selector, before: Stamp) -> Purged {
        let mut inner = self.lock();
        let is_named = |waiting: &Waiting| match &waiting.wanted {
            Wanted::Kept(entry) => !waiting.is_taken && entry.stamp < before && selector.names(&entry.labels),
            Wanted::Gone => false,
        };
        let mut purged = Purged { is_complete: true, ..Purged::default() };
        // A file of before may lie under the key, so the order stays and says that nothing is to be there.
        for waiting in inner.waiting.values_mut().filter(|waiting| is_named(waiting)) {
            purged.entries += 1;
            purged.bytes += waiting.cost_bytes;
            waiting.wanted = Wanted::Gone;
            waiting.cost_bytes = 0;
        }
        inner.bytes -= purged.bytes;
        purged
    }

    /// The next orders, when there are enough, they have waited long enough, somebody waits for them, or it is
    /// `until`; then there may be none.
    pub(super) fn wait(&self, until: Option<Instant>) -> Vec<Order> {
        let mut inner = self.lock();
        loop {
            let now = clock::instant().into_std();
            let gathered = inner.since.map(|since| since + GATHER);
            let due = [until, gathered].into_iter().flatten().min();
            if inner.is_pressing(self.bytes_max) || due.is_some_and(|due| due <= now) {
                return inner.take();
            }
            inner = match due {
                Some(due) => self.bell.wait_timeout(inner, due - now).unwrap_or_else(PoisonError::into_inner).0,
                None => self.bell.wait(inner).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// What is to become of the key now, with a number to give back when it is done.
    pub(super) fn wanted(&self, key: &Key) -> Option<(Wanted, u64)> {
        let mut inner = self.lock();
        let waiting = inner.waiting.get_mut(key)?;
        waiting.is_taken = true;
        Some((waiting.wanted.clone(), waiting.turn))
    }

    /// The key is as it was wanted at that turn, or never will be.
    pub(super) fn done(&self, key: &Key, turn: u64) {
        let mut inner = self.lock();
        if inner.waiting.get(key).is_some_and(|waiting| waiting.turn == turn)
            && let Some(waiting) = inner.waiting.remove(key)
        {
            inner.bytes -= waiting.cost_bytes;
        }
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        self.ring(inner);
    }

    /// Whether it is closed and empty.
    pub(super) fn is_over(&self) -> bool {
        let inner = self.lock();
        inner.is_closed && inner.orders.is_empty()
    }

    fn ring(&self, inner: MutexGuard<'_, Inner>) {
        drop(inner);
        self.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics between two changes; a poisoned queue is a whole one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    fn push(&mut self, order: Order) -> Result<(), Full> {
        if self.is_closed || self.orders.len() >= ORDERS_MAX {
            return Err(Full);
        }
        self.since.get_or_insert_with(|| clock::instant().into_std());
        self.orders.push_back(order);
        Ok(())
    }

    fn want(&mut self, key: Key, wanted: Wanted, cost_bytes: u64) -> Result<(), Full> {
        if self.waiting.get(&key).is_none_or(|waiting| waiting.is_taken) {
            self.push(Order::Settle(key))?;
        } else if self.is_closed {
            return Err(Full);
        }
        self.turn += 1;
        let waiting = Waiting { wanted, cost_bytes, turn: self.turn, is_taken: false };
        let replaced = self.waiting.insert(key, waiting).map_or(0, |waiting| waiting.cost_bytes);
        self.bytes = self.bytes - replaced + cost_bytes;
        Ok(())
    }

    fn is_pressing(&self, bytes_max: u64) -> bool {
        self.is_closed || self.urgent > 0 || self.orders.len() >= BATCH_ORDERS || self.bytes > bytes_max / 2
    }

    fn take(&mut self) -> Vec<Order> {
        let count = self.orders.len().min(BATCH_ORDERS);
        let orders: Vec<Order> = self.orders.drain(..count).collect();
        self.urgent -= orders.iter().filter(|order| matches!(order, Order::Purge(_) | Order::Flush(_))).count();
        if self.orders.is_empty() {
            self.since = None;
        }
        orders
    }
}

#[cfg(test)]
mod tests;

//! Work that nobody waits for: stale variants renewed while they are served, and pictures of an earlier pixel epoch
//! made anew, hottest first, while the engine has nothing else to do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::made::{Errand, Made, Purpose};
use super::{Failure, Flow, Variant};
use crate::cache::{Key, Ticket};

/// Variants of an earlier pixel epoch that were asked for.
#[derive(Debug, Default)]
pub(super) struct Outdated {
    by_key: Mutex<HashMap<Key, Wish>>,
    grown: Notify,
}

/// One of them.
#[derive(Debug)]
struct Wish {
    /// How often it was asked for.
    hits: u64,
    errand: Errand,
}

/// The most that are remembered; one that is asked for again later is noted again.
const OUTDATED_MAX: usize = 10_000;
/// How long to wait for an idle worker before looking again.
const IDLE_POLL: Duration = Duration::from_millis(50);

// === impl Flow ===

impl Flow {
    /// Boards the flight of a picture, or starts it.
    pub(super) fn join(self: &Arc<Self>, errand: &Errand, purpose: Purpose) -> Ticket<Made, Failure> {
        let (flow, flying) = (Arc::clone(self), errand.clone());
        // Who comes after a purge does not board what began before it.
        let purged = self.marks.last_hard(&errand.picture.labels);
        self.flights.join((errand.picture.key, purged), &self.tracker, move |cancelled| async move {
            flow.fly(&flying, purpose, cancelled).await
        })
    }

    /// Has a stale picture renewed while it is served: one flight, however many are served it.
    pub(super) fn renew_behind(self: &Arc<Self>, errand: &Errand) {
        // With all places taken the next request tries again; until then this one stays stale.
        let Ok(place) = Arc::clone(&self.behind).try_acquire_owned() else {
            return;
        };
        let mut ticket = self.join(errand, Purpose::Renewal);
        if ticket.is_leader() {
            self.tracker.spawn(async move {
                // A flight without tickets would be given up. How it ends is counted where it ends.
                let _ = ticket.wait().await;
                drop(place);
            });
        }
    }

    /// Notes that a variant with pixels of another epoch was served.
    pub(super) fn note_epoch(&self, errand: &Errand, variant: &Variant) {
        if variant.pixel_epoch != errand.rules.pixel_epoch && !variant.body.is_empty() {
            self.outdated.note(errand);
        }
    }

    /// Makes pictures of an earlier pixel epoch anew until it is stopped, one at a time, hottest first, and only while
    /// the engine has a worker to spare.
    pub async fn repaint(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.outdated.grown.notified() => {}
            }
            while !self.outdated.is_empty() {
                if self.has_idle_worker() {
                    if let Some(errand) = self.outdated.hottest() {
                        let _ = self.join(&errand, Purpose::Renewal).wait().await;
                    }
                } else {
                    tokio::time::sleep(IDLE_POLL).await;
                }
                if stop.is_cancelled() {
                    return;
                }
            }
        }
    }

    /// Variants of an earlier pixel epoch that wait to be made anew.
    pub(super) fn outdated(&self) -> usize {
        self.outdated.lock().len()
    }

    fn has_idle_worker(&self) -> bool {
        let pool = self.pool.state();
        pool.waiting == 0 && pool.busy < pool.workers
    }
}

// === impl Outdated ===

impl Outdated {
    fn note(&self, errand: &Errand) {
        let mut by_key = self.lock();
        if let Some(wish) = by_key.get_mut(&errand.picture.key) {
            wish.hits += 1;
        } else if by_key.len() < OUTDATED_MAX {
            by_key.insert(errand.picture.key, Wish { hits: 1, errand: errand.clone() });
        }
        drop(by_key);
        self.grown.notify_one();
    }

    /// Takes out what was asked for most often.
    fn hottest(&self) -> Option<Errand> {
        let mut by_key = self.lock();
        let key = by_key.iter().max_by_key(|(_, wish)| wish.hits).map(|(key, _)| *key)?;
        by_key.remove(&key).map(|wish| wish.errand)
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Wish>> {
        // Nothing in here panics between two changes; a poisoned table is a whole one.
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

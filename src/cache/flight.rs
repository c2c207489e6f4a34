//! Single flight: one computation however many ask for it at once.
//!
//! The work is a task of its own, so a client that hangs up neither ends it nor starts it again. Those who wait are
//! counted; when nobody has waited for a grace time, the work is told to stop.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::telemetry::metrics::Histogram;

/// The bounds of a table of flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlightLimits {
    /// What flies, for the metrics.
    pub kind: &'static str,
    /// The most flights that can be joined at once. Further work runs alone ([`Role::Alone`]).
    pub flights_max: usize,
    /// How long work goes on when nobody waits for it: a CDN that gives up often asks again at once.
    pub grace: Duration,
}

/// Flights in the air, by key. Clones are the same table.
///
/// `T` and `E` are handed to everyone who waits, so both are cheap to clone (an `Arc`, an enum of meanings).
pub struct Flights<K, T, E> {
    inner: Arc<Inner<K, T, E>>,
}

/// One who waits for a flight. Dropping it is leaving.
#[derive(Debug)]
pub struct Ticket<T, E> {
    flight: Arc<Flight<T, E>>,
    result: watch::Receiver<Option<Result<T, E>>>,
    role: Role,
}

/// How a ticket came to its flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It started the flight.
    Leader,
    /// It joined a flight that was in the air.
    Follower,
    /// The table was full: its work runs for itself, and nobody can join. Worth counting.
    Alone,
}

/// Why a flight brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlightError<E> {
    /// The work failed. All who waited get the same error; it is not kept for those who come later.
    #[error(transparent)]
    Failed(E),
    /// The work ended without a result: it panicked, or the runtime went down.
    #[error("work ended without a result")]
    Lost,
}

struct Inner<K, T, E> {
    limits: FlightLimits,
    in_air: Mutex<HashMap<K, Arc<Flight<T, E>>>>,
}

/// What the tickets of a flight share.
struct Flight<T, E> {
    /// Grows only while the table is locked, so that no one boards a flight that is being given up.
    waiters: AtomicUsize,
    /// Everyone who ever boarded.
    boarded: AtomicU32,
    /// Rung each time the last waiter leaves.
    emptied: Notify,
    result: watch::Receiver<Option<Result<T, E>>>,
}

/// The flight as its task sees it. Dropping it, also by a panic, takes the flight off the table before the channel
/// closes and the waiters are told.
struct Pilot<K: Eq + Hash, T, E> {
    key: K,
    inner: Arc<Inner<K, T, E>>,
    flight: Arc<Flight<T, E>>,
    result: watch::Sender<Option<Result<T, E>>>,
}

// === impl FlightLimits ===

impl FlightLimits {
    /// Usual bounds for flights of this kind.
    pub const fn of(kind: &'static str) -> Self {
        Self { kind, flights_max: 10_000, grace: Duration::from_millis(250) }
    }
}

// === impl Flights ===

impl<K, T, E> Flights<K, T, E>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    pub fn new(limits: FlightLimits) -> Self {
        Self { inner: Arc::new(Inner { limits, in_air: Mutex::new(HashMap::new()) }) }
    }

    /// Joins the flight of `key`, or starts one: `make` is called and its future run in a task of `tracker`, inside a
    /// Tokio runtime.
    ///
    /// `make` keeps two promises, so that nothing is computed twice:
    /// - it begins with another look into the tier, because the flight before may have landed between the caller's
    ///   look and this call;
    /// - it inserts its result into the tier before it returns, because the flight leaves the table right after.
    ///
    /// The token fires when nobody has waited for the grace time. By then the flight has left the table, and `make`
    /// should end soon; it is not killed.
    pub fn join<F, Fut>(&self, key: K, tracker: &TaskTracker, make: F) -> Ticket<T, E>
    where
        F: FnOnce(CancellationToken) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let (flight, result, role) = {
            let mut in_air = self.inner.lock();
            let is_full = in_air.len() >= self.inner.limits.flights_max;
            match in_air.entry(key.clone()) {
                Slot::Occupied(slot) => {
                    let flight = slot.get();
                    flight.waiters.fetch_add(1, Ordering::Relaxed);
                    flight.boarded.fetch_add(1, Ordering::Relaxed);
                    return Ticket::new(Arc::clone(flight), Role::Follower);
                }
                Slot::Vacant(_) if is_full => {
                    let (flight, result) = Flight::new();
                    (flight, result, Role::Alone)
                }
                Slot::Vacant(slot) => {
                    let (flight, result) = Flight::new();
                    slot.insert(Arc::clone(&flight));
                    (flight, result, Role::Leader)
                }
            }
        };
        let pilot = Pilot { key, inner: Arc::clone(&self.inner), flight: Arc::clone(&flight), result };
        let ticket = Ticket::new(flight, role);
        tracker.spawn(pilot.fly(make));
        ticket
    }

    /// How many flights can be joined now.
    pub fn len(&self) -> usize {
        self.inner.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K, T, E> Clone for Flights<K, T, E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, T, E> fmt::Debug for Flights<K, T, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Flights").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

// === impl Ticket ===

impl<T: Clone, E: Clone> Ticket<T, E> {
    /// For a flight that has counted this waiter already.
    fn new(flight: Arc<Flight<T, E>>, role: Role) -> Self {
        let result = flight.result.clone();
        Self { flight, result, role }
    }

    /// Waits for the result. It may be given up and taken up again while the ticket is held, and asked for twice.
    ///
    /// # Errors
    /// The error of the work, or [`FlightError::Lost`].
    pub async fn wait(&mut self) -> Result<T, FlightError<E>> {
        let landed = self.result.wait_for(Option::is_some).await;
        match landed.as_deref() {
            Ok(Some(Ok(value))) => Ok(value.clone()),
            Ok(Some(Err(error))) => Err(FlightError::Failed(error.clone())),
            Ok(None) | Err(_) => Err(FlightError::Lost),
        }
    }
}

impl<T, E> Ticket<T, E> {
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether the work was started by this ticket's `join`; `false` = collapsed into another one's.
    pub fn is_leader(&self) -> bool {
        self.role != Role::Follower
    }
}

impl<T, E> Drop for Ticket<T, E> {
    fn drop(&mut self) {
        // Not under the table's lock: a thousand waiters of one flight leave at once.
        if self.flight.waiters.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.flight.emptied.notify_one();
        }
    }
}

// === impl Inner ===

impl<K, T, E> Inner<K, T, E> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Flight<T, E>>>> {
        // Nothing in here panics between two changes; a poisoned table is a whole one.
        self.in_air.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Flight ===

impl<T, E> Flight<T, E> {
    /// A flight with one waiter.
    fn new() -> (Arc<Self>, watch::Sender<Option<Result<T, E>>>) {
        let (sender, result) = watch::channel(None);
        (
            Arc::new(Self { waiters: AtomicUsize::new(1), boarded: AtomicU32::new(1), emptied: Notify::new(), result }),
            sender,
        )
    }
}

impl<T, E> fmt::Debug for Flight<T, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Flight").field("waiters", &self.waiters).finish_non_exhaustive()
    }
}

// === impl Pilot ===

impl<K: Eq + Hash, T, E> Pilot<K, T, E> {
    /// Does the work, watches whether anyone waits, and tells everyone the result.
    async fn fly<F, Fut>(self, make: F)
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let token = CancellationToken::new();
        let result = {
            let mut work = std::pin::pin!(make(token.clone()));
            tokio::select! {
                biased;
                result = &mut work => result,
                () = self.abandoned() => {
                    token.cancel();
                    work.await
                }
            }
        };
        // Off the table first: whoever comes now looks into the tier again instead of getting an error that is over.
        self.take_off_table(&mut self.inner.lock());
        Histogram::FlightWidth.count(self.flight.boarded.load(Ordering::Relaxed), &[("kind", self.inner.limits.kind)]);
        self.result.send_replace(Some(result));
    }

    /// Ends when nobody has waited for the grace time; the flight is off the table then.
    async fn abandoned(&self) {
        self.flight.emptied.notified().await;
        loop {
            tokio::select! {
                // Somebody came and left again: the grace starts anew.
                () = self.flight.emptied.notified() => {}
                () = tokio::time::sleep(self.inner.limits.grace) => {
                    if self.give_up() {
                        return;
                    }
                    self.flight.emptied.notified().await;
                }
            }
        }
    }

    /// Takes the flight off the table if nobody waits for it.
    fn give_up(&self) -> bool {
        let mut in_air = self.inner.lock();
        let is_empty = self.flight.waiters.load(Ordering::Acquire) == 0;
        if is_empty {
            self.take_off_table(&mut in_air);
        }
        is_empty
    }

    /// Does nothing when another flight of the same key is there already, or this one never was.
    fn take_off_table(&self, in_air: &mut HashMap<K, Arc<Flight<T, E>>>) {
        if in_air.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            in_air.remove(&self.key);
        }
    }
}

impl<K: Eq + Hash, T, E> Drop for Pilot<K, T, E> {
    fn drop(&mut self) {
        self.take_off_table(&mut self.inner.lock());
    }
}

#[cfg(test)]
mod tests;

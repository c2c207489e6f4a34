//! How many requests wait for an original or a picture, in all and of each client.
//!
//! Hits never come here. What is held is bounded by what is under way: a client is known only while a request of it
//! waits, so that a million addresses cost no more than the requests that they have open.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Failure, counted};

/// Requests that wait, and how many may.
#[derive(Debug)]
pub(super) struct Misses {
    max: usize,
    /// 0 for any number.
    client_max: usize,
    waiting: AtomicUsize,
    by_client: Mutex<HashMap<Network, usize>>,
}

/// The right to wait; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat(Arc<Misses>);

/// A client's right to have one more request waiting; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<(Arc<Misses>, Network)>);

/// Whose requests count together: an IPv4 address, or the 64 bits of IPv6 that name a subscriber's network
/// (RFC 6177), since anyone may use as many addresses below them as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Network(IpAddr);

/// Bits of an IPv6 address that one subscriber has for itself.
const HOST_BITS: u32 = 64;

// === impl Misses ===

impl Misses {
    /// `client_misses_max` of 0 is any number.
    pub(super) fn new(misses_max: usize, client_misses_max: usize) -> Self {
        Self {
            max: misses_max,
            client_max: client_misses_max,
            waiting: AtomicUsize::new(0),
            by_client: Mutex::default(),
        }
    }

    /// A place among all that wait; `None` where there is none left.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let is_free = |waiting: usize| (waiting < self.max).then_some(waiting + 1);
        let taken = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_free);
        taken.is_ok().then(|| Seat(Arc::clone(self)))
    }

    /// A place among those of one client; `None` where it has as many as it may. A client that nobody can name has no
    /// cap of its own.
    pub(super) fn turn(self: &Arc<Self>, client: Option<IpAddr>) -> Option<Turn> {
        let Some(network) = client.map(Network::of).filter(|_| self.client_max > 0) else {
            return Some(Turn(None));
        };
        let mut by_client = self.clients();
        let waiting = by_client.entry(network).or_default();
        if *waiting >= self.client_max {
            return None;
        }
        *waiting += 1;
        Some(Turn(Some((Arc::clone(self), network))))
    }

    /// Both at once.
    ///
    /// # Errors
    /// One of them is not to be had.
    pub(super) fn both(self: &Arc<Self>, client: Option<IpAddr>) -> Result<(Seat, Turn), Failure> {
        let seat = self.seat().ok_or_else(|| Failure::misses_full(self.max));
        let seat = seat.inspect_err(|_| counted::shed("misses_full"))?;
        let turn = self.turn(client).ok_or_else(|| self.client_full());
        Ok((seat, turn.inspect_err(|_| counted::shed("client_full"))?))
    }

    /// What a client is told that has as many requests waiting as it may.
    pub(super) fn client_full(&self) -> Failure {
        Failure::client_full(self.client_max)
    }

    /// Requests that wait now.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// What all may have waiting.
    pub(super) const fn misses_max(&self) -> usize {
        self.max
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        // Nothing in here panics between two changes; a poisoned table is a whole one.
        self.by_client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seat ===

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Turn ===

impl Drop for Turn {
    fn drop(&mut self) {
        let Some((misses, network)) = self.0.take() else { return };
        let mut by_client = misses.clients();
        if let Some(waiting) = by_client.get_mut(&network) {
            *waiting -= 1;
            if *waiting == 0 {
                by_client.remove(&network);
            }
        }
        // A flood leaves a table of its size behind, which nobody needs any more.
        if by_client.is_empty() {
            by_client.shrink_to_fit();
        }
    }
}

// === impl Network ===

impl Network {
    fn of(client: IpAddr) -> Self {
        Self(match client.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS)),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(misses: &Arc<Misses>, client: &str) -> Option<Turn> {
        misses.turn(Some(client.parse().expect("an address")))
    }

    #[test]
    fn seats_are_given_back() {
        let misses = Arc::new(Misses::new(2, 0));
        let (first, second) = (misses.seat(), misses.seat());
        assert!(first.is_some() && second.is_some() && misses.seat().is_none());
        drop(first);
        assert!(misses.seat().is_some());
        drop(second);
        assert_eq!(misses.waiting(), 0);
    }

    #[test]
    fn a_client_has_its_own_cap_and_is_forgotten_after() {
        let misses = Arc::new(Misses::new(9, 2));
        let turns: Vec<_> = (0..3).map(|_| turn(&misses, "192.0.2.1")).collect();
        assert_eq!(turns.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
        let other = turn(&misses, "192.0.2.2");
        assert!(other.is_some());
        assert_eq!(misses.clients().len(), 2);
        drop((turns, other));
        assert_eq!(misses.clients().capacity(), 0);
    }

    #[test]
    fn one_network_is_one_client_however_its_address_is_written() {
        for (first, second, is_same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let misses = Arc::new(Misses::new(9, 1));
            let held = turn(&misses, first);
            assert_eq!(turn(&misses, second).is_none(), is_same, "{first} {second}");
            drop(held);
        }
    }

    #[test]
    fn who_cannot_be_named_and_who_is_not_capped_leave_no_trace() {
        let misses = Arc::new(Misses::new(9, 1));
        let turns: Vec<_> = (0..5).map(|_| misses.turn(None)).collect();
        assert!(turns.iter().all(Option::is_some));
        let uncapped = Arc::new(Misses::new(9, 0));
        let turns: Vec<_> = (0..5).map(|_| turn(&uncapped, "192.0.2.1")).collect();
        assert!(turns.iter().all(Option::is_some));
        assert!(misses.clients().is_empty() && uncapped.clients().is_empty());
    }
}

//! What a connection is doing, and until when it may do it. Contract: pure bookkeeping over instants that are handed
//! in; the socket wrapper and the exchanges report, the connection's task asks for the next deadline.
//!
//! hyper times the head of a request and nothing else: an idle connection, an answer that nobody reads and a stream
//! that never ends would each stay for ever. Every connection is always in exactly one of the states of [`Due`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::spec::ListenerSpec;
use crate::telemetry::clock;

/// What the next deadline is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A request head has begun and is not complete.
    Head,
    /// A request is being answered, or its answer has not left yet.
    Exchange,
    /// Nothing is asked.
    Idle,
}

/// The version of HTTP that a connection speaks; found before hyper sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// The state of one connection, shared by its socket, its exchanges and its task.
#[derive(Debug)]
pub struct Pulse {
    protocol: Protocol,
    header_timeout: Duration,
    keep_alive_timeout: Duration,
    exchange_timeout: Duration,
    state: Mutex<State>,
}

/// One request in progress; ends when dropped.
#[derive(Debug)]
pub struct Exchange {
    pulse: Arc<Pulse>,
    number: u64,
}

#[derive(Debug)]
struct State {
    head_since: Option<Instant>,
    idle_since: Instant,
    /// Bytes were written and the kernel has not taken all of them.
    unsent_since: Option<Instant>,
    /// Numbers and beginnings of the requests in progress, the oldest first. At most one on HTTP/1.1 and as many as
    /// there may be streams on HTTP/2.
    exchanges: VecDeque<(u64, Instant)>,
    next_number: u64,
}

// === impl Pulse ===

impl Pulse {
    /// A connection on which the first bytes have just been seen; `since` is when it was accepted.
    pub fn new(protocol: Protocol, spec: &ListenerSpec, since: Instant) -> Self {
        // Frames of HTTP/2 come at any time and say nothing about a request being on its way; hyper and its own limits
        // on header blocks watch them.
        let head_since = (protocol == Protocol::Http1).then_some(since);
        Self {
            protocol,
            header_timeout: spec.header_timeout,
            keep_alive_timeout: spec.keep_alive_timeout,
            exchange_timeout: spec.exchange_timeout,
            state: Mutex::new(State {
                head_since,
                idle_since: since,
                unsent_since: None,
                exchanges: VecDeque::new(),
                next_number: 0,
            }),
        }
    }

    /// What is due next, and when.
    pub fn deadline(&self) -> (Due, Instant) {
        let state = self.lock();
        let exchange_since = state.exchanges.front().map(|(_, since)| *since).or(state.unsent_since);
        match (exchange_since, state.head_since) {
            (Some(since), _) => (Due::Exchange, since + self.exchange_timeout),
            (None, Some(since)) => (Due::Head, since + self.header_timeout),
            (None, None) => (Due::Idle, state.idle_since + self.keep_alive_timeout),
        }
    }

    /// A request's head is complete.
    pub fn begin(self: &Arc<Self>) -> Exchange {
        let mut state = self.lock();
        let number = state.next_number;
        state.next_number += 1;
        state.head_since = None;
        state.exchanges.push_back((number, clock::instant()));
        Exchange { pulse: Arc::clone(self), number }
    }

    /// Bytes have come from the peer.
    pub fn received(&self) {
        let mut state = self.lock();
        if self.protocol == Protocol::Http1 && state.exchanges.is_empty() && state.head_since.is_none() {
            state.head_since = Some(clock::instant());
        }
    }

    /// Bytes are about to be written.
    pub fn sending(&self) {
        let mut state = self.lock();
        if state.unsent_since.is_none() {
            state.unsent_since = Some(clock::instant());
        }
    }

    /// The kernel has taken all bytes that were written.
    pub fn sent(&self) {
        let mut state = self.lock();
        // HTTP/2 also writes signs of life, which must not keep an idle connection young.
        if state.unsent_since.take().is_some() && self.protocol == Protocol::Http1 {
            state.idle_since = clock::instant();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so that a poisoned state is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Exchange ===

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.pulse.lock();
        state.exchanges.retain(|(number, _)| *number != self.number);
        state.idle_since = clock::instant();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::fixtures::listener_spec;

    fn pulse(protocol: Protocol) -> Arc<Pulse> {
        Arc::new(Pulse::new(protocol, &listener_spec(), clock::instant()))
    }

    /// Does something and checks that the deadline it leads to counts from now.
    fn leads_to<T>(pulse: &Pulse, due: Due, timeout: Duration, act: impl FnOnce() -> T) -> T {
        let before = clock::instant();
        let result = act();
        let (found, at) = pulse.deadline();
        assert_eq!(found, due);
        assert!((before + timeout..=clock::instant() + timeout).contains(&at));
        result
    }

    #[test]
    fn a_request_goes_from_head_to_exchange_to_idle() {
        let (spec, pulse) = (listener_spec(), pulse(Protocol::Http1));
        assert_eq!(pulse.deadline().0, Due::Head, "the first head is awaited from the start");
        let exchange = leads_to(&pulse, Due::Exchange, spec.exchange_timeout, || pulse.begin());
        leads_to(&pulse, Due::Idle, spec.keep_alive_timeout, || drop(exchange));
        leads_to(&pulse, Due::Head, spec.header_timeout, || pulse.received());
        let head = pulse.deadline();
        pulse.received();
        assert_eq!(pulse.deadline(), head, "further bytes do not extend it");
    }

    #[test]
    fn an_answer_that_nobody_reads_is_not_idle() {
        let (spec, pulse) = (listener_spec(), pulse(Protocol::Http1));
        let exchange = pulse.begin();
        pulse.sending();
        drop(exchange);
        let sending = pulse.deadline();
        assert_eq!(sending.0, Due::Exchange);
        pulse.sending();
        assert_eq!(pulse.deadline(), sending, "a trickle does not extend it");
        leads_to(&pulse, Due::Idle, spec.keep_alive_timeout, || pulse.sent());
    }

    #[test]
    fn the_oldest_of_many_exchanges_counts() {
        let (spec, pulse) = (listener_spec(), pulse(Protocol::Http2));
        let first = leads_to(&pulse, Due::Exchange, spec.exchange_timeout, || pulse.begin());
        let of_first = pulse.deadline();
        let second = pulse.begin();
        assert_eq!(pulse.deadline(), of_first);
        drop(first);
        assert!(pulse.deadline().0 == Due::Exchange && pulse.deadline().1 > of_first.1);
        leads_to(&pulse, Due::Idle, spec.keep_alive_timeout, || drop(second));
    }

    #[test]
    fn signs_of_life_are_no_use_of_a_connection() {
        let pulse = pulse(Protocol::Http2);
        let idle = pulse.deadline();
        assert_eq!(idle.0, Due::Idle);
        pulse.received();
        pulse.sending();
        pulse.sent();
        assert_eq!(pulse.deadline(), idle);
    }
}

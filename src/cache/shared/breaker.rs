//! Leaves a bucket that fails alone for a while. Contract: after some failures in a row nothing is admitted for a time;
//! then one at a time tries, and a success admits all again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::counted;
use crate::telemetry::clock;

/// Lets through what may be tried.
#[derive(Debug)]
pub(super) struct Breaker {
    /// The call that it stands before.
    call: &'static str,
    state: Mutex<State>,
}

/// Leave to try once. Dropped without a verdict it changes nothing.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
    is_judged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// Failures in a row until nothing is admitted.
pub(super) const FAILURES_MAX: u32 = 5;
/// How long nothing is admitted, and how long after a failed probe until the next.
pub(super) const OPEN_FOR: Duration = Duration::from_secs(5);

// === impl Breaker ===

impl Breaker {
    pub const fn new(call: &'static str) -> Self {
        Self { call, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Leave to try, unless it is to be left alone.
    pub fn admit(&self) -> Option<Pass<'_>> {
        let mut state = self.lock();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if clock::instant() >= until => {
                *state = State::Probing;
                true
            }
            State::Open { .. } | State::Probing => return None,
        };
        Some(Pass { breaker: self, is_probe, is_judged: false })
    }

    /// Whether nothing is admitted, or only probes.
    pub fn is_open(&self) -> bool {
        !matches!(*self.lock(), State::Closed { .. })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between two changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Pass ===

impl Pass<'_> {
    /// It went well.
    pub fn succeeded(mut self) {
        self.is_judged = true;
        let mut state = self.breaker.lock();
        match *state {
            State::Closed { .. } => *state = State::Closed { failures: 0 },
            State::Probing if self.is_probe => {
                *state = State::Closed { failures: 0 };
                counted::breaker(self.breaker.call, false);
                tracing::info!(call = self.breaker.call, "shared bucket works again");
            }
            // One of before, which says nothing about now.
            State::Open { .. } | State::Probing => {}
        }
    }

    /// It failed.
    pub fn failed(mut self) {
        self.is_judged = true;
        let until = clock::instant() + OPEN_FOR;
        let mut state = self.breaker.lock();
        match *state {
            State::Closed { failures } if failures + 1 < FAILURES_MAX => {
                *state = State::Closed { failures: failures + 1 };
            }
            State::Closed { .. } => {
                *state = State::Open { until };
                counted::breaker(self.breaker.call, true);
                tracing::warn!(call = self.breaker.call, "shared bucket fails, it is left alone for a while");
            }
            State::Probing if self.is_probe => *state = State::Open { until },
            State::Open { .. } | State::Probing => {}
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe && !self.is_judged {
            *self.breaker.lock() = State::Open { until: clock::instant() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.admit().expect("closed").failed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let breaker = Breaker::new("get");
        fail(&breaker, FAILURES_MAX - 1);
        breaker.admit().expect("closed").succeeded();
        fail(&breaker, FAILURES_MAX - 1);
        assert!(!breaker.is_open());
        fail(&breaker, 1);
        assert!(breaker.is_open() && breaker.admit().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_at_a_time_decides() {
        let breaker = Breaker::new("get");
        let late = breaker.admit().expect("closed");
        fail(&breaker, FAILURES_MAX);
        late.succeeded();
        tokio::time::advance(OPEN_FOR.checked_sub(Duration::from_millis(1)).expect("longer")).await;
        assert!(breaker.admit().is_none());
        tokio::time::advance(Duration::from_millis(1)).await;
        let probe = breaker.admit().expect("its time is over");
        assert!(breaker.admit().is_none(), "one probe at a time");
        probe.failed();
        assert!(breaker.admit().is_none());
        tokio::time::advance(OPEN_FOR).await;
        drop(breaker.admit().expect("its time is over"));
        breaker.admit().expect("a probe that was given up leaves the way to the next").succeeded();
        assert!(!breaker.is_open());
    }
}

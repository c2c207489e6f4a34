//! Whether this process wants requests, and since when it runs.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::clock;

/// Where a process is in its life; it only ever goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not everything is there yet.
    Starting,
    /// Requests are welcome.
    Ready,
    /// Requests are answered, but should go elsewhere: the process is about to end.
    Draining,
}

/// The health of a process, shared by whoever changes it and whoever asks.
#[derive(Debug)]
pub struct Health {
    phase: AtomicU8,
    started: Instant,
    started_unix_s: u64,
}

// === impl Phase ===

impl Phase {
    const ALL: [Self; 3] = [Self::Starting, Self::Ready, Self::Draining];

    /// Its name in answers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

// === impl Health ===

impl Health {
    /// A process that starts now.
    pub fn starting() -> Self {
        let phase = AtomicU8::new(Phase::Starting as u8);
        Self { phase, started: clock::instant(), started_unix_s: clock::now_unix_s() }
    }

    /// Everything is there. Without effect on a process that drains already.
    pub fn set_ready(&self) {
        self.phase.fetch_max(Phase::Ready as u8, Ordering::Relaxed);
    }

    /// The end has begun.
    pub fn set_draining(&self) {
        self.phase.fetch_max(Phase::Draining as u8, Ordering::Relaxed);
    }

    /// Where the process is.
    pub fn phase(&self) -> Phase {
        let number = self.phase.load(Ordering::Relaxed);
        Phase::ALL.into_iter().find(|phase| *phase as u8 == number).unwrap_or(Phase::Starting)
    }

    /// Whether requests are welcome.
    pub fn is_ready(&self) -> bool {
        self.phase() == Phase::Ready
    }

    /// How long it has been running.
    pub fn uptime(&self) -> Duration {
        clock::instant().duration_since(self.started)
    }

    /// When it started, in seconds since 1970.
    pub fn started_unix_s(&self) -> u64 {
        self.started_unix_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_goes_from_start_to_end_and_never_back() {
        let health = Health::starting();
        assert_eq!((health.phase(), health.is_ready(), health.uptime()), (Phase::Starting, false, Duration::ZERO));
        health.set_ready();
        assert_eq!((health.phase(), health.is_ready()), (Phase::Ready, true));
        health.set_draining();
        health.set_ready();
        assert_eq!((health.phase(), health.is_ready()), (Phase::Draining, false));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(health.uptime(), Duration::from_secs(90));
        assert!(health.started_unix_s() > 1_700_000_000);
    }

    #[test]
    fn a_process_can_drain_before_it_was_ready() {
        let health = Health::starting();
        health.set_draining();
        assert_eq!(health.phase().name(), "draining");
    }
}

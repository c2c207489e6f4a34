//! Whether this server wants requests: not before it has started, and not while it drains. Contract: goes forward only,
//! from starting to ready to draining.

use std::sync::atomic::{AtomicU8, Ordering};

/// Shared by the listeners and whoever starts and ends the server.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

const READY: u8 = 1;
const DRAINING: u8 = 2;

// === impl Readiness ===

impl Readiness {
    /// Everything is there to answer requests. Without effect once the drain has begun.
    pub fn set_ready(&self) {
        self.0.fetch_max(READY, Ordering::Relaxed);
    }

    /// No further requests are wanted; those that come are answered all the same.
    pub fn set_draining(&self) {
        self.0.fetch_max(DRAINING, Ordering::Relaxed);
    }

    /// Why requests should go elsewhere; `None` when they are welcome.
    pub fn refusal(&self) -> Option<&'static str> {
        match self.0.load(Ordering::Relaxed) {
            READY => None,
            DRAINING => Some("the server is going down"),
            _ => Some("the server is starting"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_goes_forward_only() {
        let readiness = Readiness::default();
        assert_eq!(readiness.refusal(), Some("the server is starting"));
        readiness.set_ready();
        assert_eq!(readiness.refusal(), None);
        readiness.set_draining();
        readiness.set_ready();
        assert_eq!(readiness.refusal(), Some("the server is going down"));
    }
}

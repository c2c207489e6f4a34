//! The time a fetch has: a limit for each phase, and one for the whole that no phase can outlast.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::error::{OriginError, Phase};
use crate::telemetry::clock;

/// When a fetch must have ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    end: Instant,
    total_ms: u64,
}

// === impl Deadline ===

impl Deadline {
    /// A fetch that starts now.
    pub(super) fn start(total_ms: u64) -> Self {
        Self { end: clock::instant() + Duration::from_millis(total_ms), total_ms }
    }

    /// Awaits one phase, for its own limit or what is left of the whole, whichever is shorter.
    pub(super) async fn within<F: Future>(
        &self,
        phase: Phase,
        limit_ms: u64,
        future: F,
    ) -> Result<F::Output, OriginError> {
        let phase_end = clock::instant() + Duration::from_millis(limit_ms);
        let at = phase_end.min(self.end);
        timeout_at(at, future).await.map_err(|_| {
            if at == self.end {
                OriginError::Timeout { phase: Phase::Total, after_ms: self.total_ms }
            } else {
                OriginError::Timeout { phase, after_ms: limit_ms }
            }
        })
    }

    /// Awaits something that has no limit but that of the whole.
    pub(super) async fn total<F: Future>(&self, future: F) -> Result<F::Output, OriginError> {
        self.within(Phase::Total, self.total_ms, future).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_shorter_limit_names_the_phase() {
        let deadline = Deadline::start(30);
        let never = std::future::pending::<()>;
        let error = deadline.within(Phase::FirstByte, 10, never()).await.expect_err("pending");
        assert!(matches!(error, OriginError::Timeout { phase: Phase::FirstByte, after_ms: 10 }), "{error:?}");
        let error = deadline.within(Phase::Read, 25, never()).await.expect_err("20 ms are left");
        assert!(matches!(error, OriginError::Timeout { phase: Phase::Total, after_ms: 30 }), "{error:?}");
    }
}

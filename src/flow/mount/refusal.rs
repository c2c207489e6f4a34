//! Why a mount answers by itself instead of passing an answer on.

use crate::flow::Failure;
use crate::origin::OriginError;

/// When to ask a crowded server again.
const RETRY_S: u32 = 2;

// === impl Failure ===

impl Failure {
    /// The path leads out of the mount (RFC 9110 §15.5.1).
    pub(super) fn mount_path() -> Self {
        Self::new(400, "mount-path", "the path leads nowhere", "dot segments or bytes that cannot stand in this mount")
    }

    pub(super) fn mount_method(method: &str) -> Self {
        Self::new(405, "method-not-allowed", "method is not allowed", format!("{method} is not served by this mount"))
    }

    /// `only-if-cached` (RFC 9111 §5.2.1.7).
    pub(super) fn mount_only_if_cached() -> Self {
        let detail = "the request says only-if-cached, and there is nothing that may be used for it";
        Self::new(504, "not-kept", "nothing is kept for this request", detail)
    }

    /// The origin could not be asked, or did not answer as it should (RFC 9110 §15.6.3, §15.6.5).
    pub(super) fn from_mount(error: &OriginError) -> Self {
        tracing::debug!(error = error as &dyn std::error::Error, kind = error.kind(), "no answer of a mount's origin");
        let (status, kind, title) = match error {
            OriginError::Timeout { .. } => (504, "origin-timeout", "the origin is too slow"),
            OriginError::Overloaded { .. } => (503, "origin-overloaded", "the server is busy"),
            OriginError::Incomplete { .. } => (502, "response-incomplete", "the origin's answer broke off"),
            OriginError::TooLarge { .. } => (502, "response-too-large", "the origin's answer is too large"),
            OriginError::Unreachable(_) => (502, "origin-unreachable", "the origin cannot be reached"),
            _ => (502, "origin-failed", "the origin did not answer as it should"),
        };
        let limit = match error {
            OriginError::TooLarge { max, .. } => Some(("source.bytes_max", format!("{max} bytes"))),
            _ => None,
        };
        let detail = match error {
            // Its text speaks of originals.
            OriginError::Incomplete { got, .. } => format!("{got} bytes of its body came"),
            OriginError::TooLarge { got, max } => format!("at least {got} bytes, limit {max}"),
            _ => error.to_string(),
        };
        Self { limit, retry_after_s: (status == 503).then_some(RETRY_S), ..Self::new(status, kind, title, detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Phase;

    #[test]
    fn a_failing_origin_is_a_bad_gateway_and_a_slow_one_a_timeout() {
        for (error, status, kind) in [
            (OriginError::Unreachable(None), 502, "origin-unreachable"),
            (OriginError::Incomplete { got: 3, cause: None }, 502, "response-incomplete"),
            (OriginError::Timeout { phase: Phase::FirstByte, after_ms: 5 }, 504, "origin-timeout"),
            (OriginError::Overloaded { waited_ms: 5 }, 503, "origin-overloaded"),
            (OriginError::Upstream { code: 304 }, 502, "origin-failed"),
            (OriginError::TooLarge { got: 9, max: 8 }, 502, "response-too-large"),
        ] {
            let failure = Failure::from_mount(&error);
            assert_eq!((failure.status, failure.kind, failure.cache_s), (status, kind, None));
        }
    }
}

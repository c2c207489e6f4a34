//! Why an original could not be fetched, as meanings with a status each.
//!
//! The text of an error is safe for any client: it names limits and phases, never an address, a path or the words of
//! a library. Those are in [`Error::source`], for the log. The errors are cheap to clone, since everyone who waits
//! for one fetch gets the same one.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The detail behind an error, for the log only.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// The part of a fetch that ran out of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Resolving the name, connecting, TLS.
    Connect,
    /// Waiting for the status line and the header.
    FirstByte,
    /// Waiting for the next bytes of the body.
    Read,
    /// The fetch as a whole, redirects and retries included.
    Total,
}

/// Why a redirect was not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectFault {
    /// No `Location`, or one that is not a URL.
    Location,
    /// A scheme other than `http` and `https`.
    Scheme,
    /// From `https` to `http`.
    Downgrade,
}

/// Why an original could not be fetched. Statuses are imgproxy's, except that a failing network is 502, so that a CDN
/// may serve what it has (RFC 5861 §4).
#[derive(Debug, Clone, thiserror::Error)]
pub enum OriginError {
    /// The text does not name an original at all.
    #[error("source is not a valid address of an original")]
    BadSource(#[source] Option<Cause>),
    /// The scheme is unknown, or its backend is not configured.
    #[error("source scheme is not enabled")]
    UnsupportedScheme,
    /// The address, or that of a redirect, is not among the allowed sources.
    #[error("source is not allowed")]
    NotAllowed,
    /// The host, its addresses or its port are not for fetching from.
    #[error("source address refused by policy")]
    AddressRefused(#[source] Option<Cause>),
    /// The origin has no such original.
    #[error("original not found")]
    NotFound,
    /// The origin answered with another 4xx, which is passed on.
    #[error("origin answered {code}")]
    Status {
        /// 400 to 499.
        code: u16,
    },
    /// The origin answered with another 5xx, or with something that is no answer to a plain `GET`.
    #[error("origin answered {code}")]
    Upstream {
        /// Any status but 4xx.
        code: u16,
    },
    /// The origin answered 508: what it needs for an answer leads back to where the request came from.
    #[error("origin leads back to this server")]
    Loop,
    /// The origin redirects to where nobody may follow.
    #[error("origin redirects {0}")]
    BadRedirect(RedirectFault),
    /// The origin redirects again and again.
    #[error("origin redirects more than {max} times")]
    TooManyRedirects {
        /// The limit, `redirects_max`.
        max: u32,
    },
    /// No connection, or one that broke before an answer.
    #[error("origin is unreachable")]
    Unreachable(#[source] Option<Cause>),
    /// The origin is too slow.
    #[error("origin timed out after {after_ms} ms while {phase}")]
    Timeout {
        /// What was waited for.
        phase: Phase,
        /// The limit that was reached.
        after_ms: u64,
    },
    /// The header of the answer is larger than allowed, or has more fields than anyone needs.
    #[error("origin's answer has a header of more than {max} bytes, or of too many fields")]
    HeaderTooLarge {
        /// The limit, `header_bytes_max`.
        max: u32,
    },
    /// The original is larger than allowed.
    #[error("original has at least {got} bytes, limit {max}")]
    TooLarge {
        /// Bytes announced, or read until it was clear.
        got: u64,
        /// The limit, `source_bytes_max`.
        max: u64,
    },
    /// The body ended or broke before its end, or changed under the reader.
    #[error("original is incomplete, {got} bytes came")]
    Incomplete {
        /// Bytes that did come.
        got: u64,
        /// What broke.
        #[source]
        cause: Option<Cause>,
    },
    /// The body came compressed, although no compression was asked for.
    #[error("original came with a content encoding that was not asked for")]
    Encoded {
        /// The `Content-Encoding`, for the log.
        encoding: String,
    },
    /// Too many fetches are under way.
    #[error("too many fetches are under way, waited {waited_ms} ms")]
    Overloaded {
        /// The limit, `slot_wait_ms_max`; 0 where as many waited as may.
        waited_ms: u64,
    },
}

/// Why the room could not be set up; read by the person who configured it.
#[derive(Debug, thiserror::Error)]
pub enum OriginSetupError {
    /// The root of local files is not there, or is no folder.
    #[error("local root {root} cannot be opened")]
    LocalRoot {
        /// As configured.
        root: String,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// A trusted host is not an exact `host:port`.
    #[error("trusted host {pattern} is not an exact host:port")]
    TrustedHost {
        /// As configured.
        pattern: String,
    },
    /// An endpoint of an object store is not an `http` or `https` URL of host and port.
    #[error("endpoint {endpoint} is not an http or https address of a host")]
    Endpoint {
        /// As configured.
        endpoint: String,
    },
    /// The user agent cannot be sent in a header.
    #[error("user agent cannot be sent in a header")]
    UserAgent,
    /// The HTTP client could not be made.
    #[error("http client cannot be made")]
    Client(#[source] Cause),
    /// The configuration of an object store, or of its credentials, does not fit together.
    #[error("object store of {scheme}:// cannot be set up")]
    ObjectStore {
        /// The scheme of its sources.
        scheme: &'static str,
        /// What is missing or contradicts.
        #[source]
        cause: Cause,
    },
    /// A limit has a value that allows nothing.
    #[error("limit {name} must not be 0")]
    ZeroLimit {
        /// Name of the limit.
        name: &'static str,
    },
}

// === impl OriginError ===

impl OriginError {
    /// The status that answers a client.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadSource(_)
            | Self::UnsupportedScheme
            | Self::NotAllowed
            | Self::AddressRefused(_)
            | Self::NotFound => 404,
            Self::Status { code } => *code,
            // A body that breaks off is the origin's failure and says nothing about the original.
            Self::Upstream { .. }
            | Self::BadRedirect(_)
            | Self::TooManyRedirects { .. }
            | Self::Unreachable(_)
            | Self::HeaderTooLarge { .. }
            | Self::Incomplete { .. } => 502,
            Self::Timeout { .. } => 504,
            Self::Loop => 508,
            Self::TooLarge { .. } | Self::Encoded { .. } => 422,
            Self::Overloaded { .. } => 503,
        }
    }

    /// A stable name for problem documents, logs and metric labels.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadSource(_) => "source-invalid",
            Self::UnsupportedScheme => "source-scheme",
            Self::NotAllowed => "source-not-allowed",
            Self::AddressRefused(_) => "source-address-refused",
            Self::NotFound => "original-not-found",
            Self::Status { .. } => "origin-status",
            Self::Upstream { .. } => "origin-failed",
            Self::Loop => "origin-loop",
            Self::BadRedirect(_) => "origin-redirect",
            Self::TooManyRedirects { .. } => "origin-redirects",
            Self::Unreachable(_) => "origin-unreachable",
            Self::Timeout { .. } => "origin-timeout",
            Self::HeaderTooLarge { .. } => "origin-header-too-large",
            Self::TooLarge { .. } => "original-too-large",
            Self::Incomplete { .. } => "original-incomplete",
            Self::Encoded { .. } => "original-encoded",
            Self::Overloaded { .. } => "origin-overloaded",
        }
    }

    /// Whether the same fetch may go well a moment later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Upstream { code } => *code >= 500,
            Self::Status { code } => matches!(code, 408 | 425 | 429),
            Self::Unreachable(_) | Self::Timeout { .. } | Self::Incomplete { .. } | Self::Overloaded { .. } => true,
            Self::BadSource(_)
            | Self::UnsupportedScheme
            | Self::NotAllowed
            | Self::AddressRefused(_)
            | Self::NotFound
            | Self::Loop
            | Self::BadRedirect(_)
            | Self::TooManyRedirects { .. }
            | Self::HeaderTooLarge { .. }
            | Self::TooLarge { .. }
            | Self::Encoded { .. } => false,
        }
    }

    /// The error for an answer that is neither a body nor "not modified".
    pub(super) fn from_status(code: u16) -> Self {
        match code {
            404 => Self::NotFound,
            400..=499 => Self::Status { code },
            508 => Self::Loop,
            _ => Self::Upstream { code },
        }
    }

    pub(super) fn unreachable(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreachable(Some(Arc::new(cause)))
    }
}

// === impl Phase ===

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::FirstByte => "waiting for the first byte",
            Self::Read => "reading the body",
            Self::Total => "fetching the original",
        })
    }
}

// === impl RedirectFault ===

impl fmt::Display for RedirectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Location => "without saying where",
            Self::Scheme => "to something that is not http",
            Self::Downgrade => "from https to http",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_an_origin_become_meanings() {
        let expected = [
            (404, 404, "original-not-found", false),
            (410, 410, "origin-status", false),
            (401, 401, "origin-status", false),
            (403, 403, "origin-status", false),
            (429, 429, "origin-status", true),
            (500, 502, "origin-failed", true),
            (503, 502, "origin-failed", true),
            (508, 508, "origin-loop", false),
            (204, 502, "origin-failed", false),
            (304, 502, "origin-failed", false),
        ];
        for (code, status, kind, retryable) in expected {
            let error = OriginError::from_status(code);
            assert_eq!((error.status(), error.kind(), error.retryable()), (status, kind, retryable), "{code}");
        }
    }

    #[test]
    fn text_hides_the_cause() {
        let error = OriginError::unreachable(std::io::Error::other("connect to 10.0.0.1:80"));
        assert_eq!(error.to_string(), "origin is unreachable");
        assert_eq!(error.source().expect("a cause").to_string(), "connect to 10.0.0.1:80");
    }
}

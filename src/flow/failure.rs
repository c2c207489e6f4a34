//! Why a request got no variant, in terms that every room can fill in and that the HTTP layer turns into a problem
//! document. Contract: every text in it is safe for clients; causes that are not go to the log where they happened.

use std::time::Duration;

/// A refused or failed request, with all that its answer needs (RFC 9457, section 3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Failure {
    /// HTTP status, 400 to 599; anything else is answered as 500.
    pub status: u16,
    /// Stable slug of what went wrong, `[a-z0-9-]`, the end of the problem document's `type`.
    pub kind: &'static str,
    /// The same text for every failure of this kind.
    pub title: &'static str,
    /// What was wrong this time; may be empty.
    pub detail: String,
    /// The part of the URL that could not be understood.
    pub segment: Option<String>,
    /// What would have been understood in its place.
    pub accepted: Option<String>,
    /// The setting whose limit was exceeded, empty for a limit that nobody can set; and its value with its unit.
    pub limit: Option<(&'static str, String)>,
    /// Seconds after which another try makes sense, for `Retry-After`.
    pub retry_after_s: Option<u32>,
    /// How long a shared cache may keep the refusal; `None` is `no-store`.
    pub cache_s: Option<u64>,
    /// Whether another `Accept` field could have led to another outcome.
    pub negotiated: bool,
    /// Stages of this request in the order they ended, for `Server-Timing` and the log.
    pub stages: Vec<(&'static str, Duration)>,
}

// === impl Failure ===

impl Failure {
    /// A failure that says no more than this, is not to be stored, and depends on no `Accept` field.
    pub fn new(status: u16, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            title,
            detail: detail.into(),
            segment: None,
            accepted: None,
            limit: None,
            retry_after_s: None,
            cache_s: None,
            negotiated: false,
            stages: Vec::new(),
        }
    }

    /// Whether a stale answer is better than this one: the origin or this server failed or has too much to do, or what
    /// came is no picture.
    /// Not where the origin says that there is nothing, or that the client may not have it.
    pub const fn allows_stale(&self) -> bool {
        self.status >= 500 || matches!(self.status, 422 | 429)
    }
}

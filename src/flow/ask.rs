//! What goes into the flow and what comes out of it: plain text in, bytes and facts out, no sockets.

use std::time::Duration;

use bytes::Bytes;

/// One request as the flow sees it.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The raw request target up to the first `?`, as received, percent signs and all.
    pub path: String,
    /// All `Accept` field lines joined with `, `; empty where the client sent none.
    pub accept: String,
    /// The token of `Authorization: Bearer …`, where sent.
    pub bearer: Option<String>,
    /// The request's id, for the log.
    pub id: String,
}

/// What answers a request: everything that the HTTP layer needs to write a 200, 206, 304 or 416.
#[derive(Debug, Clone)]
pub struct Answer {
    pub body: Bytes,
    pub content_type: String,
    /// Strong entity tag with its quotes.
    pub etag: String,
    /// Unix seconds of the original's own date, where it has one.
    pub last_modified_s: Option<u64>,
    /// How long a shared cache may keep it.
    pub max_age_s: u64,
    /// Whether the `Accept` field could have chosen otherwise.
    pub negotiated: bool,
    /// A file name with its extension.
    pub filename: String,
    pub attachment: bool,
    pub cache: CacheOutcome,
    /// Stages of this request in the order they ended, for `Server-Timing` and the log.
    pub stages: Vec<(&'static str, Duration)>,
}

/// How the cache took part, for `Cache-Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheOutcome {
    /// Served from the memory tier, with so many seconds of freshness left.
    Hit { ttl_s: i64 },
    /// Made for this request.
    Miss { stored: bool },
    /// Kept, and the origin confirmed that it is still right.
    Revalidated,
    /// Waited for another request's flight.
    Collapsed,
    /// The original's own bytes, not kept.
    Bypass,
}

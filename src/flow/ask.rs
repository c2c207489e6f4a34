//! What goes into the flow and what comes out of it: plain text in, bytes and facts out, no sockets.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::cache::{Labels, Place};
use crate::semantics::loops::Passed;

/// One request as the flow sees it.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The raw request target up to the first `?`, as received, percent signs and all.
    pub path: String,
    /// All `Accept` field lines joined with `, `; empty where the client sent none.
    pub accept: String,
    /// The client's `If-None-Match`, where no other precondition stands beside it.
    pub if_none_match: Option<String>,
    /// The token of `Authorization: Bearer …`, where sent.
    pub bearer: Option<String>,
    /// Whose request it is, where that is known: the requests of one client that miss are capped.
    pub client: Option<IpAddr>,
    /// The servers of this kind that it came through.
    pub passed: Passed,
}

/// What answers a request: everything that the HTTP layer needs to write a 200, 206, 304 or 416.
#[derive(Debug, Clone)]
pub struct Answer {
    pub face: Arc<Face>,
    pub body: Bytes,
    /// Stages of this request in the order they ended, for `Server-Timing` and the log.
    pub stages: Vec<(&'static str, Duration)>,
}

/// What an answer says beside its bytes: the same for everyone who asks by the same URL in the same second.
#[derive(Debug, Clone, Default)]
pub struct Face {
    pub content_type: String,
    /// Strong entity tag with its quotes.
    pub etag: String,
    /// Unix seconds of the original's own date, where it has one.
    pub last_modified_s: Option<u64>,
    /// How long others may keep it.
    pub keeping: Keeping,
    /// By which words it can be purged.
    pub labels: Arc<Labels>,
    /// Whether the `Accept` field could have chosen otherwise.
    pub negotiated: bool,
    /// A file name with its extension.
    pub filename: String,
    pub attachment: bool,
    pub cache: CacheOutcome,
    pub written: Written,
}

/// The header fields of a face, once somebody has written them; of use to nobody but the one who did.
#[derive(Debug, Default)]
pub struct Written(OnceLock<HeaderMap>);

/// How long caches behind this server may keep an answer, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keeping {
    pub max_age_s: u64,
    /// RFC 5861 §3; 0 is not said.
    pub stale_while_revalidate_s: u64,
    /// RFC 5861 §4; 0 is not said.
    pub stale_if_error_s: u64,
    /// Where it differs for CDNs (RFC 9213).
    pub cdn_max_age_s: Option<u64>,
    /// Nobody may keep it, whatever else is said.
    pub is_private: bool,
}

/// Why something stale is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleWhy {
    /// The origin is being asked behind.
    Revalidating,
    /// The origin failed, or what it sent is no picture.
    Error,
    /// There is too much to do to make a new one now.
    Busy,
}

/// How the cache took part, for `Cache-Status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CacheOutcome {
    /// Served from a tier, with so many seconds of freshness left.
    Hit { ttl_s: u64, place: Place },
    /// Served from a tier although it has been stale for so many seconds.
    Stale { stale_s: u64, why: StaleWhy },
    /// The client's own copy is what would be made now.
    Confirmed,
    /// Made for this request.
    Miss { stored: bool },
    /// Kept, and the origin confirmed that it is still right.
    Revalidated,
    /// Waited for another request's flight.
    Collapsed,
    /// The original's own bytes, not kept.
    #[default]
    Bypass,
}

// === impl Written ===

impl Written {
    pub fn get(&self) -> Option<&HeaderMap> {
        self.0.get()
    }

    /// Keeps them for the next one who shows this face, unless somebody was faster.
    pub fn keep(&self, fields: HeaderMap) {
        let _ = self.0.set(fields);
    }
}

impl Clone for Written {
    /// A face is cloned to be changed, and what was written of it is no longer true then.
    fn clone(&self) -> Self {
        Self::default()
    }
}

// === impl StaleWhy ===

impl StaleWhy {
    /// Its word in metrics and in `Cache-Status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revalidating => "swr",
            Self::Error => "sie",
            Self::Busy => "busy",
        }
    }
}

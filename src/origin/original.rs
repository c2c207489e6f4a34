//! What a fetch brings: the bytes of an original and everything its origin said about them.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};

/// By what an origin recognises an original it gave before. Opaque: kept and sent back as received.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// Entity tag with its quotes, weak or strong (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// `Last-Modified` as received (RFC 9110 §8.8.2).
    pub last_modified: Option<String>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// Version or generation, where an object store has them.
    pub version: Option<String>,
}

/// What an origin said about how long an original stays fresh: field values as received, for the rules of
/// RFC 9111 §4.2 to be applied elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginFreshness {
    /// `Cache-Control`, several lines joined with `, `.
    pub cache_control: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
    /// `Age`.
    pub age: Option<String>,
    /// `Date`.
    pub date: Option<String>,
}

/// An original, whole.
#[derive(Debug, Clone)]
pub struct Original {
    /// All bytes, as many as the origin announced.
    pub bytes: Bytes,
    /// `Content-Type` as received; a claim, not a fact.
    pub content_type: Option<String>,
    /// For the next conditional fetch.
    pub validators: Validators,
    /// `Last-Modified` in Unix seconds.
    pub last_modified_s: Option<u64>,
    /// How long it stays fresh.
    pub freshness: OriginFreshness,
    /// Where redirects led to, for the log; `None` where there was none.
    pub final_url: Option<String>,
}

/// How a fetch ended well.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// What the caller knows is still right.
    NotModified {
        /// How long it stays fresh from now on.
        freshness: OriginFreshness,
    },
    /// A new or first body.
    Body(Original),
}

// === impl Validators ===

impl Validators {
    /// Bytes of the texts, for whoever keeps them.
    pub fn weight_bytes(&self) -> usize {
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        len(&self.etag) + len(&self.last_modified) + len(&self.version)
    }

    /// Whether an origin can be asked with these if something changed.
    pub fn can_revalidate(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }
}

// === impl OriginFreshness ===

impl OriginFreshness {
    /// What holds after a 304 said `newer`: its fields where it has them, except that age and date are of the answer
    /// that came last (RFC 9111 §3.2).
    #[must_use]
    pub fn updated(&self, newer: Self) -> Self {
        Self {
            cache_control: newer.cache_control.or_else(|| self.cache_control.clone()),
            expires: newer.expires.or_else(|| self.expires.clone()),
            age: newer.age,
            date: newer.date,
        }
    }

    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let lines: Vec<&str> = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok()).collect();
        Self {
            cache_control: (!lines.is_empty()).then(|| lines.join(", ")),
            expires: text(headers, &EXPIRES),
            age: text(headers, &AGE),
            date: text(headers, &DATE),
        }
    }
}

/// The first line of a field as text; `None` where there is none or it is not text.
pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// An HTTP date (RFC 9110 §5.6.7) in Unix seconds; `None` for anything else and for dates before 1970.
pub(super) fn unix_s(date: &str) -> Option<u64> {
    let date = httpdate::parse_http_date(date).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

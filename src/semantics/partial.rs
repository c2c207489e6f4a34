//! Stored parts of a body: what of it is here, what a request needs, and how two parts become one (RFC 9111 §3.3, §3.4,
//! RFC 9110 §14.4, §15.3.7).
//!
//! A stored part is one run of bytes. Two runs with a gap between them are not kept as one: the newer one replaces the
//! older one.

use http::HeaderMap;
use http::header::ETAG;
use serde::{Deserialize, Serialize};

use super::conditional::is_same_strongly;
use super::fields::{digits, text_of, trim};
use super::range::{RangeAnswer, one_range, parse_range};

/// The field of a 206.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    pub first: u64,
    /// Included.
    pub last: u64,
    /// The length of the whole body; `None` for `*`.
    pub complete_bytes: Option<u64>,
}

/// A run of bytes of a body that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it begins in the whole body.
    pub first: u64,
    /// At least 1.
    pub len_bytes: u64,
    /// The length of the whole body, when the origin said it.
    pub complete_bytes: Option<u64>,
    /// Whether `Content-Range` and the bytes that came agree. Otherwise the part is served for what it is, and never
    /// joined with another.
    pub is_exact: bool,
}

/// What a request needs of a stored part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The whole body is asked for and here: 200.
    Whole,
    /// 206: the bytes from `first` to `last`, both included, both here.
    Held { first: u64, last: u64 },
    /// 416: none of the bytes exists.
    Unsatisfiable,
    /// Not here, but one request with this `Range` (and [`super::update::if_range_field`]) brings all that is missing
    /// for the whole body. Where there is no strong entity tag a 206 cannot be joined, and the whole is asked for then.
    Rest { range: String },
    /// Not here: the request goes on as it came.
    Forward,
}

/// How a stored part and a newer one become one body: first bytes of the stored one, then all of the newer one, then
/// last bytes of the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    pub part: Part,
    /// So many of the stored part's first bytes come before the newer part.
    pub before_bytes: u64,
    /// So many of the stored part's last bytes come after it.
    pub after_bytes: u64,
}

// === impl ContentRange ===

impl ContentRange {
    /// Reads `bytes 0-499/1000` or `bytes 0-499/*`; `None` for anything else, for a range that is backwards or reaches
    /// over the end, and for the field of a 416.
    pub fn parse(field: &str) -> Option<Self> {
        let (unit, rest) = trim(field).split_once(' ')?;
        let (range, complete) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (digits(first)?, digits(last)?);
        let complete_bytes = if complete == "*" { None } else { Some(digits(complete)?) };
        let is_inside = first <= last && last < complete_bytes.unwrap_or(u64::MAX);
        (unit.eq_ignore_ascii_case("bytes") && is_inside).then_some(Self { first, last, complete_bytes })
    }
}

// === impl Part ===

impl Part {
    /// The part that a 206 brought: its field, and how many bytes its body has when it ended as announced. `None` when
    /// there are none, or more than the range holds.
    ///
    /// Fewer bytes than the range holds are taken for what they are, from its beginning on. When that range claimed to
    /// end where the whole body ends, the whole body is taken to end with these bytes: the origin counted wrongly, and
    /// its own answer is the best that is known of it.
    pub fn of_206(range: ContentRange, body_bytes: u64) -> Option<Self> {
        let ContentRange { first, last, complete_bytes } = range;
        let announced_bytes = last - first + 1;
        if body_bytes == 0 || body_bytes > announced_bytes {
            return None;
        }
        let is_exact = body_bytes == announced_bytes;
        let is_at_end = complete_bytes == Some(last + 1);
        let complete_bytes = if is_exact || !is_at_end { complete_bytes } else { Some(first + body_bytes) };
        Some(Self { first, len_bytes: body_bytes, complete_bytes, is_exact })
    }

    /// The place after its last byte.
    pub const fn end(&self) -> u64 {
        self.first.saturating_add(self.len_bytes)
    }

    /// Whether it is the whole body.
    pub fn is_complete(&self) -> bool {
        self.first == 0 && self.complete_bytes == Some(self.len_bytes)
    }

    /// What a GET needs, with the value of its `Range` when that counts (`If-Range` has been seen).
    ///
    /// A range that is not here goes on as it came: the client waits for those bytes, and not for a body to be filled.
    pub fn need(&self, range: Option<&str>) -> Need {
        let Some((first, last)) = range.and_then(one_range) else {
            return self.need_whole();
        };
        let (first, last) = match (self.complete_bytes, first, last) {
            (Some(complete_bytes), ..) => match parse_range(range.unwrap_or(""), complete_bytes) {
                RangeAnswer::Part { first, last } => (first, last),
                RangeAnswer::Unsatisfiable if self.is_exact => return Need::Unsatisfiable,
                RangeAnswer::Unsatisfiable => return Need::Forward,
                RangeAnswer::Whole => return self.need_whole(),
            },
            // Without the length of the whole body only two given ends say which bytes are meant.
            (None, Some(first), Some(last)) => (first, last),
            (None, ..) => return Need::Forward,
        };
        if first >= self.first && last < self.end() { Need::Held { first, last } } else { Need::Forward }
    }

    fn need_whole(&self) -> Need {
        if self.is_complete() {
            return Need::Whole;
        }
        let is_end_here = self.complete_bytes == Some(self.end());
        match (self.first, self.end()) {
            _ if !self.is_exact => Need::Forward,
            (0, end) => Need::Rest { range: format!("bytes={end}-") },
            (first, _) if is_end_here => Need::Rest { range: format!("bytes=0-{}", first - 1) },
            _ => Need::Forward,
        }
    }

    /// `Content-Range` of an answer with the bytes from `first` to `last`.
    pub fn content_range(&self, first: u64, last: u64) -> String {
        match self.complete_bytes {
            Some(complete_bytes) => format!("bytes {first}-{last}/{complete_bytes}"),
            None => format!("bytes {first}-{last}/*"),
        }
    }

    /// Joins a newer part to this one, when they touch or overlap and do not contradict each other; the caller has seen
    /// that [`may_join`]. Where both have a byte, the newer one's counts.
    pub fn join(&self, newer: &Self) -> Option<Joined> {
        let is_one_run = newer.first <= self.end() && self.first <= newer.end();
        let complete_bytes = match (self.complete_bytes, newer.complete_bytes) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other),
        };
        let end = self.end().max(newer.end());
        let is_inside = complete_bytes.is_none_or(|complete_bytes| end <= complete_bytes);
        if !is_one_run || !is_inside || !self.is_exact || !newer.is_exact {
            return None;
        }
        let first = self.first.min(newer.first);
        Some(Joined {
            part: Self { first, len_bytes: end - first, complete_bytes, is_exact: true },
            before_bytes: newer.first.saturating_sub(self.first),
            after_bytes: self.end().saturating_sub(newer.end()),
        })
    }
}

/// Whether two answers are parts of one representation: both have the same strong entity tag (RFC 9110 §15.3.7.3). A
/// date is not taken for a strong validator: it cannot tell two versions of one second apart.
pub fn may_join(stored: &HeaderMap, newer: &HeaderMap) -> bool {
    let (Some(one), Some(other)) = (stored.get(ETAG), newer.get(ETAG)) else { return false };
    is_same_strongly(&text_of(one), &text_of(other))
}

#[cfg(test)]
mod tests;

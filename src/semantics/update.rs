//! Asking the origin about a stored response, and what its answer changes (RFC 9111 §4.3).

use http::header::{
    AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::conditional::{is_same_strongly, is_same_weakly, is_strong};
use super::dates::format_http_date;
use super::fields::{digits, lines, text_of, trim};
use super::hop_by_hop;

/// What a 304 says about the stored response that was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validated {
    /// It is the current one: update its header by [`update`] and serve it.
    Same,
    /// The 304 is about something else: drop the stored response and ask again without conditions.
    Other,
}

/// Fields that say how to read the bytes that are kept, which a 304 leaves as they are: length, coding, place, digests.
/// `Content-Type` is not among them: nothing here was made of it, and an origin may correct it (RFC 9111 §3.2).
const OF_THE_BODY: [HeaderName; 7] = [
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    CONTENT_RANGE,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// The condition fields that ask whether a stored response is still true: `If-None-Match` and `If-Modified-Since` with
/// the stored values byte for byte (RFC 9111 §4.3.1). Empty when there is nothing to ask with.
pub fn validation_fields(stored: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let pairs = [(IF_NONE_MATCH, ETAG), (IF_MODIFIED_SINCE, LAST_MODIFIED)];
    pairs.into_iter().filter_map(|(asked, kept)| Some((asked, stored.get(kept)?.clone()))).collect()
}

/// `If-Range` for the rest of a stored part: its strong entity tag, or nothing (RFC 9110 §13.1.5).
pub fn if_range_field(stored: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let etag = stored.get(ETAG)?;
    is_strong(&text_of(etag)).then(|| (IF_RANGE, etag.clone()))
}

/// Whether a 304 selects the stored response (RFC 9111 §4.3.4): with a strong entity tag only the response that has the
/// same; with a weak one, a response whose tag is weakly equal; else with a `Last-Modified`, one of the same date.
/// A 304 without any validator is about the one response that was asked about.
pub fn validated(stored: &HeaderMap, not_modified: &HeaderMap) -> Validated {
    let is_same = match (not_modified.get(ETAG), stored.get(ETAG)) {
        (Some(new), Some(old)) => {
            let (new, old) = (text_of(new), text_of(old));
            // A tag outside the grammar was sent verbatim and comes back verbatim.
            if is_strong(&new) { is_same_strongly(&new, &old) } else { is_same_weakly(&new, &old) || new == old }
        }
        // A strong tag that the stored response never had names another one.
        (Some(new), None) => !is_strong(&text_of(new)),
        (None, Some(_)) => true,
        (None, None) => match (not_modified.get(LAST_MODIFIED), stored.get(LAST_MODIFIED)) {
            (Some(new), Some(old)) => new == old,
            (None, _) | (_, None) => true,
        },
    };
    if is_same { Validated::Same } else { Validated::Other }
}

/// Whether the answer to a HEAD is about the stored response and may update it (RFC 9111 §4.3.5): a 200 in which no
/// validator and no `Content-Length` is another one. After a 200 that may not, what is stored counts as stale.
pub fn is_updated_by_head(stored: &HeaderMap, status: u16, head: &HeaderMap) -> bool {
    let length = |headers: &HeaderMap| lines(headers, CONTENT_LENGTH).next().and_then(|line| digits(trim(&line)));
    let is_same_length = length(head).is_none() || length(head) == length(stored);
    let is_same = |name: HeaderName| head.get(&name).is_none_or(|value| stored.get(&name) == Some(value));
    status == 200 && is_same_length && is_same(ETAG) && is_same(LAST_MODIFIED)
}

/// Puts the header of a 304 (or of the 200 to a HEAD) into the stored one: each of its fields replaces all lines of the
/// stored field, but for those that describe the body and those of one connection (RFC 9111 §3.2).
///
/// `Age` and `Date` are those of the answer, which came at `received_s`: what had aged is new again.
pub fn update(stored: &mut HeaderMap, newer: &HeaderMap, received_s: u64) {
    let mut newer = newer.clone();
    hop_by_hop::strip(&mut newer);
    for name in &OF_THE_BODY {
        newer.remove(name);
    }
    for name in [AGE, DATE] {
        stored.remove(name);
    }
    for name in newer.keys() {
        stored.remove(name);
    }
    for (name, value) in &newer {
        stored.append(name, value.clone());
    }
    date(stored, received_s);
}

/// Gives a response that came without `Date` the time at which it came (RFC 9110 §6.6.1). One that has it keeps it.
pub fn date(headers: &mut HeaderMap, received_s: u64) {
    let written = HeaderValue::try_from(format_http_date(received_s));
    if let (false, Ok(value)) = (headers.contains_key(DATE), written) {
        headers.insert(DATE, value);
    }
}

#[cfg(test)]
mod tests;

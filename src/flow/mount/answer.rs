//! Answers from stored responses, as far as a request's conditions and range want them, and from what just came.

use bytes::Bytes;
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, DATE, ETAG, EXPIRES, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, VARY,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::ask::{Answer, Body, Request, Status};
use super::keeping::NO_BODY;
use super::stored::Stored;
use super::upstream::Came;
use crate::flow::CacheOutcome;
use crate::semantics::cache_status::CacheStatus;
use crate::semantics::conditional::{self, Conditions, Validators, Verdict, stored_modified_s};
use crate::semantics::dates::parse_http_date;
use crate::semantics::fields::{joined, lines, text_of};
use crate::semantics::partial::Need;
use crate::semantics::range::{RangeAnswer, parse_range};
use crate::telemetry::clock;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What a 304 carries of the fields that a 200 would have (RFC 9110 §15.4.5), and what is said to caches alone.
const OF_A_304: [HeaderName; 10] = [
    CACHE_CONTROL,
    CONTENT_LOCATION,
    DATE,
    ETAG,
    EXPIRES,
    VARY,
    CACHE_STATUS,
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("tintype-cache-control"),
    HeaderName::from_static("surrogate-control"),
];

/// What of a stored response a request gets.
enum Piece {
    Whole,
    /// Bytes from one place to another, both included, as places in the stored body.
    Bytes {
        from: usize,
        to: usize,
        content_range: String,
    },
    NotModified,
    Unsatisfiable {
        content_range: Option<String>,
    },
}

/// An answer with a stored response. `age_s` is set on every reuse, and left out where the response has just come.
pub(super) fn from_stored(
    stored: &Stored,
    method: &Method,
    request: &HeaderMap,
    age_s: Option<u64>,
    status: &CacheStatus<'_>,
    cache: CacheOutcome,
) -> Answer {
    let mut headers = stored.headers.clone();
    if let Some(age_s) = age_s {
        headers.insert(AGE, HeaderValue::from(age_s));
    }
    note(&mut headers, status);
    let (code, body) = match piece(stored, method, request) {
        Piece::Whole => {
            // A 204 has none (RFC 9110 §8.6).
            if stored.status == StatusCode::NO_CONTENT {
                headers.remove(CONTENT_LENGTH);
            } else {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(stored.body.len()));
            }
            (Status::Is(stored.status), stored.body.clone())
        }
        Piece::Bytes { from, to, content_range } => {
            set(&mut headers, CONTENT_RANGE, &content_range);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(to + 1 - from));
            (Status::Is(StatusCode::PARTIAL_CONTENT), stored.body.slice(from..=to))
        }
        Piece::NotModified => {
            headers = not_modified(&headers);
            (Status::Is(StatusCode::NOT_MODIFIED), Bytes::new())
        }
        Piece::Unsatisfiable { content_range } => {
            headers = not_modified(&headers);
            if let Some(content_range) = content_range {
                set(&mut headers, CONTENT_RANGE, &content_range);
            }
            (Status::RangeNotSatisfiable, Bytes::new())
        }
    };
    Answer { status: code, headers, body: Body::Whole(body), cache }
}

/// An answer that is passed on. Where the conditions of the request did not go to the origin, they count here.
pub(super) fn from_came(
    came: Came,
    request: Option<&Request>,
    status: &CacheStatus<'_>,
    cache: CacheOutcome,
) -> Answer {
    let Came { status: code, mut headers, body, received_s, .. } = came;
    note(&mut headers, status);
    let is_unchanged = request.filter(|_| code == StatusCode::OK).is_some_and(|request| {
        let reader = if request.method == Method::HEAD { conditional::Method::Head } else { conditional::Method::Get };
        verdict(&headers, received_s, reader, &request.headers) == Verdict::NotModified
    });
    if is_unchanged {
        let headers = not_modified(&headers);
        return Answer { status: Status::Is(StatusCode::NOT_MODIFIED), headers, body: NO_BODY, cache };
    }
    Answer { status: Status::Is(code), headers, body, cache }
}

/// Whether `If-Range` lets the range of a request count.
pub(super) fn is_range_wanted(stored: &Stored, request: &HeaderMap) -> bool {
    let if_range = joined(lines(request, IF_RANGE));
    let conditions = Conditions { if_range: if_range.as_deref(), ..Conditions::default() };
    let etag = stored.field(ETAG);
    let validators = Validators { etag: etag.as_deref(), last_modified_s: None };
    conditional::is_range_wanted(&conditions, &validators, conditional::Method::Get)
}

fn piece(stored: &Stored, method: &Method, request: &HeaderMap) -> Piece {
    let is_conditional = stored.status == StatusCode::OK || stored.part.is_some();
    let reader = if *method == Method::HEAD { conditional::Method::Head } else { conditional::Method::Get };
    if is_conditional && verdict(&stored.headers, stored.received_s, reader, request) == Verdict::NotModified {
        return Piece::NotModified;
    }
    if let Some(part) = &stored.part {
        let range = request.get(RANGE).map(text_of);
        let place = |at: u64| usize::try_from(at - part.first).ok().filter(|at| *at < stored.body.len());
        return match part.need(range.as_deref()) {
            Need::Held { first, last } => match (place(first), place(last)) {
                (Some(from), Some(to)) => Piece::Bytes { from, to, content_range: part.content_range(first, last) },
                _ => Piece::Unsatisfiable { content_range: None },
            },
            Need::Unsatisfiable => Piece::Unsatisfiable {
                content_range: part.complete_bytes.and_then(|len| RangeAnswer::Unsatisfiable.content_range(len)),
            },
            Need::Whole | Need::Rest { .. } | Need::Forward => Piece::Whole,
        };
    }
    if stored.status != StatusCode::OK {
        return Piece::Whole;
    }
    let range = joined(lines(request, RANGE)).filter(|_| *method == Method::GET && is_range_wanted(stored, request));
    let Some(range) = range else { return Piece::Whole };
    let len = stored.body.len() as u64;
    let chosen = parse_range(&range, len);
    match (chosen, chosen.content_range(len)) {
        (RangeAnswer::Part { first, last }, Some(content_range)) => {
            let (Ok(from), Ok(to)) = (usize::try_from(first), usize::try_from(last)) else { return Piece::Whole };
            Piece::Bytes { from, to, content_range }
        }
        (RangeAnswer::Unsatisfiable, content_range) => Piece::Unsatisfiable { content_range },
        (RangeAnswer::Whole | RangeAnswer::Part { .. }, _) => Piece::Whole,
    }
}

/// What the conditions say that are for caches. `If-Match` and `If-Unmodified-Since` are for origins alone, which get
/// them as they came (RFC 9111 §4.3.2).
fn verdict(headers: &HeaderMap, received_s: u64, method: conditional::Method, request: &HeaderMap) -> Verdict {
    let line = |name: HeaderName| joined(lines(request, name));
    let [if_none_match, if_modified_since] = [IF_NONE_MATCH, IF_MODIFIED_SINCE].map(line);
    let conditions = Conditions {
        if_none_match: if_none_match.as_deref(),
        if_modified_since: if_modified_since.as_deref(),
        ..Conditions::default()
    };
    let now_s = clock::now_unix_s();
    let date = |name: HeaderName| parse_http_date(text_of(headers.get(name)?).trim(), now_s);
    let etag = headers.get(ETAG).map(text_of);
    let modified_s = stored_modified_s(date(LAST_MODIFIED), date(DATE), received_s);
    let validators = Validators { etag: etag.as_deref(), last_modified_s: Some(modified_s) };
    conditional::evaluate(&conditions, &validators, method, now_s)
}

fn not_modified(headers: &HeaderMap) -> HeaderMap {
    let is_kept = |name: &&HeaderName| OF_A_304.contains(name) || **name == AGE;
    let mut kept = HeaderMap::new();
    for name in headers.keys().filter(is_kept) {
        for value in headers.get_all(name) {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// Adds what this cache did behind what those nearer to the origin did (RFC 9211 §2).
fn note(headers: &mut HeaderMap, status: &CacheStatus<'_>) {
    let nearer = joined(lines(headers, CACHE_STATUS)).map(std::borrow::Cow::into_owned);
    set(headers, CACHE_STATUS, &status.after(nearer.as_deref()));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

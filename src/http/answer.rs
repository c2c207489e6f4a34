//! An answer of the flow as a response: 200, 206 or 304, and the way to 412 and 416. Contract: decides by validators
//! and length alone (RFC 9110, sections 13 and 14); the rules themselves are in `semantics`.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, InvalidHeaderValue, LAST_MODIFIED,
    RANGE,
};
use http::{HeaderMap, Response, StatusCode};

use super::access::{Notes, Route};
use super::caching;
use super::headers::Headers;
use super::request::{Request, X_REQUEST_ID};
use super::respond;
use super::spec::ResponseSpec;
use crate::flow::{Answer, CacheOutcome, Failure};
use crate::semantics::conditional::{self, Conditions, Validators, Verdict};
use crate::semantics::dates::format_http_date;
use crate::semantics::disposition::{Disposition, content_disposition};
use crate::semantics::range::{RangeAnswer, parse_range};
use crate::semantics::server_timing::ServerTiming;
use crate::telemetry::clock;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What is said of hits by tenths of a millisecond: nearly all of them have one of these.
const HIT_TIMINGS: [&str; 6] = [
    "cache;desc=\"hit\", total;dur=0.0",
    "cache;desc=\"hit\", total;dur=0.1",
    "cache;desc=\"hit\", total;dur=0.2",
    "cache;desc=\"hit\", total;dur=0.3",
    "cache;desc=\"hit\", total;dur=0.4",
    "cache;desc=\"hit\", total;dur=0.5",
];

/// What of an answer the request's conditions and range leave.
enum Part {
    /// 200.
    Whole,
    /// 206.
    Bytes { first: usize, last: usize, content_range: String },
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 416.
    Unsatisfiable,
}

/// The response that carries `found`, as far as the request's conditions want it.
pub(super) fn answer(
    found: Answer,
    request: &Request,
    spec: &ResponseSpec,
    headers: &Headers,
) -> (Response<Bytes>, Notes) {
    let (result, kind) = match choose(&found, request) {
        Part::Whole => (whole(&found, request, spec, headers), None),
        Part::Bytes { first, last, content_range } => {
            (partial(&found, first..=last, content_range, request, spec, headers), None)
        }
        Part::NotModified => (not_modified(&found, request, spec), None),
        Part::PreconditionFailed => {
            let failure = respond::precondition_failed(found.face.negotiated);
            (refused(&found, &failure, request), Some(failure.kind))
        }
        Part::Unsatisfiable => {
            let failure = respond::range_not_satisfiable(found.body.len(), found.face.negotiated);
            (unsatisfiable(&found, &failure, request), Some(failure.kind))
        }
    };
    let response = result.unwrap_or_else(|error| {
        tracing::error!(%error, id = request.id(), "an answer holds text that no header can carry");
        respond::respond(&respond::internal(), request)
    });
    let notes = Notes { kind, cache: Some(found.face.cache), stages: found.stages, ..Notes::of(Route::Image) };
    (response, notes)
}

/// The response for a request that the flow could not answer.
pub(super) fn failed(failure: Failure, request: &Request, spec: &ResponseSpec) -> (Response<Bytes>, Notes) {
    let mut response = respond::respond(&failure, request);
    if let Some(timing) = server_timing(None, &failure.stages, request, spec) {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    let notes = Notes { kind: Some(failure.kind), stages: failure.stages, ..Notes::of(Route::Image) };
    (response, notes)
}

fn choose(found: &Answer, request: &Request) -> Part {
    let line = |name| request.joined(name);
    let [if_match, if_none_match, if_range, range] = [IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE].map(line);
    let [if_modified_since, if_unmodified_since] = [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE].map(line);
    let conditions = Conditions {
        if_match: if_match.as_deref(),
        if_unmodified_since: if_unmodified_since.as_deref(),
        if_none_match: if_none_match.as_deref(),
        if_modified_since: if_modified_since.as_deref(),
        if_range: if_range.as_deref(),
    };
    let validators = Validators { etag: Some(&found.face.etag), last_modified_s: found.face.last_modified_s };
    let method =
        if request.method == http::Method::HEAD { conditional::Method::Head } else { conditional::Method::Get };
    match conditional::evaluate(&conditions, &validators, method, clock::now_unix_s()) {
        Verdict::NotModified => return Part::NotModified,
        Verdict::PreconditionFailed => return Part::PreconditionFailed,
        Verdict::Proceed => {}
    }
    let wanted = range.filter(|_| conditional::is_range_wanted(&conditions, &validators, method));
    let Some(range) = wanted else { return Part::Whole };
    let len = found.body.len() as u64;
    let chosen = parse_range(&range, len);
    match (chosen, chosen.content_range(len)) {
        (RangeAnswer::Part { first, last }, Some(content_range)) => {
            // Both lie inside the body, so that they fit; if ever not, the whole body is a right answer too.
            let (Ok(first), Ok(last)) = (usize::try_from(first), usize::try_from(last)) else { return Part::Whole };
            Part::Bytes { first, last, content_range }
        }
        (RangeAnswer::Unsatisfiable, _) => Part::Unsatisfiable,
        (RangeAnswer::Whole | RangeAnswer::Part { .. }, _) => Part::Whole,
    }
}

fn whole(
    found: &Answer,
    request: &Request,
    spec: &ResponseSpec,
    headers: &Headers,
) -> Result<Response<Bytes>, InvalidHeaderValue> {
    let fields = if let Some(fields) = found.face.written.get() {
        fields.clone()
    } else {
        let fields = written(found, headers, spec)?;
        found.face.written.keep(fields.clone());
        fields
    };
    let mut response = Response::new(found.body.clone());
    *response.headers_mut() = fields;
    if let Some(timing) = server_timing(Some(found.face.cache), &found.stages, request, spec) {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    Ok(response)
}

/// All fields of a 200 that are not of one request. Those that are have a place here already, so that nothing grows
/// when they come.
fn written(found: &Answer, headers: &Headers, spec: &ResponseSpec) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut fields = HeaderMap::new();
    fields.insert(ETAG, HeaderValue::from_str(&found.face.etag)?);
    caching::write(&mut fields, found, spec)?;
    if spec.server_timing {
        fields.insert(SERVER_TIMING, HeaderValue::from_static(""));
    }
    describe(&mut fields, found)?;
    fields.insert(CONTENT_LENGTH, HeaderValue::from(found.body.len()));
    pack(&mut fields)?;
    headers.common(&mut fields);
    fields.insert(X_REQUEST_ID, HeaderValue::from_static(""));
    Ok(fields)
}

/// Puts all values into one piece of memory, so that a copy of the fields counts one reference again and again, and not
/// one in each of a dozen places that other threads count in as well.
fn pack(fields: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
    let all: Bytes = fields.values().flat_map(|value| value.as_bytes().iter().copied()).collect();
    let mut rest = all;
    for value in fields.values_mut() {
        *value = HeaderValue::from_maybe_shared(rest.split_to(value.len()))?;
    }
    Ok(())
}

fn partial(
    found: &Answer,
    bytes: RangeInclusive<usize>,
    content_range: String,
    request: &Request,
    spec: &ResponseSpec,
    headers: &Headers,
) -> Result<Response<Bytes>, InvalidHeaderValue> {
    let mut response = whole(found, request, spec, headers)?;
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().insert(CONTENT_RANGE, HeaderValue::try_from(content_range)?);
    *response.body_mut() = found.body.slice(bytes);
    Ok(response)
}

/// A 304 carries what a cache needs to go on using what it has, and nothing of what it has (RFC 9110, section 15.4.5).
fn not_modified(found: &Answer, request: &Request, spec: &ResponseSpec) -> Result<Response<Bytes>, InvalidHeaderValue> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    let fields = response.headers_mut();
    fields.insert(ETAG, HeaderValue::from_str(&found.face.etag)?);
    caching::write(fields, found, spec)?;
    if let Some(timing) = server_timing(Some(found.face.cache), &found.stages, request, spec) {
        fields.insert(SERVER_TIMING, timing);
    }
    Ok(response)
}

/// A refusal that tells the client which version there is.
fn refused(found: &Answer, failure: &Failure, request: &Request) -> Result<Response<Bytes>, InvalidHeaderValue> {
    let mut response = respond::respond(failure, request);
    response.headers_mut().insert(ETAG, HeaderValue::from_str(&found.face.etag)?);
    Ok(response)
}

/// And how long it is.
fn unsatisfiable(found: &Answer, failure: &Failure, request: &Request) -> Result<Response<Bytes>, InvalidHeaderValue> {
    let mut response = refused(found, failure, request)?;
    let fields = response.headers_mut();
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(range) = RangeAnswer::Unsatisfiable.content_range(found.body.len() as u64) {
        fields.insert(CONTENT_RANGE, HeaderValue::try_from(range)?);
    }
    Ok(response)
}

/// The fields that say what the bytes are.
fn describe(fields: &mut HeaderMap, found: &Answer) -> Result<(), InvalidHeaderValue> {
    let disposition = if found.face.attachment { Disposition::Attachment } else { Disposition::Inline };
    let disposition = content_disposition(disposition, Some(&found.face.filename));
    fields.insert(CONTENT_TYPE, HeaderValue::from_str(&found.face.content_type)?);
    fields.insert(CONTENT_DISPOSITION, HeaderValue::try_from(disposition)?);
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(modified_s) = found.face.last_modified_s {
        fields.insert(LAST_MODIFIED, HeaderValue::try_from(format_http_date(modified_s))?);
    }
    Ok(())
}

fn server_timing(
    outcome: Option<CacheOutcome>,
    stages: &[(&'static str, Duration)],
    request: &Request,
    spec: &ResponseSpec,
) -> Option<HeaderValue> {
    if !spec.server_timing {
        return None;
    }
    let total = request.received.elapsed();
    if let (Some(CacheOutcome::Hit { .. }), []) = (outcome, stages)
        && let Some(timing) = HIT_TIMINGS.get((total.as_micros() as usize + 50) / 100)
    {
        return Some(HeaderValue::from_static(timing));
    }
    let mut timing = ServerTiming::default();
    if let Some(outcome) = outcome {
        timing.description("cache", caching::word(outcome));
    }
    for (stage, took) in stages {
        timing.duration(stage, *took);
    }
    timing.duration("total", total);
    HeaderValue::from_str(timing.as_str()).ok()
}

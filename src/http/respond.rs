//! The one place where a failure becomes a response: status, problem document, how long it may be kept, when to come
//! back (RFC 9457). Contract: no other file of this room names a status of 400 or more, and no text leaves here that
//! was not written for clients.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY};
use http::{Response, StatusCode};
use serde::Serialize;

use super::body::BodyError;
use super::request::Request;
use crate::flow::Failure;
use crate::semantics::accept::accepts_json;

/// The document, in the order in which people read it. Members after `instance` are our own and documented with the
/// error kinds.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    instance: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'a str>,
}

/// What a connection gets for which there is no room: written beforehand, since this is no time for writing.
pub(super) const CONNECTIONS_FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\ncontent-length: 41\r\ncache-control: no-store\r\nretry-after: 2\r\n\
    connection: close\r\n\r\nthe server is busy: too many connections\n";

/// How long a shared cache may keep what can only be wrong in the URL itself.
const URL_MISTAKE_CACHE_S: u64 = 60;
/// When to ask again whether the server is ready: about as long as a restart takes.
const NOT_READY_RETRY_S: u32 = 2;

/// How much of a query string is repeated.
const QUERY_SHOWN_CHARS: usize = 40;

/// The answer to `request` that tells of `failure`.
pub(super) fn respond(failure: &Failure, request: &Request) -> Response<Bytes> {
    let status = StatusCode::from_u16(failure.status)
        .ok()
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (media_type, body) = document(failure, status, request);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    let kept = match failure.cache_s {
        Some(age_s) => HeaderValue::try_from(format!("public, max-age={age_s}")),
        None => Ok(HeaderValue::from_static("no-store")),
    };
    fields.extend(kept.ok().map(|kept| (CACHE_CONTROL, kept)));
    // JSON or a line of text: the document itself is negotiated, which matters as soon as it is kept.
    if failure.negotiated || failure.cache_s.is_some() {
        fields.insert(VARY, HeaderValue::from_static("Accept"));
    }
    if let Some(seconds) = failure.retry_after_s {
        fields.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// RFC 9112, section 3.2.
pub(super) fn host_missing() -> Failure {
    Failure::new(400, "invalid-request", "request is malformed", "exactly one Host header field is needed")
}

/// A request's body could not be had; `setting` is the limit of its length.
pub(super) fn body_failed(error: &BodyError, setting: &'static str) -> Failure {
    let detail = error.to_string();
    match error {
        // RFC 9110, section 15.5.14.
        BodyError::TooLarge { max, .. } => Failure {
            limit: Some((setting, format!("{max} bytes"))),
            ..Failure::new(413, "body-too-large", "the request body is too large", detail)
        },
        BodyError::Incomplete { .. } => Failure::new(400, "body-incomplete", "the request body is incomplete", detail),
        // RFC 9110, section 15.5.9.
        BodyError::Timeout { .. } => Failure::new(408, "body-timeout", "the request body is too slow", detail),
    }
}

/// An operations page was asked for without its token.
pub(super) fn unauthorized() -> Failure {
    Failure::new(401, "unauthorized", "a valid bearer token is needed", "")
}

/// What changes something was asked for where nobody could be told apart.
pub(super) fn token_needed() -> Failure {
    let detail = "set admin.token (TINTYPE_ADMIN_TOKEN) and send it in Authorization: Bearer";
    Failure::new(403, "token-needed", "the server has no token to ask for", detail)
}

/// The body is no order of the given form.
pub(super) fn no_order(error: &serde_json::Error, form: &str) -> Failure {
    Failure {
        accepted: Some(form.to_owned()),
        ..Failure::new(400, "invalid-purge", "the purge cannot be followed", format!("the body is no order: {error}"))
    }
}

/// A path that is not an image and that nothing is at.
pub(super) fn not_found() -> Failure {
    Failure { cache_s: Some(URL_MISTAKE_CACHE_S), ..Failure::new(404, "not-found", "nothing is here", "") }
}

/// Only reading is supported.
pub(super) fn method_not_allowed(method: &str) -> Failure {
    other_method(method, "GET, HEAD, OPTIONS")
}

/// Only the allowed methods are supported.
pub(super) fn other_method(method: &str, allowed: &str) -> Failure {
    Failure::new(405, "method-not-allowed", "method is not allowed", format!("{method} is not among {allowed}"))
}

/// RFC 9110, section 13.1.1 and 13.1.4: the client wanted another version.
pub(super) fn precondition_failed(is_negotiated: bool) -> Failure {
    let detail = "the current version does not match If-Match or If-Unmodified-Since";
    Failure {
        negotiated: is_negotiated,
        ..Failure::new(412, "precondition-failed", "a precondition is not met", detail)
    }
}

/// A query string, which means nothing behind an image URL and would split the caches in front.
pub(super) fn query_refused(query: &str) -> Failure {
    let shown: String = query.chars().take(QUERY_SHOWN_CHARS).collect();
    Failure {
        segment: Some(format!("?{shown}")),
        accepted: Some("the same URL without its query string".to_owned()),
        cache_s: Some(URL_MISTAKE_CACHE_S),
        ..Failure::new(400, "query-refused", "an image URL has no query string", "the setting url.query is `refuse`")
    }
}

/// RFC 9110, section 15.5.15.
pub(super) fn url_too_long(path_bytes: usize, url_bytes_max: usize) -> Failure {
    Failure {
        limit: Some(("url.bytes_max", format!("{url_bytes_max} bytes"))),
        cache_s: Some(URL_MISTAKE_CACHE_S),
        ..Failure::new(414, "url-too-long", "url is too long", format!("{path_bytes} bytes, limit {url_bytes_max}"))
    }
}

/// RFC 9110, section 15.5.17.
pub(super) fn range_not_satisfiable(len: usize, is_negotiated: bool) -> Failure {
    Failure {
        negotiated: is_negotiated,
        ..Failure::new(416, "range-not-satisfiable", "range lies beyond the end", format!("the image has {len} bytes"))
    }
}

/// Starting, or on the way out.
pub(super) fn not_ready(phase: &str) -> Failure {
    Failure {
        retry_after_s: Some(NOT_READY_RETRY_S),
        ..Failure::new(503, "not-ready", "server takes no requests now", format!("the server is {phase}"))
    }
}

/// Something that we wrote cannot be sent; a bug of ours.
pub(super) fn internal() -> Failure {
    Failure::new(500, "internal", "internal error", "")
}

fn document(failure: &Failure, status: StatusCode, request: &Request) -> (&'static str, Bytes) {
    if accepts_json(request.joined(ACCEPT).as_deref()) {
        let problem = Problem {
            r#type: format!("urn:tintype:{}", failure.kind),
            title: failure.title,
            status: status.as_u16(),
            detail: &failure.detail,
            instance: format!("urn:tintype:req:{}", request.id()),
            segment: failure.segment.as_deref(),
            accepted: failure.accepted.as_deref(),
            limit: failure.limit.as_ref().map(|(_, limit)| limit.as_str()),
            setting: failure.limit.as_ref().map(|(setting, _)| *setting).filter(|setting| !setting.is_empty()),
        };
        let json = serde_json::to_vec(&problem).expect("invariant: strings and a number always serialize");
        return ("application/problem+json", Bytes::from(json));
    }
    let line = match failure.detail.as_str() {
        "" => format!("{}\n", failure.title),
        detail => format!("{}: {detail}\n", failure.title),
    };
    ("text/plain; charset=utf-8", Bytes::from(line))
}

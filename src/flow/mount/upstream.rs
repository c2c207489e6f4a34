//! The origin's side of an exchange: the request as the origin gets it, and the answer as it came.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, EXPECT, EXPIRES, FORWARDED, HOST, HeaderValue,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, TRAILER, VIA,
};
use http::{HeaderMap, HeaderName, StatusCode};

use super::Mounts;
use super::ask::{Body, Request};
use super::site::{SURROGATE, Target};
use crate::cache::Stamp;
use crate::origin::{Collected, Fetched, OriginError, OriginFreshness, Original, Outbound, Validators};
use crate::semantics::fields::{joined, lines};
use crate::semantics::loops::{CDN_LOOP, Passed};
use crate::semantics::{hop_by_hop, update};
use crate::telemetry::clock;
use crate::telemetry::metrics::Counter;

/// An answer of the origin.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) status: StatusCode,
    /// Without the fields of its connection, and with a `Date`.
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Unix seconds.
    pub(super) requested_s: u64,
    /// Unix seconds.
    pub(super) received_s: u64,
    /// When the exchange began.
    pub(super) stamp: Stamp,
}

/// What becomes of the conditions and the range of a client's request.
#[derive(Debug, Clone)]
pub(super) enum Conditions {
    /// They go on as they came.
    Verbatim,
    /// Answered here from the whole response, so that it can be kept.
    Dropped,
    /// Other ones take their place.
    Replaced(Vec<(HeaderName, HeaderValue)>),
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");

/// The fields that make a request conditional or ask for a part.
const CONDITIONS: [HeaderName; 6] = [IF_MATCH, IF_UNMODIFIED_SINCE, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE];

// === impl Conditions ===

impl Conditions {
    fn apply(self, headers: &mut HeaderMap) {
        if matches!(self, Self::Verbatim) {
            return;
        }
        for name in CONDITIONS {
            headers.remove(name);
        }
        if let Self::Replaced(fields) = self {
            headers.extend(fields);
        }
    }
}

// === impl Mounts ===

impl Mounts {
    /// Sends a request on and waits for its answer: the whole body, or the beginning of one that is too long to hold.
    pub(super) async fn send(
        &self,
        target: &Target,
        request: &Request,
        conditions: Conditions,
    ) -> Result<Came, OriginError> {
        let (stamp, requested_s) = (self.marks.stamps().now(), clock::now_unix_s());
        let mut headers = request.headers.clone();
        self.make_outbound(&mut headers, request);
        conditions.apply(&mut headers);
        let answer = match &target.source {
            None => self.send_http(target, request, headers).await,
            Some(source) => self.read_store(source, request, &headers).await,
        };
        Counter::OriginFetches.add(1, &[("scheme", target.scheme()), ("result", result_label(&answer))]);
        let (status, mut headers, body, received_s) = answer?;
        hop_by_hop::strip(&mut headers);
        headers.remove(TRAILER);
        update::date(&mut headers, received_s);
        Ok(Came { status, headers, body, requested_s, received_s, stamp })
    }

    async fn send_http(&self, target: &Target, request: &Request, headers: HeaderMap) -> Result<Answered, OriginError> {
        let (method, url, body) = (request.method.clone(), target.url.clone(), request.body.clone());
        let mut inbound = self.origins.forward(Outbound { method, url, headers, body }).await?;
        let received_s = clock::now_unix_s();
        let (status, headers) = (inbound.status, std::mem::take(&mut inbound.headers));
        let body = match inbound.collect(self.body_bytes_max).await? {
            Collected::Whole(body) => Body::Whole(body),
            Collected::Longer(beginning, rest) => Body::Passing(beginning, rest),
        };
        Ok((status, headers, body, received_s))
    }

    async fn read_store(&self, source: &str, request: &Request, headers: &HeaderMap) -> Result<Answered, OriginError> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let known =
            Validators { etag: text(IF_NONE_MATCH), last_modified: text(IF_MODIFIED_SINCE), ..Validators::default() };
        let fetched = self.origins.fetch_for(&Passed::of(&request.headers), source, Some(&known)).await;
        let received_s = clock::now_unix_s();
        let (status, headers, body) = match fetched {
            Ok(Fetched::Body(original)) => (StatusCode::OK, described(&original), original.bytes),
            Ok(Fetched::NotModified { freshness }) => (StatusCode::NOT_MODIFIED, fresh(&freshness), Bytes::new()),
            // A store that has no such object has answered.
            Err(error @ OriginError::NotFound) => {
                let status = StatusCode::from_u16(error.status()).map_err(|_| error)?;
                (status, HeaderMap::new(), Bytes::new())
            }
            Err(error) => return Err(error),
        };
        Ok((status, headers, Body::Whole(body), received_s))
    }

    /// What a gateway changes in a request (RFC 9110 §7.6): the fields of its connection go, and the origin learns who
    /// asked and through whom.
    ///
    /// It does not learn for which host: an origin that wrote that into its answers would have them given to everyone,
    /// since no key knows of it.
    fn make_outbound(&self, headers: &mut HeaderMap, request: &Request) {
        hop_by_hop::strip(headers);
        for name in [HOST, CONTENT_LENGTH, EXPECT, TRAILER, FORWARDED, X_FORWARDED_HOST] {
            headers.remove(name);
        }
        append(headers, X_FORWARDED_FOR, &peer_text(request.peer));
        append(headers, SURROGATE_CAPABILITY, &format!("{SURROGATE}=\"Surrogate/1.0\""));
        append(headers, VIA, &format!("1.1 {}", self.origins.name()));
        append(headers, CDN_LOOP, self.origins.name());
        headers.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
        if let Ok(id) = HeaderValue::from_str(&request.id) {
            headers.insert(X_REQUEST_ID, id);
        }
    }
}

/// Status, header, body, and when the header came.
type Answered = (StatusCode, HeaderMap, Body, u64);

fn described(original: &Original) -> HeaderMap {
    let mut headers = fresh(&original.freshness);
    let fields = [
        (CONTENT_TYPE, &original.content_type),
        (ETAG, &original.validators.etag),
        (LAST_MODIFIED, &original.validators.last_modified),
    ];
    for (name, value) in fields {
        headers.extend(value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()).map(|value| (name, value)));
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers
}

fn fresh(freshness: &OriginFreshness) -> HeaderMap {
    let fields = [(CACHE_CONTROL, &freshness.cache_control), (EXPIRES, &freshness.expires)];
    let line = |(name, value): (HeaderName, &Option<String>)| {
        value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()).map(|value| (name, value))
    };
    fields.into_iter().filter_map(line).collect()
}

/// Adds to the end of a list.
fn append(headers: &mut HeaderMap, name: HeaderName, member: &str) {
    let before = joined(lines(headers, &name)).filter(|list| !list.trim().is_empty());
    let list = before.map_or_else(|| member.to_owned(), |list| format!("{list}, {member}"));
    if let Ok(value) = HeaderValue::from_bytes(&latin_1(&list)) {
        headers.insert(name, value);
    }
}

/// Undoes the reading of field values as text.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
}

fn peer_text(peer: IpAddr) -> String {
    peer.to_canonical().to_string()
}

/// What an origin says of what it does not have.
const MISSING: u16 = 404;

fn result_label(answer: &Result<Answered, OriginError>) -> &'static str {
    match answer {
        Ok((StatusCode::NOT_MODIFIED, ..)) => "not_modified",
        Ok((status, ..)) if *status == MISSING => "not_found",
        Ok((status, ..)) if status.is_server_error() => "failed",
        Ok(_) => "ok",
        Err(OriginError::Timeout { .. }) => "timeout",
        Err(OriginError::AddressRefused(_) | OriginError::NotAllowed) => "refused",
        Err(_) => "failed",
    }
}

//! Requests to a pass-through mount: any method, with their bodies, and answers that are sent as the origin wrote them.
//! Contract: what the flow says goes out unchanged; only refusals of our own are written here.

use std::sync::Arc;

use http::header::{ALLOW, HeaderValue};
use http::{Response, StatusCode};

use super::access::{Notes, Route};
use super::headers::{Headers, complete_passed};
use super::reply::Reply;
use super::request::Request;
use super::respond;
use crate::flow::Failure;
use crate::flow::mount::{self, Body, Claim, Mounts, Status};

/// What a mount that is only read allows.
const READING: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// The answer of a mount.
pub(super) async fn answer(mounts: &Arc<Mounts>, claim: Claim, request: &mut Request, headers: &Headers) -> Reply {
    let body = match request.read_body(mounts.request_bytes_max()).await {
        Ok(body) => body,
        Err(error) => return refused(&respond::body_failed(&error, "mount.request_bytes_max"), request, headers),
    };
    let asked = mount::Request {
        method: request.method.clone(),
        path: request.path().to_owned(),
        query: request.uri.query().map(str::to_owned),
        headers: request.headers.clone(),
        body,
        peer: request.peer.ip(),
        client: request.client,
        id: request.id().to_owned(),
    };
    match mounts.answer(claim, asked).await {
        Ok(answer) => passed(answer, request),
        Err(failure) => refused(&failure, request, headers),
    }
}

fn passed(answer: mount::Answer, request: &Request) -> Reply {
    let mount::Answer { status, headers, body, cache } = answer;
    let (body, rest) = match body {
        Body::Whole(body) => (body, None),
        Body::Passing(beginning, rest) => (beginning, Some(rest)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = match status {
        Status::Is(status) => status,
        Status::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
    };
    *response.headers_mut() = headers;
    complete_passed(&mut response, request, rest.is_none());
    Reply { response, rest, notes: Notes { cache: Some(cache), ..Notes::of(Route::Mount) } }
}

fn refused(failure: &Failure, request: &Request, headers: &Headers) -> Reply {
    let mut response = respond::respond(failure, request);
    if failure.kind == "method-not-allowed" {
        response.headers_mut().insert(ALLOW, READING);
    }
    headers.complete(&mut response, request);
    Reply { response, rest: None, notes: Notes { kind: Some(failure.kind), ..Notes::of(Route::Mount) } }
}

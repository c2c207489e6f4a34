//! The operations listener: probes, metrics, status and purges, on an address that the public does not reach. Contract:
//! probes are open to whoever reaches it; everything that tells something asks for the token, where one is set; what
//! changes something is refused where none is set.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Response};
use subtle::ConstantTimeEq;

use super::access::{Notes, Route};
use super::connection::Handler;
use super::headers::Headers;
use super::purge::{self, Purge};
use super::reply::Reply;
use super::request::Request;
use super::respond;
use super::routes::{alive, page_of, readiness, refuse};
use crate::telemetry::health::Health;

/// The handler of the operations listener.
pub struct Admin {
    /// Asked for on `/metrics`, `/status` and `/purge`; `None` leaves the first two open and the third one shut.
    pub bearer: Option<Vec<u8>>,
    pub health: Arc<Health>,
    /// The text exposition of all metrics.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// What a person wants to know of this process.
    pub status: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
    pub purge: Purge,
}

// === impl Admin ===

impl Admin {
    async fn route(&self, request: &mut Request) -> (Response<Bytes>, Notes) {
        if !request.has_one_host() {
            return refuse(Route::Refused, &respond::host_missing(), request);
        }
        if request.path() == "/purge" {
            return purge::answer(self, request).await;
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let failure = respond::method_not_allowed(request.method.as_str());
            let (mut response, notes) = refuse(Route::Refused, &failure, request);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return (response, notes);
        }
        match request.path() {
            "/live" => (alive(), Notes::of(Route::Health)),
            "/ready" => readiness(&self.health, request),
            "/metrics" | "/status" if !self.is_allowed(request) => unauthorized(request),
            "/metrics" => {
                let page = page_of("text/plain; version=0.0.4; charset=utf-8", "no-store", (self.metrics)());
                (page, Notes::of(Route::Operations))
            }
            "/status" => {
                let page = page_of("application/json", "no-store", (self.status)().to_string());
                (page, Notes::of(Route::Operations))
            }
            _ => refuse(Route::Operations, &respond::not_found(), request),
        }
    }

    pub(super) fn is_allowed(&self, request: &Request) -> bool {
        let Some(expected) = &self.bearer else { return true };
        // The time tells the length of the token and nothing of its text.
        request.bearer().is_some_and(|token| token.as_bytes().ct_eq(expected).into())
    }
}

impl Handler for Admin {
    async fn handle(&self, mut request: Request) -> Reply {
        let (mut response, notes) = self.route(&mut request).await;
        Headers::new(None).complete(&mut response, &request);
        Reply { response, rest: None, notes }
    }
}

/// The request has no token, or another one.
pub(super) fn unauthorized(request: &Request) -> (Response<Bytes>, Notes) {
    let (mut response, notes) = refuse(Route::Operations, &respond::unauthorized(), request);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    (response, notes)
}

//! `POST /purge` on the operations listener: who may, the order in its body, the report in its answer. Contract: 200
//! only for a purge that holds and is durable; any other answer says what to change.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ALLOW, HeaderValue};
use http::{Method, Response};
use serde_json::{Map, Value, json};

use super::access::{Notes, Route};
use super::admin::{Admin, unauthorized};
use super::body::BodyError;
use super::request::Request;
use super::respond;
use super::routes::{page_of, refuse};
use crate::flow::{Failure, PURGE_FORM, PurgeOrder, PurgeReport};

/// Follows an order.
pub type Purge = Box<dyn Fn(PurgeOrder) -> BoxFuture<'static, Result<PurgeReport, Failure>> + Send + Sync>;

/// Bytes of an order.
const ORDER_BYTES_MAX: u64 = 1 << 20;

/// Answers a request for `/purge`.
pub(super) async fn answer(admin: &Admin, request: &mut Request) -> (Response<Bytes>, Notes) {
    if request.method != Method::POST {
        let failure = respond::other_method(request.method.as_str(), "POST");
        let (mut response, notes) = refuse(Route::Operations, &failure, request);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return (response, notes);
    }
    if admin.bearer.is_none() {
        // What empties a cache is not open to whoever finds the port.
        return refuse(Route::Operations, &respond::token_needed(), request);
    }
    if !admin.is_allowed(request) {
        return unauthorized(request);
    }
    match follow(admin, request).await {
        Ok(report) => {
            (page_of("application/json", "no-store", shown(&report).to_string()), Notes::of(Route::Operations))
        }
        Err(failure) => refuse(Route::Operations, &failure, request),
    }
}

async fn follow(admin: &Admin, request: &mut Request) -> Result<PurgeReport, Failure> {
    let body = request.read_body(ORDER_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let order = serde_json::from_slice(&body).map_err(|error| respond::no_order(&error, PURGE_FORM))?;
    (admin.purge)(order).await
}

fn unread(error: &BodyError) -> Failure {
    // No setting makes it larger.
    Failure { limit: None, ..respond::body_failed(error, "") }
}

fn shown(report: &PurgeReport) -> Value {
    let purged: Map<String, Value> =
        report.purged.iter().map(|(tier, entries)| ((*tier).to_owned(), (*entries).into())).collect();
    json!({ "purged": purged, "marks": report.marks, "soft": report.soft })
}

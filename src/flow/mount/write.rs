//! Requests that may change something: they go straight to the origin, and a success makes untrue what is kept.

use http::header::{ALLOW, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use super::ask::{Answer, Request, Status};
use super::keeping::NO_BODY;
use super::site::{Site, Target};
use super::upstream::Conditions;
use super::{Mounts, answer};
use crate::flow::{CacheOutcome, Failure};
use crate::semantics::cache_status::{CacheStatus, Forward, Handling};
use crate::semantics::fields::text_of;
use crate::semantics::invalidation::invalidated;
use crate::telemetry::clock;

const MAX_FORWARDS: HeaderName = HeaderName::from_static("max-forwards");

// === impl Mounts ===

impl Mounts {
    /// Passes on everything but GET and HEAD.
    pub(super) async fn write(&self, site: &Site, target: &Target, mut request: Request) -> Result<Answer, Failure> {
        if target.source.is_some() {
            // Buckets and folders are read and nothing else.
            return Err(Failure::mount_method(request.method.as_str()));
        }
        if request.method == Method::OPTIONS && is_for_us(&mut request.headers) {
            return Ok(own_options());
        }
        let _turn = self.misses.both(request.client)?;
        let came =
            self.send(target, &request, Conditions::Verbatim).await.map_err(|error| Failure::from_mount(&error))?;
        let (status, now_s) = (came.status, clock::now_unix_s());
        let drop = self.marks.stamps().now();
        for url in invalidated(&request.method, &target.url, status.as_u16(), &came.headers) {
            self.shelf.drop_all(&site.target_of(url, None).key, drop, now_s);
        }
        // The answer to a POST can be what GET would get (RFC 9110 §9.3.3).
        let is_stored =
            request.method == Method::POST && self.keep(site, target, &request, &came, None, Some(drop)).await.is_ok();
        let handling = Handling::Forwarded { why: Forward::Method, status: Some(status.as_u16()) };
        let note = CacheStatus { is_stored, ..CacheStatus::new(&self.name, handling) };
        Ok(answer::from_came(came, None, &note, CacheOutcome::Bypass))
    }
}

/// Whether `Max-Forwards` ends here (RFC 9110 §7.6.2); else it counts one less.
fn is_for_us(headers: &mut HeaderMap) -> bool {
    let Some(left) = headers.get(MAX_FORWARDS).and_then(|value| text_of(value).trim().parse::<u64>().ok()) else {
        return false;
    };
    if left == 0 {
        return true;
    }
    headers.insert(MAX_FORWARDS, HeaderValue::from(left - 1));
    false
}

fn own_options() -> Answer {
    let headers = HeaderMap::from_iter([(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS, POST, PUT, DELETE"))]);
    Answer { status: Status::Is(StatusCode::NO_CONTENT), headers, body: NO_BODY, cache: CacheOutcome::Bypass }
}

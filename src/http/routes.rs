//! The main listener's routes: a handful of fixed paths, and everything else is an image. Contract: decides by method
//! and path alone; what an image is, the service knows.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL,
    CONTENT_TYPE, HeaderValue, IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, InvalidHeaderValue, LOCATION,
};
use http::{Method, Response, StatusCode};

use super::access::{Notes, Route};
use super::answer;
use super::connection::Handler;
use super::headers::Headers;
use super::mounted;
use super::reply::Reply;
use super::request::Request;
use super::respond;
use super::service::{Extra, Service};
use super::spec::ResponseSpec;
use crate::config::UrlQuery;
use crate::flow::mount::{Claim, Mounts};
use crate::flow::{Ask, Failure};
use crate::semantics::loops::Passed;
use crate::telemetry::health::{Health, Phase};

/// The handler of the main listener.
pub struct Main<S> {
    service: S,
    extra: Option<Arc<dyn Extra>>,
    health: Arc<Health>,
    spec: ResponseSpec,
    headers: Headers,
}

/// What this server is, for a person who opens its bare address.
const LANDING: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>tintype</title>\n\
    <style>body{font:1rem/1.5 system-ui,sans-serif;margin:4rem auto;max-width:36rem;padding:0 1rem}</style>\n\
    <h1>tintype</h1>\n\
    <p>This server answers image URLs of the form\n\
    <code>/&lt;signature&gt;/&lt;options&gt;/plain/&lt;source&gt;@&lt;format&gt;</code>.\n\
    There is nothing else to see here.</p>\n</html>\n";

const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
/// What a script may send beyond the fields that need no permission.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, X-Request-Id",
);
/// Browsers cap it at one day or less.
const PREFLIGHT_CACHE_S: HeaderValue = HeaderValue::from_static("86400");

// === impl Main ===

impl<S: Service> Main<S> {
    /// The routes in front of `service`, with the pages of `extra` where given.
    ///
    /// # Errors
    ///
    /// `allow_origin` cannot stand in a header.
    pub fn try_new(
        service: S,
        extra: Option<Arc<dyn Extra>>,
        health: Arc<Health>,
        spec: ResponseSpec,
    ) -> Result<Self, InvalidHeaderValue> {
        let allow_origin = spec.allow_origin.as_deref().map(HeaderValue::from_str).transpose()?;
        Ok(Self { service, extra, health, headers: Headers::new(allow_origin), spec })
    }

    async fn route(&self, request: &Request) -> (Response<Bytes>, Notes) {
        if request.method == Method::OPTIONS {
            return (self.options(), Notes::of(Route::Options));
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let failure = respond::method_not_allowed(request.method.as_str());
            let (mut response, notes) = refuse(Route::Refused, &failure, request);
            response.headers_mut().insert(ALLOW, ALLOWED);
            return (response, notes);
        }
        let path = request.path();
        if path.len() > self.spec.url_bytes_max {
            let failure = respond::url_too_long(path.len(), self.spec.url_bytes_max);
            return refuse(Route::Refused, &failure, request);
        }
        match path {
            "/" => (page_of("text/html; charset=utf-8", "public, max-age=60", LANDING), Notes::of(Route::Page)),
            "/live" => (alive(), Notes::of(Route::Health)),
            // Those in front of us see only this listener, so that this is where they learn of a drain.
            "/health" => readiness(&self.health, request),
            "/favicon.ico" => refuse(Route::Page, &respond::not_found(), request),
            _ if path.starts_with("/.well-known/") => refuse(Route::Page, &respond::not_found(), request),
            _ => self.image(request).await,
        }
    }

    /// The page beside the images that a request names.
    fn page(&self, request: &Request) -> Option<(Response<Bytes>, Notes)> {
        let extra = self.extra.as_ref().filter(|_| request.method != Method::OPTIONS)?;
        let page = extra.route(&request.method, request.path(), request.uri.query())?;
        Some(match page {
            Ok(page) => (page, Notes::of(Route::Page)),
            Err(failure) => refuse(Route::Page, &failure, request),
        })
    }

    /// The mount of a request, whatever its method. What every server of ours has at a fixed path is nobody's.
    fn claim(&self, request: &Request) -> Option<(&Arc<Mounts>, Claim)> {
        let mounts = self.service.mounts()?;
        let path = request.path();
        let is_ours = matches!(path, "/live" | "/health");
        let claim = mounts.claim(path).filter(|_| !is_ours)?;
        let is_image = |prefix: &str| {
            !prefix.is_empty() && path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // Below `/` everything would be claimed; the images have a prefix of their own then.
        (!is_image(self.service.prefix())).then_some((mounts, claim))
    }

    async fn image(&self, request: &Request) -> (Response<Bytes>, Notes) {
        if let Some(answered) = self.query(request) {
            return answered;
        }
        let ask = Ask {
            path: request.path().to_owned(),
            if_none_match: only_if_none_match(request),
            accept: request.joined(ACCEPT).unwrap_or_default().into_owned(),
            bearer: request.bearer().map(str::to_owned),
            client: request.client,
            passed: Passed::of(&request.headers),
        };
        match self.service.answer(ask).await {
            Ok(found) => answer::answer(found, request, &self.spec, &self.headers),
            Err(failure) => answer::failed(failure, request, &self.spec),
        }
    }

    /// The answer to an image URL with a query string, where the setting says that it has one.
    fn query(&self, request: &Request) -> Option<(Response<Bytes>, Notes)> {
        let query = request.uri.query()?;
        let path = request.path();
        match self.spec.query {
            UrlQuery::Ignore => None,
            // What begins with two slashes would be read as the address of another host.
            UrlQuery::Redirect if !path.starts_with("//") => {
                let location = HeaderValue::from_str(path).ok()?;
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
                response.headers_mut().insert(LOCATION, location);
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
                Some((response, Notes::of(Route::Image)))
            }
            UrlQuery::Redirect | UrlQuery::Refuse => {
                Some(refuse(Route::Refused, &respond::query_refused(query), request))
            }
        }
    }

    fn options(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let fields = response.headers_mut();
        fields.insert(ALLOW, ALLOWED);
        if self.headers.allows_origins() {
            fields.insert(ACCESS_CONTROL_ALLOW_METHODS, ALLOWED);
            fields.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
            fields.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_CACHE_S);
        }
        response
    }
}

impl<S: Service> Handler for Main<S> {
    async fn handle(&self, mut request: Request) -> Reply {
        let looped = || self.service.looped(&request.headers);
        let refusal = if request.has_one_host() { looped() } else { Some(respond::host_missing()) };
        if let Some(failure) = refusal {
            let (mut response, notes) = refuse(Route::Refused, &failure, &request);
            self.headers.complete(&mut response, &request);
            return Reply { response, rest: None, notes };
        }
        let page = self.page(&request);
        if let Some((mounts, claim)) = self.claim(&request).filter(|_| page.is_none()) {
            return mounted::answer(mounts, claim, &mut request, &self.headers).await;
        }
        let (mut response, notes) = match page {
            Some(page) => page,
            None => self.route(&request).await,
        };
        self.headers.complete(&mut response, &request);
        Reply { response, rest: None, notes }
    }

    fn shown_path(&self, request: &Request) -> String {
        match self.claim(request) {
            Some(_) => request.path().to_owned(),
            None => self.service.shown_path(request.path()),
        }
    }
}

/// The condition by which a client that has the picture asks for a new one, where it is the only one: then it can be
/// answered before the picture is made.
fn only_if_none_match(request: &Request) -> Option<String> {
    let has_others = [IF_MATCH, IF_UNMODIFIED_SINCE].iter().any(|name| request.headers.contains_key(name));
    if has_others { None } else { request.joined(IF_NONE_MATCH).map(std::borrow::Cow::into_owned) }
}

/// A small page or text of our own.
pub(super) fn page_of(
    media_type: &'static str,
    cache_control: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    response
}

/// The process runs and answers.
pub(super) fn alive() -> Response<Bytes> {
    page_of("text/plain; charset=utf-8", "no-store", "tintype is running\n")
}

/// Whether requests are welcome here.
pub(super) fn readiness(health: &Health, request: &Request) -> (Response<Bytes>, Notes) {
    match health.phase() {
        Phase::Ready => (alive(), Notes::of(Route::Health)),
        phase @ (Phase::Starting | Phase::Draining) => {
            refuse(Route::Health, &respond::not_ready(phase.name()), request)
        }
    }
}

/// A refusal of this room's own.
pub(super) fn refuse(route: Route, failure: &Failure, request: &Request) -> (Response<Bytes>, Notes) {
    let response = respond::respond(failure, request);
    (response, Notes { kind: Some(failure.kind), ..Notes::of(route) })
}

//! One line in the log and one count in the metrics for each request, also for those whose client went away. Contract:
//! written once, when the connection lets go of the exchange; no query, no source credentials, no token in it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Response};
use tokio::time::Instant;

use super::caching::word;
use super::request::Request;
use crate::flow::CacheOutcome;
use crate::telemetry::log::AccessLine;
use crate::telemetry::metrics::{Counter, Histogram, status_label};

/// Which of the routes a request took; a bounded set, for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// An image, whatever came of it.
    Image,
    /// The landing page, pages beside the images, and paths that browsers ask for unasked.
    Page,
    /// Probes.
    Health,
    /// `OPTIONS`.
    Options,
    /// Metrics and status.
    Operations,
    /// A pass-through mount.
    Mount,
    /// Refused before any route.
    Refused,
}

/// What the log should know of an answer beside its status and length.
#[derive(Debug, Clone)]
pub struct Notes {
    pub route: Route,
    /// How the cache took part, where one did.
    pub cache: Option<CacheOutcome>,
    /// The slug of the failure, where it was one.
    pub kind: Option<&'static str>,
    /// Stages of this request in the order they ended.
    pub stages: Vec<(&'static str, Duration)>,
}

/// One request on its way to its line. Dropped unanswered, it tells of a client that went away.
#[derive(Debug)]
pub(super) struct Record {
    /// Nothing where no line is wanted.
    asked: Option<Box<Asked>>,
    received: Instant,
    answered: Option<Answered>,
}

/// What the line says of the request.
#[derive(Debug)]
struct Asked {
    id: HeaderValue,
    method: Method,
    path: String,
    peer: SocketAddr,
    client: Option<IpAddr>,
}

#[derive(Debug)]
struct Answered {
    status: u16,
    /// Of the body as announced; less may have been sent.
    bytes: usize,
    notes: Notes,
}

/// What is logged for a client that left before its answer; never sent (the number is nginx's).
const STATUS_CLIENT_GONE: u16 = 499;

// === impl Route ===

impl Route {
    /// Its name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Page => "page",
            Self::Health => "health",
            Self::Options => "options",
            Self::Operations => "operations",
            Self::Mount => "mount",
            Self::Refused => "refused",
        }
    }
}

// === impl Notes ===

impl Notes {
    /// Nothing is known but the route.
    pub const fn of(route: Route) -> Self {
        Self { route, cache: None, kind: None, stages: Vec::new() }
    }
}

// === impl Record ===

impl Record {
    /// `shown_path` is asked only where the line will be written.
    pub(super) fn begin(request: &Request, shown_path: impl FnOnce() -> String) -> Self {
        let asked = tracing::enabled!(tracing::Level::INFO).then(|| {
            Box::new(Asked {
                id: request.id.clone(),
                method: request.method.clone(),
                path: shown_path(),
                peer: request.peer,
                client: request.client.filter(|client| *client != request.peer.ip()),
            })
        });
        Self { asked, received: request.received, answered: None }
    }

    /// `is_whole` tells that the body of `response` is all there is; else its announced length counts.
    pub(super) fn answered(&mut self, response: &Response<Bytes>, is_whole: bool, notes: Notes) {
        let announced = || response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        let bytes = Some(response.body().len()).filter(|_| is_whole).or_else(announced).unwrap_or_default();
        self.answered = Some(Answered { status: response.status().as_u16(), bytes, notes });
    }

    fn close(&self, status: u16, bytes: usize, notes: &Notes) {
        let (route, cache, took) = (notes.route.name(), notes.cache.map(word), self.received.elapsed());
        let cached = cache.unwrap_or("none");
        Counter::Requests.add(1, &[("route", route), ("status", status_label(status)), ("cache", cached)]);
        Histogram::Request.record(took, &[("route", route), ("cache", cached)]);
        if let Some(kind) = notes.kind {
            Counter::Errors.add(1, &[("kind", kind)]);
        }
        let Some(asked) = &self.asked else { return };
        let line = AccessLine {
            id: asked.id.to_str().unwrap_or_default(),
            method: asked.method.as_str(),
            path: &asked.path,
            peer: asked.peer,
            client: asked.client,
            route,
            status,
            bytes: bytes as u64,
            cache,
            kind: notes.kind,
            stages: &notes.stages,
            took,
        };
        line.write();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        match self.answered.take() {
            Some(Answered { status, bytes, notes }) => self.close(status, bytes, &notes),
            None => self.close(STATUS_CLIENT_GONE, 0, &Notes::of(Route::Image)),
        }
    }
}

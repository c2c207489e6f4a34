//! One line in the log and one count in the metrics for each request, also for those whose client went away. Contract:
//! written once, when the connection lets go of the exchange; no query, no source credentials, no token in it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};

use super::answer::word;
use super::request::Request;
use crate::flow::CacheOutcome;

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

//! What the two listeners are told by the configuration, as plain data. Contract: no defaults from libraries; every
//! limit that hyper knows is named here or beside the builder that it is given to.

use std::sync::Arc;
use std::time::Duration;

use super::client::Proxies;
use crate::config::UrlQuery;

/// How one listener treats its connections.
#[derive(Debug, Clone)]
pub struct ListenerSpec {
    /// Connections at once; for a further one the one that has done nothing for longest is closed.
    pub connections_max: usize,
    /// Who is in front.
    pub proxies: Arc<Proxies>,
    /// Bytes of a request head, request line included.
    pub header_bytes_max: usize,
    /// From the connection, or from the first byte of a later request, to the end of its head.
    pub header_timeout: Duration,
    /// From the end of a request's head to the end of its body, where a handler reads it.
    pub body_timeout: Duration,
    /// How long a connection may wait for its next request. Longer than that of the CDN in front, or its requests
    /// meet connections that are just being closed.
    pub keep_alive_timeout: Duration,
    /// From the end of a request's head to the last byte of its answer taken by the kernel: the time in which requests
    /// are refused, and what a slow reader may take after that. The connection is cut then.
    pub exchange_timeout: Duration,
}

/// How answers of the main listener are written.
#[derive(Debug, Clone)]
pub struct ResponseSpec {
    /// The name of this cache in `Cache-Status` (RFC 9211, section 2), one for each deployment.
    pub cache_name: String,
    /// `Access-Control-Allow-Origin` and `Timing-Allow-Origin`; `None` leaves both out.
    pub allow_origin: Option<String>,
    /// Whether `Server-Timing` tells the public how long each stage took.
    pub server_timing: bool,
    /// Bytes of a request's path.
    pub url_bytes_max: usize,
    /// What becomes of a query string behind an image URL.
    pub query: UrlQuery,
    /// Names of the fields that carry an answer's tags, in lower case.
    pub tag_headers: Vec<&'static str>,
}

/// How the server ends.
#[derive(Debug, Clone, Copy)]
pub struct DrainSpec {
    /// Between the end of readiness and the end of accepting, so that those in front notice.
    pub drain_delay: Duration,
    /// After that, how long requests in progress may take before their connections are cut.
    pub drain_timeout: Duration,
}

//! Errors of the rooms below as failures: status, kind, what to write instead, how long to remember it.
//!
//! Lifetimes at a CDN are by status: a mistake in a URL lasts a minute, an original that is not there half of one, a
//! failing origin seconds; what depends on who asks or on the moment is not stored at all.

use std::time::Duration;

use super::Failure;
use crate::engine::{EngineError, Patience};
use crate::origin::{OriginError, Phase};
use crate::url::UrlError;

const URL_S: u64 = 60;
const NOT_FOUND_S: u64 = 30;
const ORIGIN_S: u64 = 5;
const RETRY_S: u32 = 2;
/// Nobody is sent away for longer.
const RETRY_LONGEST_S: u32 = 30;
/// A client's own requests end soon.
const CLIENT_RETRY_S: u32 = 1;

// === impl Failure ===

impl Failure {
    pub(super) fn url_too_long(got: usize, max: usize) -> Self {
        Self {
            limit: Some(("url.bytes_max", format!("{max} bytes"))),
            cache_s: Some(URL_S),
            ..Self::new(414, "url-too-long", "the URL is too long", format!("the path has {got} bytes"))
        }
    }

    pub(super) fn source_not_allowed() -> Self {
        let detail = "the source matches none of the patterns of the setting allowed_sources";
        Self { cache_s: Some(URL_S), ..Self::new(404, "source-not-allowed", "the source is not allowed", detail) }
    }

    pub(super) fn bearer_refused() -> Self {
        let detail = "this server wants the header Authorization: Bearer with its secret";
        Self::new(403, "bearer-refused", "the request is not authorized", detail)
    }

    pub(super) fn poisoned() -> Self {
        let detail = "several pictures of it brought down the workers that made them; it is tried again later";
        let title = "the original brought down its worker";
        Self { cache_s: Some(URL_S), ..Self::new(422, "original-refused", title, detail) }
    }

    pub(super) fn purged() -> Self {
        let detail = "what was asked for was purged again and again while it was made";
        Self { retry_after_s: Some(RETRY_S), ..Self::new(503, "purged", "what was asked for is being purged", detail) }
    }

    /// As many jobs wait for a worker as may.
    pub(super) fn queue_full(jobs_max: usize) -> Self {
        let limit = Some(("queue.jobs_max", format!("{jobs_max} transformations")));
        Self { limit, ..Self::busy("too many pictures are waiting", RETRY_S) }
    }

    /// A job that joins the queue now would have to wait too long for a worker.
    pub(super) fn queue_too_long(wait: Duration, patience: Duration) -> Self {
        let wait_s = u32::try_from((wait.saturating_sub(patience)).as_secs()).unwrap_or(u32::MAX);
        let limit = Some(("queue.timeout", format!("{} ms", patience.as_millis())));
        let detail = "the picture would wait too long for its turn";
        Self { limit, ..Self::busy(detail, wait_s.clamp(RETRY_S, RETRY_LONGEST_S)) }
    }

    /// As many requests wait for originals and pictures as may.
    pub(super) fn misses_full(misses_max: usize) -> Self {
        let limit = Some(("misses_max", format!("{misses_max} requests")));
        Self { limit, ..Self::busy("too many requests are waiting", RETRY_S) }
    }

    /// One client has as many of them as it may (RFC 6585, section 4).
    pub(super) fn client_full(client_misses_max: usize) -> Self {
        let detail = "too many requests of this client wait for originals and pictures";
        Self {
            limit: Some(("clients.misses_max", format!("{client_misses_max} requests"))),
            retry_after_s: Some(CLIENT_RETRY_S),
            ..Self::new(429, "too-many-requests", "too many requests", detail)
        }
    }

    fn busy(detail: &str, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(503, "overloaded", "the server is busy", detail) }
    }

    pub(super) fn request_timeout(after: Duration) -> Self {
        let detail = "the picture was not ready within request_timeout; it is still being made";
        Self {
            limit: Some(("request_timeout", format!("{} ms", after.as_millis()))),
            retry_after_s: Some(RETRY_S),
            ..Self::new(503, "request-timeout", "the request took too long", detail)
        }
    }

    /// What the engine says of a picture that it was to make with so much patience.
    pub(super) fn unmade(error: EngineError, patience: Patience) -> Self {
        let timeout = match error {
            EngineError::Deadline => Some(("transform_timeout", patience.run)),
            EngineError::QueueTimeout => Some(("queue.timeout", patience.queue)),
            _ => None,
        };
        let failure = Self::from(error);
        let limit = timeout.map(|(setting, after)| (setting, format!("{} ms", after.as_millis())));
        Self { limit: limit.or(failure.limit), ..failure }
    }
}

impl From<UrlError> for Failure {
    fn from(error: UrlError) -> Self {
        let title = match error.status() {
            403 => "the signature was refused",
            _ => "the URL cannot be understood",
        };
        let detail = match &error {
            UrlError::UnknownOption { nearest: Some(nearest), .. } => format!("{error}; did you mean `{nearest}`?"),
            _ => error.to_string(),
        };
        Self {
            segment: error.segment().map(str::to_owned),
            accepted: error.accepted_form().map(ToString::to_string),
            limit: match &error {
                UrlError::TooManyOptions { max } => Some(("url.options_max", format!("{max} options"))),
                _ => None,
            },
            cache_s: (error.status() == 404).then_some(URL_S),
            ..Self::new(error.status(), error.kind(), title, detail)
        }
    }
}

impl From<OriginError> for Failure {
    fn from(error: OriginError) -> Self {
        let status = error.status();
        let title = match &error {
            OriginError::BadSource(_) | OriginError::UnsupportedScheme => "the source cannot be understood",
            OriginError::NotAllowed | OriginError::AddressRefused(_) => "the source is not allowed",
            OriginError::TooLarge { .. } => "the original is too large",
            OriginError::Encoded { .. } => "the original cannot be used",
            OriginError::Overloaded { .. } => "the server is busy",
            _ => "the original cannot be fetched",
        };
        let limit = match &error {
            OriginError::TooLarge { max, .. } => Some(("source.bytes_max", format!("{max} bytes"))),
            OriginError::HeaderTooLarge { max } => Some(("", format!("{max} bytes"))),
            OriginError::TooManyRedirects { max } => Some(("redirects_max", max.to_string())),
            OriginError::Timeout { phase, after_ms } => Some((timeout_setting(*phase), format!("{after_ms} ms"))),
            _ => None,
        };
        let cache_s = match status {
            503 => None,
            500..=599 => Some(ORIGIN_S),
            422 => Some(URL_S),
            _ => Some(NOT_FOUND_S),
        };
        tracing::debug!(error = &error as &dyn std::error::Error, kind = error.kind(), "no original");
        Self {
            limit,
            cache_s,
            retry_after_s: (status == 503).then_some(RETRY_S),
            ..Self::new(status, error.kind(), title, error.to_string())
        }
    }
}

const fn timeout_setting(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "fetch.connect_timeout",
        Phase::FirstByte => "fetch.first_byte_timeout",
        Phase::Read => "fetch.idle_timeout",
        Phase::Total => "fetch.timeout",
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let status = error.status();
        let title = match &error {
            EngineError::Limit { .. } => "a limit is exceeded",
            EngineError::CannotSave(_) | EngineError::RasterToSvg => "the format cannot be written",
            EngineError::Deadline | EngineError::Cancelled => "the picture was not ready in time",
            EngineError::QueueFull | EngineError::QueueTimeout | EngineError::NoWorker => "the server is busy",
            EngineError::Failed(_) | EngineError::Panicked => "the server failed",
            EngineError::Crashed => "the original brought down its worker",
            _ => "the original is not a picture that can be shown",
        };
        let limit = match &error {
            EngineError::Limit { of, max, .. } => Some((of.setting(), max.to_string())),
            _ => None,
        };
        if status == 500 {
            tracing::error!(error = &error as &dyn std::error::Error, "the engine failed");
        } else {
            tracing::debug!(error = &error as &dyn std::error::Error, kind = error.kind(), "no picture");
        }
        Self {
            limit,
            cache_s: (status == 422).then_some(URL_S),
            retry_after_s: (status == 503).then_some(RETRY_S),
            ..Self::new(status, error.kind(), title, error.to_string())
        }
    }
}

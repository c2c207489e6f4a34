//! Errors of the rooms below as failures: status, kind, what to write instead, how long to remember it.
//!
//! Lifetimes at a CDN are by status: a mistake in a URL lasts a minute, an original that is not there half of one, a
//! failing origin seconds; what depends on who asks or on the moment is not stored at all.

use super::Failure;
use crate::engine::EngineError;
use crate::origin::{OriginError, Phase};
use crate::url::UrlError;

const URL_S: u64 = 60;
const NOT_FOUND_S: u64 = 30;
const ORIGIN_S: u64 = 5;
const RETRY_S: u32 = 2;

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

    pub(super) fn request_timeout() -> Self {
        let detail = "the picture was not ready within request_timeout; it is still being made";
        Self { retry_after_s: Some(RETRY_S), ..Self::new(503, "request-timeout", "the request took too long", detail) }
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

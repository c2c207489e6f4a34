//! Puts our client under `object_store`, in place of its own: no proxy, no redirects, a deadline for the header, and a
//! limit on every body that is not an original (error documents, tokens, listings).
//!
//! What an endpoint answered is noted in an [`Exchange`] that travels with the request, because the library's errors
//! do not tell it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http_body_util::{BodyExt, Limited};
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::Request;
use tokio::time::timeout;
use url::Url;

use super::super::client::{Clients, Failure};
use super::super::error::{OriginError, Phase};
use super::super::original::OriginFreshness;
use super::super::spec::OriginLimits;

/// Error documents and tokens are a few hundred bytes; a page of a listing is 1000 names, and with Azure 5000.
const SIDE_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Makes clients for `object_store`.
#[derive(Clone)]
pub(super) struct Connector {
    clients: Arc<Clients>,
    connect_ms_max: u64,
    first_byte_ms_max: u64,
}

/// What came of the last try of one request.
#[derive(Debug, Clone, Default)]
pub(in crate::origin) struct Exchange {
    /// Sent beside those that the library signs.
    headers: HeaderMap,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    status: Option<u16>,
    timeout: Option<(Phase, u64)>,
    freshness: OriginFreshness,
}

#[derive(Clone)]
struct Service {
    connector: Connector,
    allow_http: bool,
}

/// Why a request was not sent.
#[derive(Debug, thiserror::Error)]
enum ServiceError {
    #[error("endpoint must be https")]
    NotHttps,
    #[error("address is not a url")]
    Address(#[source] url::ParseError),
    #[error("no answer after {after_ms} ms")]
    FirstByte { after_ms: u64 },
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(clients: &Arc<Clients>, limits: &OriginLimits) -> Self {
        Self {
            clients: Arc::clone(clients),
            connect_ms_max: limits.connect_ms_max,
            first_byte_ms_max: limits.first_byte_ms_max,
        }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true");
        Ok(HttpClient::new(Service { connector: self.clone(), allow_http }))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

// === impl Service ===

impl Service {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let exchange = parts.extensions.get::<Exchange>().cloned();
        let note = |seen| exchange.iter().for_each(|exchange| exchange.note(&seen));
        note(Seen::default());

        if !self.allow_http && parts.uri.scheme_str() != Some("https") {
            return Err(HttpError::new(HttpErrorKind::Decode, ServiceError::NotHttps));
        }
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| HttpError::new(HttpErrorKind::Decode, ServiceError::Address(error)))?;
        let mut request = Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        request.headers_mut().extend(exchange.iter().flat_map(|exchange| exchange.headers.clone()));
        if body.content_length() > 0 {
            *request.body_mut() = Some(reqwest::Body::wrap(body));
        }

        let Connector { clients, connect_ms_max, first_byte_ms_max } = &self.connector;
        let after_ms = *first_byte_ms_max;
        let sent = timeout(Duration::from_millis(after_ms), clients.send_trusted(request)).await.map_err(|_| {
            note(Seen { timeout: Some((Phase::FirstByte, after_ms)), ..Seen::default() });
            HttpError::new(HttpErrorKind::Timeout, ServiceError::FirstByte { after_ms })
        })?;
        let response = sent.map_err(|error| {
            let failure = Failure::of(&error);
            if failure == Failure::ConnectTimeout {
                note(Seen { timeout: Some((Phase::Connect, *connect_ms_max)), ..Seen::default() });
            }
            HttpError::new(kind_of(failure), error.without_url())
        })?;
        clients.check_header(response.headers()).map_err(|error| HttpError::new(HttpErrorKind::Decode, error))?;
        note(Seen {
            status: Some(response.status().as_u16()),
            timeout: None,
            freshness: OriginFreshness::from_headers(response.headers()),
        });

        let is_original = exchange.is_some() && response.status().is_success();
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let broken = |error: Box<dyn Error + Send + Sync>| HttpError::new_boxed(HttpErrorKind::Interrupted, error);
        let body = if is_original {
            HttpResponseBody::new(body.map_err(move |error| broken(Box::new(error.without_url()))))
        } else {
            HttpResponseBody::new(Limited::new(body, SIDE_BODY_BYTES_MAX).map_err(broken))
        };
        Ok(HttpResponse::from_parts(parts, body))
    }
}

impl HttpService for Service {
    // Written out as the trait's macro would.
    fn call<'service, 'call>(
        &'service self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'call>>
    where
        'service: 'call,
        Self: 'call,
    {
        Box::pin(self.exchange(request))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("allow_http", &self.allow_http).finish_non_exhaustive()
    }
}

// === impl Exchange ===

impl Exchange {
    /// An exchange whose requests carry these fields.
    pub(super) fn with(headers: HeaderMap) -> Self {
        Self { headers, seen: Arc::default() }
    }

    /// What the endpoint said about freshness.
    pub(super) fn freshness(&self) -> OriginFreshness {
        self.seen().freshness
    }

    /// The meaning of an error. The status is more exact than the library's error, which hides most of them.
    pub(in crate::origin) fn judge(&self, error: object_store::Error) -> OriginError {
        let seen = self.seen();
        tracing::debug!(status = seen.status, error = %error, "object store did not give the original");
        match (seen.status, seen.timeout) {
            (Some(code), _) if code >= 300 => OriginError::from_status(code),
            (None, Some((phase, after_ms))) => OriginError::Timeout { phase, after_ms },
            (Some(_) | None, _) => OriginError::unreachable(error),
        }
    }

    fn note(&self, seen: &Seen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone_from(seen);
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What `object_store` should think of a failure: all but the last are tried again.
fn kind_of(failure: Failure) -> HttpErrorKind {
    match failure {
        Failure::ConnectTimeout => HttpErrorKind::Timeout,
        Failure::Refused | Failure::Connect => HttpErrorKind::Connect,
        Failure::BrokeBeforeAnswer => HttpErrorKind::Request,
        Failure::Header | Failure::Other => HttpErrorKind::Unknown,
    }
}

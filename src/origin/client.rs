//! The only client sockets: one HTTP client for each reach, with every default set by hand.
//!
//! Nothing here follows a redirect, retries by itself, asks a proxy or unpacks a body: each of these would go around
//! the guard or around a limit.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Request, Response};
use url::Url;

use super::deadline::Deadline;
use super::error::{OriginError, OriginSetupError, Phase};
use super::forward::Outbound;
use super::guard::{Guard, Reach};
use super::resolver::{GuardedNames, NameError, Names};
use super::spec::{OriginLimits, OriginsSpec};

/// Idle connections are dropped after this long. Servers close theirs after 5 to 75 seconds, and whoever is later reads
/// the end of a connection where an answer should be.
const IDLE_CONNECTION_S: u64 = 15;
/// Silent peers are noticed by the kernel after about this long.
const KEEPALIVE_S: u64 = 15;
/// What a peer may send on one stream before we have read it.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// What a peer may send on all streams of a connection before we have read it.
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// The clients, each with connections of its own, so that a connection to a trusted host never serves another reach.
pub(super) struct Clients {
    public: reqwest::Client,
    inner: reqwest::Client,
    trusted: reqwest::Client,
    guard: Arc<Guard>,
    limits: OriginLimits,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The guard left no address to dial.
    Refused,
    /// Name, connection or TLS took too long.
    ConnectTimeout,
    /// No name, no connection or no TLS.
    Connect,
    /// The connection broke after the request was sent, or while it was.
    BrokeBeforeAnswer,
    /// The answer's header is too large for the client to read.
    Header,
    /// Anything else, such as an answer that is not HTTP.
    Other,
}

/// A connection was made to an address that the guard refuses.
#[derive(Debug, thiserror::Error)]
#[error("connected to {peer:?}, which is refused")]
struct WrongPeer {
    peer: Option<std::net::SocketAddr>,
}

// === impl Clients ===

impl Clients {
    pub(super) fn new(spec: &OriginsSpec, guard: &Arc<Guard>) -> Result<Self, OriginSetupError> {
        let names = Names::new(spec);
        let builder = |reach| {
            let names = GuardedNames { names: names.clone(), guard: Arc::clone(guard), reach };
            builder(spec, names)
        };
        // A small container may hold no certificates, and need none for local files and a store next door.
        let mut has_authorities = true;
        if let Err(error) = builder(Reach::Public)?.build() {
            tracing::warn!(
                error = &error as &dyn Error,
                "no certificate authorities, every https origin will be refused"
            );
            has_authorities = false;
        }
        let client = |reach| {
            let builder = builder(reach)?;
            let builder = if has_authorities { builder } else { builder.tls_certs_only([]) };
            builder.build().map_err(|error| OriginSetupError::Client(Arc::new(error)))
        };
        Ok(Self {
            public: client(Reach::Public)?,
            inner: client(Reach::Inner)?,
            trusted: client(Reach::Trusted)?,
            guard: Arc::clone(guard),
            limits: spec.limits.clone(),
        })
    }

    /// Sends a `GET` and waits for the header of the answer.
    ///
    /// A connection that breaks before the answer begins was mostly one that the origin had just closed, so the request
    /// is sent once more.
    pub(super) async fn get(
        &self,
        reach: Reach,
        url: &Url,
        headers: &HeaderMap,
        deadline: &Deadline,
    ) -> Result<Response, OriginError> {
        let ask = || self.of(reach).get(url.clone()).headers(headers.clone()).send();
        let first_byte_ms_max = self.limits.first_byte_ms_max;
        let mut sent = deadline.within(Phase::FirstByte, first_byte_ms_max, ask()).await?;
        if sent.as_ref().is_err_and(|error| Failure::of(error) == Failure::BrokeBeforeAnswer) {
            sent = deadline.within(Phase::FirstByte, first_byte_ms_max, ask()).await?;
        }
        let response = sent.map_err(|error| self.failure(error))?;
        self.check_peer(reach, &response)?;
        self.check_header(response.headers())?;
        Ok(response)
    }

    /// Passes a request on to a server that the operator configured, and waits for the header of the answer.
    pub(super) async fn forward(&self, request: Outbound, deadline: &Deadline) -> Result<Response, OriginError> {
        let Outbound { method, url, headers, body } = request;
        let may_repeat = matches!(method, Method::GET | Method::HEAD) && body.is_empty();
        let ask = || {
            let builder = self.trusted.request(method.clone(), url.clone()).headers(headers.clone());
            // An empty body would be announced, which some servers refuse on a GET.
            if body.is_empty() && is_bodiless(&method) { builder.send() } else { builder.body(body.clone()).send() }
        };
        let first_byte_ms_max = self.limits.first_byte_ms_max;
        let mut sent = deadline.within(Phase::FirstByte, first_byte_ms_max, ask()).await?;
        let is_broken = |error: &reqwest::Error| Failure::of(error) == Failure::BrokeBeforeAnswer;
        if may_repeat && sent.as_ref().is_err_and(is_broken) {
            sent = deadline.within(Phase::FirstByte, first_byte_ms_max, ask()).await?;
        }
        let response = sent.map_err(|error| self.failure(error))?;
        self.check_header(response.headers())?;
        Ok(response)
    }

    /// Sends a request to an endpoint that the operator configured. No retry and no judgement: object stores do both.
    pub(super) async fn send_trusted(&self, request: Request) -> Result<Response, reqwest::Error> {
        self.trusted.execute(request).await
    }

    fn of(&self, reach: Reach) -> &reqwest::Client {
        match reach {
            Reach::Public => &self.public,
            Reach::Inner => &self.inner,
            Reach::Trusted => &self.trusted,
        }
    }

    fn check_peer(&self, reach: Reach, response: &Response) -> Result<(), OriginError> {
        let peer = response.remote_addr();
        let is_permitted = match peer {
            Some(peer) => self.guard.permits(reach, peer.ip()),
            None => reach == Reach::Trusted,
        };
        if is_permitted {
            return Ok(());
        }
        tracing::error!(?peer, ?reach, "connected to an address that the guard refuses");
        Err(OriginError::AddressRefused(Some(Arc::new(WrongPeer { peer }))))
    }

    /// Refuses an answer whose header is too large.
    pub(super) fn check_header(&self, headers: &HeaderMap) -> Result<(), OriginError> {
        let max = self.limits.header_bytes_max;
        let got = header_bytes(headers);
        if got as u64 > u64::from(max) {
            tracing::debug!(got, max, "header of an answer is too large");
            return Err(OriginError::HeaderTooLarge { max });
        }
        Ok(())
    }

    fn failure(&self, error: reqwest::Error) -> OriginError {
        match Failure::of(&error) {
            Failure::Refused => OriginError::AddressRefused(Some(Arc::new(error.without_url()))),
            Failure::ConnectTimeout => {
                OriginError::Timeout { phase: Phase::Connect, after_ms: self.limits.connect_ms_max }
            }
            Failure::Header => OriginError::HeaderTooLarge { max: self.limits.header_bytes_max },
            Failure::Connect | Failure::BrokeBeforeAnswer | Failure::Other => {
                OriginError::unreachable(error.without_url())
            }
        }
    }
}

// === impl Failure ===

impl Failure {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        match behind::<NameError>(error) {
            Some(NameError::Refused { .. }) => Self::Refused,
            Some(NameError::Timeout { .. }) => Self::ConnectTimeout,
            Some(NameError::NoAddress { .. } | NameError::Failed { .. } | NameError::NoServers) => Self::Connect,
            None if error.is_timeout() => Self::ConnectTimeout,
            None if error.is_connect() => Self::Connect,
            None if behind::<hyper::Error>(error).is_some_and(hyper::Error::is_parse_too_large) => Self::Header,
            None => {
                // An answer that is no HTTP is an answer, and would be the same a second time.
                let is_garbage = behind::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
                if error.is_request() && !is_garbage { Self::BrokeBeforeAnswer } else { Self::Other }
            }
        }
    }
}

/// Whether a request of this method has mostly no body, so that none is announced as empty.
fn is_bodiless(method: &Method) -> bool {
    !matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Bytes of a header as HTTP/1.1 would write it.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

/// The first error of a type behind another error.
fn behind<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn builder(spec: &OriginsSpec, names: GuardedNames) -> Result<reqwest::ClientBuilder, OriginSetupError> {
    let user_agent = HeaderValue::from_str(&spec.user_agent).map_err(|_| OriginSetupError::UserAgent)?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    // Pictures do not compress, and a compressed body would have to be unpacked under a limit of its own.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let limits = &spec.limits;
    Ok(reqwest::Client::builder()
        .user_agent(user_agent)
        .default_headers(headers)
        .dns_resolver(Arc::new(names))
        // Through a proxy, names are resolved elsewhere and the guard would see nothing but the proxy.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(Duration::from_millis(limits.connect_ms_max))
        .pool_idle_timeout(Duration::from_secs(IDLE_CONNECTION_S))
        .pool_max_idle_per_host(limits.per_origin_fetches_max)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(KEEPALIVE_S))
        .connection_verbose(false)
        .https_only(false)
        .http2_initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .http2_adaptive_window(false)
        .http2_max_header_list_size(limits.header_bytes_max)
        .tls_backend_rustls()
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .tls_sni(true))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What the other two points let through by mistake: connectors dial literal addresses without asking a resolver.
    #[tokio::test]
    async fn a_wrong_peer_is_noticed_after_connecting() {
        let spec = OriginsSpec::default();
        let guard = Arc::new(Guard::new(&spec).expect("a guard"));
        let clients = Clients::new(&spec, &guard).expect("clients");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("a url");
        let deadline = Deadline::start(5_000);
        for (reach, is_refused) in [(Reach::Public, true), (Reach::Inner, true), (Reach::Trusted, false)] {
            let headers = HeaderMap::new();
            let asking = clients.get(reach, &url, &headers, &deadline);
            let answering = async {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                stream.read_u8().await.expect("a request");
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.expect("an answer");
            };
            let (answer, ()) = tokio::join!(asking, answering);
            let refused = answer.err().map(|error| error.kind());
            assert_eq!(refused, is_refused.then_some("source-address-refused"), "{reach:?}");
        }
    }
}

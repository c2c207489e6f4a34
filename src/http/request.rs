//! A request as the handlers see it: its head, its identity, and a body that may be asked for once. Contract: a body
//! that nobody asks for is never read; hyper drops what is already here of it and closes the connection where there is
//! more.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::{HeaderMap, HeaderName, Method, Uri, Version};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::{BodyError, RequestBody};
use super::client::Proxies;
use super::ids;
use crate::semantics::fields::joined;
use crate::semantics::request_id::is_valid_request_id;
use crate::telemetry::clock;

/// One request.
#[derive(Debug)]
pub struct Request {
    /// Kept from the client's `X-Request-Id` where that is valid, else made here.
    pub id: HeaderValue,
    pub method: Method,
    pub uri: Uri,
    pub version: Version,
    pub headers: HeaderMap,
    /// The other end of the connection, that of the CDN most often, as the PROXY protocol names it where it is spoken.
    pub peer: SocketAddr,
    /// Whose request it is; `None` where the proxy in front does not say.
    pub client: Option<IpAddr>,
    /// When its head was complete.
    pub received: Instant,
    body: RequestBody,
}

/// The header that carries a request's identity through all servers that it passes.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

// === impl Request ===

impl Request {
    /// A request without a body; [`Self::with_body`] gives it one.
    pub(super) fn new(parts: http::request::Parts, peer: SocketAddr, proxies: &Proxies) -> Self {
        let received = clock::instant();
        let client = proxies.client(peer.ip(), &parts.headers);
        let is_valid = |id: &&HeaderValue| id.to_str().is_ok_and(is_valid_request_id);
        let sent = parts.headers.get(X_REQUEST_ID).filter(is_valid);
        Self {
            id: sent.map_or_else(ids::next, HeaderValue::clone),
            method: parts.method,
            uri: parts.uri,
            version: parts.version,
            headers: parts.headers,
            peer,
            client,
            received,
            body: RequestBody::empty(received),
        }
    }

    /// The same request with its body, which must be here `timeout` after its head.
    pub(super) fn with_body(self, incoming: Incoming, timeout: Duration) -> Self {
        let body = RequestBody::new(incoming, self.received + timeout);
        Self { body, ..self }
    }

    /// Its id as text.
    pub fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// The whole body, at most `bytes_max` long; empty where there is none, or where it was read before.
    ///
    /// # Errors
    /// See [`BodyError`]. The rest of the body is not read then, and the connection ends with the answer.
    pub async fn read_body(&mut self, bytes_max: u64) -> Result<Bytes, BodyError> {
        self.body.read(bytes_max).await
    }

    /// The request target up to the first `?`, as it was sent.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// All lines of a field as one; lines that are no ASCII text are left out.
    pub fn joined(&self, name: HeaderName) -> Option<Cow<'_, str>> {
        joined(self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()))
    }

    /// The token of `Authorization: Bearer …` (RFC 6750, section 2.1).
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// Whether the request says for which host it is, exactly once: RFC 9112, section 3.2 asks for 400 otherwise, since
    /// servers in a row could each believe another one. HTTP/2 has `:authority` for it.
    pub fn has_one_host(&self) -> bool {
        match self.version {
            Version::HTTP_11 => self.headers.get_all(HOST).iter().count() == 1,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut builder = http::Request::builder().uri("/a%2Fb?q=1");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Request::new(builder.body(()).unwrap().into_parts().0, ([127, 0, 0, 1], 9).into(), &Proxies::default())
    }

    #[test]
    fn a_valid_id_is_kept_and_any_other_replaced() {
        assert_eq!(request(&[("x-request-id", "7k3f-_Z")]).id, "7k3f-_Z");
        for refused in ["", "a b", "a\"b", "\u{e9}"] {
            let id = request(&[("x-request-id", refused)]).id().to_owned();
            assert_eq!((id.len(), is_valid_request_id(&id)), (26, true), "{refused:?} became {id:?}");
        }
        assert_ne!(request(&[]).id, request(&[]).id);
    }

    #[test]
    fn lines_of_a_field_are_one_list() {
        assert_eq!(request(&[]).joined(ACCEPT), None);
        let two = request(&[("accept", "image/avif"), ("accept", "*/*;q=0.1")]);
        assert_eq!(two.joined(ACCEPT).unwrap(), "image/avif, */*;q=0.1");
    }

    #[test]
    fn only_bearer_tokens_are_bearer_tokens() {
        for (field, token) in [
            ("Bearer abc", Some("abc")),
            ("bEaReR  abc ", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic abc", None),
            ("Bearerabc", None),
        ] {
            assert_eq!(request(&[("authorization", field)]).bearer(), token, "{field:?}");
        }
    }

    #[test]
    fn the_path_is_as_sent() {
        assert_eq!(request(&[]).path(), "/a%2Fb");
    }

    #[test]
    fn one_host_and_no_more() {
        assert!(!request(&[]).has_one_host());
        assert!(request(&[("host", "a")]).has_one_host());
        assert!(!request(&[("host", "a"), ("host", "a")]).has_one_host());
    }
}

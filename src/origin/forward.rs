//! Requests that are passed on as they are: any method, its fields and its body out, any status, its fields and its
//! body back.
//!
//! Where a request goes is written in the configuration and trusted as written; clients choose only what stands behind
//! the base path, and [`Upstream::url`] keeps them there. Redirects are answers like any other: nothing is followed.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::Origins;
use super::deadline::Deadline;
use super::error::{OriginError, OriginSetupError, Phase};
use super::slots::Slot;
use super::source::authority;

/// An HTTP server that requests are passed on to.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its path ends with a slash.
    base: Url,
}

/// A request on its way to an origin. Fields that belong to one connection, and the length of the body, are not among
/// its headers.
#[derive(Debug, Clone)]
pub struct Outbound {
    pub method: Method,
    /// By [`Upstream::url`] of the same upstream.
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer whose head is here and whose body is still to come.
pub struct Inbound {
    pub status: StatusCode,
    pub headers: HeaderMap,
    response: reqwest::Response,
    deadline: Deadline,
    idle_ms_max: u64,
    got: u64,
    _slot: Slot,
}

/// What [`Inbound::collect`] brought.
pub enum Collected {
    /// The whole body.
    Whole(Bytes),
    /// More than was wanted: what was read of it, and the rest to be read on.
    Longer(Bytes, Box<Inbound>),
}

// === impl Upstream ===

impl Upstream {
    /// The server and base path that a URL names.
    ///
    /// # Errors
    ///
    /// [`OriginSetupError::Endpoint`]: not an `http` or `https` URL of a host, or one with user, query or fragment.
    pub fn parse(origin: &str) -> Result<Self, OriginSetupError> {
        let fault = || OriginSetupError::Endpoint { endpoint: origin.to_owned() };
        let mut base = Url::parse(origin).map_err(|_| fault())?;
        let is_plain = matches!(base.scheme(), "http" | "https")
            && base.host().is_some()
            && base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !is_plain {
            return Err(fault());
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        Ok(Self { base })
    }

    /// The URL of what a client names below the base path; `rest` is a path without its first slash, percent signs and
    /// all. `None` when it leads out of the base path.
    pub fn url(&self, rest: &str, query: Option<&str>) -> Option<Url> {
        let mut url = self.base.clone();
        // The parser resolves dot segments, written with percent signs too; what is left shows where they led to.
        url.set_path(&format!("{}{rest}", self.base.path()));
        url.set_query(query);
        let is_below = url.path().starts_with(self.base.path()) && url.origin() == self.base.origin();
        is_below.then_some(url)
    }

    /// Its URL, ending with a slash.
    pub fn as_str(&self) -> &str {
        self.base.as_str()
    }
}

// === impl Origins ===

impl Origins {
    /// Passes a request on and waits for the head of its answer. Interim answers (1xx) are dropped.
    ///
    /// Dropping the future ends the request and closes its connection. A safe request without a body is sent once more
    /// when its connection breaks before the answer begins, as it was mostly one that the origin had just closed.
    ///
    /// # Errors
    ///
    /// [`OriginError::Overloaded`], [`OriginError::Timeout`] or [`OriginError::Unreachable`]; no status is an error.
    pub async fn forward(&self, request: Outbound) -> Result<Inbound, OriginError> {
        let deadline = Deadline::start(self.limits.total_ms_max);
        let slot = self.slots.take(&authority(&request.url)).await?;
        let response = self.http.clients().forward(request, &deadline).await?;
        Ok(Inbound {
            status: response.status(),
            headers: response.headers().clone(),
            response,
            deadline,
            idle_ms_max: self.limits.idle_ms_max,
            got: 0,
            _slot: slot,
        })
    }
}

// === impl Inbound ===

impl Inbound {
    /// Reads the body to its end, or until it is clear that it has more than `bytes_max` bytes.
    ///
    /// # Errors
    ///
    /// [`OriginError::Incomplete`] for a body that breaks off, [`OriginError::Timeout`].
    pub async fn collect(mut self, bytes_max: u64) -> Result<Collected, OriginError> {
        let announced = self.response.content_length().unwrap_or(0);
        if announced > bytes_max {
            return Ok(Collected::Longer(Bytes::new(), Box::new(self)));
        }
        // Copied piece by piece, so that what is kept owns its memory alone.
        let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or_default());
        let deadline = self.deadline;
        loop {
            let next = deadline.within(Phase::Read, self.idle_ms_max, self.response.chunk()).await?;
            let Some(piece) = self.counted(next)? else { return Ok(Collected::Whole(Bytes::from(body))) };
            body.extend_from_slice(&piece);
            if body.len() as u64 > bytes_max {
                return Ok(Collected::Longer(Bytes::from(body), Box::new(self)));
            }
        }
    }

    /// The next piece of the body, `None` at its end. A long body may take as long as it needs, if it only goes on.
    ///
    /// # Errors
    ///
    /// As those of [`Self::collect`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, OriginError> {
        let pause = Deadline::start(self.idle_ms_max);
        let next = pause.within(Phase::Read, self.idle_ms_max, self.response.chunk()).await?;
        self.counted(next)
    }

    fn counted(&mut self, next: Result<Option<Bytes>, reqwest::Error>) -> Result<Option<Bytes>, OriginError> {
        let next = next.map_err(|error| {
            let cause = Some(std::sync::Arc::new(error.without_url()) as _);
            OriginError::Incomplete { got: self.got, cause }
        })?;
        self.got += next.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(next)
    }
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").field("status", &self.status).field("got", &self.got).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, rest: &str, query: Option<&str>) -> Option<String> {
        Upstream::parse(base).expect(base).url(rest, query).map(|url| url.to_string())
    }

    #[test]
    fn what_a_client_names_stands_behind_the_base() {
        assert_eq!(url("http://h", "", None).as_deref(), Some("http://h/"));
        assert_eq!(url("http://h:81/b", "x//y%2Fz", Some("q=%20&")).as_deref(), Some("http://h:81/b/x//y%2Fz?q=%20&"));
        assert_eq!(url("http://h/b/", "a/../c", Some("")).as_deref(), Some("http://h/b/c?"));
        assert_eq!(url("https://h/b", "@evil/", None).as_deref(), Some("https://h/b/@evil/"));
        assert_eq!(url("https://h/b", "//evil/", None).as_deref(), Some("https://h/b///evil/"));
        assert_eq!(url("https://h/b", "a?b#c", None).as_deref(), Some("https://h/b/a%3Fb%23c"));
    }

    #[test]
    fn nobody_gets_out_of_the_base() {
        for rest in ["..", "../", "../x", "a/../../x", "%2e%2e/x", ".%2E/x", "..\\x", "a/..\\..\\x"] {
            assert_eq!(url("http://h/b", rest, None), None, "{rest}");
            assert!(url("http://h", rest, None).is_some(), "{rest}: the root has no outside");
        }
        assert_eq!(url("http://h/b", "../b", None), None, "not even to the base itself without its slash");
    }

    #[test]
    fn an_upstream_is_a_plain_address() {
        for origin in ["", "h", "ftp://h", "http://u@h", "http://h?x", "http://h#x", "s3://b"] {
            assert!(matches!(Upstream::parse(origin), Err(OriginSetupError::Endpoint { .. })), "{origin}");
        }
    }
}

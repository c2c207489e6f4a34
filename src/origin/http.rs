//! Originals over HTTP: redirects followed by hand, each hop judged like the first, the body counted while it comes.

use std::sync::Arc;

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Response;
use url::{Position, Url};

use super::body::Body;
use super::client::Clients;
use super::deadline::Deadline;
use super::error::{OriginError, Phase, RedirectFault};
use super::guard::Guard;
use super::original::{Fetched, OriginFreshness, Original, Validators, text, unix_s};
use super::source::authority;
use super::spec::{OriginLimits, OriginsSpec, SourceAllowed};

/// Fetches `http` and `https` sources.
pub(super) struct HttpOrigin {
    clients: Arc<Clients>,
    guard: Arc<Guard>,
    source_allowed: SourceAllowed,
    limits: OriginLimits,
}

/// What to do with an answer.
enum Verdict {
    Follow(Url),
    NotModified,
    Read,
}

// === impl HttpOrigin ===

impl HttpOrigin {
    pub(super) fn new(spec: &OriginsSpec, clients: &Arc<Clients>, guard: &Arc<Guard>) -> Self {
        Self {
            clients: Arc::clone(clients),
            guard: Arc::clone(guard),
            source_allowed: Arc::clone(&spec.source_allowed),
            limits: spec.limits.clone(),
        }
    }

    /// The sockets, for whoever sends by other rules.
    pub(super) fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(super) async fn fetch(
        &self,
        first: Url,
        known: Option<&Validators>,
        mut headers: HeaderMap,
        deadline: &Deadline,
    ) -> Result<Fetched, OriginError> {
        let conditions = known.map(conditions).unwrap_or_default();
        let is_conditional = !conditions.is_empty();
        headers.extend(conditions);
        let mut url = first;
        for hop in 0..=self.limits.redirects_max {
            if !self.is_allowed(&url) {
                return Err(OriginError::NotAllowed);
            }
            let reach = self.guard.admit(&url)?;
            let response = self.clients.get(reach, &url, &headers, deadline).await?;
            match judge(&url, response.status().as_u16(), response.headers(), is_conditional)? {
                Verdict::Follow(next) => url = next,
                Verdict::NotModified => {
                    return Ok(Fetched::NotModified { freshness: OriginFreshness::from_headers(response.headers()) });
                }
                Verdict::Read => {
                    let final_url = (hop > 0).then(|| url.to_string());
                    return self.read(response, final_url, deadline).await.map(Fetched::Body);
                }
            }
        }
        Err(OriginError::TooManyRedirects { max: self.limits.redirects_max })
    }

    /// Asks with the normal form, and with the port written out where the normal form leaves it away.
    fn is_allowed(&self, url: &Url) -> bool {
        let with_port = || format!("{}://{}{}", url.scheme(), authority(url), &url[Position::BeforePath..]);
        (self.source_allowed)(url.as_str()) || (self.source_allowed)(&with_port())
    }

    async fn read(
        &self,
        mut response: Response,
        final_url: Option<String>,
        deadline: &Deadline,
    ) -> Result<Original, OriginError> {
        let headers = response.headers().clone();
        let announced = text(&headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let mut body = Body::announced(announced, self.limits.source_bytes_max)?;
        loop {
            match deadline.within(Phase::Read, self.limits.idle_ms_max, response.chunk()).await? {
                Ok(Some(piece)) => body.push(&piece)?,
                Ok(None) => break,
                Err(error) => {
                    let cause = Some(Arc::new(error.without_url()) as _);
                    return Err(OriginError::Incomplete { got: body.len(), cause });
                }
            }
        }
        let bytes = body.finish()?;
        let last_modified = text(&headers, &LAST_MODIFIED);
        Ok(Original {
            content_type: text(&headers, &CONTENT_TYPE),
            last_modified_s: last_modified.as_deref().and_then(unix_s),
            validators: Validators {
                etag: text(&headers, &ETAG),
                last_modified,
                size: Some(bytes.len() as u64),
                version: None,
            },
            freshness: OriginFreshness::from_headers(&headers),
            final_url,
            bytes,
        })
    }
}

/// The header of a conditional request. A tag alone decides where there is one (RFC 9110 §13.1.3), and the date is left
/// away then, for servers that do not know that rule.
fn conditions(known: &Validators) -> HeaderMap {
    let condition = |name: HeaderName, value: &Option<String>| {
        value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()).map(|value| (name, value))
    };
    condition(IF_NONE_MATCH, &known.etag)
        .or_else(|| condition(IF_MODIFIED_SINCE, &known.last_modified))
        .into_iter()
        .collect()
}

/// Decides from the header of an answer; imgproxy's table, except that what is no answer to a plain `GET` is 502.
fn judge(url: &Url, code: u16, headers: &HeaderMap, is_conditional: bool) -> Result<Verdict, OriginError> {
    match code {
        301 | 302 | 303 | 307 | 308 => redirect_target(url, headers).map(Verdict::Follow),
        304 if is_conditional => Ok(Verdict::NotModified),
        200 => check_encoding(headers).map(|()| Verdict::Read),
        206 if is_whole(headers) => check_encoding(headers).map(|()| Verdict::Read),
        _ => Err(OriginError::from_status(code)),
    }
}

fn redirect_target(from: &Url, headers: &HeaderMap) -> Result<Url, OriginError> {
    let location = headers.get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let mut target = location
        .and_then(|location| from.join(location).ok())
        .ok_or(OriginError::BadRedirect(RedirectFault::Location))?;
    target.set_fragment(None);
    match (from.scheme(), target.scheme()) {
        ("https", "http") => Err(OriginError::BadRedirect(RedirectFault::Downgrade)),
        (_, "http" | "https") => Ok(target),
        _ => Err(OriginError::BadRedirect(RedirectFault::Scheme)),
    }
}

/// Whether a partial answer nobody asked for is the whole body after all (RFC 9110 §14.4).
fn is_whole(headers: &HeaderMap) -> bool {
    let range = text(headers, &CONTENT_RANGE);
    let parts = range.as_deref().and_then(|range| range.strip_prefix("bytes 0-")?.split_once('/'));
    let numbers = parts.and_then(|(last, length)| Some((last.parse::<u64>().ok()?, length.parse::<u64>().ok()?)));
    numbers.is_some_and(|(last, length)| last.checked_add(1) == Some(length))
}

fn check_encoding(headers: &HeaderMap) -> Result<(), OriginError> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    match codings.find(|coding| !coding.trim().is_empty() && !coding.trim().eq_ignore_ascii_case("identity")) {
        Some(encoding) => Err(OriginError::Encoded { encoding: encoding.into_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_partial_answer_must_prove_that_it_is_whole() {
        for whole in ["bytes 0-0/1", "bytes 0-99/100"] {
            assert!(is_whole(&range(whole)), "{whole}");
        }
        let max = "bytes 0-18446744073709551615/18446744073709551615";
        for part in ["bytes 0-98/100", "bytes 1-99/100", "bytes 0-99/*", "items 0-99/100", "bytes */100", "", max] {
            assert!(!is_whole(&range(part)), "{part}");
        }
        assert!(!is_whole(&HeaderMap::new()));
    }

    #[test]
    fn a_tag_alone_decides() {
        let known = |etag: Option<&str>, date: Option<&str>| Validators {
            etag: etag.map(str::to_owned),
            last_modified: date.map(str::to_owned),
            ..Validators::default()
        };
        let names = |known: &Validators| conditions(known).keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&known(Some("\"a\""), Some("d"))), ["if-none-match"]);
        assert_eq!(names(&known(None, Some("d"))), ["if-modified-since"]);
        assert_eq!(names(&known(Some("bad\n"), None)), Vec::<String>::new());
        assert_eq!(names(&known(None, None)), Vec::<String>::new());
    }

    #[test]
    fn redirects_stay_on_http_and_never_leave_tls() {
        let target = |from: &str, to: &'static str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(to))]);
            redirect_target(&Url::parse(from).expect(from), &headers)
                .map(|url| url.to_string())
                .map_err(|e| e.to_string())
        };
        assert_eq!(target("http://h/a/b", "../c#x").as_deref(), Ok("http://h/c"));
        assert_eq!(target("http://h/a", "//i/b").as_deref(), Ok("http://i/b"));
        assert_eq!(target("http://h/a", "https://h/a").as_deref(), Ok("https://h/a"));
        assert!(target("https://h/a", "http://h/a").is_err());
        assert!(target("http://h/a", "file:///etc/passwd").is_err());
        assert!(target("http://h/a", "http://[").is_err());
        assert!(redirect_target(&Url::parse("http://h/").expect("a url"), &HeaderMap::new()).is_err());
    }
}

//! The header fields that every answer carries, whatever it says. Contract: applied once, last; fields that a handler
//! has set are kept.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Response, StatusCode};

use super::request::{Request, X_REQUEST_ID};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// An answer may be opened as a document of its own, and an SVG is one that can hold scripts: nothing of it runs and
/// nothing is loaded.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");

/// The fields that depend on the configuration.
#[derive(Debug)]
pub(super) struct Headers {
    allow_origin: Option<HeaderValue>,
}

// === impl Headers ===

impl Headers {
    /// `allow_origin` is who may read answers from scripts; `None` sends no such field.
    pub(super) fn new(allow_origin: Option<HeaderValue>) -> Self {
        Self { allow_origin }
    }

    /// Whether scripts of other origins are let in at all.
    pub(super) fn allows_origins(&self) -> bool {
        self.allow_origin.is_some()
    }

    /// Makes `response` whole: the common fields, its length, and no body where the method or the status has none.
    pub(super) fn complete(&self, response: &mut Response<Bytes>, request: &Request) {
        let has_content = !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let len = response.body().len();
        if request.method == Method::HEAD || !has_content {
            *response.body_mut() = Bytes::new();
        }
        let fields = response.headers_mut();
        if has_content && !fields.contains_key(CONTENT_LENGTH) {
            // The length of the body that GET would get (RFC 9110, section 9.3.2).
            fields.insert(CONTENT_LENGTH, HeaderValue::from(len));
        }
        self.common(fields);
        fields.insert(X_REQUEST_ID, request.id.clone());
    }

    /// The fields that are the same for all.
    pub(super) fn common(&self, fields: &mut HeaderMap) {
        set_default(fields, CONTENT_SECURITY_POLICY, POLICY);
        set_default(fields, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        set_default(fields, CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        if let Some(origin) = &self.allow_origin {
            set_default(fields, ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            set_default(fields, TIMING_ALLOW_ORIGIN, origin.clone());
        }
    }
}

/// Makes an answer that is passed on whole: its length, no body where the method or the status has none, and the
/// request's id. Everything else is the origin's business. `is_whole` tells that the body is all there is of it.
pub(super) fn complete_passed(response: &mut Response<Bytes>, request: &Request, is_whole: bool) {
    let has_content = !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let len = response.body().len();
    let is_head = request.method == Method::HEAD;
    if is_head || !has_content {
        *response.body_mut() = Bytes::new();
    }
    let fields = response.headers_mut();
    if !has_content {
        fields.remove(CONTENT_LENGTH);
    } else if is_whole && !is_head {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(len));
    } else if is_whole && len > 0 {
        set_default(fields, CONTENT_LENGTH, HeaderValue::from(len));
    }
    set_default(fields, X_REQUEST_ID, request.id.clone());
}

fn set_default(fields: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    fields.entry(name).or_insert(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Proxies;

    /// What is left of an answer of three bytes. hyper would hide mistakes on HTTP/1.1, but not on HTTP/2.
    fn completed(method: Method, status: StatusCode) -> (Option<String>, usize) {
        let request = http::Request::builder().method(method).uri("/a").body(()).unwrap();
        let request = Request::new(request.into_parts().0, ([127, 0, 0, 1], 9).into(), &Proxies::default());
        let mut response = Response::new(Bytes::from_static(b"abc"));
        *response.status_mut() = status;
        Headers::new(None).complete(&mut response, &request);
        let len = response.headers().get(CONTENT_LENGTH).map(|len| len.to_str().unwrap().to_owned());
        (len, response.body().len())
    }

    #[test]
    fn bodies_and_lengths_go_by_method_and_status() {
        let three = Some("3".to_owned());
        assert_eq!(completed(Method::GET, StatusCode::OK), (three.clone(), 3));
        assert_eq!(completed(Method::HEAD, StatusCode::OK), (three, 0));
        assert_eq!(completed(Method::GET, StatusCode::NOT_MODIFIED), (None, 0));
        assert_eq!(completed(Method::OPTIONS, StatusCode::NO_CONTENT), (None, 0));
    }
}

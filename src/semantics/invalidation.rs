//! What an answer to a changing request makes untrue (RFC 9111 §4.4).

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, HeaderName, Method};
use url::Url;

use super::fields::{lines, trim};

/// The URIs of which everything kept, whatever its `Vary`, is to be dropped: none after a safe method or an error, else
/// the target, and what `Location` and `Content-Location` name on the same origin.
///
/// `target` and the result are URIs as the origin sees them, without fragments. A method that we do not know counts as
/// changing.
pub fn invalidated(method: &Method, target: &Url, status: u16, response: &HeaderMap) -> Vec<Url> {
    if is_safe(method) || !(200..400).contains(&status) {
        return Vec::new();
    }
    let mut all = vec![without_fragment(target.clone())];
    for name in [LOCATION, CONTENT_LOCATION] {
        // Another origin's things are not this one's to drop.
        let named = resolved(target, response, &name).filter(|named| named.origin() == target.origin());
        if let Some(named) = named.filter(|named| !all.contains(named)) {
            all.push(named);
        }
    }
    all
}

/// Whether a method promises to change nothing (RFC 9110 §9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// The URI that the first line of a field names, relative to `base`; `None` when there is none or it cannot be read.
pub(super) fn resolved(base: &Url, headers: &HeaderMap, name: &HeaderName) -> Option<Url> {
    let line = lines(headers, name).next()?;
    base.join(trim(&line)).ok().map(without_fragment)
}

fn without_fragment(mut uri: Url) -> Url {
    uri.set_fragment(None);
    uri
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Fields<'a> = &'a [(&'static str, &'a str)];

    const TARGET: &str = "https://origin.example/a/b?c=1";

    fn invalidated_by(method: &str, status: u16, fields: Fields<'_>) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("a value"));
        }
        let target = Url::parse(TARGET).expect("a URI");
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        invalidated(&method, &target, status, &headers).into_iter().map(String::from).collect()
    }

    #[test]
    fn changing_and_unknown_methods_drop_the_target() {
        for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "PURGE", "get"] {
            for status in [200, 201, 204, 299, 303, 399] {
                assert_eq!(invalidated_by(method, status, &[]), [TARGET], "{method} {status}");
            }
            for status in [100, 199, 400, 404, 500, 599, 999] {
                assert_eq!(invalidated_by(method, status, &[("location", "/x")]), [""; 0], "{method} {status}");
            }
        }
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            assert_eq!(invalidated_by(method, 200, &[("location", "/x")]), [""; 0], "{method}");
        }
    }

    #[test]
    fn locations_of_the_same_origin_are_dropped_too() {
        let vectors: [(Fields<'_>, &[&str]); 9] = [
            (&[("location", "/x")], &["https://origin.example/x"]),
            (&[("content-location", "x?y")], &["https://origin.example/a/x?y"]),
            (
                &[("location", "/x#part"), ("content-location", "/y")],
                &["https://origin.example/x", "https://origin.example/y"],
            ),
            (&[("location", "/x"), ("content-location", "/x")], &["https://origin.example/x"]),
            (&[("location", "https://ORIGIN.example:443/x")], &["https://origin.example/x"]),
            (&[("location", "http://origin.example/x"), ("content-location", "https://origin.example:8443/x")], &[]),
            (&[("location", "//other.example/x"), ("content-location", "data:x")], &[]),
            (&[("location", ""), ("content-location", "b?c=1")], &[]),
            (&[("location", "http://[")], &[]),
        ];
        for (fields, expected) in vectors {
            assert_eq!(invalidated_by("POST", 200, fields), [&[TARGET], expected].concat(), "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn never_leaves_the_origin(location in "[a-z:/.?#@%\\[\\]]{0,30}") {
            let all = invalidated_by("PUT", 200, &[("location", &location)]);
            prop_assert!(all.iter().all(|uri| uri.starts_with("https://origin.example/")));
        }
    }
}

//! What may be kept: one table row a rule.

use http::HeaderName;

use super::*;

const NOW_S: u64 = 1_794_700_800;
const TARGET: &str = "https://origin.example/a?b";
const MONTH_AHEAD: (&str, &str) = ("expires", "Tue, 15 Dec 2026 00:00:00 GMT");
const DAY_BEFORE: (&str, &str) = ("last-modified", "Sat, 14 Nov 2026 00:00:00 GMT");
const SILENT: ReusePolicy =
    ReusePolicy { is_heuristic: false, lifetime_s: None, stale_while_revalidate_s: 0, stale_if_error_s: 0 };
const GUESSING: ReusePolicy = ReusePolicy { is_heuristic: true, ..SILENT };

type Fields<'a> = &'a [(&'static str, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().expect("a value"));
    }
    headers
}

fn stored(
    method: &str,
    request: Fields<'_>,
    status: u16,
    response: Fields<'_>,
    policy: &ReusePolicy,
) -> Result<(), NotStored> {
    let response = headers(response);
    let targets = [HeaderName::from_static("cdn-cache-control")];
    let exchange = Exchange {
        method: &Method::from_bytes(method.as_bytes()).expect("a method"),
        target: &Url::parse(TARGET).expect("a URI"),
        request: &headers(request),
        response: &response,
        meta: &StoredMeta::read(status, &response, &targets, NOW_S, NOW_S),
    };
    may_store(&exchange, policy)
}

fn got(status: u16, response: Fields<'_>) -> Result<(), NotStored> {
    stored("GET", &[], status, response, &SILENT)
}

fn by(method: &str, status: u16, response: Fields<'_>) -> Result<(), NotStored> {
    stored(method, &[], status, response, &GUESSING)
}

fn asked(request: Fields<'_>, control: &str) -> Result<(), NotStored> {
    stored("GET", request, 200, &[("cache-control", control)], &SILENT)
}

fn with_control(control: &str) -> Result<(), NotStored> {
    got(200, &[("cache-control", control)])
}

#[test]
fn directives_of_the_answer() {
    let vectors = [
        ("max-age=60", Ok(())),
        ("max-age=60, no-cache", Err(NotStored::NoFreshness)),
        ("no-store", Err(NotStored::NoStore)),
        ("No-StOrE, max-age=60", Err(NotStored::NoStore)),
        ("private, max-age=60", Err(NotStored::Private)),
        ("private=\"set-cookie\", max-age=60", Err(NotStored::Private)),
        ("no-store, must-understand, max-age=60", Ok(())),
        ("must-understand, max-age=60", Ok(())),
        ("private, must-understand, max-age=60", Err(NotStored::Private)),
    ];
    for (control, expected) in vectors {
        assert_eq!(with_control(control), expected, "{control}");
    }
    assert_eq!(got(200, &[("cache-control", "max-age=60, no-cache"), ("etag", "\"a\"")]), Ok(()));
    assert_eq!(got(200, &[("set-cookie", "a=b"), MONTH_AHEAD]), Ok(()));
}

#[test]
fn must_understand_is_for_known_statuses() {
    let control = ("cache-control", "max-age=3600, must-understand, no-store");
    for status in [200, 203, 204, 301, 302, 307, 308, 400, 404, 410, 429, 451, 500, 503, 505] {
        assert_eq!(got(status, &[control]), Ok(()), "{status}");
    }
    for status in [299, 306, 399, 418, 499, 599, 999] {
        assert_eq!(got(status, &[control]), Err(NotStored::NotUnderstood), "{status}");
        assert_eq!(got(status, &[("cache-control", "max-age=3600")]), Ok(()), "{status}");
    }
}

#[test]
fn a_targeted_field_is_the_only_voice() {
    let long = ("cache-control", "max-age=10000");
    assert_eq!(got(200, &[("cdn-cache-control", "max-age=3600"), ("cache-control", "no-store")]), Ok(()));
    assert_eq!(got(200, &[("cdn-cache-control", "no-store"), long, MONTH_AHEAD]), Err(NotStored::NoStore));
    assert_eq!(got(200, &[("cdn-cache-control", "private"), long, MONTH_AHEAD]), Err(NotStored::Private));
    assert_eq!(
        got(200, &[("cdn-cache-control", "max-age=\"1\""), ("cache-control", "no-store")]),
        Err(NotStored::NoStore)
    );
}

#[test]
fn methods() {
    assert_eq!(by("HEAD", 200, &[MONTH_AHEAD]), Err(NotStored::Head));
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "M-SEARCH", "get"] {
        assert_eq!(by(method, 200, &[MONTH_AHEAD]), Err(NotStored::Method), "{method}");
    }
    for location in ["", "?b", "/a?b", TARGET, "https://ORIGIN.example:443/a?b"] {
        assert_eq!(by("POST", 200, &[MONTH_AHEAD, ("content-location", location)]), Ok(()), "{location}");
    }
    for location in ["/a", "/a?c", "https://other.example/a?b", "http://["] {
        let answer = [MONTH_AHEAD, ("content-location", location)];
        assert_eq!(by("POST", 200, &answer), Err(NotStored::Method), "{location}");
    }
    let here = ("content-location", "/a?b");
    assert_eq!(by("POST", 200, &[MONTH_AHEAD]), Err(NotStored::Method));
    assert_eq!(by("POST", 404, &[MONTH_AHEAD, here]), Err(NotStored::Method));
    assert_eq!(by("POST", 200, &[DAY_BEFORE, here]), Err(NotStored::NoFreshness));
}

#[test]
fn wishes_and_secrets_of_the_request() {
    assert_eq!(asked(&[("cache-control", "no-store")], "max-age=60"), Err(NotStored::RequestNoStore));
    assert_eq!(asked(&[("cache-control", "no-cache")], "max-age=60"), Ok(()));
    assert_eq!(asked(&[("cookie", "a=b")], "max-age=60"), Ok(()));
    let secret: Fields<'_> = &[("authorization", "FOO")];
    assert_eq!(asked(secret, "max-age=60"), Err(NotStored::Authorization));
    assert_eq!(asked(secret, "max-age=60, proxy-revalidate"), Err(NotStored::Authorization));
    for allowing in ["public", "must-revalidate", "s-maxage=3600"] {
        assert_eq!(asked(secret, &format!("max-age=60, {allowing}")), Ok(()), "{allowing}");
    }
    assert_eq!(stored("GET", secret, 200, &[MONTH_AHEAD], &SILENT), Err(NotStored::Authorization));
}

#[test]
fn statuses() {
    for status in [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599, 600, 999] {
        assert_eq!(got(status, &[MONTH_AHEAD]), Ok(()), "{status}");
    }
    for status in [100, 101, 103, 199, 304, 412, 416] {
        assert_eq!(got(status, &[MONTH_AHEAD]), Err(NotStored::Status), "{status}");
    }
    assert_eq!(got(206, &[MONTH_AHEAD, ("content-range", "bytes 0-4/10")]), Ok(()));
    for odd in ["bytes */10", "bytes 5-4/10", "items 0-4/10", ""] {
        assert_eq!(got(206, &[MONTH_AHEAD, ("content-range", odd)]), Err(NotStored::Partial), "{odd}");
    }
    assert_eq!(got(206, &[MONTH_AHEAD]), Err(NotStored::Partial));
}

#[test]
fn without_explicit_freshness() {
    let guessed = |status, response| stored("GET", &[], status, response, &GUESSING);
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        assert_eq!(guessed(status, &[DAY_BEFORE]), Ok(()), "{status}");
        assert_eq!(guessed(status, &[]), Err(NotStored::NoFreshness), "{status}");
        assert_eq!(got(status, &[DAY_BEFORE]), Ok(()), "{status}");
    }
    for status in [201, 202, 302, 403, 500, 502, 503, 504, 599] {
        assert_eq!(guessed(status, &[DAY_BEFORE]), Err(NotStored::NoFreshness), "{status}");
        assert_eq!(guessed(status, &[DAY_BEFORE, ("cache-control", "public")]), Ok(()), "{status}");
    }
    let by_policy = ReusePolicy { lifetime_s: Some(60), ..SILENT };
    assert_eq!(stored("GET", &[], 200, &[], &by_policy), Ok(()));
}

#[test]
fn stale_from_the_start_needs_a_use() {
    let stale = ("cache-control", "max-age=0");
    assert_eq!(got(200, &[stale]), Err(NotStored::NoFreshness));
    assert_eq!(got(200, &[stale, ("etag", "\"a\"")]), Ok(()));
    assert_eq!(got(200, &[stale, DAY_BEFORE]), Ok(()));
    assert_eq!(with_control("max-age=0, stale-if-error=60"), Ok(()));
    assert_eq!(with_control("max-age=0, stale-while-revalidate=60"), Ok(()));
    assert_eq!(with_control("max-age=0, stale-if-error=60, must-revalidate"), Err(NotStored::NoFreshness));
    assert_eq!(got(200, &[("cache-control", "max-age=60"), ("age", "60")]), Err(NotStored::NoFreshness));
    let patient = ReusePolicy { stale_if_error_s: 60, ..SILENT };
    assert_eq!(stored("GET", &[], 200, &[stale], &patient), Ok(()));
}

#[test]
fn a_star_in_vary_is_not_kept() {
    for vary in ["*", "*, *", ", *", "*, Foo", "Foo, *", "a b"] {
        assert_eq!(got(200, &[MONTH_AHEAD, ("vary", vary)]), Err(NotStored::Vary), "{vary}");
    }
    assert_eq!(got(200, &[MONTH_AHEAD, ("vary", ""), ("vary", "*")]), Err(NotStored::Vary));
    assert_eq!(got(200, &[MONTH_AHEAD, ("vary", "Accept"), ("vary", "Cookie")]), Ok(()));
}

#[test]
fn a_body_is_whole_when_it_ended_as_announced() {
    let announced = |length: Fields<'_>, received, has_ended| is_whole(&headers(length), received, has_ended);
    assert!(announced(&[], 10, true));
    assert!(!announced(&[], 10, false));
    assert!(announced(&[("content-length", "10")], 10, true));
    assert!(!announced(&[("content-length", "10")], 10, false));
    assert!(!announced(&[("content-length", "10")], 9, true));
    assert!(!announced(&[("content-length", "x")], 9, true));
    assert!(!announced(&[("content-length", "10"), ("content-length", "9")], 9, true));
}

#[test]
fn every_reason_has_a_token() {
    use NotStored::{
        Authorization, Head, Incomplete, Method, NoFreshness, NoStore, NotUnderstood, Partial, Private, RequestNoStore,
        Status, Vary,
    };
    let all = [
        Method,
        Head,
        RequestNoStore,
        NoStore,
        Private,
        Authorization,
        Status,
        NotUnderstood,
        Vary,
        Partial,
        Incomplete,
        NoFreshness,
    ];
    let mut details: Vec<&str> = all.into_iter().map(NotStored::detail).collect();
    assert!(details.iter().all(|detail| detail.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase())));
    details.sort_unstable();
    details.dedup();
    assert_eq!(details.len(), all.len());
}

//! Ranges: from whole responses, and from parts that are kept, served, joined and completed (RFC 9110 §14, RFC 9111
//! §3.3 and §3.4).

use super::setup::{Mounted, mounted, text};
use crate::support::origin::{Asked, Reply};

const BODY: &str = "0123456789";

/// An origin that knows ranges, with these fields in every answer.
fn ranged(fields: &'static [(&'static str, &'static str)]) -> Mounted {
    mounted("", move |asked: &Asked| {
        let range = asked.field("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let reply = match range {
            None => Reply::ok(BODY),
            Some((first, last)) => {
                let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
                    (Ok(first), Ok(last)) => (first, last.min(9)),
                    (Ok(first), Err(_)) => (first, 9),
                    (Err(_), Ok(suffix)) => (10 - suffix, 9),
                    (Err(_), Err(_)) => panic!("no range"),
                };
                Reply::partial(&BODY.as_bytes()[first..=last])
                    .with("content-range", &format!("bytes {first}-{last}/10"))
            }
        };
        fields.iter().fold(reply, |reply, (name, value)| reply.with(name, value))
    })
}

#[test]
fn parts_of_a_whole_response_need_no_origin() {
    let m = ranged(&[("cache-control", "max-age=60"), ("etag", "\"a\"")]);
    m.get("/", &[]);
    for (range, content_range, body) in
        [("bytes=2-4", "bytes 2-4/10", "234"), ("bytes=7-", "bytes 7-9/10", "789"), ("bytes=-2", "bytes 8-9/10", "89")]
    {
        let answer = m.get("/", &[("range", range)]);
        assert_eq!((answer.status, text(&answer), answer.expect("content-range")), (206, body, content_range));
        assert_eq!(answer.expect("etag"), "\"a\"");
    }
    let beyond = m.get("/", &[("range", "bytes=10-")]);
    assert_eq!((beyond.status, beyond.expect("content-range"), beyond.body.len()), (416, "bytes */10", 0));
    assert_eq!(m.get("/", &[("range", "bytes=0-0"), ("if-range", "\"b\"")]).status, 200);
    assert_eq!(m.get("/", &[("range", "bytes=0-0"), ("if-range", "\"a\"")]).status, 206);
    assert_eq!(m.asked(), 1);
}

#[test]
fn a_part_is_kept_and_serves_what_lies_in_it() {
    let m = ranged(&[("cache-control", "max-age=60")]);
    let first = m.get("/", &[("range", "bytes=2-6")]);
    assert_eq!((first.status, text(&first), first.expect("content-range")), (206, "23456", "bytes 2-6/10"));
    assert_eq!(m.origin.asked()[0].field("range"), Some("bytes=2-6"));
    assert_eq!(first.expect("cache-status"), "tintype; fwd=uri-miss; fwd-status=206; stored");
    for (range, body) in [("bytes=2-6", "23456"), ("bytes=3-4", "34")] {
        let answer = m.get("/", &[("range", range)]);
        assert_eq!((answer.status, text(&answer), m.asked()), (206, body, 1));
        assert!(answer.expect("cache-status").contains("; hit"));
    }
    let other = m.get("/", &[("range", "bytes=5-8")]);
    assert_eq!((other.status, text(&other), m.asked()), (206, "5678", 2));
    assert!(other.expect("cache-status").starts_with("tintype; fwd=partial"));
}

#[test]
fn parts_of_the_same_version_are_joined_and_completed() {
    let m = ranged(&[("cache-control", "max-age=60"), ("etag", "\"a\"")]);
    m.get("/", &[("range", "bytes=0-3")]);
    m.get("/", &[("range", "bytes=4-5")]);
    assert_eq!((text(&m.get("/", &[("range", "bytes=2-5")])), m.asked()), ("2345", 2));
    let whole = m.get("/", &[]);
    assert_eq!((whole.status, text(&whole), whole.expect("content-length")), (200, BODY, "10"));
    assert_eq!((whole.field("content-range"), m.asked()), (None, 3));
    let asked = m.origin.asked().pop().expect("a request");
    assert_eq!((asked.field("range"), asked.field("if-range")), (Some("bytes=6-"), Some("\"a\"")));
    assert_eq!((text(&m.get("/", &[])), m.asked()), (BODY, 3));
}

#[test]
fn a_joined_response_is_as_old_as_what_came_last() {
    let m = mounted("", |asked| {
        match asked.field("range") {
            Some("bytes=0-4") => Reply::partial(&BODY[..5]).with("content-range", "bytes 0-4/10").with("age", "50"),
            _ => Reply::partial(&BODY[5..]).with("content-range", "bytes 5-9/10"),
        }
        .with("cache-control", "max-age=60")
        .with("etag", "\"a\"")
    });
    m.get("/", &[("range", "bytes=0-4")]);
    m.get("/", &[]);
    let whole = m.get("/", &[]);
    let age_s: u64 = whole.expect("age").parse().expect("a number");
    assert!(text(&whole) == BODY && age_s < 50 && m.asked() == 2, "{whole:?}");
}

#[test]
fn a_condition_counts_for_a_part_too() {
    let m = ranged(&[("cache-control", "max-age=60"), ("etag", "\"a\"")]);
    m.get("/", &[("range", "bytes=0-3")]);
    let unchanged = m.get("/", &[("range", "bytes=1-2"), ("if-none-match", "\"a\"")]);
    assert_eq!((unchanged.status, unchanged.body.len(), m.asked()), (304, 0, 1));
    assert_eq!(m.get("/", &[("range", "bytes=1-2"), ("if-none-match", "\"b\"")]).status, 206);
}

#[test]
fn parts_of_unknown_versions_are_never_joined() {
    for fields in [
        &[("cache-control", "max-age=60")][..],
        &[("cache-control", "max-age=60"), ("etag", "W/\"a\"")],
        &[("cache-control", "max-age=60"), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")],
    ] {
        let m = ranged(fields);
        m.get("/", &[("range", "bytes=0-3")]);
        let whole = m.get("/", &[]);
        assert_eq!((whole.status, text(&whole)), (200, BODY));
        let asked: Vec<_> = m.origin.asked().iter().map(|asked| asked.field("range").map(str::to_owned)).collect();
        assert_eq!(
            asked,
            [Some("bytes=0-3".to_owned()), Some("bytes=4-".to_owned()), None],
            "asked again for the whole"
        );
    }
}

#[test]
fn an_origin_that_knows_no_ranges_is_asked_once() {
    let m = mounted("", |_| Reply::ok(BODY).with("cache-control", "max-age=60"));
    assert_eq!(text(&m.get("/", &[("range", "bytes=0-1")])), "01");
    assert_eq!((text(&m.get("/", &[])), m.asked()), (BODY, 1));
}

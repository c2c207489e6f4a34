//! Conditional requests, of clients and of this cache (RFC 9111 §4.3).

use super::setup::{counting, mounted, text};
use crate::support::origin::Reply;

const STALE: &str = "max-age=10";
const OLD: &str = "11";

#[test]
fn clients_conditions_are_answered_from_what_is_kept() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let m = mounted("", move |asked| {
        let reply = match asked.field("if-match") {
            Some("\"b\"") => Reply::status(412),
            _ => Reply::ok("body"),
        };
        reply
            .with("cache-control", "max-age=60")
            .with("etag", "\"a\"")
            .with("last-modified", date)
            .with("content-type", "text/plain")
            .with("vary", "foo")
    });
    // The very first one too: the whole is asked for, and kept.
    for fields in [[("if-none-match", "\"a\"")], [("if-none-match", "W/\"a\"")], [("if-modified-since", date)]] {
        let answer = m.get("/", &fields);
        assert_eq!((answer.status, answer.expect("etag"), answer.expect("vary")), (304, "\"a\"", "foo"), "{fields:?}");
        assert_eq!((answer.field("content-type"), answer.field("content-length")), (None, None));
        assert_eq!(answer.expect("cache-control"), "max-age=60");
    }
    for (fields, status) in
        [([("if-none-match", "\"b\"")], 200), ([("if-modified-since", "Sat, 05 Nov 1994 08:49:37 GMT")], 200)]
    {
        assert_eq!(m.get("/", &fields).status, status, "{fields:?}");
    }
    assert_eq!((m.ask("HEAD", "/", &[("if-none-match", "\"a\"")], None).status, m.asked()), (304, 1));
    for (tag, status) in [("\"b\"", 412), ("\"a\"", 200)] {
        let answer = m.get("/", &[("if-match", tag)]);
        assert!(answer.expect("cache-status").starts_with("tintype; fwd=request"), "{answer:?}");
        assert_eq!(answer.status, status, "the origin decides");
    }
    assert_eq!((m.get("/", &[]).status, m.asked()), (200, 3), "and what is kept stays");
}

#[test]
fn a_stale_response_is_confirmed_with_its_own_validators() {
    let m = mounted("", |asked| match asked.field("if-none-match") {
        None => Reply::ok("body")
            .with("cache-control", STALE)
            .with("age", OLD)
            .with("etag", "\"a\"")
            .with("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")
            .with("x-old", "1")
            .with("x-new", "1")
            .with("content-encoding", "identity"),
        Some(_) => Reply::status(304)
            .with("cache-control", "max-age=60")
            .with("etag", "\"a\"")
            .with("x-new", "2")
            .with("content-encoding", "br"),
    });
    assert_eq!(text(&m.get("/", &[])), "body");
    let confirmed = m.get("/", &[("if-none-match", "\"mine\""), ("range", "bytes=0-1"), ("foo", "bar")]);
    assert_eq!((confirmed.status, text(&confirmed)), (206, "bo"));
    assert_eq!((confirmed.expect("x-old"), confirmed.expect("x-new")), ("1", "2"));
    assert_eq!(confirmed.expect("content-encoding"), "identity");
    assert_eq!(confirmed.expect("cache-status"), "tintype; fwd=stale; fwd-status=304; stored");
    let asked = m.origin.asked().pop().expect("a request");
    assert_eq!(asked.field("if-none-match"), Some("\"a\""));
    assert_eq!(asked.field("if-modified-since"), Some("sun, 06 nov 1994 08:49:37 gmt"));
    assert_eq!((asked.field("range"), asked.field("foo")), (None, Some("bar")));
    let fresh = m.get("/", &[]);
    assert_eq!((text(&fresh), fresh.expect("x-new"), m.asked()), ("body", "2", 2));
    assert!(fresh.expect("cache-status").contains("; hit"));
}

#[test]
fn a_304_about_something_else_updates_nothing() {
    let m = mounted("", |asked| match asked.field("if-none-match") {
        None => Reply::ok("body").with("cache-control", STALE).with("age", OLD).with("etag", "\"a\""),
        Some(_) => Reply::status(304).with("cache-control", "max-age=60").with("etag", "\"b\""),
    });
    m.get("/", &[]);
    let answer = m.get("/", &[]);
    assert_eq!((answer.status, text(&answer), answer.expect("etag")), (200, "body", "\"a\""));
    let conditions: Vec<_> = m.origin.asked().iter().map(|asked| asked.field("if-none-match").is_some()).collect();
    assert_eq!(conditions, [false, true, false]);
}

#[test]
fn a_304_that_nobody_asked_for_is_a_bad_gateway() {
    let m = mounted("", |_| Reply::status(304).with("etag", "\"b\""));
    assert_eq!(m.get("/", &[]).status, 502);
    // With conditions that went on word for word it is an answer.
    assert_eq!(m.get("/", &[("if-none-match", "\"b\""), ("authorization", "x")]).status, 304);
}

#[test]
fn a_new_answer_takes_the_place_of_the_old_one() {
    let m = counting("", &[("cache-control", STALE), ("age", OLD), ("etag", "\"a\"")]);
    for number in ["1", "2", "3"] {
        assert_eq!(text(&m.get("/", &[])), number);
    }
    assert_eq!(m.origin.asked()[2].field("if-none-match"), Some("\"a\""));
}

#[test]
fn head_is_answered_from_get_and_keeps_it_young() {
    let m = mounted("", |asked| {
        let age = if asked.method == "HEAD" { "0" } else { OLD };
        Reply::ok("body").with("cache-control", STALE).with("etag", "\"a\"").with("age", age)
    });
    m.get("/", &[]);
    let head = m.ask("HEAD", "/", &[], None);
    assert_eq!((head.status, head.expect("content-length"), m.origin.asked()[1].method.as_str()), (200, "4", "HEAD"));
    let got = m.get("/", &[]);
    assert_eq!((text(&got), m.asked()), ("body", 2));
    let head = m.ask("HEAD", "/", &[], None);
    assert_eq!((head.expect("content-length"), m.asked()), ("4", 2));
    assert!(head.expect("cache-status").contains("; hit"));
}

#[test]
fn head_that_tells_of_a_change_ends_what_is_kept() {
    let m = mounted("", |asked| {
        let etag = if asked.method == "HEAD" { "\"b\"" } else { "\"a\"" };
        Reply::ok("body").with("cache-control", STALE).with("age", OLD).with("etag", etag)
    });
    m.get("/", &[]);
    m.ask("HEAD", "/", &[], None);
    m.get("/", &[]);
    assert_eq!(m.origin.asked()[2].field("if-none-match"), None);
}

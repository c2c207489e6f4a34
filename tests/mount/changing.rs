//! What changing requests make untrue (RFC 9111 §4.4).

use super::setup::{case, counting, mounted, text};
use crate::support::origin::Reply;

#[test]
fn a_success_drops_everything_of_the_uri_and_a_failure_nothing() {
    let m = mounted("", |asked| match asked.method.as_str() {
        "GET" => Reply::ok("kept").with("cache-control", "max-age=60").with("vary", "foo"),
        _ => Reply::status(u16::try_from(case(asked)).expect("a status")),
    });
    for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH"] {
        for (status, is_dropped) in [(200, true), (204, true), (303, true), (404, false), (500, false)] {
            let (path, other) = (format!("/{status}/{method}"), format!("/{status}/{method}/other"));
            let before = m.asked();
            let read = || {
                m.get(&path, &[("foo", "1")]);
                m.get(&path, &[("foo", "2")]);
                m.get(&other, &[]);
            };
            read();
            assert_eq!(m.ask(method, &path, &[], Some(b"x")).status, status);
            read();
            assert_eq!(m.asked() - before, if is_dropped { 6 } else { 4 }, "{method} {status}");
        }
    }
}

#[test]
fn safe_methods_drop_nothing() {
    let m = counting("", &[("cache-control", "max-age=60")]);
    m.get("/", &[]);
    m.ask("OPTIONS", "/", &[], None);
    m.ask("HEAD", "/", &[], None);
    assert_eq!(text(&m.get("/", &[])), "1");
}

#[test]
fn what_a_change_names_on_the_same_origin_goes_too() {
    let m = mounted("", |asked| match asked.method.as_str() {
        "GET" => Reply::ok("kept").with("cache-control", "max-age=60"),
        _ => Reply::status(201).with("location", "/made").with("content-location", "list?x"),
    });
    for path in ["/made", "/a/list?x", "/list?x", "/elsewhere"] {
        m.get(path, &[]);
    }
    m.ask("POST", "/a/b", &[], Some(b""));
    let before = m.asked();
    for path in ["/made", "/a/list?x", "/list?x", "/elsewhere"] {
        m.get(path, &[]);
    }
    assert_eq!(m.asked() - before, 2);
}

#[test]
fn an_answer_to_a_post_is_kept_when_it_says_that_it_is_that_of_get() {
    let m = mounted("", |asked| {
        Reply::ok(asked.method.clone()).with("cache-control", "max-age=60").with("content-location", "/a")
    });
    assert_eq!(text(&m.ask("POST", "/a", &[], Some(b"x"))), "POST");
    assert_eq!((text(&m.get("/a", &[])), m.asked()), ("POST", 1));
    assert_eq!(text(&m.ask("POST", "/b", &[], Some(b"x"))), "POST");
    assert_eq!(text(&m.get("/b", &[])), "GET");
}

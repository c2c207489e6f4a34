//! What later answers do to what is kept: a 304 can end its keeping; one client's wishes, or a failure of the moment,
//! cannot.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::setup::{Mounted, mounted, text};
use crate::support::eventually;
use crate::support::origin::{Asked, Reply};

/// An origin whose first answer is stale from the start, and whose later ones are `later`.
fn stale_then(later: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Mounted {
    let count = AtomicUsize::new(0);
    let m = mounted("", move |asked| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok("body")
            .with("cache-control", "max-age=10, stale-while-revalidate=5")
            .with("age", "15")
            .with("etag", "\"a\""),
        _ => later(asked),
    });
    m.get("/", &[]);
    m
}

/// Whether the last question was about what is kept.
fn is_kept(m: &Mounted) -> bool {
    m.origin.asked().last().is_some_and(|asked| asked.field("if-none-match") == Some("\"a\""))
}

#[test]
fn a_confirmed_response_can_be_for_one_client_alone_from_now_on() {
    for (name, value) in [("cache-control", "private"), ("cache-control", "no-store"), ("vary", "*")] {
        let m = stale_then(move |asked| match asked.field("if-none-match") {
            None => Reply::ok("new"),
            Some(_) => Reply::status(304).with("etag", "\"a\"").with(name, value),
        });
        let answer = m.get("/", &[]);
        assert_eq!((answer.status, text(&answer), m.asked()), (200, "body", 2), "{value}");
        assert!(!answer.expect("cache-status").contains("stored"), "{value}: {answer:?}");
        assert_eq!((text(&m.get("/", &[])), is_kept(&m)), ("new", false), "{value}");
    }
}

#[test]
fn one_clients_wishes_and_rights_take_nothing_from_others() {
    for (name, value) in [("authorization", "Basic x"), ("cache-control", "no-store")] {
        for status in [200, 304] {
            let m = stale_then(move |_| match status {
                200 => Reply::ok("mine").with("cache-control", "max-age=60").with("etag", "\"b\""),
                _ => Reply::status(304),
            });
            let mine = m.get("/", &[(name, value)]);
            assert_eq!(text(&mine), if status == 200 { "mine" } else { "body" }, "{value} {status}");
            m.get("/", &[]);
            assert!(is_kept(&m), "{value} {status}: {:?}", m.origin.asked());
        }
    }
}

#[test]
fn a_refresh_behind_asks_for_all() {
    let count = AtomicUsize::new(0);
    let m = mounted("", move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok("old").with("cache-control", "public, max-age=10, stale-while-revalidate=60").with("age", "11"),
        _ => Reply::ok("new").with("cache-control", "max-age=60"),
    });
    m.get("/", &[]);
    assert_eq!(text(&m.get("/", &[("authorization", "Basic x")])), "old", "nobody else's question is asked with that");
    assert_eq!(text(&m.get("/", &[("cache-control", "no-store")])), "old");
    eventually("it is refreshed", || text(&m.get("/", &[])) == "new");
    for asked in m.origin.asked() {
        assert_eq!((asked.field("authorization"), asked.field("cache-control")), (None, None));
    }
}

#[test]
fn refusals_and_failures_of_the_moment_drop_nothing() {
    for (status, stays) in [(401, true), (403, true), (429, true), (500, true), (503, true), (404, false), (410, false)]
    {
        for method in ["GET", "HEAD"] {
            let m = stale_then(move |_| Reply::status(status));
            assert_eq!(m.ask(method, "/", &[], None).status, status);
            m.get("/", &[]);
            assert_eq!(is_kept(&m), stays, "{method} {status}");
        }
    }
}

#[test]
fn an_answer_without_content_has_no_length() {
    let m = mounted("", |_| Reply::status(204).with("cache-control", "max-age=60"));
    for _ in 0..2 {
        let answer = m.get("/", &[]);
        assert_eq!((answer.status, answer.field("content-length"), m.asked()), (204, None, 1));
    }
}

#[test]
fn what_is_fetched_after_a_change_is_not_what_was_under_way_before() {
    let gate = crate::support::origin::Gate::default();
    let held = gate.clone();
    let count = AtomicUsize::new(0);
    let m = mounted("", move |asked| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        if number == 1 {
            held.pass();
        }
        Reply::ok(format!("{} {number}", asked.method)).with("cache-control", "max-age=60")
    });
    let before = m.server.send("/m/", &[]);
    m.origin.wait_for(1);
    m.ask("POST", "/", &[], Some(b"x"));
    assert_eq!(text(&m.get("/", &[])), "GET 3", "it does not wait for the first one");
    gate.open();
    assert_eq!(text(&before.receive()), "GET 1");
    assert_eq!((text(&m.get("/", &[])), m.asked()), ("GET 3", 3));
}

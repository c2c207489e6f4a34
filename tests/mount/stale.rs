//! Stale responses: served while they are refreshed, served when the origin fails, and not served (RFC 5861).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::setup::{Mounted, mounted, text};
use crate::support::eventually;
use crate::support::origin::Reply;

/// An origin whose first answer is `first`, stale from the start, and whose later answers are `later`.
fn then(options: &str, control: &'static str, later: impl Fn() -> Reply + Send + Sync + 'static) -> Mounted {
    let count = AtomicUsize::new(0);
    mounted(options, move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok("old").with("cache-control", control).with("age", "11").with("etag", "\"a\""),
        _ => later(),
    })
}

#[test]
fn stale_is_served_at_once_and_refreshed_behind() {
    let cases = [("", "max-age=10, stale-while-revalidate=60"), (";stale_while_revalidate=60s", "max-age=10")];
    for (options, control) in cases {
        let m = then(options, control, || Reply::ok("new").with("cache-control", "max-age=60"));
        m.get("/", &[]);
        let stale = m.get("/", &[]);
        assert_eq!(text(&stale), "old");
        assert!(stale.expect("cache-status").starts_with("tintype; hit; ttl=-"), "{stale:?}");
        assert!(stale.expect("cache-status").ends_with("detail=swr"));
        eventually("it is refreshed", || text(&m.get("/", &[])) == "new");
        assert_eq!((m.asked(), m.origin.asked()[1].field("if-none-match")), (2, Some("\"a\"")));
    }
}

#[test]
fn a_herd_of_stale_answers_is_one_refresh() {
    let gate = crate::support::origin::Gate::default();
    let held = gate.clone();
    let m = then("", "max-age=10, stale-while-revalidate=60", move || {
        held.pass();
        Reply::ok("new").with("cache-control", "max-age=60")
    });
    m.get("/", &[]);
    for _ in 0..20 {
        assert_eq!(text(&m.get("/", &[])), "old");
    }
    m.origin.wait_for(2);
    gate.open();
    eventually("it is refreshed", || text(&m.get("/", &[])) == "new");
    assert_eq!(m.asked(), 2);
}

#[test]
fn beyond_its_window_stale_is_not_served() {
    let m = then("", "max-age=1, stale-while-revalidate=5", || Reply::ok("new"));
    m.get("/", &[]);
    assert_eq!(text(&m.get("/", &[])), "new");
}

#[test]
fn stale_covers_an_origin_that_fails() {
    for status in [500, 502, 503, 504] {
        let m = then("", "max-age=10, stale-if-error=60", move || Reply::status(status));
        m.get("/", &[]);
        let covered = m.get("/", &[]);
        assert_eq!((covered.status, text(&covered)), (200, "old"));
        let note = covered.expect("cache-status");
        assert!(note.starts_with(&format!("tintype; fwd=stale; fwd-status={status}; ttl=-")), "{note}");
        assert!(note.ends_with("detail=sie"));
        assert_eq!(text(&m.get("/", &[])), "old", "and goes on to");
    }
    let m = then(";stale_if_error=60s", "max-age=10", || Reply::ok("broken").broken_off());
    m.get("/", &[]);
    assert_eq!(text(&m.get("/", &[])), "old");
}

#[test]
fn an_origin_that_says_no_is_not_covered() {
    for (control, status) in [
        ("max-age=10, stale-if-error=60", 404),
        ("max-age=10, stale-if-error=60", 410),
        ("max-age=10", 503),
        ("max-age=10, stale-if-error=60, must-revalidate", 503),
        ("max-age=10, stale-if-error=60, proxy-revalidate", 503),
        ("max-age=10, stale-if-error=60, no-cache", 503),
        ("s-maxage=10, stale-if-error=60", 503),
    ] {
        let m = then("", control, move || Reply::status(status));
        m.get("/", &[]);
        assert_eq!(m.get("/", &[]).status, status, "{control}");
    }
}

#[test]
fn what_must_be_revalidated_is_refused_when_the_origin_is_gone() {
    let m = then("", "max-age=10, must-revalidate, stale-if-error=60", || Reply::ok("x").broken_off());
    m.get("/", &[]);
    assert_eq!(m.get("/", &[]).status, 502);
}

#[test]
fn a_refresh_that_fails_is_tried_again() {
    let fails = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fails);
    let m = then("", "max-age=10, stale-while-revalidate=60, stale-if-error=60", move || {
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::status(503),
            _ => Reply::ok("new").with("cache-control", "max-age=60"),
        }
    });
    m.get("/", &[]);
    eventually("it is refreshed", || text(&m.get("/", &[])) == "new");
    assert_eq!(fails.load(Ordering::SeqCst), 2);
}

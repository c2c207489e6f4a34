//! Purges of what mounts keep: by their own URLs, by their origin, by the origin's tags, while it is being fetched.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::setup::{Mounted, launch, mounted, text};
use crate::support::client::Answer;
use crate::support::eventually;
use crate::support::origin::{Asked, Gate, Origin, Reply};

fn purged(m: &Mounted, order: &Value) -> Value {
    report(&m.server.purge(order))
}

fn report(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.content_type()), (200, "application/json"), "{answer:?}");
    serde_json::from_slice(&answer.body).expect("a report")
}

/// An origin with tags, whose responses vary by `foo`; the body counts the requests.
fn tagged() -> Mounted {
    let count = AtomicUsize::new(0);
    mounted("", move |asked: &Asked| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let tag = format!("all foo-{}", asked.field("foo").unwrap_or("none"));
        let reply = Reply::ok(number.to_string()).with("cache-control", "max-age=60").with("surrogate-key", &tag);
        if asked.target.starts_with("/vary") { reply.with("vary", "foo") } else { reply }
    })
}

fn get(m: &Mounted, path: &str, value: &str) -> usize {
    text(&m.get(path, &[("foo", value)])).parse().expect("a number")
}

#[test]
fn each_way_to_name_things_takes_them_and_leaves_the_rest() {
    let m = tagged();
    let path = "/vary?a=1";
    for order in [
        json!({"urls": [format!("/m{path}")]}),
        json!({"urls": [format!("https://cdn.example/m{path}")]}),
        json!({"sources": [m.origin.url(path)]}),
        json!({"prefixes": [m.origin.url("/vary?a")]}),
        json!({"tags": ["all"]}),
    ] {
        let is_for_all = order["tags"].is_array();
        let before = [get(&m, path, "1"), get(&m, path, "2"), get(&m, "/other", "1")];
        assert_eq!([get(&m, path, "1"), get(&m, path, "2"), get(&m, "/other", "1")], before, "kept: {order}");
        let purged = purged(&m, &order)["purged"]["mount_memory"].as_u64().expect("a number");
        assert!(purged >= 2, "{order}: {purged}");
        let after = [get(&m, path, "1"), get(&m, path, "2"), get(&m, "/other", "1")];
        assert!(after[0] > before[2] && after[1] > before[2], "{order}: {before:?} {after:?}");
        assert_eq!(after[2] != before[2], is_for_all, "{order}: {before:?} {after:?}");
    }
}

#[test]
fn a_tag_of_one_variant_leaves_the_others() {
    let m = tagged();
    let before = [get(&m, "/vary", "1"), get(&m, "/vary", "2")];
    let report = purged(&m, &json!({"tags": ["foo-2"]}));
    assert_eq!(report["purged"]["mount_memory"], json!(1), "{report}");
    assert_eq!(get(&m, "/vary", "1"), before[0]);
    assert_ne!(get(&m, "/vary", "2"), before[1]);
}

#[test]
fn a_soft_purge_has_it_confirmed() {
    let m = mounted("", |asked| match asked.field("if-none-match") {
        None => Reply::ok("body").with("cache-control", "max-age=60").with("etag", "\"a\""),
        Some(_) => Reply::status(304).with("etag", "\"a\""),
    });
    m.get("/", &[]);
    let report = purged(&m, &json!({"urls": ["/m/"], "soft": true}));
    assert_eq!((&report["purged"]["mount_memory"], &report["soft"]), (&json!(1), &json!(true)), "{report}");
    let confirmed = m.get("/", &[]);
    assert_eq!((text(&confirmed), m.asked()), ("body", 2));
    assert_eq!(confirmed.expect("cache-status"), "tintype; fwd=stale; fwd-status=304; stored");
    assert!(m.get("/", &[]).expect("cache-status").starts_with("tintype; hit"), "it is fresh again");
}

#[test]
fn a_soft_purge_lets_stale_responses_be_served_while_they_are_refreshed() {
    let count = AtomicUsize::new(0);
    let m = mounted(";stale_while_revalidate=60s", move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        Reply::ok(number.to_string()).with("cache-control", "max-age=60")
    });
    m.get("/", &[]);
    purged(&m, &json!({"urls": ["/m/"], "soft": true}));
    let stale = m.get("/", &[]);
    assert_eq!(text(&stale), "1");
    assert!(stale.expect("cache-status").ends_with("detail=swr"), "{stale:?}");
    eventually("it is refreshed", || text(&m.get("/", &[])) == "2");
}

#[test]
fn what_was_on_its_way_when_a_purge_came_is_neither_served_nor_kept() {
    // The tag of a response is not known before it comes, so that its flight is joined after the purge too.
    for (order, is_joined) in [(json!({"urls": ["/m/"]}), false), (json!({"tags": ["x"]}), true)] {
        let (gate, count) = (Gate::default(), AtomicUsize::new(0));
        let held = gate.clone();
        let m = mounted("", move |_| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            held.pass();
            Reply::ok(number.to_string()).with("cache-control", "max-age=60").with("surrogate-key", "x")
        });
        let before = m.server.send("/m/", &[]);
        m.origin.wait_for(1);
        purged(&m, &order);
        let after = m.server.send("/m/", &[]);
        if is_joined {
            let followers = || m.server.metric("tintype_flight_followers_total", &["kind=\"mount\""]);
            eventually("it boards", || followers() == 1);
        } else {
            m.origin.wait_for(2);
        }
        gate.open();
        for answer in [before.receive(), after.receive()] {
            assert_eq!((answer.status, text(&answer)), (200, "2"), "{order}: {answer:?}");
        }
        assert_eq!((text(&m.get("/", &[])), m.asked()), ("2", 2), "{order}");
    }
}

#[test]
fn a_purge_names_the_mount_where_it_is_the_root() {
    let count = AtomicUsize::new(0);
    let origin = Origin::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        Reply::ok(number.to_string()).with("cache-control", "max-age=60")
    });
    let server = launch(&origin, "").set("MOUNTS", &format!("/={}", origin.url(""))).set("PATH_PREFIX", "/img").start();
    for number in ["1", "2"] {
        assert_eq!(text(&server.get("/a")), number);
        assert_eq!(text(&server.get("/a")), number);
        report(&server.purge(&json!({"urls": ["http://cdn.example/a"]})));
    }
    assert_eq!(server.purge(&json!({"urls": ["/img/no-picture"]})).status, 400, "that is a URL of images");
}

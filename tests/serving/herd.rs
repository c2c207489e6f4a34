//! However many ask at once, and however often: one fetch, one transformation.

use crate::support::client::{Answer, Pending};
use crate::support::eventually;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// Clients that ask for the same picture before it exists.
const HERD: usize = 1_000;

/// An origin that holds its answer back until the gate is open, and a server before it with time to wait.
fn held_back() -> (Gate, Origin, Server) {
    let gate = Gate::default();
    let (held, picture) = (gate.clone(), marks(64, 48).png());
    let origin = Origin::start(move |_| {
        held.pass();
        Reply::ok(picture.clone())
    });
    let server = Launch::before(&origin)
        .set("FETCH_FIRST_BYTE_TIMEOUT", "2m")
        .set("FETCH_TIMEOUT", "2m")
        .set("REQUEST_TIMEOUT", "2m")
        .start();
    (gate, origin, server)
}

#[test]
fn a_thousand_cold_requests_are_one_fetch_and_one_transformation() {
    let (gate, origin, server) = held_back();
    let target = format!("/_/w:32/plain/{}@png", origin.url("/a.png"));
    let sent: Vec<Pending> = (0..HERD).map(|_| server.send(&target, &[])).collect();
    eventually("everyone waits for the one flight", || {
        server.metric("tintype_flight_followers_total", &["kind=\"variant\""]) == HERD as u64 - 1
    });
    gate.open();
    let answers: Vec<Answer> = sent.into_iter().map(Pending::receive).collect();

    let first = &answers[0];
    assert_eq!((first.status, first.content_type()), (200, "image/png"));
    for answer in &answers {
        assert_eq!((answer.status, answer.field("etag")), (200, first.field("etag")));
        assert!(answer.body == first.body, "two pictures");
    }
    assert_eq!((origin.asked().len(), server.fetches(), server.transforms()), (1, 1, 1));
    let collapsed = answers.iter().filter(|answer| answer.expect("cache-status").contains("collapsed")).count();
    assert_eq!(collapsed, HERD - 1);
}

#[test]
fn a_hit_touches_neither_engine_nor_origin() {
    let origin = Origin::of(marks(64, 48).png());
    let server = Launch::before(&origin).start();
    let target = format!("/_/w:32/plain/{}@png", origin.url("/a.png"));
    let cold = server.get(&target);
    assert!(cold.expect("cache-status").contains("fwd=uri-miss"), "{cold:?}");
    let stages = || {
        let names = ["queue", "origin", "decode", "transform", "encode"];
        names.map(|name| server.metric("tintype_stage_seconds_count", &[&format!("stage=\"{name}\"")]))
    };
    let (before, made) = (stages(), server.transforms());
    for _ in 0..20 {
        let hit = server.get(&target);
        assert!(hit.expect("cache-status").starts_with("tintype; hit"), "{hit:?}");
        assert!(hit.body == cold.body && hit.field("etag") == cold.field("etag"));
    }
    assert_eq!((origin.asked().len(), server.fetches(), server.transforms()), (1, 1, made));
    assert_eq!(stages(), before);
    assert_eq!(server.metric("tintype_cache_events_total", &["tier=\"memory\"", "event=\"hit\""]), 20);
}

#[test]
fn variants_of_one_cold_original_share_its_fetch() {
    let (gate, origin, server) = held_back();
    let target = |width: usize| format!("/_/w:{width}/plain/{}@png", origin.url("/a.png"));
    let sent: Vec<Pending> = (1..=8).map(|width| server.send(&target(width), &[])).collect();
    eventually("everyone waits for the one fetch", || {
        server.metric("tintype_flight_followers_total", &["kind=\"original\""]) == 7
    });
    gate.open();
    let answers: Vec<Answer> = sent.into_iter().map(Pending::receive).collect();
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!((origin.asked().len(), server.transforms()), (1, 8));
}

#[test]
fn spellings_of_one_meaning_are_one_variant() {
    let origin = Origin::of(marks(64, 48).png());
    let server = Launch::before(&origin).start();
    let source = origin.url("/a.png");
    let spellings = ["w:32/h:24", "h:24/w:32", "s:32:24", "rs:fit:32:24", "rs:fit:16:12/dpr:2", "w:9/w:32/h:24/cb:7"];
    let tags: Vec<_> = spellings
        .iter()
        .map(|options| server.get(&format!("/_/{options}/plain/{source}@png")).expect("etag").to_owned())
        .collect();
    assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
    assert_eq!(server.transforms(), 1);
}

#[test]
fn a_client_that_leaves_does_not_end_the_work() {
    let (gate, origin, server) = held_back();
    let target = format!("/_/w:32/plain/{}@png", origin.url("/a.png"));
    let stays = server.send(&target, &[]);
    origin.wait_for(1);
    let leaves = server.send(&target, &[]);
    eventually("two wait", || server.metric("tintype_flight_followers_total", &["kind=\"variant\""]) == 1);
    drop(leaves);
    gate.open();
    assert_eq!(stays.receive().status, 200);
    assert_eq!((origin.asked().len(), server.transforms()), (1, 1));
}

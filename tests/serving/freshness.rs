//! Originals that are asked about again: unchanged ones cost no transformation, changed ones make a new picture.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// An origin whose original has a version, and says 304 to who has it.
fn versioned() -> (Arc<AtomicU32>, Origin) {
    let version = Arc::new(AtomicU32::new(1));
    let now = Arc::clone(&version);
    let origin = Origin::start(move |asked| {
        let version = now.load(Ordering::SeqCst);
        let tag = format!("\"v{version}\"");
        if asked.field("if-none-match") == Some(&tag) {
            return Reply::status(304).with("etag", &tag);
        }
        Reply::ok(marks(64, 16 * version).png()).with("etag", &tag)
    });
    (version, origin)
}

fn asking_always(origin: &Origin) -> Launch {
    Launch::before(origin).set("ORIGIN_TTL", "0s")
}

fn target(origin: &Origin) -> String {
    format!("/_/w:32/plain/{}@png", origin.url("/a.png"))
}

fn conditional(origin: &Origin) -> usize {
    origin.asked().iter().filter(|asked| asked.field("if-none-match").is_some()).count()
}

#[test]
fn an_unchanged_original_costs_no_transformation() {
    let (_, origin) = versioned();
    let server = asking_always(&origin).start();
    let first = server.get(&target(&origin));
    for _ in 0..3 {
        let again = server.get(&target(&origin));
        assert_eq!((again.status, again.field("etag")), (200, first.field("etag")));
        assert!(again.expect("cache-status").contains("fwd=stale"), "{again:?}");
        assert!(again.body == first.body);
    }
    assert_eq!((origin.asked().len(), conditional(&origin), server.transforms()), (4, 3, 1));
    assert_eq!(server.metric("tintype_origin_fetches_total", &["result=\"not_modified\""]), 3);
}

#[test]
fn a_changed_original_makes_a_new_picture() {
    let (version, origin) = versioned();
    let server = asking_always(&origin).start();
    let old = server.get(&target(&origin));
    version.store(2, Ordering::SeqCst);
    let new = server.get(&target(&origin));
    assert_eq!((new.status, server.transforms()), (200, 2));
    assert_ne!(new.field("etag"), old.field("etag"));
    assert!(new.body != old.body);
}

/// The memory for originals may be full or off: the variant remembers by which tag its original goes.
#[test]
fn a_variant_is_confirmed_without_its_original_at_hand() {
    let (version, origin) = versioned();
    let server = asking_always(&origin).set("CACHE_ORIGINALS_MEMORY_BYTES", "0").start();
    let first = server.get(&target(&origin));
    let again = server.get(&target(&origin));
    assert_eq!((again.status, again.field("etag")), (200, first.field("etag")));
    assert_eq!((conditional(&origin), server.transforms()), (1, 1));
    version.store(2, Ordering::SeqCst);
    assert_ne!(server.get(&target(&origin)).field("etag"), first.field("etag"));
}

#[test]
fn while_an_original_is_fresh_nobody_asks() {
    let (version, origin) = versioned();
    let server = Launch::before(&origin).set("ORIGIN_TTL", "1h").start();
    server.get(&target(&origin));
    version.store(2, Ordering::SeqCst);
    let other = format!("/_/w:16/plain/{}@png", origin.url("/a.png"));
    assert_eq!((server.get(&target(&origin)).status, server.get(&other).status), (200, 200));
    assert_eq!(origin.asked().len(), 1);
}

/// Without validators there is nothing to ask by: the bytes come again, and decide.
#[test]
fn the_same_bytes_are_the_same_original() {
    let origin = Origin::of(marks(64, 48).png());
    let server: Server = asking_always(&origin).start();
    let first = server.get(&target(&origin));
    let again = server.get(&target(&origin));
    assert_eq!(again.field("etag"), first.field("etag"));
    assert_eq!((origin.asked().len(), server.transforms()), (2, 1));
}

#[test]
fn the_origin_says_how_long_and_answers_promise_no_more() {
    let origin =
        Origin::start(|_| Reply::ok(marks(64, 48).png()).with("cache-control", "max-age=100").with("age", "40"));
    let server = Launch::before(&origin).set("TTL_CDN", "2h").start();
    for _ in 0..2 {
        let answer = server.get(&target(&origin));
        for (name, begins) in [("cache-control", "public, max-age="), ("cdn-cache-control", "max-age=")] {
            let age = answer.expect(name).strip_prefix(begins).and_then(|rest| rest.split(',').next());
            let age: u64 = age.and_then(|age| age.parse().ok()).expect("seconds");
            assert!((50..=60).contains(&age), "{answer:?}");
        }
        assert_eq!(answer.field("age"), None);
    }
    assert_eq!(origin.asked().len(), 1);
    let deaf = Launch::before(&origin).set("ORIGIN_CACHE_CONTROL", "ignore").set("TTL", "2h").start();
    assert!(deaf.get(&target(&origin)).expect("cache-control").starts_with("public, max-age=7200,"));
}

#[test]
fn what_an_origin_wants_kept_by_nobody_is_kept_by_nobody() {
    for said in ["no-store", "private, max-age=600"] {
        let origin = Origin::start(move |_| Reply::ok(marks(64, 48).png()).with("cache-control", said));
        let server = Launch::before(&origin).start();
        for _ in 0..2 {
            let answer = server.get(&target(&origin));
            assert_eq!((answer.status, answer.expect("cache-control")), (200, "no-store"));
            assert!(!answer.expect("cache-status").contains("stored"), "{answer:?}");
        }
        assert_eq!(origin.asked().len(), 2, "{said}");
    }
}

/// A node that has never made the picture still knows its tag, which follows from the original.
#[test]
fn a_client_that_has_the_picture_costs_a_cold_node_no_transformation() {
    let origin = Origin::of(marks(64, 48).png());
    let first = Launch::before(&origin).start().get(&target(&origin));
    let cold = Launch::before(&origin).start();
    let tag = first.expect("etag");
    let answer = cold.ask(&target(&origin), &[("if-none-match", tag)]);
    assert_eq!((answer.status, answer.field("etag"), answer.body.len()), (304, Some(tag), 0));
    assert!(answer.expect("cache-status").contains("detail=validator"), "{answer:?}");
    assert_eq!((cold.fetches(), cold.metric("tintype_cache_entries", &["tier=\"memory\""])), (1, 0));
    let other = cold.ask(&target(&origin), &[("if-none-match", "\"another\"")]);
    assert_eq!((other.status, other.field("etag"), cold.transforms()), (200, Some(tag), 1));
}

/// Ten thousand requests, a hundred sizes, one question to the origin.
#[test]
fn one_fetch_serves_every_size() {
    let origin = Origin::of(marks(256, 192).png());
    let server = Launch::before(&origin).start();
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (addr, source) = (server.addr, origin.url("/a.png"));
            std::thread::spawn(move || {
                let targets: Vec<_> =
                    (0..1250).map(|i| format!("/_/w:{}/plain/{source}@png", 1 + (client + i) % 100)).collect();
                crate::support::client::statuses(addr, &targets)
            })
        })
        .collect();
    let statuses: Vec<u16> = clients.into_iter().flat_map(|client| client.join().expect("a client")).collect();
    assert_eq!((statuses.len(), statuses.iter().all(|status| *status == 200)), (10_000, true));
    assert_eq!((origin.asked().len(), server.fetches(), server.transforms()), (1, 1, 100));
}

/// New pixels are wanted: the old picture is served until the new one is there, and nobody waits for it.
#[test]
fn another_pixel_epoch_is_painted_behind() {
    let origin = Origin::of(marks(64, 48).png());
    let settings = crate::support::folder(&[("tintype.toml", b"pixel_epoch = 1\n")]);
    let file = settings.path().join("tintype.toml");
    let server = Launch::before(&origin).set("CONFIG", &file.display().to_string()).start();
    let first = server.get(&target(&origin));
    std::fs::write(&file, "pixel_epoch = 2\n").expect("a writable folder");
    assert_eq!(server.reload()["message"], "settings reloaded");
    let old = server.get(&target(&origin));
    assert_eq!(old.field("etag"), first.field("etag"));
    assert!(old.expect("cache-status").contains("hit"), "{old:?}");
    crate::support::eventually("the new picture is there", || {
        server.get(&target(&origin)).field("etag") != first.field("etag")
    });
    assert_eq!((server.fetches(), server.transforms()), (1, 2));
}

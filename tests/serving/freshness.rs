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

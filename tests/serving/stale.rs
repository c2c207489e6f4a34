//! What is served while an origin is asked, and while it fails (RFC 5861): stale pictures inside their windows, and
//! nothing beyond them. Origins say the windows themselves, so that no test waits for time to pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use crate::support::client::Answer;
use crate::support::eventually;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// An origin whose original can change, fail, and be held back.
#[derive(Clone, Default)]
struct Script {
    version: Arc<AtomicU32>,
    /// 0 serves the original.
    status: Arc<AtomicU16>,
}

// === impl Script ===

impl Script {
    fn start(&self, cache_control: &'static str) -> Origin {
        let script = self.clone();
        Origin::start(move |_| match script.status.load(Ordering::SeqCst) {
            0 => {
                let version = script.version.load(Ordering::SeqCst);
                let reply = Reply::ok(marks(64, 16 * (version + 1)).png()).with("etag", &format!("\"v{version}\""));
                reply.with("cache-control", cache_control)
            }
            1 => Reply::ok("<html>we are sorry</html>").with("content-type", "text/html"),
            status => Reply::status(status),
        })
    }

    fn change(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    fn fail(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

fn target(origin: &Origin) -> String {
    format!("/_/w:32/plain/{}@png", origin.url("/a.png"))
}

fn cache_status(answer: &Answer) -> &str {
    answer.expect("cache-status")
}

fn stale_served(server: &Server, why: &str) -> u64 {
    server.metric("tintype_stale_served_total", &[&format!("why=\"{why}\"")])
}

#[test]
fn a_stale_picture_is_served_at_once_and_renewed_once_behind() {
    let script = Script::default();
    let gate = Gate::default();
    let (held, scripted) = (gate.clone(), script.clone());
    let origin = Origin::start(move |_| {
        let version = scripted.version.load(Ordering::SeqCst);
        if version > 0 {
            held.pass();
        }
        let reply = Reply::ok(marks(64, 16 * (version + 1)).png()).with("etag", &format!("\"v{version}\""));
        // The second version stays, so that what is served then is a plain hit.
        reply.with("cache-control", ["max-age=0, stale-while-revalidate=600", "max-age=600"][version.min(1) as usize])
    });
    let server = Launch::before(&origin).start();
    let first = server.get(&target(&origin));
    script.change();
    for _ in 0..20 {
        let stale = server.get(&target(&origin));
        assert_eq!((stale.status, stale.field("etag")), (200, first.field("etag")));
        assert!(cache_status(&stale).contains("detail=swr"), "{stale:?}");
        assert_eq!(stale.expect("cache-control"), "public, max-age=5, stale-while-revalidate=60");
    }
    origin.wait_for(2);
    assert_eq!((origin.asked().len(), stale_served(&server, "swr")), (2, 20));
    gate.open();
    eventually("the new picture is there", || server.get(&target(&origin)).field("etag") != first.field("etag"));
    let renewed = server.get(&target(&origin));
    assert!(cache_status(&renewed).contains("hit; ttl="), "{renewed:?}");
    assert_eq!(origin.asked().len(), 2);
}

#[test]
fn while_an_origin_fails_stale_pictures_are_served_and_others_refused() {
    for (failing, refused) in [(500, 502), (503, 502), (1, 422)] {
        let script = Script::default();
        let origin = script.start("max-age=0, stale-while-revalidate=0, stale-if-error=600");
        let server = Launch::before(&origin).start();
        let first = server.get(&target(&origin));
        script.fail(failing);
        for _ in 0..3 {
            let stale = server.get(&target(&origin));
            assert_eq!((stale.status, stale.field("etag")), (200, first.field("etag")), "{failing}");
            assert!(cache_status(&stale).contains("detail=sie"), "{failing}: {stale:?}");
        }
        assert_eq!(stale_served(&server, "sie"), 3, "{failing}");
        let unknown = server.get(&format!("/_/w:8/plain/{}@png", origin.url("/other.png")));
        assert_eq!(unknown.status, refused, "{failing}: {unknown:?}");
        // The failure is remembered for a moment, so that a failing origin is not asked by every request.
        let asked = origin.asked().iter().filter(|asked| asked.target == "/a.png").count();
        assert_eq!(asked, 2, "{failing}");
    }
}

#[test]
fn an_origin_that_is_gone_is_no_reason_to_refuse_what_is_kept() {
    let script = Script::default();
    let origin = script.start("max-age=0, stale-while-revalidate=0, stale-if-error=600");
    let server = Launch::before(&origin).set("FETCH_FIRST_BYTE_TIMEOUT", "100ms").start();
    let first = server.get(&target(&origin));
    origin.refuse_connections();
    let stale = server.get(&target(&origin));
    assert_eq!((stale.status, stale.field("etag")), (200, first.field("etag")), "{stale:?}");
    // Another size can still be made of the original that is kept.
    let other = server.get(&format!("/_/w:16/plain/{}@png", origin.url("/a.png")));
    assert_eq!(other.status, 200, "{other:?}");
}

#[test]
fn nothing_stale_is_served_where_the_origin_forbids_it_or_says_that_there_is_nothing() {
    for (cache_control, failing, expected) in [
        ("max-age=0, must-revalidate, stale-if-error=600", 500, 502),
        ("s-maxage=0, stale-if-error=600", 500, 502),
        ("no-cache, stale-if-error=600", 500, 502),
        ("max-age=0, stale-while-revalidate=0, stale-if-error=0", 500, 502),
        ("max-age=0, stale-while-revalidate=0, stale-if-error=600", 404, 404),
        ("max-age=0, stale-while-revalidate=0, stale-if-error=600", 410, 410),
        ("max-age=0, stale-while-revalidate=0, stale-if-error=600", 403, 403),
    ] {
        let script = Script::default();
        let origin = script.start(cache_control);
        let server = Launch::before(&origin).start();
        assert_eq!(server.get(&target(&origin)).status, 200);
        script.fail(failing);
        assert_eq!(server.get(&target(&origin)).status, expected, "{cache_control} {failing}");
    }
}

/// Everyone who asks after a failure waits for the same question.
#[test]
fn a_recovered_origin_is_asked_once() {
    const HERD: usize = 200;
    let script = Script::default();
    let gate = Gate::default();
    let (held, scripted) = (gate.clone(), script.clone());
    let origin = Origin::start(move |asked| {
        if scripted.status.load(Ordering::SeqCst) == 500 {
            return Reply::status(500);
        }
        if asked.field("if-none-match").is_some() {
            held.pass();
            return Reply::status(304).with("cache-control", "max-age=600");
        }
        Reply::ok(marks(64, 48).png()).with("etag", "\"v\"").with("cache-control", "max-age=0, must-revalidate")
    });
    let server = Launch::before(&origin).set("NEGATIVE_TTL_ORIGIN_ERROR", "0s").start();
    assert_eq!(server.get(&target(&origin)).status, 200);
    script.fail(500);
    assert_eq!(server.get(&target(&origin)).status, 502);
    script.fail(0);
    let before = origin.asked().len();
    let sent: Vec<_> = (0..HERD).map(|_| server.send(&target(&origin), &[])).collect();
    origin.wait_for(before + 1);
    gate.open();
    assert!(sent.into_iter().all(|pending| pending.receive().status == 200));
    assert_eq!(origin.asked().len(), before + 1);
}

/// A new version that one size has seen is a new version for all of them.
#[test]
fn a_changed_original_makes_all_its_pictures_stale() {
    let script = Script::default();
    let origin = script.start("max-age=600, stale-while-revalidate=0");
    // Without memory for originals each new size fetches, and so finds out.
    let server = Launch::before(&origin).set("CACHE_ORIGINALS_MEMORY_BYTES", "0").start();
    let first = server.get(&target(&origin));
    script.change();
    assert_eq!(server.get(&target(&origin)).field("etag"), first.field("etag"), "nobody knows yet");
    assert_eq!(server.get(&format!("/_/w:16/plain/{}@png", origin.url("/a.png"))).status, 200);
    let renewed = server.get(&target(&origin));
    assert_ne!(renewed.field("etag"), first.field("etag"), "{renewed:?}");
    let again = server.get(&target(&origin));
    assert!(cache_status(&again).contains("hit; ttl="), "{again:?}");
}

//! Purges over restarts: what was acknowledged holds for the process after it, too, whichever way a thing was named,
//! and whatever was under way.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::kept::{End, Site, end, objects, picture, place, purged, settle, version};
use super::shim::ahead;
use crate::support::client::post;
use crate::support::eventually;
use crate::support::origin::{Gate, Origin};
use crate::support::server::Launch;

/// Sizes of every picture here.
const SIZES: [&str; 3] = ["w:32", "w:48", "w:64"];

/// The ways to name what was made of `a.png`.
fn orders(site: &Site, tag: &str) -> Vec<Value> {
    vec![
        json!({"urls": SIZES.map(|size| site.target(size, "a.png"))}),
        json!({"sources": [site.source("a.png")]}),
        json!({"prefixes": [site.source("a")]}),
        json!({"tags": [tag]}),
    ]
}

#[test]
fn what_was_purged_is_gone_after_a_restart_and_the_rest_is_not() {
    for how in [End::Killed, End::Clean] {
        let site = Site::start();
        let (a, b) = (SIZES.map(|size| site.target(size, "a.png")), site.target("w:32", "b.png"));
        let mut server = site.launch().start();
        let tag = server.get(&a[0]).expect("surrogate-key").split(' ').next().expect("a tag").to_owned();
        assert_eq!(version(&server.get(&b)), 0);
        for (number, order) in (1..).zip(orders(&site, &tag)) {
            for target in &a {
                assert_eq!(version(&server.get(target)), number - 1, "kept until it is purged");
            }
            settle(&server, 4, 2);
            site.change();
            let report = purged(&server, &order);
            assert_eq!(
                report["purged"]["disk"],
                json!(if order["urls"].is_array() { 3 } else { 4 }),
                "{order}: {report}"
            );
            end(server, how);
            server = site.launch().start();
            for target in &a {
                let answer = server.get(target);
                assert_eq!((version(&answer), place(&answer)), (number, "uri-miss"), "{how:?} {order}");
            }
            let other = server.get(&b);
            assert_eq!((version(&other), place(&other)), (0, "disk"), "{how:?} {order}");
        }
        assert_eq!(site.asked(), 6, "each purge had the original asked for once");
    }
}

/// The mark is what counts: a file that the clean-up missed is not served, and removed later.
#[test]
fn a_file_that_comes_back_is_still_purged() {
    let site = Site::start();
    let target = site.target("w:32", "a.png");
    let server = site.launch().start();
    assert_eq!(version(&server.get(&target)), 0);
    settle(&server, 1, 1);
    let files: Vec<_> =
        objects(site.disk.path()).into_iter().map(|path| (fs::read(&path).expect("a file"), path)).collect();
    site.change();
    purged(&server, &json!({"sources": [site.source("a.png")]}));
    end(server, End::Killed);
    assert!(objects(site.disk.path()).is_empty());
    for (bytes, path) in &files {
        fs::write(path, bytes).expect("a writable folder");
    }
    let server = site.launch().start();
    eventually("the sweep removes them", || objects(site.disk.path()).is_empty());
    for (bytes, path) in &files {
        fs::write(path, bytes).expect("a writable folder");
    }
    let answer = server.get(&target);
    assert_eq!((version(&answer), place(&answer)), (1, "uri-miss"));
    settle(&server, 1, 1);
    end(server, End::Killed);
    assert_eq!(version(&site.launch().start().get(&target)), 1);
}

#[test]
fn what_a_soft_purge_named_is_stale_after_a_restart() {
    for (how, windows, first) in [(End::Killed, true, "swr"), (End::Clean, false, "uri-miss")] {
        let site = Site::start();
        let launch = if windows { site.launch() } else { site.launch().set("STALE_WHILE_REVALIDATE", "0s") };
        let target = site.target("w:32", "a.png");
        let server = launch.start();
        assert_eq!(version(&server.get(&target)), 0);
        settle(&server, 1, 1);
        site.change();
        purged(&server, &json!({"prefixes": [site.source("")], "soft": true}));
        end(server, how);
        let server = launch.start();
        let stale = server.get(&target);
        assert_eq!((place(&stale), version(&stale)), (first, u32::from(!windows)), "{stale:?}");
        eventually("it is renewed", || version(&server.get(&target)) == 1);
        assert_eq!(site.asked(), 2);
        // Renewed things are fresh after another restart.
        settle(&server, 1, 1);
        end(server, End::Clean);
        let server = launch.start();
        let answer = server.get(&target);
        assert_eq!((version(&answer), place(&answer), site.asked()), (1, "disk", 2));
    }
}

/// Fetched before the purge and made after it: kept nowhere, served to nobody, neither now nor after a restart.
#[test]
fn what_was_under_way_when_the_purge_came_is_not_there_after_a_restart() {
    for (hold, how) in [(0, End::Killed), (0, End::Clean), (1, End::Clean)] {
        let (gate, told) = (Gate::default(), Arc::new(AtomicU32::new(0)));
        let (held, asked) = (gate.clone(), Arc::clone(&told));
        let origin = Origin::start(move |_| {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            if number == hold {
                held.pass();
            }
            picture(number)
        });
        let disk = crate::support::folder(&[]);
        let launch = Launch::before(&origin).set("ADMIN_TOKEN", super::kept::TOKEN).set("DRAIN_DELAY", "0s");
        let launch = launch.set("FETCH_FIRST_BYTE_TIMEOUT", "2m").set("FETCH_TIMEOUT", "2m").set("ORIGIN_TTL", "1h");
        let launch = launch.set("CACHE_DISK_PATH", &disk.path().display().to_string());
        let server = launch.start();
        let target = format!("/_/w:32/plain/{}@png", origin.url("/a.png"));
        let order = json!({"sources": [origin.url("/a.png")]});
        for number in 0..hold {
            assert_eq!(version(&server.get(&target)), number);
            purged(&server, &order);
        }
        let before = server.send(&target, &[]);
        origin.wait_for(hold as usize + 1);
        purged(&server, &order);
        if how == End::Clean {
            gate.open();
            assert_eq!(version(&before.receive()), hold + 1, "what was purged on its way is fetched again");
        }
        end(server, how);
        let server = launch.start();
        let answer = server.get(&target);
        assert_eq!(version(&answer), hold + 1, "{answer:?}");
        gate.open();
    }
}

/// A clock that was ahead is put right, and the process started again: stamps of yesterday are those of tomorrow.
#[test]
fn what_was_kept_while_the_clock_was_ahead_can_be_purged() {
    let site = Site::start();
    let (target, other) = (site.target("w:32", "a.png"), site.target("w:48", "a.png"));
    let Some(wrong) = ahead(&site.launch(), 3600) else { return };
    let server = wrong.start();
    for target in [&target, &other] {
        assert_eq!(version(&server.get(target)), 0);
    }
    settle(&server, 2, 1);
    end(server, End::Clean);
    let server = site.launch().start();
    assert_eq!(version(&server.get(&target)), 0);
    site.change();
    purged(&server, &json!({"sources": [site.source("a.png")]}));
    assert_eq!((version(&server.get(&target)), version(&server.get(&other))), (1, 1));
    end(server, End::Killed);
    let server = site.launch().start();
    assert_eq!((version(&server.get(&target)), version(&server.get(&other))), (1, 1));
}

/// Someone purges all the time: every request is answered all the same, with what nobody may keep.
#[test]
fn what_is_purged_whenever_it_is_made_is_served_and_kept_by_nobody() {
    let admin: Arc<OnceLock<SocketAddr>> = Arc::default();
    let (told, purging) = (Arc::clone(&admin), Arc::new(AtomicBool::new(true)));
    let is_purging = Arc::clone(&purging);
    let origin = Origin::start(move |_| {
        if let Some(admin) = told.get().filter(|_| is_purging.load(Ordering::SeqCst)) {
            let token = format!("Bearer {}", super::kept::TOKEN);
            let order = json!({"prefixes": [""]}).to_string();
            assert_eq!(post(*admin, "/purge", &[("authorization", &token)], &order).status, 200);
        }
        picture(0)
    });
    let site = Site::before(origin);
    let server = site.launch().start();
    admin.get_or_init(|| server.admin);
    let (target, raw) = (site.target("w:32", "a.png"), format!("/_/raw:1/plain/{}", site.source("a.png")));
    for target in [&target, &raw] {
        for _ in 0..2 {
            let before = site.asked();
            let answer = server.get(target);
            assert_eq!((version(&answer), answer.expect("cache-control")), (0, "no-store"), "{answer:?}");
            assert!(!answer.expect("cache-status").contains("stored"), "{answer:?}");
            assert!((1..=6).contains(&(site.asked() - before)), "{}", site.asked() - before);
        }
    }
    purging.store(false, Ordering::SeqCst);
    for target in [&target, &raw] {
        assert!(server.get(target).expect("cache-control").starts_with("public, max-age="));
        assert_eq!(place(&server.get(target)), "mem");
    }
}

//! The disk tier over restarts: whatever ended the process, the next one answers the same from disk, and makes and
//! fetches nothing for it.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::kept::{End, Site, disk_state, end, events, lasting, on_disk, place, settle};
use crate::support::client::send;
use crate::support::eventually;

/// What is done to the file of the index.
type Harm<'a> = &'a dyn Fn(&Path);

const PICTURES: u32 = 6;

#[test]
fn after_a_restart_everything_is_found_again() {
    for how in [End::Clean, End::Killed] {
        let site = Site::start();
        let targets = site.targets(PICTURES);
        let raw = format!("/_/raw:1/plain/{}", site.source("a.png"));
        let server = site.launch().start();
        let first: Vec<_> = targets.iter().map(|target| server.get(target)).collect();
        let first_raw = server.get(&raw);
        assert!(first.iter().all(|answer| answer.status == 200));
        settle(&server, PICTURES.into(), 1);
        end(server, how);

        let again = site.launch().start();
        for (target, first) in targets.iter().zip(&first) {
            let answer = again.get(target);
            assert_eq!(place(&answer), "disk", "{how:?}: {answer:?}");
            assert!(lasting(&answer) == lasting(first), "{how:?}: {answer:?}");
            assert_eq!(place(&again.get(target)), "mem", "{how:?}");
        }
        assert_eq!((site.asked(), again.fetches(), again.transforms()), (1, 0, 0), "{how:?}");
        assert_eq!(again.get(&site.target("w:33", "a.png")).status, 200);
        assert_eq!((site.asked(), again.fetches(), again.transforms()), (1, 0, 1), "the original was kept, too");
        let tier = |tier: &str, event: &str| {
            again.metric("tintype_cache_events_total", &[&format!("tier=\"{tier}\""), &format!("event=\"{event}\"")])
        };
        assert_eq!((tier("disk", "hit"), tier("disk", "miss")), (PICTURES.into(), 1), "{how:?}");
        assert_eq!((tier("memory", "hit"), tier("originals_disk", "hit")), (PICTURES.into(), 1), "{how:?}");
        let answer = again.get(&raw);
        assert!(lasting(&answer) == lasting(&first_raw), "{how:?}: {answer:?}");
    }
}

/// An original that was fetched nowhere and made nothing of is a hit like any other.
#[test]
fn an_original_from_disk_is_a_hit() {
    let site = Site::start();
    let raw = format!("/_/raw:1/plain/{}", site.source("a.png"));
    let server = site.launch().start();
    assert_eq!(place(&server.get(&raw)), "uri-miss");
    settle(&server, 0, 1);
    end(server, End::Clean);
    let again = site.launch().start();
    assert_eq!(place(&again.get(&raw)), "disk");
    assert_eq!(place(&again.get(&raw)), "mem");
    assert_eq!(site.asked(), 1);
}

#[test]
fn a_condition_costs_nothing_after_a_restart_either() {
    let site = Site::start();
    let target = site.target("w:8", "a.png");
    let server = site.launch().start();
    let tag = server.get(&target).expect("etag").to_owned();
    settle(&server, 1, 1);
    end(server, End::Clean);
    let again = site.launch().start();
    let confirmed = again.ask(&target, &[("if-none-match", &tag)]);
    assert_eq!((confirmed.status, confirmed.body.len(), place(&confirmed)), (304, 0, "disk"));
    let other = again.ask(&target, &[("if-none-match", "\"other\"")]);
    assert_eq!((other.status, place(&other)), (200, "mem"));
    assert_eq!((site.asked(), again.transforms()), (1, 0));
}

#[test]
fn a_folder_belongs_to_one_process() {
    let site = Site::start();
    let server = site.launch().start();
    let (code, log) = site.launch().fail();
    assert_eq!(code, Some(1));
    assert!(log.contains("is used by another process"), "{log}");
    assert_eq!(server.get(&site.target("w:8", "a.png")).status, 200);
    settle(&server, 1, 1);
    end(server, End::Killed);
    assert_eq!(place(&site.launch().start().get(&site.target("w:8", "a.png"))), "disk");
}

#[test]
fn without_its_index_the_disk_is_as_warm() {
    let cut = |path: &Path, len: u64| fs::File::options().write(true).open(path).and_then(|file| file.set_len(len));
    let harms: [(&str, Harm<'_>); 7] = [
        ("removed", &|path| fs::remove_file(path).expect("a file")),
        ("emptied", &|path| cut(path, 0).expect("a file")),
        ("cut", &|path| cut(path, 5000).expect("a file")),
        ("halved", &|path| cut(path, fs::metadata(path).expect("a file").len() / 2).expect("a file")),
        ("garbage", &|path| fs::write(path, vec![b'x'; 100_000]).expect("a file")),
        ("zeroed within", &|path| {
            let mut bytes = fs::read(path).expect("a file");
            bytes[4096..].fill(0);
            fs::write(path, bytes).expect("a file");
        }),
        ("a folder", &|path| {
            fs::remove_file(path).expect("a file");
            fs::create_dir(path).expect("a folder");
        }),
    ];
    let site = Site::start();
    let targets = site.targets(PICTURES);
    let server = site.launch().start();
    let first: Vec<_> = targets.iter().map(|target| lasting(&server.get(target))).collect();
    settle(&server, PICTURES.into(), 1);
    end(server, End::Clean);
    for (what, harm) in harms {
        harm(&site.disk.path().join("index.redb"));
        let again = site.launch().start();
        for (target, first) in targets.iter().zip(&first) {
            let answer = again.get(target);
            assert!(place(&answer) == "disk" && lasting(&answer) == *first, "{what}: {answer:?}");
        }
        // The sweep goes gently, and its work is the same whatever was wrong.
        if what == "garbage" {
            settle(&again, PICTURES.into(), 1);
        }
        end(again, End::Clean);
    }
    assert_eq!(site.asked(), 1);
}

/// Pixels of an earlier epoch are better than none: they are served at once, and others made behind.
#[test]
fn what_an_earlier_version_made_is_served_and_made_anew_behind() {
    let site = Site::start();
    let target = site.target("w:8", "a.png");
    let server = site.launch().set("PIXEL_EPOCH", "1").start();
    let old = server.get(&target);
    settle(&server, 1, 1);
    end(server, End::Clean);
    let launch = site.launch().set("PIXEL_EPOCH", "2");
    let server = launch.start();
    let kept = server.get(&target);
    assert!(place(&kept) == "disk" && lasting(&kept) == lasting(&old), "{kept:?}");
    eventually("it is made anew", || server.get(&target).field("etag") != old.field("etag"));
    let new = server.get(&target);
    assert_eq!((site.asked(), server.transforms()), (1, 1));
    // The old one lies on disk until the new one takes its place.
    eventually("it is written", || disk_state(&server)["queue_bytes"] == json!(0));
    end(server, End::Clean);
    let server = launch.start();
    let kept = server.get(&target);
    assert!(place(&kept) == "disk" && lasting(&kept) == lasting(&new), "{kept:?}");
}

#[test]
fn parts_and_heads_come_from_every_tier() {
    let site = Site::start();
    let target = site.target("w:32", "a.png");
    let server = site.launch().start();
    let whole = server.get(&target);
    let (len, tag) = (whole.body.len(), whole.expect("etag").to_owned());
    settle(&server, 1, 1);
    end(server, End::Clean);
    let part = |fields: &[(&str, &str)], from: &str| {
        let server = site.launch().start();
        for from in [from, "mem"] {
            let part = server.ask(&target, fields);
            assert_eq!((part.status, place(&part)), (206, from), "{part:?}");
            assert_eq!(part.expect("content-range"), format!("bytes 5-20/{len}"));
            assert!(part.body == whole.body[5..=20] && part.field("etag") == Some(&tag));
        }
        end(server, End::Clean);
    };
    part(&[("range", "bytes=5-20")], "disk");
    part(&[("range", "bytes=5-20"), ("if-range", &tag)], "disk");
    let server = site.launch().start();
    for from in ["disk", "mem"] {
        let head = send(server.addr, "HEAD", &target, &[]).receive();
        assert_eq!((head.status, place(&head), head.body.len()), (200, from, 0));
        assert_eq!(head.expect("content-length"), len.to_string());
    }
    end(server, End::Clean);
    // Of another generation a part would be the part of something else.
    let server = site.launch().set("PIXEL_EPOCH", "2").start();
    eventually("it is made anew", || server.get(&target).field("etag") != Some(&tag));
    for _ in 0..2 {
        let answer = server.ask(&target, &[("range", "bytes=5-20"), ("if-range", &tag)]);
        assert_eq!((answer.status, answer.body.len()), (200, len), "{answer:?}");
    }
    assert_eq!(site.asked(), 1);
}

#[test]
fn operators_see_what_is_on_disk() {
    let site = Site::start();
    let server = site.launch().set("CACHE_DISK_BYTES", "1MiB").start();
    for target in site.targets(3) {
        server.get(&target);
    }
    settle(&server, 3, 1);
    let state = disk_state(&server);
    assert_eq!((on_disk(&state), &state["health"], events(&state, "corrupt")), ((3, 1), &json!("ok"), 0));
    assert_eq!(state["classes"][0]["budget_bytes"], json!(1 << 20));
    assert_eq!(state["classes"][0]["bytes"], json!(3 * 4096));
    let entries = |class: &str| server.metric("tintype_disk_entries", &[&format!("class=\"{class}\"")]);
    assert_eq!((entries("variants"), entries("originals"), entries("files")), (3, 1, 0));
    assert_eq!(server.metric("tintype_disk_degraded", &[]), 0);
    let written = ["class=\"variants\"", "event=\"written\""];
    assert_eq!(server.metric("tintype_disk_passages_total", &written), 3);
}

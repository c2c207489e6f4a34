//! Files of the disk tier that are no longer what was written: none is ever served, the right answer comes all the
//! same, and a good file takes the place of the bad one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::kept::{
    End, Site, disk_state, end, events, is_degraded, lasting, objects, on_disk, place, purged, settle, version,
};
use crate::support::client::Answer;
use crate::support::eventually;
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};
use serde_json::json;

/// What is done to a file; the second one is another entry's.
type Harm = Box<dyn Fn(&Path, &Path)>;

/// Nothing in memory: every answer comes from disk, or is made.
fn launch(site: &Site) -> Launch {
    site.launch().set("CACHE_MEMORY_BYTES", "0").set("CACHE_ORIGINALS_MEMORY_BYTES", "0").set("CACHE_DISK_RETRY", "1s")
}

fn changed(change: impl Fn(&mut Vec<u8>) + 'static) -> Harm {
    Box::new(move |path, _| {
        let mut bytes = fs::read(path).expect("a file");
        change(&mut bytes);
        // In place, as a bad disk does it.
        fs::write(path, bytes).expect("a writable file");
    })
}

fn harms() -> Vec<(String, Harm)> {
    let mut harms: Vec<(String, Harm)> = Vec::new();
    // Each field of the head, labels and record, and both ends of the body.
    for at in [0, 7, 8, 9, 10, 11, 12, 16, 20, 24, 31, 32, 40, 71, 72, 103, 104, 135, 136, 150, 300] {
        for bit in [0, 7] {
            harms.push((format!("bit {bit} of byte {at}"), changed(move |bytes| bytes[at] ^= 1 << bit)));
        }
    }
    for back in [1, 2, 20] {
        harms.push((
            format!("bit of byte {back} from the end"),
            changed(move |bytes| {
                let at = bytes.len() - back;
                bytes[at] ^= 16;
            }),
        ));
    }
    for len in [0, 1, 8, 9, 135, 136, 137, 200] {
        harms.push((format!("cut to {len}"), changed(move |bytes| bytes.truncate(len))));
    }
    let whole: [(&str, Harm); 11] = [
        ("cut by one", changed(|bytes| bytes.truncate(bytes.len() - 1))),
        ("halved", changed(|bytes| bytes.truncate(bytes.len() / 2))),
        ("one byte more", changed(|bytes| bytes.push(0))),
        ("twice", changed(|bytes| bytes.extend(bytes.clone()))),
        (
            "torn",
            changed(|bytes| {
                let at = bytes.len() / 2;
                bytes[at..].fill(0);
            }),
        ),
        ("zeros", changed(|bytes| bytes.fill(0))),
        ("foreign", changed(|bytes| *bytes = marks(64, 48).png())),
        ("of another version", changed(|bytes| bytes[8] = 2)),
        ("another's entry", Box::new(|path, other| assert!(fs::copy(other, path).is_ok()))),
        (
            "another's body",
            Box::new(|path, other| {
                let (ours, theirs) = (fs::read(path).expect("a file"), fs::read(other).expect("a file"));
                fs::write(path, [&ours[..400], &theirs[400..]].concat()).expect("a writable file");
            }),
        ),
        (
            "a link to another",
            Box::new(|path, other| {
                fs::remove_file(path).expect("a file");
                symlink(other, path).expect("a link");
            }),
        ),
    ];
    harms.extend(whole.map(|(what, harm)| (what.to_owned(), harm)));
    harms
}

/// Asks for something new; gives the answer and its file, of `class` 0 or 1.
fn kept(server: &Server, site: &Site, target: &str) -> (Answer, Vec<PathBuf>) {
    let before: BTreeSet<PathBuf> = objects(site.disk.path()).into_iter().collect();
    let (variants, originals) = on_disk(&disk_state(server));
    let answer = server.get(target);
    settle(server, variants + 1, originals.max(1));
    (answer, objects(site.disk.path()).into_iter().filter(|path| !before.contains(path)).collect())
}

#[test]
fn no_damaged_picture_is_served_and_each_is_replaced() {
    let site = Site::start();
    let server = launch(&site).start();
    let (target, other) = (site.target("w:8", "a.png"), site.target("w:16", "a.png"));
    let (first_other, files) = kept(&server, &site, &other);
    assert_eq!(files.len(), 2);
    let (first, file) = kept(&server, &site, &target);
    let file = &file[0];
    // The original is not what is damaged here.
    let of_other = files.iter().find(|path| fs::read(path).is_ok_and(|bytes| bytes[10] == 1)).expect("a variant");
    let mut made = server.transforms();
    for (what, harm) in harms() {
        assert_eq!(place(&server.get(&target)), "disk", "before {what}");
        harm(file, of_other);
        let answer = server.get(&target);
        assert!(lasting(&answer) == lasting(&first) && place(&answer) == "uri-miss", "{what}: {answer:?}");
        made += 1;
        assert_eq!(server.transforms(), made, "{what}");
        eventually(&format!("the good file is back: {what}"), || disk_state(&server)["queue_bytes"] == 0);
        assert_eq!(place(&server.get(&target)), "disk", "{what}");
        assert!(lasting(&server.get(&other)) == lasting(&first_other), "{what}");
    }
    let state = disk_state(&server);
    assert!(!is_degraded(&state) && on_disk(&state) == (2, 1), "{state}");
    assert_eq!(site.asked(), 1);
}

/// With nothing in its place the file goes, and is counted.
#[test]
fn a_damaged_file_is_removed_and_counted() {
    let site = Site::start();
    let server = launch(&site).start();
    let (_, files) = kept(&server, &site, &site.target("w:8", "a.png"));
    site.origin.refuse_connections();
    for file in &files {
        changed(|bytes| bytes.truncate(100))(file, file);
    }
    assert_eq!(server.get(&site.target("w:8", "a.png")).status, 502);
    eventually("both are gone", || objects(site.disk.path()).is_empty());
    eventually("both are counted", || {
        let state = disk_state(&server);
        events(&state, "corrupt") == 2 && on_disk(&state) == (0, 0)
    });
    assert_eq!(server.metric("tintype_disk_events_total", &["event=\"corrupt\""]), 2);
}

#[test]
fn no_damaged_original_is_used() {
    let site = Site::start();
    let server = launch(&site).start();
    let (_, files) = kept(&server, &site, &site.target("w:200", "a.png"));
    let original = files.iter().find(|path| fs::read(path).is_ok_and(|bytes| bytes[10] == 2)).expect("an original");
    let (_, other) = kept(&server, &site, &site.target("w:201", "a.png"));
    let elsewhere = Site::start();
    let oracle = elsewhere.launch_bare().start();
    let mut asked = site.asked();
    for (width, (what, harm)) in (1..).zip(harms()) {
        harm(original, &other[0]);
        let options = format!("w:{width}");
        let answer = server.get(&site.target(&options, "a.png"));
        assert!(answer.body == oracle.get(&elsewhere.target(&options, "a.png")).body, "{what}: {answer:?}");
        asked += 1;
        assert_eq!(site.asked(), asked, "{what}");
        eventually(&format!("the good file is back: {what}"), || disk_state(&server)["queue_bytes"] == 0);
    }
    assert_eq!(server.get(&site.target("w:202", "a.png")).status, 200);
    assert_eq!(site.asked(), asked, "a good one is used");
    assert!(!is_degraded(&disk_state(&server)));
}

/// Nothing that someone puts there in place of a file stops the tier.
#[test]
fn a_folder_or_pipe_in_the_place_of_a_file_stops_nothing() {
    let site = Site::start();
    let (target, other) = (site.target("w:8", "a.png"), site.target("w:16", "a.png"));
    let server = launch(&site).start();
    let (first, files) = kept(&server, &site, &target);
    let file = files.iter().find(|path| fs::read(path).is_ok_and(|bytes| bytes[10] == 1)).expect("a variant");
    for what in ["pipe", "folder"] {
        fs::remove_file(file).expect("a file");
        if what == "pipe" {
            let made = std::process::Command::new("mkfifo").arg(file).status().expect("a program of every system");
            assert!(made.success());
        } else {
            fs::create_dir(file).expect("a folder");
        }
        let answer = server.get(&target);
        assert!(lasting(&answer) == lasting(&first), "{what}: {answer:?}");
        eventually(&format!("it was dealt with: {what}"), || disk_state(&server)["queue_bytes"] == 0);
        assert!(lasting(&server.get(&target)) == lasting(&first), "{what}");
        if what == "pipe" {
            assert_eq!(place(&server.get(&target)), "disk");
        }
        assert_eq!(server.get(&other).status, 200);
        eventually(&format!("another is kept all the same: {what}"), || place(&server.get(&other)) == "disk");
    }
    assert!(!is_degraded(&disk_state(&server)), "{}", disk_state(&server));
}

/// Somebody makes room by hand, below a process that runs.
#[test]
fn a_folder_that_is_tidied_up_costs_what_was_in_it() {
    let site = Site::start();
    let targets = site.targets(4);
    let server = launch(&site).start();
    for what in ["objects", "tmp", "index.redb"] {
        let first: Vec<_> = targets.iter().map(|target| server.get(target)).collect();
        eventually("they are on disk", || targets.iter().all(|target| place(&server.get(target)) == "disk"));
        let path = site.disk.path().join(what);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("ours");
        for (target, first) in targets.iter().zip(&first) {
            assert!(lasting(&server.get(target)) == lasting(first), "{what}");
        }
        eventually("they are on disk again", || targets.iter().all(|target| place(&server.get(target)) == "disk"));
        let state = disk_state(&server);
        assert!(!is_degraded(&state) && events(&state, "write_error") == 0, "{what}: {state}");
        purged(&server, &json!({"sources": [site.source("a.png")]}));
        assert_eq!(place(&server.get(&targets[0])), "uri-miss", "{what}");
    }
    settle(&server, 1, 1);
    end(server, End::Killed);
    assert_eq!(place(&launch(&site).start().get(&targets[0])), "disk");
}

#[test]
fn damage_while_nobody_looked_is_found_at_the_next_start() {
    let site = Site::start();
    let targets = site.targets(8);
    let server = launch(&site).start();
    let first: Vec<_> = targets.iter().map(|target| server.get(target)).collect();
    settle(&server, 8, 1);
    end(server, End::Killed);
    let files = objects(site.disk.path());
    for (file, len) in files.iter().zip([0, 50, 136, 150, 200, 250, 300, 400]) {
        changed(move |bytes| bytes.truncate(len))(file, file);
    }
    let server = launch(&site).start();
    for (target, first) in targets.iter().zip(&first) {
        let answer = server.get(target);
        assert!(lasting(&answer) == lasting(first), "{answer:?}");
    }
    settle(&server, 8, 1);
    assert!(targets.iter().all(|target| place(&server.get(target)) == "disk"));
}

/// A journal that cannot be trusted costs everything that was kept; one of somebody else is not touched.
#[test]
fn a_damaged_journal_of_purges_is_taken_for_the_worst() {
    let site = Site::start();
    let target = site.target("w:8", "a.png");
    let journal = site.disk.path().join("purges");
    let damage: [(&str, Harm); 3] = [
        ("emptied", changed(Vec::clear)),
        (
            "a bit of a mark",
            changed(|bytes| {
                let at = bytes.len() - 10;
                bytes[at] ^= 1;
            }),
        ),
        ("a bit of its beginning", changed(|bytes| bytes[40] ^= 1)),
    ];
    for (asked, (what, harm)) in (1..).zip(damage) {
        let server = site.launch().start();
        purged(&server, &json!({"tags": ["p-nobody"]}));
        assert_eq!(version(&server.get(&target)), 0);
        settle(&server, 1, 1);
        end(server, End::Killed);
        assert_eq!(site.asked(), asked, "{what}");
        harm(&journal, &journal);
    }
    let server = site.launch().start();
    assert_eq!(place(&server.get(&target)), "uri-miss");
    settle(&server, 1, 1);
    end(server, End::Killed);
    fs::write(&journal, "names and addresses\n").expect("a writable folder");
    let (code, log) = site.launch().fail();
    assert_eq!(code, Some(1));
    assert!(log.contains("the journal of purges in cache.disk_path cannot be used"), "{log}");
    assert_eq!(fs::read(&journal).expect("a file"), b"names and addresses\n");
}

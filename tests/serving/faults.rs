//! A disk that fails while it is used: no request does, operators are told, and it heals by itself.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::kept::{End, Site, disk_state, end, events, is_degraded, on_disk, place, purged, settle, version};
use super::shim::Shim;
use crate::support::server::{Launch, Server};
use crate::support::{eventually, folder};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

/// A file system in memory of so many bytes, unmounted when it is dropped.
struct Mounted {
    folder: TempDir,
}

// === impl Mounted ===

impl Mounted {
    /// None, said aloud, where nothing may be mounted.
    fn new(bytes: u64) -> Option<Self> {
        let folder = folder(&[]);
        let size = format!("size={bytes}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder });
        }
        eprintln!("skipped: no file system can be mounted here");
        None
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Writes until nothing more goes in.
    fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("a file");
        for len in [1 << 20, 4096, 1] {
            while ballast.write_all(&vec![1; len]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).expect("a file");
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    fn remount(&self, how: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.folder.path()).status();
        assert!(done.is_ok_and(|status| status.success()), "it cannot be mounted {how}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// Nothing in memory, so that every request has to do with the disk.
fn launch(site: &Site, disk: &Path) -> Launch {
    let launch = site.launch_over(disk).set("CACHE_DISK_RETRY", "200ms");
    launch.set("CACHE_MEMORY_BYTES", "0").set("CACHE_ORIGINALS_MEMORY_BYTES", "0")
}

/// Asks for pictures that were asked for, and for new ones.
fn ask(server: &Server, site: &Site, round: u32) {
    for target in [site.target("w:32", "a.png"), site.target(&format!("w:{}", 100 + round), "a.png")] {
        let answer = server.get(&target);
        assert_eq!(version(&answer), 0, "{target}: {answer:?}");
    }
}

fn gauge(server: &Server) -> u64 {
    server.metric("tintype_disk_degraded", &[])
}

/// Asks until the disk is said to be in this state.
fn ask_until(server: &Server, site: &Site, degraded: bool) {
    let mut round = 0;
    eventually(&format!("degraded is {degraded}"), || {
        ask(server, site, round);
        round += 1;
        is_degraded(&disk_state(server)) == degraded && gauge(server) == u64::from(degraded)
    });
}

/// New things are kept again.
fn is_kept_again(server: &Server, site: &Site) {
    let target = site.target("w:33", "b.png");
    eventually("it is kept again", || place(&server.get(&target)) == "disk");
}

#[test]
fn a_full_disk_costs_hits_and_heals() {
    let Some(mounted) = Mounted::new(24 << 20) else { return };
    let site = Site::start();
    let launch = launch(&site, &mounted.disk());
    let server = launch.start();
    ask(&server, &site, 0);
    settle(&server, 2, 1);
    mounted.fill();
    ask_until(&server, &site, true);
    let state = disk_state(&server);
    assert_eq!(state["health"]["degraded"]["why"], json!("disk is full"), "{state}");
    assert!(server.log().contains("disk tier is not written for a while"));
    mounted.free();
    ask_until(&server, &site, false);
    is_kept_again(&server, &site);
    assert!(events(&disk_state(&server), "healed") >= 1);
    end(server, End::Clean);
    assert_eq!(place(&launch.start().get(&site.target("w:33", "b.png"))), "disk");
}

/// A process that a full disk kills, or that is restarted to help, comes up, serves what is kept, and heals.
#[test]
fn a_full_disk_stops_no_start() {
    let Some(mounted) = Mounted::new(24 << 20) else { return };
    let site = Site::start();
    let launch = launch(&site, &mounted.disk());
    let server = launch.start();
    ask(&server, &site, 0);
    purged(&server, &json!({"tags": ["p-nobody"]}));
    settle(&server, 2, 1);
    end(server, End::Killed);
    mounted.fill();
    let server = launch.start();
    assert_eq!(place(&server.get(&site.target("w:32", "a.png"))), "disk");
    ask_until(&server, &site, true);
    mounted.free();
    ask_until(&server, &site, false);
    is_kept_again(&server, &site);
    purged(&server, &json!({"tags": ["p-nobody"]}));
    end(server, End::Killed);
    let state = launch.start().status();
    assert_eq!(state["flow"]["purges"]["hard"], json!(1), "the mark from before is still there: {state}");
}

#[test]
fn a_read_only_disk_stops_no_start_either() {
    let Some(mounted) = Mounted::new(24 << 20) else { return };
    let site = Site::start();
    let launch = launch(&site, &mounted.disk());
    let server = launch.start();
    ask(&server, &site, 0);
    settle(&server, 2, 1);
    end(server, End::Clean);
    mounted.remount("ro");
    let server = launch.start();
    assert_eq!(place(&server.get(&site.target("w:32", "a.png"))), "disk");
    ask_until(&server, &site, true);
    assert_eq!(disk_state(&server)["health"]["degraded"]["why"], json!("file system is read-only"));
    let refused = server.purge(&json!({"sources": [site.source("a.png")]}));
    assert_eq!((refused.status, &refused.problem()["type"]), (503, &json!("urn:tintype:purge-not-durable")));
    assert_eq!(place(&server.get(&site.target("w:32", "a.png"))), "uri-miss", "it holds all the same");
    mounted.remount("rw");
    ask_until(&server, &site, false);
    is_kept_again(&server, &site);
    eventually("the purge is durable now", || server.purge(&json!({"sources": [site.source("a.png")]})).status == 200);
}

/// A purge needs room, too: it is refused or it holds, also over a restart.
#[test]
fn a_purge_on_a_full_disk_holds_or_is_refused() {
    let Some(mounted) = Mounted::new(24 << 20) else { return };
    let site = Site::start();
    let launch = launch(&site, &mounted.disk());
    let server = launch.start();
    ask(&server, &site, 0);
    settle(&server, 2, 1);
    mounted.fill();
    site.change();
    let order = json!({"sources": [site.source("a.png")]});
    eventually("there is room for a purge", || {
        let answer = server.purge(&order);
        assert!(answer.status == 200 || answer.problem()["type"] == json!("urn:tintype:purge-not-durable"));
        assert_eq!(version(&server.get(&site.target("w:32", "a.png"))), 1, "acknowledged or not, it holds");
        answer.status == 200
    });
    end(server, End::Killed);
    let server = launch.start();
    assert_eq!(version(&server.get(&site.target("w:32", "a.png"))), 1);
    assert_eq!(version(&server.get(&site.target("w:100", "a.png"))), 1);
}

#[test]
fn a_disk_that_fails_costs_hits_and_heals() {
    let Some(shim) = Shim::new() else { return };
    let site = Site::start();
    let server = shim.under(&launch(&site, site.disk.path()), site.disk.path()).start();
    ask(&server, &site, 0);
    settle(&server, 2, 1);
    for (errno, kinds) in [(EIO, "w"), (EIO, "rw"), (EROFS, "w"), (ENOSPC, "w")] {
        shim.fail(errno, kinds);
        ask_until(&server, &site, true);
        let refused = server.purge(&json!({"tags": ["p-nobody"]}));
        assert_eq!((refused.status, &refused.problem()["type"]), (503, &json!("urn:tintype:purge-not-durable")));
        shim.heal();
        ask_until(&server, &site, false);
        is_kept_again(&server, &site);
        purged(&server, &json!({"sources": [site.source("b.png")]}));
    }
    // What cannot be read is made; the disk is not at fault for writing.
    shim.fail(EIO, "r");
    let before = events(&disk_state(&server), "read_error");
    ask(&server, &site, 7);
    assert!(events(&disk_state(&server), "read_error") > before);
    shim.heal();
    ask_until(&server, &site, false);
    is_kept_again(&server, &site);
    assert!(on_disk(&disk_state(&server)).0 > 0);
}

//! The disk below the memory of mounts: what is kept survives a restart, and what was taken away stays away.

use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use super::setup::{launch, text};
use crate::support::client::{Answer, submit};
use crate::support::folder;
use crate::support::origin::{Origin, Reply};
use crate::support::server::{Launch, Server};

/// An origin that tells by which path and by which `foo` it was asked.
fn origin() -> Origin {
    Origin::start(|asked| {
        let reply = Reply::ok(format!("{} {}", asked.target, asked.field("foo").unwrap_or("none")));
        let reply = reply.with("cache-control", "max-age=600").with("surrogate-key", "x");
        if asked.target.starts_with("/vary") { reply.with("vary", "foo") } else { reply }
    })
}

fn before(origin: &Origin, disk: &Path) -> Launch {
    launch(origin, "").set("CACHE_DISK_PATH", &disk.display().to_string())
}

fn restarted(server: Server, launch: &Launch) -> Server {
    server.signal(Signal::TERM);
    assert!(server.ended().success());
    launch.start()
}

fn ask(server: &Server, path: &str, value: &str) -> Answer {
    server.ask(path, &[("foo", value)])
}

#[test]
fn a_restart_goes_on_with_what_is_kept() {
    let (origin, disk) = (origin(), folder(&[]));
    // Without memory, too, everything is there.
    for (number, memory) in ["64MiB", "0"].into_iter().enumerate() {
        let launch = before(&origin, disk.path()).set("MOUNT_MEMORY_BYTES", memory);
        let server = launch.start();
        let plain = format!("/m/plain{number}");
        let vary = format!("/m/vary{number}");
        let cases = [(&plain, "1"), (&vary, "1"), (&vary, "2")];
        for (path, value) in cases {
            ask(&server, path, value);
        }
        let asked = origin.asked().len();
        let server = restarted(server, &launch);
        for (path, value) in cases {
            let answer = ask(&server, path, value);
            assert_eq!(text(&answer), format!("{} {value}", path.trim_start_matches("/m")));
            let note = answer.expect("cache-status");
            assert!(note.starts_with("tintype; hit; ttl=") && note.ends_with("detail=disk"), "{memory} {note}");
            let again = ask(&server, path, value);
            assert_eq!(again.expect("cache-status").ends_with("detail=disk"), memory == "0", "{again:?}");
        }
        assert_eq!(origin.asked().len(), asked);
        assert_eq!(text(&ask(&server, &vary, "3")), format!("/vary{number} 3"));
        assert_eq!(text(&ask(&server, &vary, "1")), format!("/vary{number} 1"));
        assert_eq!(origin.asked().len(), asked + 1, "a new variant stands beside the others");
    }
}

#[test]
fn what_was_purged_or_made_untrue_does_not_come_back() {
    let (origin, disk) = (origin(), folder(&[]));
    let launch = before(&origin, disk.path());
    let read = |server: &Server| {
        for path in ["/m/plain", "/m/vary"] {
            ask(server, path, "1");
        }
    };
    let mut server = launch.start();
    read(&server);
    for round in 1..=3 {
        server = restarted(server, &launch);
        match round {
            // What memory has not is named on disk.
            1 => {
                let purged = server.purge(&json!({"tags": ["x"]}));
                let report: serde_json::Value = serde_json::from_slice(&purged.body).expect("a report");
                assert_eq!(report["purged"]["disk"], json!(2), "{report}");
            }
            2 => assert_eq!(server.purge(&json!({"urls": ["/m/plain", "/m/vary"]})).status, 200),
            _ => {
                for path in ["/m/plain", "/m/vary"] {
                    assert_eq!(submit(server.addr, "POST", path, &[], Some(b"x")).receive().status, 200);
                }
            }
        }
        let asked = origin.asked().len();
        server = restarted(server, &launch);
        read(&server);
        assert_eq!(origin.asked().len(), asked + 2, "round {round}");
        read(&server);
        assert_eq!(origin.asked().len(), asked + 2, "round {round}");
    }
}

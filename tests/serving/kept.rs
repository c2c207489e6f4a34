//! What tests of kept pictures share: an origin whose originals change when they are told to, a folder that outlives
//! the servers over it, and what there is to see of both from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::client::Answer;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};
use crate::support::{eventually, folder};

pub(super) const TOKEN: &str = "t0k";

/// An origin where every path is a picture, and a folder for what is kept of it.
pub(super) struct Site {
    pub(super) origin: Origin,
    pub(super) disk: TempDir,
    version: Arc<AtomicU32>,
}

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Clean,
    Killed,
}

// === impl Site ===

impl Site {
    pub(super) fn start() -> Self {
        let version = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&version);
        Self { version, ..Self::before(Origin::start(move |_| picture(told.load(Ordering::SeqCst)))) }
    }

    /// With an origin that decides itself when its originals change.
    pub(super) fn before(origin: Origin) -> Self {
        Self { origin, disk: folder(&[]), version: Arc::default() }
    }

    /// From now on originals are others.
    pub(super) fn change(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    /// A server over the folder of this site.
    pub(super) fn launch(&self) -> Launch {
        self.launch_over(self.disk.path())
    }

    pub(super) fn launch_over(&self, disk: &Path) -> Launch {
        self.launch_bare().set("CACHE_DISK_PATH", &disk.display().to_string())
    }

    /// A server that keeps nothing on disk.
    pub(super) fn launch_bare(&self) -> Launch {
        Launch::before(&self.origin).set("ADMIN_TOKEN", TOKEN).set("DRAIN_DELAY", "0s")
    }

    pub(super) fn source(&self, name: &str) -> String {
        self.origin.url(&format!("/{name}"))
    }

    pub(super) fn target(&self, options: &str, name: &str) -> String {
        format!("/_/{options}/plain/{}@png", self.source(name))
    }

    /// Targets of so many pictures of one original.
    pub(super) fn targets(&self, count: u32) -> Vec<String> {
        (1..=count).map(|width| self.target(&format!("w:{width}"), "a.png")).collect()
    }

    /// How often the origin was asked.
    pub(super) fn asked(&self) -> usize {
        self.origin.asked().len()
    }
}

/// An original whose height says its version.
pub(super) fn picture(version: u32) -> Reply {
    Reply::ok(marks(64, 16 * (version + 1)).png()).with("etag", &format!("\"v{version}\""))
}

/// The version that a PNG was made of.
pub(super) fn version(answer: &Answer) -> u32 {
    assert_eq!((answer.status, answer.content_type()), (200, "image/png"), "{answer:?}");
    let side = |at: usize| u32::from_be_bytes(answer.body[at..at + 4].try_into().expect("four bytes"));
    side(20) * 64 / side(16) / 16 - 1
}

/// How the answer came to be, in one word.
pub(super) fn place(answer: &Answer) -> &str {
    let status = answer.expect("cache-status");
    ["detail=mem", "detail=disk", "detail=shared", "detail=swr", "detail=sie", "fwd=uri-miss", "fwd=stale"]
        .into_iter()
        .find(|word| status.contains(word))
        .map_or(status, |word| &word[word.find('=').map_or(0, |at| at + 1)..])
}

/// What of an answer is the same whichever tier it comes from.
pub(super) fn lasting(answer: &Answer) -> (u16, Vec<Option<String>>, Vec<u8>) {
    let names = ["etag", "content-type", "content-length", "last-modified", "vary", "surrogate-key", "accept-ranges"];
    let fields = names.iter().map(|name| answer.field(name).map(str::to_owned)).collect();
    (answer.status, fields, answer.body.clone())
}

pub(super) fn disk_state(server: &Server) -> Value {
    server.status()["flow"]["disk"].clone()
}

/// Entries of variants and of originals that the disk tier counts.
pub(super) fn on_disk(state: &Value) -> (u64, u64) {
    let entries = |class: usize| state["classes"][class]["entries"].as_u64().expect("a number");
    (entries(0), entries(1))
}

/// So often has this happened to the disk tier.
pub(super) fn events(state: &Value, name: &str) -> u64 {
    let events = state["events"].as_array().expect("a list");
    events.iter().find(|event| event[0] == name).and_then(|event| event[1].as_u64()).expect(name)
}

/// Waits until so many variants and originals are on disk and nothing waits.
pub(super) fn settle(server: &Server, variants: u64, originals: u64) {
    eventually(&format!("{variants} variants and {originals} originals on disk"), || {
        let state = disk_state(server);
        // A sweep that is still under way may take away what a purge named before the purge counts it.
        state["is_swept"] == true && state["queue_bytes"] == 0 && on_disk(&state) == (variants, originals)
    });
}

pub(super) fn end(server: Server, how: End) {
    match how {
        End::Clean => {
            server.signal(Signal::TERM);
            assert!(server.ended().success());
        }
        End::Killed => drop(server),
    }
}

/// The files of entries in a folder of the disk tier, in order.
pub(super) fn objects(disk: &Path) -> Vec<PathBuf> {
    let files = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect()
    };
    let mut found: Vec<PathBuf> = files(&disk.join("objects")).iter().flat_map(|folder| files(folder)).collect();
    found.sort();
    found
}

pub(super) fn is_degraded(state: &Value) -> bool {
    state["health"] != json!("ok")
}

/// Sends a purge that must be followed; gives the report.
pub(super) fn purged(server: &Server, order: &Value) -> Value {
    let answer = server.purge(order);
    assert_eq!((answer.status, answer.content_type()), (200, "application/json"), "{answer:?}");
    serde_json::from_slice(&answer.body).expect("a report")
}

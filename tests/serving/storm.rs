//! Purges at any instant, on any node, while everything is asked for and processes are killed: whoever asks after a
//! purge was acknowledged gets nothing from before it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tintype::telemetry::clock;

use super::store::Store;
use crate::support::client::{Answer, try_get};
use crate::support::dice::{Dice, number, seed};
use crate::support::folder;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// Rounds where nobody asks for more by `SOAK_PURGES`; each ends with the end of a process.
const ROUNDS: u64 = 4;
const ROUND_MS: u64 = 500;
const READERS: u64 = 3;
const SOURCES: u64 = 4;
const SIZES: [&str; 3] = ["w:16", "w:24", "w:32"];
/// Versions are told by the date of an original, which answers carry, and by its height.
const EPOCH_S: u64 = 1_000_000_000;
const HEIGHTS: u64 = 5;

/// Originals with versions, and which of them may no longer be served.
struct World {
    origin: Origin,
    versions: Arc<Vec<AtomicU64>>,
    /// By source and size: the version that an acknowledged purge has made the oldest one.
    floors: Vec<AtomicU64>,
    order: Mutex<()>,
}

// === impl World ===

impl World {
    fn start() -> Self {
        let versions: Arc<Vec<AtomicU64>> = Arc::new((0..SOURCES).map(|_| AtomicU64::new(0)).collect());
        let told = Arc::clone(&versions);
        let origin = Origin::start(move |asked| {
            let source = asked.target.trim_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().expect("a number");
            let version = told[source].load(Ordering::SeqCst);
            let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(EPOCH_S + version));
            let tag = format!("\"v{version}\"");
            if asked.field("if-none-match") == Some(&tag) {
                return Reply::status(304).with("etag", &tag);
            }
            let height = 16 * (1 + version % HEIGHTS) as u32;
            Reply::ok(marks(64, height).png()).with("etag", &tag).with("last-modified", &date)
        });
        let floors = (0..SOURCES * SIZES.len() as u64).map(|_| AtomicU64::new(0)).collect();
        Self { origin, versions, floors, order: Mutex::default() }
    }

    fn source(&self, source: usize) -> String {
        self.origin.url(&format!("/{source}.png"))
    }

    fn target(&self, source: usize, size: usize) -> String {
        format!("/_/{}/plain/{}@png", SIZES[size], self.source(source))
    }

    fn floor(&self, source: usize, size: usize) -> &AtomicU64 {
        &self.floors[source * SIZES.len() + size]
    }

    /// Asks for pictures until it is over; gives how many came.
    fn read(&self, addr: &Mutex<Vec<std::net::SocketAddr>>, seed: u64, is_over: &AtomicBool) -> u64 {
        let (mut dice, mut answers) = (Dice(seed), 0);
        while !is_over.load(Ordering::SeqCst) {
            let (source, size) = (dice.roll(SOURCES) as usize, dice.below(SIZES.len()));
            let nodes = addr.lock().expect("no panic").clone();
            let addr = nodes[dice.below(nodes.len())];
            let floor = self.floor(source, size).load(Ordering::SeqCst);
            // Nobody answers where the process has just ended.
            let Some(answer) = try_get(addr, &self.target(source, size)) else { continue };
            let version = version(&answer);
            assert!(version >= floor, "{source} {size}: version {version} of before a purge at {floor}: {answer:?}");
            answers += 1;
        }
        answers
    }

    /// Changes an original and purges what was made of it; once that is acknowledged, nothing older may come.
    fn purge(&self, node: &Server, dice: &mut Dice) -> bool {
        let _one_at_a_time = self.order.lock().expect("no panic");
        let (source, size) = (dice.roll(SOURCES) as usize, dice.below(SIZES.len()));
        let version = self.versions[source].fetch_add(1, Ordering::SeqCst) + 1;
        let (order, sizes): (Value, Vec<usize>) = match dice.roll(4) {
            0 => (json!({"urls": [self.target(source, size)]}), vec![size]),
            1 => (json!({"sources": [self.source(source)]}), (0..SIZES.len()).collect()),
            2 => (json!({"prefixes": [self.source(source)]}), (0..SIZES.len()).collect()),
            _ => (json!({"tags": ["h-127.0.0.1"]}), (0..SIZES.len()).collect()),
        };
        let is_acknowledged = node.purge(&order).status == 200;
        if is_acknowledged {
            for size in sizes {
                self.floor(source, size).fetch_max(version, Ordering::SeqCst);
            }
        }
        is_acknowledged
    }
}

/// What an answer was made of, as its date says; its height must agree.
fn version(answer: &Answer) -> u64 {
    assert_eq!((answer.status, answer.content_type()), (200, "image/png"), "{answer:?}");
    let date = httpdate::parse_http_date(answer.expect("last-modified")).expect("a date");
    let version = date.duration_since(UNIX_EPOCH).expect("after 1970").as_secs() - EPOCH_S;
    let side = |at: usize| u64::from(u32::from_be_bytes(answer.body[at..at + 4].try_into().expect("four bytes")));
    assert_eq!(side(20) * 64 / side(16) / 16 - 1, version % HEIGHTS, "{answer:?}");
    version
}

/// Nodes with little memory, so that most is read from what is below.
fn launches(world: &World, store: Option<&Store>, count: usize) -> Vec<(Launch, TempDir)> {
    let launch = |_| {
        let disk = folder(&[]);
        let launch = Launch::before(&world.origin)
            .set("ADMIN_TOKEN", super::kept::TOKEN)
            .set("DRAIN_DELAY", "0s")
            .set("DRAIN_TIMEOUT", "1s")
            .set("CACHE_MEMORY_BYTES", "8KiB")
            .set("CACHE_ORIGINALS_MEMORY_BYTES", "8KiB")
            .set("SHARED_CLOCK_SKEW", "0s")
            .set("CACHE_DISK_PATH", &disk.path().display().to_string());
        (store.map_or_else(|| launch.clone(), |store| store.shared_by(&launch)), disk)
    };
    (0..count).map(launch).collect()
}

/// Storms over so many nodes; with more than one they share a bucket.
fn storm(count: usize) {
    let rounds = number("SOAK_PURGES").unwrap_or(ROUNDS);
    let seed = seed();
    println!("seed {seed}: run it again by SOAK_SEED={seed} SOAK_PURGES={rounds}");
    let (world, store) = (World::start(), (count > 1).then(Store::start));
    let launches = launches(&world, store.as_ref(), count);
    let mut nodes: Vec<Server> = launches.iter().map(|(launch, _)| launch.start()).collect();
    let addrs = Mutex::new(nodes.iter().map(|node| node.addr).collect::<Vec<_>>());
    let (is_over, purges, mut dice) = (AtomicBool::new(false), AtomicU32::new(0), Dice(seed));
    let mut places: HashMap<&str, u64> = HashMap::new();
    let answers: u64 = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (world, addrs, is_over) = (&world, &addrs, &is_over);
                scope.spawn(move || world.read(addrs, seed + reader + 1, is_over))
            })
            .collect();
        for _ in 0..rounds {
            let until = clock::instant() + Duration::from_millis(dice.roll(ROUND_MS));
            while clock::instant() < until && readers.iter().all(|reader| !reader.is_finished()) {
                let node = dice.roll(count as u64) as usize;
                purges.fetch_add(u32::from(world.purge(&nodes[node], &mut dice)), Ordering::SeqCst);
            }
            let ended = dice.roll(count as u64) as usize;
            for (tier, place) in [("memory", "mem"), ("disk", "disk"), ("shared", "shared")] {
                let labels = [format!("tier=\"{tier}\""), "event=\"hit\"".to_owned()];
                let hits = nodes[ended].metric("tintype_cache_events_total", &[&labels[0], &labels[1]]);
                *places.entry(place).or_default() += hits;
            }
            let server = nodes.remove(ended);
            if dice.roll(2) == 0 {
                server.signal(Signal::TERM);
                assert!(server.ended().success());
            } else {
                drop(server);
            }
            nodes.insert(ended, launches[ended].0.start());
            addrs.lock().expect("no panic")[ended] = nodes[ended].addr;
        }
        is_over.store(true, Ordering::SeqCst);
        readers.into_iter().map(|reader| reader.join().expect("every answer is right")).sum()
    });
    let purges = purges.into_inner();
    println!("{rounds} ends, {purges} purges, {answers} answers, hits {places:?}");
    assert!(purges > 0 && answers > 0, "nothing was tried");
}

#[test]
fn nothing_from_before_a_purge_is_served_after_it_whatever_ends() {
    storm(1);
}

#[test]
fn nothing_from_before_a_purge_is_served_after_it_by_any_node() {
    storm(3);
}

//! Whether a hit waits for a transformation: the time of hits on an idle server, and on one whose every worker has more
//! to do than it can.
//!
//! `make bench-hits` prints percentiles of both and their ratio, in several rounds that take turns, because a machine
//! is not the same from one minute to the next. The load generator runs on the same cores and is not excused. Hits come
//! at a fixed rate, so that a stall shows as a stall and not as fewer requests.

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use support::server::{Launch, Server};
use tintype::cli::demo::make_originals;
use tintype::telemetry::clock;

/// Rounds of each kind.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(6);
/// Clients of hits, each with a connection of its own.
const CLIENTS: u32 = 4;
/// Between two hits of one client: together 400 a second.
const PACE: Duration = Duration::from_millis(10);
/// Clients that ask for pictures that nobody has made yet: more than there are workers on most machines.
const LOADERS: u32 = 8;
/// What the ratio of the 99th percentiles may be.
const RATIO_MAX: f64 = 5.0;

/// The times of one kind of rounds.
#[derive(Default)]
struct Times {
    micros: Vec<u64>,
}

fn main() -> ExitCode {
    // Not asked to measure: cargo runs benches with `--test` among the tests.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-originals");
    make_originals(&folder).expect("originals can be made");
    let server = Launch::over(&folder).set("QUEUE_TIMEOUT", "30s").start();
    let hits = hits(&folder);
    for hit in &hits {
        assert_eq!(server.get(hit).status, 200, "{hit}");
    }
    let (mut idle, mut loaded, mut made) = (Times::default(), Times::default(), 0);
    for _ in 0..ROUNDS {
        idle.micros.extend(measure(server.addr, &hits));
        let stop = Arc::new(AtomicBool::new(false));
        let loaders: Vec<_> = (0..LOADERS).map(|loader| load(&server, &folder, loader, Arc::clone(&stop))).collect();
        loaded.micros.extend(measure(server.addr, &hits));
        stop.store(true, Ordering::Relaxed);
        made += loaders.into_iter().map(|loader| loader.join().expect("a loader")).sum::<u64>();
    }
    // Not by `exit`, which would leave the server running.
    report(&mut idle, &mut loaded, made)
}

/// Pictures that are made before anything is measured.
fn hits(folder: &std::path::Path) -> Vec<String> {
    names(folder).into_iter().map(|name| format!("/_/w:320/plain/local:///{name}@jpg")).collect()
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder of originals");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".jpg") || name.ends_with(".png")).collect();
    names.sort();
    names
}

/// Hits at a fixed rate for one round; microseconds from when each was due to the last byte of its answer.
fn measure(addr: SocketAddr, hits: &[String]) -> Vec<u64> {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let hits = hits.to_vec();
            thread::spawn(move || {
                let mut connection = BufReader::new(connect(addr));
                let begun = clock::instant() + PACE * client / CLIENTS;
                let count = (ROUND.as_micros() / PACE.as_micros()) as u32;
                let one = |number: u32| {
                    let due = begun + PACE * number;
                    thread::sleep(due.saturating_duration_since(clock::instant()));
                    ask(&mut connection, addr, &hits[number as usize % hits.len()]);
                    // From when it was due: a client that was late because of the answer before counts as late.
                    due.elapsed().as_micros() as u64
                };
                (0..count).map(one).collect::<Vec<u64>>()
            })
        })
        .collect();
    clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
}

/// Asks for one new picture after another until it is stopped; gives how many there were.
fn load(server: &Server, folder: &std::path::Path, loader: u32, stop: Arc<AtomicBool>) -> thread::JoinHandle<u64> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (addr, names) = (server.addr, names(folder));
    thread::spawn(move || {
        let mut connection = BufReader::new(connect(addr));
        let mut made = 0;
        while !stop.load(Ordering::Relaxed) {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = &names[(number + u64::from(loader)) as usize % names.len()];
            // Another colour behind the picture makes it another picture of the same cost.
            ask(&mut connection, addr, &format!("/_/w:480/bg:{:06x}/plain/local:///{name}@jpg", number % (1 << 24)));
            made += 1;
        }
        made
    })
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("a listening server");
    stream.set_nodelay(true).expect("a socket");
    stream
}

fn ask(connection: &mut BufReader<TcpStream>, addr: SocketAddr, target: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nhost: {addr}\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes()).expect("an open connection");
    let mut length = 0;
    let mut line = String::new();
    while connection.read_line(&mut line).expect("an answer") > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    std::io::copy(&mut connection.by_ref().take(length), &mut std::io::sink()).expect("a body");
}

fn report(idle: &mut Times, loaded: &mut Times, made: u64) -> ExitCode {
    println!("{:<28} {:>8} {:>8} {:>8} {:>8}", "hits from memory", "p50 us", "p90 us", "p99 us", "max us");
    for (name, times) in [("idle", &mut *idle), ("all workers busy", &mut *loaded)] {
        times.micros.sort_unstable();
        let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|part| times.percentile(part));
        println!("{name:<28} {p50:>8} {p90:>8} {p99:>8} {max:>8}");
    }
    let ratio = loaded.percentile(0.99) as f64 / idle.percentile(0.99).max(1) as f64;
    let seconds = ROUNDS as f64 * ROUND.as_secs_f64();
    println!("pictures made meanwhile: {:.1} a second", made as f64 / seconds);
    println!("p99 busy / p99 idle: {ratio:.2} (at most {RATIO_MAX})");
    if ratio > RATIO_MAX {
        eprintln!("a hit waits too long while pictures are made");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

// === impl Times ===

impl Times {
    /// Of sorted times.
    fn percentile(&self, part: f64) -> u64 {
        let at = (self.micros.len() as f64 * part).ceil() as usize;
        self.micros.get(at.saturating_sub(1)).copied().unwrap_or_default()
    }
}

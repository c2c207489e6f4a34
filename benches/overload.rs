//! What is left of a server that gets ten times what it can do, over 4,096 connections.
//!
//! `make bench-overload` first measures what the server can do while the generator asks for as much as that, and then
//! asks for ten times as many new pictures as came, for `OVERLOAD_SECONDS` (60), with hits between. It prints how many
//! pictures still come beside how many came (at least 0.9 of them), what hits wait beside an idle server, that whoever
//! is refused is told when to come back, the memory of the process tree, and how soon a new picture comes again. The
//! generator runs on the same cores and is not excused. With `OXIMG`, or `oximg` in PATH, the same of that server.

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use support::memory::tree_pss_bytes;
use support::origin::{Gate, Origin, Reply};
use support::server::{Launch, Server};
use tintype::cli::demo::make_originals;
use tintype::telemetry::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Connections of the overload; each asks for a picture that nobody has.
const CONNECTIONS: u32 = 4096;
/// Of what the server can do.
const TIMES: f64 = 10.0;
/// Connections that ask for new pictures one after another while it is found out what the server can do.
const CAPACITY_CONNECTIONS: u32 = 8;
/// Clients of hits, each with a connection of its own, and the time between two hits of one: 400 a second in all.
const HIT_CLIENTS: u32 = 4;
const HIT_PACE: Duration = Duration::from_millis(10);
/// What must be left of the pictures that come.
const GOODPUT_MIN: f64 = 0.9;
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(20);
const MEMORY_PACE: Duration = Duration::from_millis(500);

/// A server that is measured.
struct Subject {
    name: &'static str,
    addr: SocketAddr,
    pid: u32,
    /// The path of a picture of this original; another one for each number.
    picture: fn(original: &str, number: u64) -> String,
    /// Dropped, they end.
    _server: Option<Server>,
    _child: Option<Ended>,
}

/// A child that ends with the bench.
struct Ended(Child);

/// What came of requests.
#[derive(Default)]
struct Tally {
    made: AtomicU64,
    refused: AtomicU64,
    /// Refused without a word about when to come back.
    bare: AtomicU64,
    failed: AtomicU64,
    /// Microseconds of refusals.
    refusals: Mutex<Vec<u64>>,
}

/// An answer, as far as it counts.
struct Answer {
    status: u16,
    has_retry_after: bool,
}

struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

fn main() -> ExitCode {
    // Not asked to measure: cargo runs benches with `--test` among the tests.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    raise_open_files();
    let seconds = std::env::var("OVERLOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60_u64);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-originals");
    make_originals(&folder).expect("originals can be made");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(memory_of_connections());
    let is_well = runtime.block_on(measure(tintype(&folder), &folder, seconds));
    match oximg(&folder) {
        Some(peer) => drop(runtime.block_on(measure(peer, &folder, seconds))),
        None => println!("oximg: skipped, there is none in OXIMG or PATH"),
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tintype(folder: &Path) -> Subject {
    let server = Launch::over(folder).set("LOG_LEVEL", "info").start();
    Subject {
        name: "tintype",
        addr: server.addr,
        pid: server.pid(),
        // Another colour behind the picture makes it another picture of the same cost.
        picture: |original, number| format!("/_/w:480/bg:{:06x}/plain/local:///{original}@jpg", number % (1 << 24)),
        _server: Some(server),
        _child: None,
    }
}

/// The peer, where there is one.
fn oximg(folder: &Path) -> Option<Subject> {
    let in_path = |path: std::ffi::OsString| {
        std::env::split_paths(&path).map(|folder| folder.join("oximg")).find(|file| file.is_file())
    };
    let program = std::env::var_os("OXIMG").map(PathBuf::from).or_else(|| in_path(std::env::var_os("PATH")?))?;
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    let child = Command::new(program)
        .env("PORT", free.port().to_string())
        .env("IMAGES_DIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("oximg starts");
    let child = Ended(child);
    support::eventually("oximg listens", || std::net::TcpStream::connect(free).is_ok());
    Some(Subject {
        name: "oximg",
        addr: free,
        pid: child.0.id(),
        // A pixel more or less makes it another picture of about the same cost.
        picture: |original, number| format!("/resize/{}/{}/{original}@jpg", 400 + number % 160, 400 + number / 160),
        _server: None,
        _child: Some(child),
    })
}

/// What connections cost that do nothing, and those whose requests wait.
async fn memory_of_connections() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::start(move |_| {
        held.pass();
        Reply::status(404)
    });
    let server = Launch::before(&origin).set("FETCH_FIRST_BYTE_TIMEOUT", "1m").set("FETCH_TIMEOUT", "1m").start();
    let (addr, before_bytes) = (server.addr, tree_pss_bytes(server.pid()));
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = None;
        let answer = ask_kept(&mut connection, addr, "/live").await;
        assert_eq!(answer.map(|answer| answer.status), Some(200));
        connections.push(connection);
    }
    let idle_bytes = tree_pss_bytes(server.pid());
    let path = format!("/_/w:32/plain/{}@png", origin.url("/a.png"));
    let mut asking: JoinSet<_> = connections
        .into_iter()
        .map(|mut connection| {
            let path = path.clone();
            async move { ask_kept(&mut connection, addr, &path).await.map(|answer| answer.status) }
        })
        .collect();
    let misses = || server.status()["flow"]["misses"].as_u64() == Some(u64::from(CONNECTIONS));
    tokio::task::block_in_place(|| support::eventually("all wait", misses));
    let waiting_bytes = tree_pss_bytes(server.pid());
    gate.open();
    while let Some(status) = asking.join_next().await {
        assert_eq!(status.expect("a task"), Some(404));
    }
    let each = |bytes: u64| bytes.saturating_sub(before_bytes) as f64 / 1024.0 / f64::from(CONNECTIONS);
    println!("memory (PSS): {} MB with nobody there", mb(before_bytes));
    for (what, bytes) in [("idle", idle_bytes), ("waiting for a picture", waiting_bytes)] {
        println!("  {} MB with {CONNECTIONS} connections {what} ({:.1} KB each)", mb(bytes), each(bytes));
    }
}

/// Measures one server and tells whether it kept up.
async fn measure(subject: Subject, folder: &Path, seconds: u64) -> bool {
    let overload = Duration::from_secs(seconds);
    let shorter = overload / 4;
    let originals: Arc<[String]> = names(folder).into();
    println!("{}: {CONNECTIONS} connections, {seconds} s", subject.name);
    let hits: Arc<[String]> = originals.iter().map(|name| (subject.picture)(name, 0)).collect();
    for hit in &*hits {
        assert_eq!(ask_once(subject.addr, hit).await.map(|answer| answer.status), Some(200), "{hit}");
    }
    let numbers = Arc::new(AtomicU64::new(1));
    let mut idle = ask_hits(subject.addr, Arc::clone(&hits), shorter).await;

    let capacity = Arc::new(Tally::default());
    let loads = load(&subject, &originals, &numbers, &capacity, CAPACITY_CONNECTIONS, Duration::ZERO, shorter);
    let (mut at_capacity, ()) = tokio::join!(ask_hits(subject.addr, Arc::clone(&hits), shorter), loads);
    let peak = capacity.made.load(Ordering::Relaxed) as f64 / shorter.as_secs_f64();
    println!("  can make          {peak:.1} new pictures a second beside {} hits", hits_a_second());

    let before_bytes = tree_pss_bytes(subject.pid);
    let (tally, is_over) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
    let memory = tokio::spawn(peak_memory(subject.pid, Arc::clone(&is_over)));
    let pace = Duration::from_secs_f64(f64::from(CONNECTIONS) / (peak * TIMES).max(1.0));
    let loads = load(&subject, &originals, &numbers, &tally, CONNECTIONS, pace, overload);
    let (mut busy, ()) = tokio::join!(ask_hits(subject.addr, Arc::clone(&hits), overload), loads);
    is_over.store(true, Ordering::Relaxed);
    let most_bytes = memory.await.expect("a task");
    let recovered = recovery(&subject, &originals, &numbers).await;
    let after_bytes = tree_pss_bytes(subject.pid);

    report(&tally, peak, overload, [&mut idle, &mut at_capacity, &mut busy]);
    println!(
        "  memory (PSS)      {} MB before, {} MB at most, {} MB after",
        mb(before_bytes),
        mb(most_bytes),
        mb(after_bytes)
    );
    println!("  a new picture     {} ms after the end", recovered.as_millis());
    let goodput = tally.made.load(Ordering::Relaxed) as f64 / overload.as_secs_f64() / peak.max(f64::MIN_POSITIVE);
    goodput >= GOODPUT_MIN && tally.bare.load(Ordering::Relaxed) == 0
}

/// `hits` are their times on an idle server, on one that does what it can, and on one that gets more.
fn report(tally: &Tally, peak: f64, overload: Duration, hits: [&mut Vec<u64>; 3]) {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let made = count(&tally.made) as f64 / overload.as_secs_f64();
    let asked = [&tally.made, &tally.refused, &tally.failed].map(count).iter().sum::<u64>();
    println!("  asked for         {:.1} a second", asked as f64 / overload.as_secs_f64());
    println!("  goodput           {made:.1} a second, {:.2} of the peak (at least {GOODPUT_MIN})", made / peak);
    let mut refusals = tally.refusals.lock().expect("no panic").clone();
    println!(
        "  refused           {} (p50 {} us, p99 {} us), {} of them without Retry-After; {} failed",
        count(&tally.refused),
        percentile(&mut refusals, 0.5),
        percentile(&mut refusals, 0.99),
        count(&tally.bare),
        count(&tally.failed)
    );
    let [idle, at_capacity, busy] = hits;
    for part in [0.5, 0.99] {
        let [idle, full, busy] = [&mut *idle, at_capacity, busy].map(|times| percentile(times, part));
        let [by_full, by_idle] = [full, idle].map(|base| busy as f64 / base.max(1) as f64);
        print!("  hits, p{:<11} {idle} us idle, {full} us at capacity, {busy} us overloaded: ", part * 100.0);
        println!("{by_idle:.2} times idle, {by_full:.2} times capacity");
    }
}

/// Asks for new pictures over so many connections, each again after `pace` from when it was due, until time is up.
async fn load(
    subject: &Subject,
    originals: &Arc<[String]>,
    numbers: &Arc<AtomicU64>,
    tally: &Arc<Tally>,
    connections: u32,
    pace: Duration,
    time: Duration,
) {
    let mut tasks = JoinSet::new();
    let (begun, end) = (clock::instant(), clock::instant() + time);
    for number in 0..connections {
        let (originals, numbers, tally) = (Arc::clone(originals), Arc::clone(numbers), Arc::clone(tally));
        let (addr, picture) = (subject.addr, subject.picture);
        tasks.spawn(async move {
            let mut due = begun + pace * number / connections;
            let mut connection = None;
            while due < end {
                sleep_until(due).await;
                let next = numbers.fetch_add(1, Ordering::Relaxed);
                let path = picture(&originals[next as usize % originals.len()], next);
                let asked = clock::instant();
                let answer = timeout(PATIENCE, ask_kept(&mut connection, addr, &path)).await.ok().flatten();
                if clock::instant() < end || pace > Duration::ZERO {
                    tally.count(answer.as_ref(), asked.elapsed());
                }
                if answer.is_none() {
                    connection = None;
                }
                due = (due + pace).max(clock::instant());
            }
        });
    }
    // Those that wait when time is up would count as if there had been more of it.
    let _ = timeout(time, async { while tasks.join_next().await.is_some() {} }).await;
}

/// Hits at a fixed rate; microseconds from when each was due to the last byte of its answer, sorted.
async fn ask_hits(addr: SocketAddr, hits: Arc<[String]>, time: Duration) -> Vec<u64> {
    let mut tasks = JoinSet::new();
    for client in 0..HIT_CLIENTS {
        let hits = Arc::clone(&hits);
        tasks.spawn(async move {
            let begun = clock::instant() + HIT_PACE * client / HIT_CLIENTS;
            let count = (time.as_micros() / HIT_PACE.as_micros()) as u32;
            let (mut times, mut connection) = (Vec::new(), None);
            for number in 0..count {
                let due: Instant = begun + HIT_PACE * number;
                sleep_until(due).await;
                let hit = &hits[number as usize % hits.len()];
                let answer = timeout(PATIENCE, ask_kept(&mut connection, addr, hit)).await.ok().flatten();
                if answer.is_some_and(|answer| answer.status == 200) {
                    // From when it was due: a client that was late because of the answer before counts as late.
                    times.push(due.elapsed().as_micros() as u64);
                } else {
                    // One that was refused was never answered.
                    (connection, times) = (None, [times, vec![PATIENCE.as_micros() as u64]].concat());
                }
            }
            times
        });
    }
    tasks.join_all().await.concat()
}

/// From the end of the overload to the first new picture.
async fn recovery(subject: &Subject, originals: &[String], numbers: &AtomicU64) -> Duration {
    let begun = clock::instant();
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let path = (subject.picture)(&originals[number as usize % originals.len()], number);
        match timeout(PATIENCE, ask_once(subject.addr, &path)).await {
            Ok(Some(answer)) if answer.status == 200 => return begun.elapsed(),
            _ if begun.elapsed() > support::PATIENCE => panic!("{} does not recover", subject.name),
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn peak_memory(pid: u32, is_over: Arc<AtomicBool>) -> u64 {
    let mut most_bytes = 0;
    while !is_over.load(Ordering::Relaxed) {
        most_bytes = most_bytes.max(tree_pss_bytes(pid));
        sleep(MEMORY_PACE).await;
    }
    most_bytes
}

async fn ask_once(addr: SocketAddr, path: &str) -> Option<Answer> {
    ask_kept(&mut None, addr, path).await
}

/// Asks over the connection that there is, or a new one.
async fn ask_kept(kept: &mut Option<Connection>, addr: SocketAddr, path: &str) -> Option<Answer> {
    if kept.is_none() {
        let stream = TcpStream::connect(addr).await.ok()?;
        stream.set_nodelay(true).ok()?;
        *kept = Some(Connection { stream, unread: Vec::new() });
    }
    kept.as_mut()?.ask(addr, path).await
}

// === impl Connection ===

impl Connection {
    /// Nothing where the connection ended before the answer did.
    async fn ask(&mut self, addr: SocketAddr, path: &str) -> Option<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\naccept: image/*\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.ok()?;
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await?;
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).to_ascii_lowercase();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let len: usize = field("content-length")?.trim().parse().ok()?;
        while self.unread.len() < end + len {
            self.read().await?;
        }
        self.unread.drain(..end + len);
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, has_retry_after: field("retry-after").is_some() })
    }

    async fn read(&mut self) -> Option<()> {
        (self.stream.read_buf(&mut self.unread).await.ok()? > 0).then_some(())
    }
}

// === impl Tally ===

impl Tally {
    fn count(&self, answer: Option<&Answer>, took: Duration) {
        let counter = match answer {
            Some(Answer { status: 200, .. }) => &self.made,
            Some(Answer { status: 429 | 503, has_retry_after }) => {
                self.refusals.lock().expect("no panic").push(took.as_micros() as u64);
                if !has_retry_after {
                    self.bare.fetch_add(1, Ordering::Relaxed);
                }
                &self.refused
            }
            _ => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

// === impl Ended ===

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn percentile(times: &mut [u64], part: f64) -> u64 {
    times.sort_unstable();
    let at = (times.len() as f64 * part).ceil() as usize;
    times.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder of originals");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".jpg")).collect();
    names.sort();
    names
}

fn hits_a_second() -> u128 {
    u128::from(HIT_CLIENTS) * 1000 / HIT_PACE.as_millis()
}

const fn mb(bytes: u64) -> u64 {
    bytes >> 20
}

/// As many as the system lets anyone have: both ends of every connection are here.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the maximum anyone may");
}

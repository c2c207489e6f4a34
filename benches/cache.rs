//! Whether the cache keeps the right things, and whether a full one starts at once.
//!
//! `cargo bench --bench cache` prints (1) the share of requests and bytes that S3-FIFO and a plain LRU answer from
//! caches of several sizes, over a synthetic trace of a daily set with scans between, and (2) how long it takes from
//! opening a disk tier with a million entries to the first hit, and what memory that costs. `CACHE_BENCH_ENTRIES` sets
//! another number of entries, and `CACHE_BENCH_FOLDER` another place for them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tintype::cache::disk::sieve::{Heat, Item, Lane, MemoryQueues, Queues as _, Sieve};
use tintype::cache::{Class, DiskBudgets, DiskSpec, DiskTier, Entry, Key, Labels, Stamp, Tag};
use tintype::telemetry::clock;

/// Requests with the sizes of what they ask for.
struct Trace {
    requests: Vec<Item>,
    /// Bytes of all that is asked for.
    distinct_bytes: u64,
}

/// What a cache answered itself.
#[derive(Default)]
struct Tally {
    hits: u64,
    bytes: u64,
    hit_bytes: u64,
}

/// The cache to compare with: what was asked for longest ago goes.
#[derive(Default)]
struct Lru {
    by_turn: BTreeMap<u64, Item>,
    turns: HashMap<Key, u64>,
    bytes: u64,
    turn: u64,
}

/// S3-FIFO as the disk tier does it.
#[derive(Default)]
struct S3Fifo {
    sieve: Sieve,
    queues: MemoryQueues,
    heat: Heat,
}

const DAILY: u64 = 40_000;
const REQUESTS: u64 = 1_200_000;
/// Every so many requests a crawler asks for as many things once.
const SCAN_EVERY: u64 = 100_000;
const SCAN: u64 = 20_000;
/// Of ordinary requests so many in a hundred are for what nobody asks for again.
const WONDERS_PERCENT: u64 = 20;
const BLOCK: u64 = 4096;
/// From the opening to the first hit.
const START_LIMIT: Duration = Duration::from_millis(300);
const ENTRIES: u64 = 1_000_000;
/// Told to the process that is measured.
const MEASURED: &str = "CACHE_BENCH_MEASURED";

fn main() {
    if let Some(folder) = std::env::var_os(MEASURED) {
        measure_start(Path::new(&folder));
        return;
    }
    // `cargo test --benches` runs this too, and has no time for it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    compare_policies();
    start_full();
}

// === impl Trace ===

impl Trace {
    /// A set with Zipf's distribution that drifts from day to day, wonders between, and scans.
    fn new() -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let weights: Vec<f64> = (1..=DAILY).map(|rank| 1.0 / (rank as f64).powf(0.9)).collect();
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let shares: Vec<f64> = weights
            .iter()
            .map(|weight| {
                sum += weight / total;
                sum
            })
            .collect();
        let (mut requests, mut wonder) = (Vec::new(), 1 << 40);
        for number in 0..REQUESTS {
            if number % SCAN_EVERY == SCAN_EVERY - 1 {
                requests.extend((0..SCAN).map(|step| item(wonder + step)));
                wonder += SCAN;
            }
            if next(&mut random) % 100 < WONDERS_PERCENT {
                wonder += 1;
                requests.push(item(wonder));
                continue;
            }
            let point = next(&mut random) as f64 / u64::MAX as f64;
            let rank = shares.partition_point(|share| *share < point) as u64;
            // One in ten of the set is another one after each tenth of the time.
            let day = number * 10 / REQUESTS;
            let age = if rank % 10 == day % 10 { day } else { 0 };
            requests.push(item(rank + (age << 32)));
        }
        let distinct: HashMap<Key, u64> = requests.iter().map(|item| (item.key, item.bytes)).collect();
        Self { requests, distinct_bytes: distinct.values().sum() }
    }

    fn run(&self, mut ask: impl FnMut(&Item) -> bool) -> Tally {
        let mut tally = Tally::default();
        for item in &self.requests {
            tally.bytes += item.bytes;
            if ask(item) {
                tally.hits += 1;
                tally.hit_bytes += item.bytes;
            }
        }
        tally
    }
}

// === impl Lru ===

impl Lru {
    fn ask(&mut self, item: &Item, budget_bytes: u64) -> bool {
        self.turn += 1;
        let was_at = self.turns.insert(item.key, self.turn);
        if let Some(turn) = was_at {
            self.by_turn.remove(&turn);
        } else {
            self.bytes += item.bytes;
        }
        self.by_turn.insert(self.turn, *item);
        while self.bytes > budget_bytes
            && let Some((_, oldest)) = self.by_turn.pop_first()
        {
            self.turns.remove(&oldest.key);
            self.bytes -= oldest.bytes;
        }
        was_at.is_some()
    }
}

// === impl S3Fifo ===

impl S3Fifo {
    fn ask(&mut self, item: &Item, budget_bytes: u64) -> bool {
        if self.queues.contains(&item.key) {
            self.heat.touch(&item.key);
            return true;
        }
        let free = budget_bytes - self.bytes();
        if let Some(lane) = self.sieve.admit(item, free, budget_bytes) {
            while self.bytes() + item.bytes > budget_bytes {
                let Ok(victim) = self.sieve.victim(&mut self.queues, &self.heat, budget_bytes);
                let victim = victim.expect("what is over budget is not empty");
                self.queues.remove(&victim.key);
            }
            self.queues.push(item, lane);
        }
        false
    }

    fn bytes(&self) -> u64 {
        self.queues.bytes(Lane::Small) + self.queues.bytes(Lane::Main)
    }
}

fn compare_policies() {
    let trace = Trace::new();
    let requests = trace.requests.len() as f64;
    println!(
        "{} requests for {} MB, one in five once, scans between",
        trace.requests.len(),
        trace.distinct_bytes >> 20
    );
    println!("{:>10}  {:>22}  {:>22}", "cache", "S3-FIFO hits / bytes", "LRU hits / bytes");
    for percent in [1, 3, 10, 30] {
        let budget = trace.distinct_bytes * percent / 100;
        let (mut sieve, mut lru) = (S3Fifo::default(), Lru::default());
        let tallies = [trace.run(|item| sieve.ask(item, budget)), trace.run(|item| lru.ask(item, budget))];
        let shares = tallies.map(|tally| {
            let (hits, bytes) = (tally.hits as f64 / requests, tally.hit_bytes as f64 / tally.bytes as f64);
            format!("{:>9.2} % / {:>6.2} %", 100.0 * hits, 100.0 * bytes)
        });
        println!("{:>7} MB  {:>22}  {:>22}", budget >> 20, shares[0], shares[1]);
    }
}

/// A thing with a size of its own: 4 KB to 260 KB, small ones more often.
fn item(number: u64) -> Item {
    let key = Key::of("bench", &[&number.to_le_bytes()]);
    let size = u64::from(key.as_bytes()[20]);
    Item { key, bytes: BLOCK * (1 + size * size / 1024) }
}

/// xorshift64*: the same trace on every machine.
fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

/// Fills a folder, lets the tier find everything, and starts again in a process of its own.
fn start_full() {
    let entries = std::env::var("CACHE_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(ENTRIES);
    let parent = std::env::var_os("CACHE_BENCH_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::TempDir::new_in(parent).expect("a folder for the entries");
    let began = clock::instant();
    drop(open(folder.path()));
    std::fs::remove_file(folder.path().join("index.redb")).expect("the new index");
    write_files(folder.path(), entries);
    println!("{entries} files written in {:.1} s", began.elapsed().as_secs_f64());
    let began = clock::instant();
    let tier = open(folder.path());
    runtime().block_on(tier.swept());
    let found: u64 = tier.state().classes.iter().map(|class| class.entries).sum();
    tier.close();
    assert_eq!(found, entries, "everything is found again");
    let index = std::fs::metadata(folder.path().join("index.redb")).map_or(0, |index| index.len() >> 20);
    println!("index of {index} MB rebuilt from them in {:.1} s", began.elapsed().as_secs_f64());
    for _ in 0..3 {
        let status = Command::new(std::env::current_exe().expect("this program"))
            .env(MEASURED, folder.path())
            .env("CACHE_BENCH_ENTRIES", entries.to_string())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the measured process failed");
    }
}

fn measure_start(folder: &Path) {
    let runtime = runtime();
    let before = resident_bytes();
    let began = clock::instant();
    let tier = open(folder);
    let found = runtime.block_on(tier.get(&entry(1).key));
    let took = began.elapsed();
    assert_eq!(found, Some(entry(1)), "the first hit");
    let at_hit = resident_bytes();
    runtime.block_on(tier.swept());
    let grown = |bytes: u64| bytes.saturating_sub(before) >> 20;
    println!(
        "first hit after {:.1} ms (limit {} ms); memory grown by {} MB then, {} MB after the sweep",
        took.as_secs_f64() * 1e3,
        START_LIMIT.as_millis(),
        grown(at_hit),
        grown(resident_bytes()),
    );
    assert!(took < START_LIMIT, "too slow");
    tier.close();
}

fn open(folder: &Path) -> DiskTier {
    let budgets = DiskBudgets { variants_bytes: 1 << 40, ..DiskBudgets::default() };
    let spec = DiskSpec::new(folder.to_owned(), budgets, 64 << 20);
    let spec = DiskSpec { sweep_files_per_s: u32::MAX, ..spec };
    DiskTier::open(spec, Arc::new(|_, _| false)).expect("the folder is ours")
}

/// Two writers, each with every second entry.
fn write_files(folder: &Path, entries: u64) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                for number in (half..entries).step_by(2) {
                    let entry = entry(number);
                    let hex = blake3::Hash::from_bytes(*entry.key.as_bytes()).to_hex();
                    let path = folder.join("objects").join(&hex[..2]).join(&hex[2..]);
                    let bytes = [&entry.head_bytes()[..], &entry.body].concat();
                    std::fs::write(path, bytes).expect("room for a small file");
                }
            });
        }
    });
}

/// As small as a variant's entry can be: the index counts here, not the bodies.
fn entry(number: u64) -> Entry {
    let tag = |text: String| Tag::new(&text).expect("a plain tag");
    Entry {
        class: Class::Variant,
        key: Key::of("bench", &[&number.to_le_bytes()]),
        stamp: Stamp::from_micros(number),
        labels: Labels {
            source: format!("https://shop.example/products/{}/{number}.jpg", number % 1000),
            tags: vec![tag(format!("s-{:016x}", number / 8)), tag(format!("h-{}", number % 4))],
        },
        record: Bytes::from_static(b"{\"format\":\"webp\"}"),
        body: Bytes::from_static(&[7; 64]),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime")
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0_u64) << 10
}

//! How fast the engine makes pictures, and whether it keeps its memory while it makes many.
//!
//! `make bench` runs every row for some seconds on all cores and prints pictures a second, milliseconds a picture on
//! one core, and the size that came out. Figures are for comparing two builds on one machine, one after the other.
//! `make soak` runs a random mix for minutes and fails when the process grows. Originals are those of the demo, or any
//! folder of pictures named by `BENCH_FOLDER`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tintype::cli::demo::make_originals;
use tintype::engine::{Isolation, Job, Limits, Output, Patience, Pool, PoolSpec, Results};
use tintype::telemetry::clock;
use tintype::transform::{Candidates, Format, ResizeType, Transform};

/// A picture to make of every original.
struct Row {
    name: &'static str,
    width: u32,
    height: u32,
    resize: ResizeType,
    format: Format,
}

/// What came out of one row.
#[derive(Default)]
struct Tally {
    pictures: u64,
    failures: u64,
    bytes: u64,
}

const ROWS: [Row; 6] = [
    row("thumbnail", 200, 200, ResizeType::Fill, Format::Jpeg),
    row("card", 480, 480, ResizeType::Fit, Format::Jpeg),
    row("card", 480, 480, ResizeType::Fit, Format::Webp),
    row("card", 480, 480, ResizeType::Fit, Format::Avif),
    row("hero", 1600, 1600, ResizeType::Fit, Format::Jpeg),
    row("hero", 1600, 1600, ResizeType::Fit, Format::Webp),
];
/// Enough for jobs in flight, which are never more than twice the workers.
const QUEUE_JOBS_MAX: usize = 64;
const PATIENCE: Patience = Patience { queue: Duration::from_mins(1), run: Duration::from_mins(1) };
/// What the process may grow by after its first fifth, in bytes.
const GROWTH_BYTES_MAX: u64 = 64 << 20;

const fn row(name: &'static str, width: u32, height: u32, resize: ResizeType, format: Format) -> Row {
    Row { name, width, height, resize, format }
}

fn main() {
    let folder = std::env::var_os("BENCH_FOLDER").map_or_else(
        || {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-originals");
            make_originals(&folder).expect("originals can be made");
            folder
        },
        PathBuf::from,
    );
    let originals = originals(&folder);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = Pool::start(&PoolSpec { workers, queue_jobs_max: QUEUE_JOBS_MAX, isolation: Isolation::Thread })
        .expect("an engine");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    match seconds("SOAK_SECONDS") {
        Some(lasts) => runtime.block_on(soak(&pool, &originals, lasts)),
        None => runtime.block_on(bench(&pool, &originals, seconds("BENCH_SECONDS").unwrap_or(Duration::from_secs(5)))),
    }
    pool.close();
}

fn seconds(variable: &str) -> Option<Duration> {
    std::env::var(variable).ok()?.parse().ok().map(Duration::from_secs)
}

/// Every raster picture of the folder, in the order of their names.
fn originals(folder: &Path) -> Vec<(String, Bytes)> {
    let entries = std::fs::read_dir(folder).expect("a readable folder").filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let is_picture =
        |path: &PathBuf| path.extension().is_some_and(|end| ["jpg", "jpeg", "png"].iter().any(|known| end == *known));
    let read = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        (name, Bytes::from(std::fs::read(path).expect("a readable picture")))
    };
    let originals: Vec<_> = paths.iter().filter(|path| is_picture(path)).map(read).collect();
    assert!(!originals.is_empty(), "no picture in {}", folder.display());
    originals
}

fn submit(pool: &Pool, original: &Bytes, row: &Row) -> Results {
    let transform = Transform {
        resize: row.resize,
        width: row.width,
        height: row.height,
        format: Some(row.format),
        ..Transform::default()
    };
    let candidates = Candidates { asked: Some(row.format), accepted: Vec::new() };
    let outputs = vec![Output { transform, candidates }];
    let job = Job { inputs: vec![original.clone()], outputs, limits: Limits::default() };
    pool.submit(job, PATIENCE).expect("room in the queue")
}

async fn bench(pool: &Pool, originals: &[(String, Bytes)], lasts: Duration) {
    println!("{:16} {:10} {:5} {:>9} {:>9} {:>10}", "original", "picture", "", "a second", "ms each", "bytes");
    for (name, original) in originals {
        for row in &ROWS {
            let begun = clock::instant();
            let tally = keep_busy(pool, |_| (original, row), lasts).await;
            let took = begun.elapsed().as_secs_f64();
            let (count, workers) = (tally.pictures.max(1) as f64, pool.state().workers as f64);
            let (rate, each_ms) = (tally.pictures as f64 / took, took * 1000.0 * workers / count);
            let bytes = tally.bytes / tally.pictures.max(1);
            let (picture, format) = (row.name, row.format.name());
            println!("{name:16} {picture:10} {format:5} {rate:>9.1} {each_ms:>9.1} {bytes:>10}");
            assert_eq!(tally.failures, 0, "{name} as {picture} in {format} failed");
        }
    }
}

/// Runs a mix of everything in ten parts and looks at the memory after each.
async fn soak(pool: &Pool, originals: &[(String, Bytes)], lasts: Duration) {
    let mut settled = None;
    let mut pictures = 0;
    for part in 1..=10_u32 {
        // Steps that share no factor with the lengths meet every pair in an order that looks random.
        let pick = |turn: usize| (&originals[turn * 7 % originals.len()].1, &ROWS[turn * 5 % ROWS.len()]);
        let tally = keep_busy(pool, pick, lasts / 10).await;
        pictures += tally.pictures;
        let resident = resident_bytes();
        println!("{:3} %  {pictures} pictures, {} failed, {} MiB resident", part * 10, tally.failures, resident >> 20);
        assert_eq!(tally.failures, 0);
        if part == 2 {
            settled = Some(resident);
        }
    }
    let growth = resident_bytes().saturating_sub(settled.unwrap_or(0));
    assert!(growth <= GROWTH_BYTES_MAX, "grew by {} MiB after it had settled", growth >> 20);
    println!("steady: grew by {} MiB, at most {}", growth >> 20, GROWTH_BYTES_MAX >> 20);
}

/// Keeps twice as many jobs in flight as there are workers until the time is up.
async fn keep_busy<'a>(pool: &Pool, pick: impl Fn(usize) -> (&'a Bytes, &'a Row), lasts: Duration) -> Tally {
    let begun = clock::instant();
    let mut tally = Tally::default();
    let mut flying = std::collections::VecDeque::new();
    let mut turn = 0;
    loop {
        while begun.elapsed() < lasts && flying.len() < pool.state().workers * 2 {
            let (original, row) = pick(turn);
            flying.push_back(submit(pool, original, row));
            turn += 1;
        }
        let Some(mut results) = flying.pop_front() else { return tally };
        match results.next().await {
            Some((_, Ok(rendered))) => {
                tally.pictures += 1;
                tally.bytes += rendered.bytes.len() as u64;
            }
            _ => tally.failures += 1,
        }
    }
}

/// Memory of this process that is in RAM, as the kernel counts it; 0 where there is no such count.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().map_or(0, |kibibytes: u64| kibibytes << 10)
}

//! What it costs that pictures are made in worker processes instead of on threads.
//!
//! `make bench-workers` runs two engines in one process, one of each kind, which take turns: pictures a second with all
//! workers busy, the time that one tiny picture takes on top, how long a new worker takes to be there, and the memory
//! of the processes. Ratios hold between two machines, times do not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tintype::cli::demo::make_originals;
use tintype::engine::sandbox::{Demand, SandboxSpec};
use tintype::engine::worker::{Nursery, NurserySpec};
use tintype::engine::{Isolation, Job, Limits, Output, Patience, Pool, PoolSpec, Results, Retirement};
use tintype::telemetry::clock;
use tintype::transform::{Candidates, Format, Transform};

/// Turns that each engine has.
const ROUNDS: usize = 7;
/// One turn with all workers busy, in seconds; `WORKERS_BENCH_SECONDS` sets another.
const ROUND_S: u64 = 4;
/// Tiny pictures one after another in one turn.
const TINY: usize = 400;
/// Workers that are forked to see how long that takes.
const FORKS: usize = 30;
/// What processes may cost of the pictures a second, and of the time of one picture.
const LOSS_MAX: f64 = 0.03;
const EACH_US_MAX: f64 = 300.0;
const PATIENCE: Patience = Patience { queue: Duration::from_mins(1), run: Duration::from_mins(1) };
const QUEUE_JOBS_MAX: usize = 64;

/// What one engine has shown, a number a turn.
#[derive(Default)]
struct Shown {
    a_second: Vec<f64>,
    tiny_us: Vec<f64>,
}

fn main() {
    // Not asked to measure: cargo runs benches with `--test` among the tests.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-originals");
    make_originals(&folder).expect("originals can be made");
    let originals = originals(&folder);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = |isolation| Pool::start(&PoolSpec { workers, queue_jobs_max: QUEUE_JOBS_MAX, isolation });
    let sandbox = SandboxSpec { demand: Demand::Prefer, memory_bytes_max: 4 << 30, read_only: Vec::new() };
    let nursery = NurserySpec { program: PathBuf::from(env!("CARGO_BIN_EXE_tintype")), sandbox };
    let retirement = Retirement { jobs_max: 1000, resident_bytes_max: 512 << 20 };
    forks(&nursery);
    let processes = Isolation::Process { nursery, retirement };
    let engines = [pool(Isolation::Thread).expect("threads"), pool(processes).expect("processes")];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut shown = [Shown::default(), Shown::default()];
    let round = Duration::from_secs(seconds().unwrap_or(ROUND_S));
    for turn in 0..ROUNDS {
        // Whoever comes second finds another machine: the order changes with every turn.
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for engine in order {
            shown[engine].a_second.push(runtime.block_on(busy(&engines[engine], &originals, round)));
            shown[engine].tiny_us.push(runtime.block_on(tiny(&engines[engine], &originals[0])));
        }
    }
    report(&shown);
    println!("memory of the template and {workers} workers, shared pages split: {} MiB", children_pss() >> 20);
    engines.iter().for_each(Pool::close);
}

fn seconds() -> Option<u64> {
    std::env::var("WORKERS_BENCH_SECONDS").ok()?.parse().ok()
}

fn originals(folder: &Path) -> Vec<Bytes> {
    let entries = std::fs::read_dir(folder).expect("a readable folder").filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "jpg"));
    paths.sort();
    paths.iter().map(|path| Bytes::from(std::fs::read(path).expect("a picture"))).collect()
}

fn submit(pool: &Pool, original: &Bytes, width: u32) -> Results {
    let transform = Transform { width, height: width, format: Some(Format::Jpeg), ..Transform::default() };
    let candidates = Candidates { asked: Some(Format::Jpeg), accepted: Vec::new() };
    let outputs = vec![Output { transform, candidates }];
    let job = Job { inputs: vec![original.clone()], outputs, limits: Limits::default() };
    pool.submit(job, PATIENCE).expect("room in the queue")
}

/// Pictures a second with twice as many jobs as workers.
async fn busy(pool: &Pool, originals: &[Bytes], lasts: Duration) -> f64 {
    let begun = clock::instant();
    let mut flying = std::collections::VecDeque::new();
    let (mut turn, mut made) = (0, 0_u32);
    loop {
        while begun.elapsed() < lasts && flying.len() < pool.state().workers * 2 {
            flying.push_back(submit(pool, &originals[turn % originals.len()], 480));
            turn += 1;
        }
        let Some(mut results) = flying.pop_front() else {
            return f64::from(made) / begun.elapsed().as_secs_f64();
        };
        let (_, rendered) = results.next().await.expect("a result");
        rendered.expect("a picture");
        made += 1;
    }
}

/// The median time of a picture that takes hardly any, in microseconds.
async fn tiny(pool: &Pool, original: &Bytes) -> f64 {
    let mut results = submit(pool, original, 24);
    let small = results.next().await.expect("a result").1.expect("a picture").bytes;
    let mut micros = Vec::with_capacity(TINY);
    for _ in 0..TINY {
        let begun = clock::instant();
        submit(pool, &small, 12).next().await.expect("a result").1.expect("a picture");
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    median(&mut micros)
}

/// How long it takes to have a new worker, ready for a job.
fn forks(spec: &NurserySpec) {
    let begun = clock::instant();
    let nursery = Nursery::start(spec.clone()).expect("a template");
    let started = begun.elapsed();
    let mut micros: Vec<f64> = (0..FORKS)
        .map(|_| {
            let begun = clock::instant();
            let worker = nursery.worker().expect("a worker");
            let took = begun.elapsed().as_secs_f64() * 1e6;
            nursery.bury(worker, false);
            took
        })
        .collect();
    let (layers, started_ms) = (nursery.layers.words().join(", "), started.as_secs_f64() * 1e3);
    println!("confined by: {layers}");
    println!("template ready in {started_ms:.0} ms, a further worker in {:.2} ms", median(&mut micros) / 1e3);
}

fn report(shown: &[Shown; 2]) {
    let [threads, processes] = shown;
    let ratios: Vec<f64> = processes.a_second.iter().zip(&threads.a_second).map(|(ours, base)| ours / base).collect();
    let mut each: Vec<f64> = processes.tiny_us.iter().zip(&threads.tiny_us).map(|(ours, base)| ours - base).collect();
    println!("{:10} {:>12} {:>14}", "", "a second", "tiny, us");
    for (name, shown) in [("threads", threads), ("processes", processes)] {
        let (mut rates, mut tiny) = (shown.a_second.clone(), shown.tiny_us.clone());
        println!("{name:10} {:>12.1} {:>14.0}", median(&mut rates), median(&mut tiny));
    }
    let ratio = median(&mut ratios.clone());
    println!(
        "processes make {ratio:.3}x the pictures of threads (at least {:.2}), turn by turn {ratios:.2?}",
        1.0 - LOSS_MAX
    );
    println!("a picture takes {:.0} us more (at most {EACH_US_MAX:.0})", median(&mut each));
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Proportional set size of all processes below this one, in bytes.
fn children_pss() -> u64 {
    let mut pids = vec![std::process::id().to_string()];
    let mut at = 0;
    while let Some(pid) = pids.get(at).cloned() {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
        for task in tasks {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            pids.extend(children.split_whitespace().map(str::to_owned));
        }
        at += 1;
    }
    let pss = |pid: &String| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default().trim();
        line.trim_end_matches(" kB").parse().map_or(0, |kibibytes: u64| kibibytes << 10)
    };
    pids.iter().skip(1).map(pss).sum()
}

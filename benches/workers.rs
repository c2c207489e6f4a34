//! What it costs that pictures are made in worker processes instead of on threads.
//!
//! `make bench-workers` runs two engines in one process, one of each kind, which take turns with the same pictures:
//! pictures a second with all workers busy and the processor time of each, for photographs of the usual size and for a
//! very large one; the time that one tiny picture takes on top; how long a new worker takes to be there; and the memory
//! of the processes. Ratios hold between two machines, times do not. With `WORKERS_BENCH_ENGINE=threads` or
//! `processes` there is one engine alone, for profilers; `WORKERS_BENCH_TURNS` sets the number of turns.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tintype::cli::demo::make_originals;
use tintype::engine::sandbox::{Demand, SandboxSpec};
use tintype::engine::worker::{Nursery, NurserySpec};
use tintype::engine::{Isolation, Job, Limits, Output, Patience, Pool, PoolSpec, Results, Retirement};
use tintype::telemetry::clock;
use tintype::transform::{Candidates, Format, Transform};

#[path = "../tests/support/memory.rs"]
mod memory;

use memory::{children, tree_pss_bytes};

/// Turns that each engine has.
const TURNS: usize = 16;
/// Pictures of one turn: of photographs, and of the large original.
const PICTURES: usize = 60;
const LARGE_PICTURES: usize = 4;
/// Tiny pictures one after another in one turn.
const TINY: usize = 200;
/// A photograph from a camera or a phone, made ready for the web, is smaller.
const PHOTOGRAPH_BYTES_MAX: usize = 1 << 20;
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
    photographs: Busy,
    large: Busy,
    tiny_us: Vec<f64>,
}

/// Pictures a second, and milliseconds of processor time for each, a number a turn.
#[derive(Default)]
struct Busy {
    a_second: Vec<f64>,
    cpu_ms: Vec<f64>,
}

fn main() {
    // Not asked to measure: cargo runs benches with `--test` among the tests.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-originals");
    make_originals(&folder).expect("originals can be made");
    let (photographs, large): (Vec<Bytes>, Vec<Bytes>) =
        originals(&folder).into_iter().partition(|original| original.len() < PHOTOGRAPH_BYTES_MAX);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = |isolation| Pool::start(&PoolSpec { workers, queue_jobs_max: QUEUE_JOBS_MAX, isolation });
    let sandbox = SandboxSpec { demand: Demand::Prefer, memory_bytes_max: 4 << 30, read_only: Vec::new() };
    let nursery = NurserySpec { program: PathBuf::from(env!("CARGO_BIN_EXE_tintype")), sandbox };
    let retirement = Retirement { jobs_max: 1000, resident_bytes_max: 512 << 20 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let turns = std::env::var("WORKERS_BENCH_TURNS").ok().and_then(|text| text.parse().ok()).unwrap_or(TURNS);
    let processes = || pool(Isolation::Process { nursery: nursery.clone(), retirement }).expect("processes");
    let threads = || pool(Isolation::Thread).expect("threads");
    if let Ok(name) = std::env::var("WORKERS_BENCH_ENGINE") {
        let engine = if name == "threads" { threads() } else { processes() };
        let mut busy = Busy::default();
        (0..turns).for_each(|_| runtime.block_on(busy.turn(&engine, &photographs, PICTURES)));
        println!("{name}: {:.2} ms of processor time a picture", median(&busy.cpu_ms));
        return engine.close();
    }
    forks(&nursery);
    let engines = [threads(), processes()];
    let mut shown = [Shown::default(), Shown::default()];
    for turn in 0..turns {
        // Whoever comes second finds another machine: the order changes with every turn.
        for engine in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
            let (pool, shown) = (&engines[engine], &mut shown[engine]);
            runtime.block_on(shown.photographs.turn(pool, &photographs, PICTURES));
            shown.tiny_us.push(runtime.block_on(tiny(pool, &photographs[0])));
            if turn % 4 < 2 {
                runtime.block_on(shown.large.turn(pool, &large, LARGE_PICTURES));
            }
        }
    }
    report(&shown);
    let bytes: u64 = children(std::process::id()).into_iter().map(tree_pss_bytes).sum();
    println!("memory of the template and {workers} workers, shared pages split: {} MiB", bytes >> 20);
    engines.iter().for_each(Pool::close);
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

// === impl Busy ===

impl Busy {
    /// So many pictures with twice as many jobs as workers.
    async fn turn(&mut self, pool: &Pool, originals: &[Bytes], pictures: usize) {
        let (begun, before_ms) = (clock::instant(), cpu_ms(std::process::id()));
        let mut flying = std::collections::VecDeque::new();
        let mut asked = 0;
        loop {
            while asked < pictures && flying.len() < pool.state().workers * 2 {
                flying.push_back(submit(pool, &originals[asked % originals.len()], 480));
                asked += 1;
            }
            let Some(mut results) = flying.pop_front() else { break };
            results.next().await.expect("a result").1.expect("a picture");
        }
        self.a_second.push(pictures as f64 / begun.elapsed().as_secs_f64());
        self.cpu_ms.push((cpu_ms(std::process::id()) - before_ms) / pictures as f64);
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
    median(&micros)
}

/// How long it takes to have a new worker, ready for a job.
fn forks(spec: &NurserySpec) {
    let begun = clock::instant();
    let nursery = Nursery::start(spec.clone()).expect("a template");
    let started = begun.elapsed();
    let micros: Vec<f64> = (0..FORKS)
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
    println!("template ready in {started_ms:.0} ms, a further worker in {:.2} ms", median(&micros) / 1e3);
}

fn report(shown: &[Shown; 2]) {
    let [threads, processes] = shown;
    println!("{:22} {:>10} {:>10} {:>8}", "", "threads", "processes", "ratio");
    row("photographs a second", &threads.photographs.a_second, &processes.photographs.a_second);
    row("  ms of processor each", &threads.photographs.cpu_ms, &processes.photographs.cpu_ms);
    row("large ones a second", &threads.large.a_second, &processes.large.a_second);
    row("  ms of processor each", &threads.large.cpu_ms, &processes.large.cpu_ms);
    row("tiny, us", &threads.tiny_us, &processes.tiny_us);
    let ratio = median(&ratios(&threads.photographs.a_second, &processes.photographs.a_second));
    let each = median(&processes.tiny_us) - median(&threads.tiny_us);
    println!("processes make {ratio:.3}x the photographs of threads (at least {:.2})", 1.0 - LOSS_MAX);
    println!("a picture takes {each:.0} us more (at most {EACH_US_MAX:.0})");
}

fn row(name: &str, threads: &[f64], processes: &[f64]) {
    let mut ratios = ratios(threads, processes);
    ratios.sort_by(f64::total_cmp);
    let (low, high) = (ratios[ratios.len() / 4], ratios[ratios.len() * 3 / 4]);
    let (threads, processes) = (median(threads), median(processes));
    println!(
        "{name:22} {threads:>10.2} {processes:>10.2} {:>8.3}  half of the turns {low:.3}-{high:.3}",
        median(&ratios)
    );
}

/// Turn by turn: neighbours saw the same machine.
fn ratios(threads: &[f64], processes: &[f64]) -> Vec<f64> {
    processes.iter().zip(threads).map(|(ours, base)| ours / base).collect()
}

fn median(numbers: &[f64]) -> f64 {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Processor time of a process and all below it, in milliseconds, as the kernel counts it in hundredths of seconds.
fn cpu_ms(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks * 10.0 + children(pid).into_iter().map(cpu_ms).sum::<f64>()
}

//! The small parts of a request, one by one, with criterion: what each costs, and whether a change made it cost more.
//!
//! `make bench` runs them before the engine's own bench; one group: `cargo bench --bench micro -- hit`. Criterion keeps
//! the figures of the run before under `target/criterion` and says what has changed. All of it runs in this process
//! on one core, but for the hand-off, which needs somebody to hand to. What these figures are not: the speed of a
//! server. That is what `benches/sidebyside/` measures from outside.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tintype::cache::{Key, MemoryTier, Weigh};
use tintype::cli::demo::make_originals;
use tintype::config;
use tintype::engine::sandbox::{Demand, SandboxSpec};
use tintype::engine::vips::{Vips, VipsSpec, Watch};
use tintype::engine::worker::NurserySpec;
use tintype::engine::{Isolation, Job, Limits, Output, Patience, Pool, PoolSpec, Rendered, Retirement, run};
use tintype::flow::{Ask, Flow};
use tintype::policy::Policy;
use tintype::telemetry::clock;
use tintype::transform::{Candidates, Format, Transform};
use tintype::url::{DialectSpec, KeyPair, SignatureAlgorithm, Signing, parse, sign};
use tokio_util::task::TaskTracker;

/// What stands in a page of a shop, and one with most of what the dialect has.
const PATHS: [(&str, &str); 2] = [
    ("short", "/rs:fit:480:480/plain/local:///landscape.jpg@webp"),
    (
        "long",
        "/rs:fill:800:500:1/g:fp:0.3:0.6/c:0.8:0.8:ce/q:75/bl:1.5/bg:ffe0b0/pd:10:20:10:20/dpr:2/fn:a%20picture\
         /plain/https:%2F%2Fimages.example.com%2Fcatalogue%2F2026%2Fwinter%2Fboots-brown-42.jpg@avif",
    ),
];
const ACCEPT: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
/// Pictures in the memory tier, of so many bytes each.
const KEPT: u32 = 10_000;
const KEPT_BYTES: usize = 4096;
const FORMATS: [Format; 4] = [Format::Jpeg, Format::Webp, Format::Avif, Format::Png];
const PATIENCE: Patience = Patience { queue: Duration::from_mins(1), run: Duration::from_mins(1) };

/// A kept picture.
struct Kept(Bytes);

// === impl Kept ===

impl Weigh for Kept {
    fn weight_bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

/// From a path to what it asks for: the grammar alone, and with a signature checked before it.
fn url(criterion: &mut Criterion) {
    let open = Signing { allow_unsigned: true, ..Signing::default() };
    let keys = vec![KeyPair { key: vec![7; 32], salt: vec![9; 32] }];
    let signed = |algorithm| Signing { keys: keys.clone(), algorithm, ..Signing::default() };
    let signings = [
        ("unsigned", open),
        ("hmac-sha256", signed(SignatureAlgorithm::HmacSha256)),
        ("blake3", signed(SignatureAlgorithm::Blake3)),
    ];
    let mut group = criterion.benchmark_group("url");
    for (kind, signing) in signings {
        let spec = DialectSpec { signing, ..DialectSpec::default() };
        for (length, path) in PATHS {
            let signature = sign(&spec.signing, path).unwrap_or_else(|| "_".to_owned());
            let path = format!("/{signature}{path}");
            parse(&path, &spec, 0).expect("a path of the dialect");
            group.bench_function(BenchmarkId::new(kind, length), |bencher| {
                bencher.iter(|| parse(black_box(&path), &spec, 0));
            });
        }
    }
    group.finish();
}

/// From what is asked for to the name that it is kept under: defaults, canonical text, BLAKE3.
fn key(criterion: &mut Criterion) {
    let policy = Policy::new(&config(&[]), |_| true);
    let spec =
        DialectSpec { signing: Signing { allow_unsigned: true, ..Signing::default() }, ..DialectSpec::default() };
    let mut group = criterion.benchmark_group("key");
    for (length, path) in PATHS {
        let asked = parse(&format!("/_{path}"), &spec, 0).expect("a path of the dialect").asked;
        group.bench_function(BenchmarkId::new("variant", length), |bencher| {
            bencher.iter(|| {
                let transform = policy.transform(black_box(&asked));
                Key::of("variant", &[b"native", b"local:///landscape.jpg", transform.canonical().as_bytes()])
            });
        });
    }
    group.finish();
}

/// A look into the memory tier: for what is there, and for what is not.
fn lookup(criterion: &mut Criterion) {
    let name = |number: u32| Key::of("bench", &[&number.to_le_bytes()]);
    let tier = MemoryTier::new(u64::from(KEPT) * KEPT_BYTES as u64 * 2, "bench");
    for number in 0..KEPT {
        tier.insert(name(number), Arc::new(Kept(Bytes::from(vec![0; KEPT_BYTES]))));
    }
    tier.run_pending();
    assert!(tier.get(&name(0)).is_some(), "what fits is kept");
    let mut group = criterion.benchmark_group("lookup");
    for (kind, first) in [("hit", 0), ("miss", KEPT)] {
        let keys: Vec<Key> = (first..first + KEPT).map(name).collect();
        let mut keys = keys.iter().cycle();
        group.bench_function(kind, |bencher| bencher.iter(|| tier.get(keys.next().expect("keys without end"))));
    }
    group.finish();
}

/// A hit through everything but sockets: path, policy, key, memory tier, and the facts of its answer.
fn hit(criterion: &mut Criterion) {
    let folder = originals();
    let settings = [
        ("local-root", folder.to_str().expect("a path in UTF-8")),
        ("unsigned", "allow"),
        ("engine-isolation", "thread"),
    ];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let flow = Flow::try_new(&config(&settings), &[], TaskTracker::new()).expect("a flow");
    let ask = |ending: &str| Ask {
        path: format!("/_/rs:fit:480:480/plain/local:///landscape.jpg{ending}"),
        accept: ACCEPT.to_owned(),
        ..Ask::default()
    };
    let mut group = criterion.benchmark_group("hit");
    for (kind, ask) in [("named format", ask("@webp")), ("negotiated", ask(""))] {
        runtime.block_on(flow.answer(ask.clone())).expect("a picture");
        group.bench_function(kind, |bencher| {
            bencher.iter(|| runtime.block_on(flow.answer(ask.clone())).expect("a picture"));
        });
    }
    group.finish();
    runtime.block_on(flow.close());
}

/// A photograph of 3.8 megapixels decoded, made smaller and written as JPEG on one thread. What changes from row to row
/// is the size: the last one is nearly all decoding.
fn resize(criterion: &mut Criterion) {
    start_engine();
    let original = original("landscape.jpg");
    let mut group = criterion.benchmark_group("resize");
    group.sample_size(20).throughput(Throughput::Elements(1));
    for side in [1200, 480, 100] {
        let job = job(&original, side, Format::Jpeg);
        group.bench_function(BenchmarkId::new("fit", side), |bencher| bencher.iter(|| make(&job)));
    }
    group.finish();
}

/// A picture of 512 pixels written in each format. Its original is a PNG of the same size, whose decoding is in every
/// row and is about what the row of PNG would be without its own encoder.
fn encode(criterion: &mut Criterion) {
    start_engine();
    let small = make(&job(&original("landscape.jpg"), 512, Format::Png)).bytes;
    let mut group = criterion.benchmark_group("encode");
    group.sample_size(20).throughput(Throughput::Elements(1));
    for format in FORMATS {
        let job = job(&small, 512, format);
        group.bench_function(format.name(), |bencher| bencher.iter(|| make(&job)));
    }
    group.finish();
}

/// The way of a job to whoever makes its picture and back, for a picture that takes hardly any making: a thread of this
/// process, and a worker process in its sandbox.
fn hand_off(criterion: &mut Criterion) {
    start_engine();
    let tiny = make(&job(&original("landscape.jpg"), 24, Format::Jpeg)).bytes;
    let sandbox = SandboxSpec { demand: Demand::Prefer, memory_bytes_max: 4 << 30, read_only: Vec::new() };
    let nursery = NurserySpec { program: PathBuf::from(env!("CARGO_BIN_EXE_tintype")), sandbox };
    let retirement = Retirement { jobs_max: u64::MAX, resident_bytes_max: u64::MAX };
    let isolations = [("thread", Isolation::Thread), ("process", Isolation::Process { nursery, retirement })];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut group = criterion.benchmark_group("hand-off");
    for (kind, isolation) in isolations {
        let pool = Pool::start(&PoolSpec { workers: 1, queue_jobs_max: 8, isolation }).expect("an engine");
        let job = job(&tiny, 12, Format::Jpeg);
        group.bench_function(kind, |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let mut results = pool.submit(job.clone(), PATIENCE).expect("room in the queue");
                    results.next().await.expect("a result").1.expect("a picture")
                })
            });
        });
        pool.close();
    }
    group.finish();
}

fn config(settings: &[(&str, &str)]) -> config::Config {
    let flags: Vec<_> = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    config::load(None, std::iter::empty(), &flags).expect("settings that there are")
}

fn originals() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-originals");
    make_originals(&folder).expect("originals can be made");
    folder
}

fn original(name: &str) -> Bytes {
    Bytes::from(std::fs::read(originals().join(name)).expect("one of the demo's originals"))
}

fn start_engine() {
    Vips::start(VipsSpec { threads: 1 }).expect("libvips");
}

fn job(original: &Bytes, side: u32, format: Format) -> Job {
    let transform = Transform { width: side, height: side, format: Some(format), ..Transform::default() };
    let candidates = Candidates { asked: Some(format), accepted: Vec::new() };
    Job { inputs: vec![original.clone()], outputs: vec![Output { transform, candidates }], limits: Limits::default() }
}

/// One picture on this thread.
fn make(job: &Job) -> Rendered {
    let mut made = None;
    run(job, &Watch::new(clock::instant() + PATIENCE.run, Arc::default()), |(_, outcome)| {
        made = Some(outcome.expect("a picture"));
        std::ops::ControlFlow::Continue(())
    });
    made.expect("one output")
}

criterion_group!(benches, url, key, lookup, hit, resize, encode, hand_off);
criterion_main!(benches);

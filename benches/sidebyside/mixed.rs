//! Life behind a CDN: 5,000 pictures, some asked for all the time and most of them seldom (Zipf with exponent 1), and a
//! cache that holds about a third of their bytes.
//!
//! Contract: tintype has its own memory tier and nothing else; every peer has nginx before it with `proxy_cache` of the
//! same size and its lock on, since none of them has a cache. All caches are warmed by the same kind of load for half
//! as long as is measured then. Hits are told by what the cache says of itself.

use std::time::Duration;

use super::Bench;
use super::cold::QUALITY;
use super::formats::Format;
use super::load::{Load, Outcome};
use super::peers::{Peer, Picture, Situation};
use super::processes::Peak;
use super::server::Server;
use super::statistics::{Random, Zipf, median, median_ratio, percentile, turns};
use super::table::{Table, digits, times};

/// What one server did in all rounds.
#[derive(Default)]
struct Row {
    per_second: Vec<f64>,
    /// Part of good answers.
    hits: Vec<f64>,
    hit_p50_ms: Vec<f64>,
    hit_p99_ms: Vec<f64>,
    /// Of popular pictures while nothing else is asked for.
    idle_p99_ms: Vec<f64>,
    made_p99_ms: Vec<f64>,
    cpu_ms: Vec<f64>,
    memory_mb: Vec<f64>,
    errors: u64,
}

const PICTURES: usize = 5000;
const EXPONENT: f64 = 1.0;
const SIDE_MIN: usize = 160;
const CACHE_BYTES: u64 = 64 << 20;
const CONNECTIONS: usize = 32;
/// A cache is measured longer than a codec.
const ROUNDS_LONG: u32 = 15;
/// Pictures that are surely kept, asked for so long with so much time between.
const POPULAR: u64 = 20;
const IDLE: Duration = Duration::from_secs(5);
const IDLE_PAUSE: Duration = Duration::from_millis(5);
const MEMORY_PACE: Duration = Duration::from_millis(500);

pub fn run(bench: &Bench) {
    let front = |peer: &Peer| if peer.is_tintype() { peer.clone() } else { peer.with_nginx() };
    let peers: Vec<Peer> = bench.peers.iter().map(front).collect();
    let mut rows: Vec<Row> = peers.iter().map(|_| Row::default()).collect();
    for number in 0..bench.plan.rounds {
        for turn in turns(peers.len(), number) {
            if let Err(why) = round(bench, &peers[turn], number as u64, &mut rows[turn]) {
                println!("round {} of {} is missing: {why}", number + 1, peers[turn].name);
            }
        }
    }
    let head = [
        "Zipf, 5,000 pictures",
        "req/s",
        "ratio",
        "hits %",
        "hit p50 ms",
        "hit p99 ms",
        "idle p99 ms",
        "of idle",
        "miss p99 ms",
        "CPU ms",
        "PSS MB",
        "errors",
    ];
    let mut table = Table::new(&head);
    let base = bench.peers.iter().position(|peer| Some(peer.name.as_str()) == bench.base()).map(|at| &rows[at]);
    for (peer, row) in peers.iter().zip(&rows) {
        table.row(vec![
            peer.name.clone(),
            digits(median(&row.per_second), 0),
            times(base.map_or(f64::NAN, |base| median_ratio(&row.per_second, &base.per_second))),
            digits(median(&row.hits) * 100.0, 1),
            digits(median(&row.hit_p50_ms), 2),
            digits(median(&row.hit_p99_ms), 2),
            digits(median(&row.idle_p99_ms), 2),
            times(median_ratio(&row.hit_p99_ms, &row.idle_p99_ms)),
            digits(median(&row.made_p99_ms), 0),
            digits(median(&row.cpu_ms), 2),
            digits(median(&row.memory_mb), 0),
            row.errors.to_string(),
        ]);
    }
    print!("{table}");
}

fn round(bench: &Bench, peer: &Peer, seed: u64, row: &mut Row) -> Result<(), String> {
    let situation =
        Situation { originals: &bench.photos.folder, quality: Some(QUALITY), cache_bytes: Some(CACHE_BYTES) };
    let server = Server::start(peer, &situation, &bench.plan.server_cpus)?;
    let names = &bench.photos.names;
    let picture = |number: usize| {
        let (original, side) = (names[number % names.len()].as_str(), (SIDE_MIN + number / names.len()) as u32);
        Picture { original, width: side, height: side, format: Format::Jpg, quality: situation.quality }
    };
    server.picture(&picture(0))?;
    let mut pictures: Vec<String> = (0..PICTURES).map(|number| server.path(&picture(number))).collect();
    // What is popular has nothing to do with its size.
    Random(seed).shuffle(&mut pictures);
    let zipf = Zipf::new(PICTURES, EXPONENT);
    // The number of a request is the seed of its choice, so that every server is asked for the same.
    let ask = |salt: u64| {
        let (pictures, zipf) = (&pictures, &zipf);
        move |number: u64| Some(pictures[zipf.at(Random(salt ^ number).part())].clone())
    };
    let lasts = bench.plan.round * ROUNDS_LONG;
    let load = |lasts| Load::new(server.addr, CONNECTIONS, lasts);
    load(lasts / 2).run(&ask(seed << 48));
    let (cpu_ms, peak) = (server.cpu_ms(), Peak::watch(&server.roots(), MEMORY_PACE));
    let outcome = load(lasts).run(&ask((seed << 48) | (1 << 40)));
    row.cpu_ms.push((server.cpu_ms() - cpu_ms) / outcome.answers().max(1) as f64);
    row.memory_mb.extend(peak.end_mb());
    let idle = Load { pause: IDLE_PAUSE, ..Load::new(server.addr, 1, IDLE) };
    let idle = idle.run(&|number| Some(pictures[(number % POPULAR) as usize].clone()));
    note(row, &outcome, &idle);
    Ok(())
}

fn note(row: &mut Row, outcome: &Outcome, idle: &Outcome) {
    let ms = |times: &[u64], part: f64| percentile(times, part) as f64 / 1e3;
    row.per_second.push(outcome.per_second());
    row.hits.push(outcome.hits_us.len() as f64 / outcome.answers().max(1) as f64);
    row.hit_p50_ms.push(ms(&outcome.hits_us, 0.5));
    row.hit_p99_ms.push(ms(&outcome.hits_us, 0.99));
    row.idle_p99_ms.push(ms(&idle.hits_us, 0.99));
    row.made_p99_ms.push(ms(&outcome.made_us, 0.99));
    row.errors += outcome.errors + idle.errors;
}

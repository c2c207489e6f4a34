//! Large originals all at once: what 32 of 24 megapixels each take of memory, and whether it comes back.
//!
//! Contract: memory is the proportional set size of all processes of a server, seen every 20 ms; the peak may be a
//! little higher than what was seen.

use std::thread;
use std::time::Duration;

use super::formats::Format;
use super::load::Load;
use super::peers::{Peer, Picture, Situation};
use super::processes::Peak;
use super::server::Server;
use super::statistics::{median, median_ratio, turns};
use super::table::{Table, digits, times};
use super::{Bench, originals};

/// What one server did in all rounds, in megabytes.
#[derive(Default)]
struct Row {
    took_s: Vec<f64>,
    start: Vec<f64>,
    peak: Vec<f64>,
    later: Vec<f64>,
    errors: u64,
}

const SIDE: u32 = 512;
const MEMORY_PACE: Duration = Duration::from_millis(20);

pub fn run(bench: &Bench) {
    let peers = &bench.peers;
    let large = originals::large(&bench.photos);
    let mut rows: Vec<Row> = peers.iter().map(|_| Row::default()).collect();
    for number in 0..bench.plan.rounds {
        for turn in turns(peers.len(), number) {
            if let Err(why) = round(bench, &large, &peers[turn], &mut rows[turn]) {
                println!("round {} of {} is missing: {why}", number + 1, peers[turn].name);
            }
        }
    }
    let later = format!("after {} s", bench.plan.rest.as_secs());
    let head = ["32 x 24 MP", "all s", "ratio", "start MB", "peak MB", "ratio", later.as_str(), "of start", "not 200"];
    let mut table = Table::new(&head);
    let base = peers.iter().position(|peer| Some(peer.name.as_str()) == bench.base()).map(|at| &rows[at]);
    for (peer, row) in peers.iter().zip(&rows) {
        let ratio = |of: fn(&Row) -> &Vec<f64>| base.map_or(f64::NAN, |base| median_ratio(of(row), of(base)));
        table.row(vec![
            peer.name.clone(),
            digits(median(&row.took_s), 1),
            times(ratio(|row| &row.took_s)),
            digits(median(&row.start), 0),
            digits(median(&row.peak), 0),
            times(ratio(|row| &row.peak)),
            digits(median(&row.later), 0),
            times(median_ratio(&row.later, &row.start)),
            row.errors.to_string(),
        ]);
    }
    print!("{table}");
}

fn round(bench: &Bench, large: &originals::Originals, peer: &Peer, row: &mut Row) -> Result<(), String> {
    let situation = Situation { originals: &large.folder, quality: None, cache_bytes: None };
    let server = Server::start(peer, &situation, &bench.plan.server_cpus)?;
    let picture = |original| Picture { original, width: SIDE, height: SIDE, format: Format::Jpg, quality: None };
    let paths: Vec<String> = large.names.iter().map(|name| server.path(&picture(name))).collect();
    row.start.extend(server.memory_mb());
    let peak = Peak::watch(&server.roots(), MEMORY_PACE);
    let outcome = Load::new(server.addr, paths.len(), Duration::ZERO).all_at_once(&paths);
    row.peak.extend(peak.end_mb());
    row.took_s.push(outcome.took.as_secs_f64());
    row.errors += outcome.errors;
    thread::sleep(bench.plan.rest);
    row.later.extend(server.memory_mb());
    Ok(())
}

//! A herd: a thousand connections that all want the same picture, which nobody has made yet.
//!
//! Contract: all connections are open before the first of them asks; everyone asks once. Beside the herd stands what
//! one such picture costs alone, so that one transformation can be told from many.

use std::time::Duration;

use tintype::telemetry::clock;

use super::Bench;
use super::formats::Format;
use super::load::Load;
use super::peers::{Peer, Picture, Situation};
use super::processes::Peak;
use super::server::Server;
use super::statistics::{median, median_ratio, turns};
use super::table::{Table, digits, times};

/// What one server did in all rounds.
#[derive(Default)]
struct Row {
    alone_ms: Vec<f64>,
    took_s: Vec<f64>,
    cpu_s: Vec<f64>,
    memory_mb: Vec<f64>,
    errors: u64,
}

const CONNECTIONS: usize = 1000;
const SIDE: u32 = 700;
/// Before the herd, so that what a server does once is done.
const WARM_SIDE: u32 = 300;
const MEMORY_PACE: Duration = Duration::from_millis(20);

pub fn run(bench: &Bench) {
    let peers = &bench.peers;
    let mut rows: Vec<Row> = peers.iter().map(|_| Row::default()).collect();
    for number in 0..bench.plan.rounds {
        for turn in turns(peers.len(), number) {
            if let Err(why) = round(bench, &peers[turn], &mut rows[turn]) {
                println!("round {} of {} is missing: {why}", number + 1, peers[turn].name);
            }
        }
    }
    let mut table = Table::new(&["herd of 1,000", "alone ms", "all s", "ratio", "CPU s", "ratio", "PSS MB", "not 200"]);
    let base = peers.iter().position(|peer| Some(peer.name.as_str()) == bench.base()).map(|at| &rows[at]);
    for (peer, row) in peers.iter().zip(&rows) {
        let ratio = |of: fn(&Row) -> &Vec<f64>| base.map_or(f64::NAN, |base| median_ratio(of(row), of(base)));
        table.row(vec![
            peer.name.clone(),
            digits(median(&row.alone_ms), 0),
            digits(median(&row.took_s), 2),
            times(ratio(|row| &row.took_s)),
            digits(median(&row.cpu_s), 2),
            times(ratio(|row| &row.cpu_s)),
            digits(median(&row.memory_mb), 0),
            row.errors.to_string(),
        ]);
    }
    print!("{table}");
}

fn round(bench: &Bench, peer: &Peer, row: &mut Row) -> Result<(), String> {
    let situation = Situation { originals: &bench.photos.folder, quality: None, cache_bytes: None };
    let server = Server::start(peer, &situation, &bench.plan.server_cpus)?;
    let names = &bench.photos.names;
    let picture = |original, side| Picture { original, width: side, height: side, format: Format::Jpg, quality: None };
    for original in names {
        server.picture(&picture(original, WARM_SIDE))?;
    }
    let begun = clock::instant();
    server.picture(&picture(&names[0], SIDE))?;
    row.alone_ms.push(begun.elapsed().as_secs_f64() * 1e3);
    // Another size, where there is but one original.
    let wanted = server.path(&picture(&names[names.len() - 1], SIDE + 1));
    let cpu_ms = server.cpu_ms();
    let peak = Peak::watch(&server.roots(), MEMORY_PACE);
    let outcome = Load::new(server.addr, CONNECTIONS, Duration::ZERO).all_at_once(&vec![wanted; CONNECTIONS]);
    row.took_s.push(outcome.took.as_secs_f64());
    row.cpu_s.push((server.cpu_ms() - cpu_ms) / 1e3);
    row.memory_mb.extend(peak.end_mb());
    row.errors += outcome.errors;
    Ok(())
}

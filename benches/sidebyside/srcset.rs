//! The pictures of a page: up to eight originals in five widths and three formats, asked for together, none of them
//! made before.
//!
//! Contract: a page asks for the sizes of one original one after the other, so that is the order here. Where a server
//! cannot write a format, everyone is measured a second time without it.

use std::time::Duration;

use super::Bench;
use super::formats::Format;
use super::load::Load;
use super::peers::{Peer, Picture, Situation};
use super::server::Server;
use super::statistics::{median, median_ratio, turns};
use super::table::{Table, digits, times};

/// What one server did in all rounds, in milliseconds a picture.
#[derive(Default)]
struct Row {
    took_ms: Vec<f64>,
    cpu_ms: Vec<f64>,
    errors: u64,
}

const ORIGINALS_MAX: usize = 8;
const WIDTHS: [u32; 5] = [320, 480, 640, 960, 1280];
const FORMATS: [Format; 3] = [Format::Jpg, Format::Webp, Format::Avif];
/// Long enough for any server; the work ends when all pictures are there.
const LASTS: Duration = Duration::from_mins(10);

pub fn run(bench: &Bench) {
    let able: Vec<(&Peer, Vec<Format>)> = bench.peers.iter().map(|peer| (peer, written(bench, peer))).collect();
    let able: Vec<_> = able.into_iter().filter(|(_, formats)| !formats.is_empty()).collect();
    let in_all = |format: &Format| able.iter().all(|(_, formats)| formats.contains(format));
    let common: Vec<Format> = FORMATS.into_iter().filter(in_all).collect();
    if common.len() < FORMATS.len() {
        let whole = able.iter().filter(|(_, formats)| formats.len() == FORMATS.len());
        measure(bench, &whole.map(|(peer, _)| *peer).collect::<Vec<_>>(), &FORMATS);
    }
    measure(bench, &able.iter().map(|(peer, _)| *peer).collect::<Vec<_>>(), &common);
}

/// What this server can write; says what it cannot.
fn written(bench: &Bench, peer: &Peer) -> Vec<Format> {
    let situation = Situation { originals: &bench.photos.folder, quality: None, cache_bytes: None };
    let server = match Server::start(peer, &situation, &bench.plan.server_cpus) {
        Ok(server) => server,
        Err(why) => {
            println!("skipped: {}: {why}", peer.name);
            return Vec::new();
        }
    };
    let mut formats = FORMATS.to_vec();
    formats.retain(|format| {
        let original = &bench.photos.names[0];
        let made = server.picture(&Picture { original, width: 100, height: 100, format: *format, quality: None });
        if let Err(why) = &made {
            println!("skipped: {} in {}: {why}", peer.name, format.name());
        }
        made.is_ok()
    });
    formats
}

fn measure(bench: &Bench, peers: &[&Peer], formats: &[Format]) {
    let mut rows: Vec<Row> = peers.iter().map(|_| Row::default()).collect();
    for number in 0..bench.plan.rounds {
        for turn in turns(peers.len(), number) {
            if let Err(why) = round(bench, peers[turn], formats, &mut rows[turn]) {
                println!("round {} of {} is missing: {why}", number + 1, peers[turn].name);
            }
        }
    }
    let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
    let title = format!("srcset of {}", names.join(", "));
    let mut table = Table::new(&[&title, "ms a picture", "ratio", "CPU ms", "ratio", "errors"]);
    let base = peers.iter().position(|peer| Some(peer.name.as_str()) == bench.base()).map(|at| &rows[at]);
    for (peer, row) in peers.iter().zip(&rows) {
        let ratio = |of: fn(&Row) -> &Vec<f64>| base.map_or(f64::NAN, |base| median_ratio(of(row), of(base)));
        table.row(vec![
            peer.name.clone(),
            digits(median(&row.took_ms), 1),
            times(ratio(|row| &row.took_ms)),
            digits(median(&row.cpu_ms), 1),
            times(ratio(|row| &row.cpu_ms)),
            row.errors.to_string(),
        ]);
    }
    print!("{table}");
}

fn round(bench: &Bench, peer: &Peer, formats: &[Format], row: &mut Row) -> Result<(), String> {
    let situation = Situation { originals: &bench.photos.folder, quality: None, cache_bytes: None };
    let server = Server::start(peer, &situation, &bench.plan.server_cpus)?;
    let mut paths = Vec::new();
    for original in bench.photos.names.iter().take(ORIGINALS_MAX) {
        for width in WIDTHS {
            let picture = |format| Picture { original, width, height: width, format, quality: None };
            paths.extend(formats.iter().map(|format| server.path(&picture(*format))));
        }
    }
    let cpu_ms = server.cpu_ms();
    let load = Load::new(server.addr, bench.plan.connections, LASTS);
    let outcome = load.run(&|number| paths.get(number as usize).cloned());
    row.took_ms.push(outcome.took.as_secs_f64() * 1e3 / paths.len() as f64);
    row.cpu_ms.push((server.cpu_ms() - cpu_ms) / paths.len() as f64);
    row.errors += outcome.errors;
    Ok(())
}

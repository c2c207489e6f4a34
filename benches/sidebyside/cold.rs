//! Pictures that nobody has made yet: how many a second, how long each takes, what it costs, and how it looks.
//!
//! Contract: no picture is asked for twice of one server's life. All servers get the same boxes in the same order, 480
//! to 512 pixels wide and high, of all originals in turn; a faster one gets further in the same list, which is mixed so
//! that its parts cost the same.

use std::time::Duration;

use super::Bench;
use super::curve::look;
use super::formats::Format;
use super::load::Load;
use super::originals::Originals;
use super::peers::{self, Peer, Picture, Situation};
use super::processes::{self, Machine, Peak};
use super::score::Marks;
use super::server::Server;
use super::statistics::{median, median_ratio, spread, turns};
use super::table::{Table, digits, times};

/// What one server did in one round.
struct Round {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// A picture, over all processes of the server.
    cpu_ms: f64,
    /// The most that was seen.
    memory_mb: f64,
    errors: u64,
    /// Of answers that should all have been made anew.
    hits: usize,
    /// The part of the machine that others had meanwhile.
    foreign: f64,
}

/// One server's row.
struct Row<'a> {
    peer: &'a Peer,
    marks: Marks,
    rounds: Vec<Round>,
}

/// What every picture is asked for with.
pub const QUALITY: u8 = 80;
/// Sides of boxes: so many from the least on.
const SIDE_MIN: u32 = 480;
const SIDES: u64 = 33;
/// Shares no divisor with the number of boxes, so that steps of it meet each box once, in no order of size.
const STRIDE: u64 = 677;
/// Asked for before the clock starts, so that files and code are in memory; outside of what is measured.
const WARM_SIDE: u32 = 400;
const MEMORY_PACE: Duration = Duration::from_millis(200);

/// All peers.
pub fn run(bench: &Bench, originals: &Originals, format: Format) {
    let from = if originals.names[0].ends_with(".png") { "png" } else { "jpg" };
    let title = format!("{from} to {}, q{QUALITY}", format.name());
    measure(bench, &title, &bench.peers, bench.base(), originals, format);
}

/// Worker processes against threads.
pub fn isolation(bench: &Bench) {
    measure(bench, "jpg to jpg", &peers::isolations(), Some("threads"), &bench.photos, Format::Jpg);
}

/// Kept reductions against none.
pub fn mezzanine(bench: &Bench) {
    match peers::mezzanines() {
        Some(rows) => measure(bench, "jpg to jpg", &rows, Some("mezzanine off"), &bench.photos, Format::Jpg),
        None => println!("skipped: mezzanine, which this build of tintype does not have"),
    }
}

fn measure(bench: &Bench, title: &str, peers: &[Peer], base: Option<&str>, originals: &Originals, format: Format) {
    let situation = Situation { originals: &originals.folder, quality: Some(QUALITY), cache_bytes: None };
    let mut rows = Vec::new();
    for peer in peers {
        match look(bench, peer, originals, format, Some(QUALITY)) {
            Ok(marks) => rows.push(Row { peer, marks, rounds: Vec::new() }),
            Err(why) => println!("skipped: {}: {why}", peer.name),
        }
    }
    for number in 0..bench.plan.rounds {
        for turn in turns(rows.len(), number) {
            let row = &mut rows[turn];
            match round(bench, row.peer, &situation, originals, format) {
                Ok(round) => {
                    let (name, rate, cpu) = (&row.peer.name, round.per_second, round.cpu_ms);
                    let foreign = round.foreign * 100.0;
                    eprintln!("  round {}: {name} {rate:.1} req/s, {cpu:.1} ms CPU, others {foreign:.0} %", number + 1);
                    row.rounds.push(round);
                }
                Err(why) => println!("round {} of {} is missing: {why}", number + 1, row.peer.name),
            }
        }
    }
    print!("{}", table(title, &rows, base));
}

fn round(
    bench: &Bench,
    peer: &Peer,
    situation: &Situation,
    originals: &Originals,
    format: Format,
) -> Result<Round, String> {
    let server = Server::start(peer, situation, &bench.plan.server_cpus)?;
    for original in &originals.names {
        let side = WARM_SIDE;
        server.picture(&Picture { original, width: side, height: side, format, quality: situation.quality })?;
    }
    let path = |number: u64| {
        let (original, width, height) = boxed(number, originals.names.len() as u64);
        let original = originals.names[original].as_str();
        Some(server.path(&Picture { original, width, height, format, quality: situation.quality }))
    };
    let everything = [std::process::id()];
    let (machine, all_ms, cpu_ms) = (Machine::now(), processes::cpu_ms(&everything), server.cpu_ms());
    let peak = Peak::watch(&server.roots(), MEMORY_PACE);
    let load = Load { format: Some(format), ..Load::new(server.addr, bench.plan.connections, bench.plan.round) };
    let outcome = load.run(&path);
    let memory_mb = peak.end_mb();
    let cpu_ms = (server.cpu_ms() - cpu_ms) / outcome.answers().max(1) as f64;
    Ok(Round {
        per_second: outcome.per_second(),
        p50_ms: outcome.percentile_ms(0.5),
        p99_ms: outcome.percentile_ms(0.99),
        cpu_ms,
        memory_mb: memory_mb.unwrap_or(f64::NAN),
        errors: outcome.errors,
        hits: outcome.hits_us.len(),
        foreign: Machine::now().foreign_since(&machine, processes::cpu_ms(&everything) - all_ms),
    })
}

/// The original and the box of this number; no two numbers have the same as long as there are boxes left.
fn boxed(number: u64, originals: u64) -> (usize, u32, u32) {
    let turn = number / originals * STRIDE % (SIDES * SIDES);
    let side = |steps: u64| SIDE_MIN + (steps % SIDES) as u32;
    ((number % originals) as usize, side(turn), side(turn / SIDES))
}

fn table(title: &str, rows: &[Row], base: Option<&str>) -> Table {
    let mut table = Table::new(&[
        title, "req/s", "±%", "ratio", "p50 ms", "p99 ms", "CPU ms", "ratio", "PSS MB", "bytes", "ratio", "score",
        "min", "errors", "hits", "others %",
    ]);
    let all = |row: &Row, number: fn(&Round) -> f64| row.rounds.iter().map(number).collect::<Vec<f64>>();
    let base = rows.iter().find(|row| Some(row.peer.name.as_str()) == base);
    for row in rows {
        let middle = |number: fn(&Round) -> f64| median(&all(row, number));
        let ratio = |number: fn(&Round) -> f64| {
            base.map_or(f64::NAN, |base| median_ratio(&all(row, number), &all(base, number)))
        };
        let bytes = row.marks.bytes_mean();
        table.row(vec![
            row.peer.name.clone(),
            digits(middle(|round| round.per_second), 1),
            digits(spread(&all(row, |round| round.per_second)) * 100.0, 0),
            times(ratio(|round| round.per_second)),
            digits(middle(|round| round.p50_ms), 0),
            digits(middle(|round| round.p99_ms), 0),
            digits(middle(|round| round.cpu_ms), 1),
            times(ratio(|round| round.cpu_ms)),
            digits(middle(|round| round.memory_mb), 0),
            digits(bytes, 0),
            times(base.map_or(f64::NAN, |base| bytes / base.marks.bytes_mean())),
            digits(row.marks.score_mean(), 1),
            digits(row.marks.score_min(), 1),
            row.rounds.iter().map(|round| round.errors).sum::<u64>().to_string(),
            row.rounds.iter().map(|round| round.hits).sum::<usize>().to_string(),
            digits(middle(|round| round.foreign) * 100.0, 0),
        ]);
    }
    table
}

//! How pictures look for their bytes: at each server's own default quality, and over a range of qualities, where the
//! bytes that a format needs for one score can be read off.
//!
//! Contract: nothing here is timed. Every original is asked for once, made to fit 512 pixels.

use super::Bench;
use super::formats::Format;
use super::originals::Originals;
use super::peers::{Peer, Picture, Situation};
use super::score::Marks;
use super::server::Server;
use super::statistics::reached;
use super::table::{Table, digits, times};

/// Longest side of the pictures that are compared.
const SIDE: u32 = 512;
const FORMATS: [Format; 3] = [Format::Jpg, Format::Webp, Format::Avif];
const QUALITIES: [u8; 6] = [30, 45, 60, 70, 80, 90];
/// Where bytes are compared: good, and what servers' defaults aim at.
const SCORE: f64 = 70.0;

/// A server's default quality in each format.
pub fn at_default(bench: &Bench) {
    let mut table = Table::new(&["default quality", "format", "bytes", "ratio", "score", "min"]);
    for format in FORMATS {
        let mut rows = Vec::new();
        for peer in &bench.peers {
            match look(bench, peer, &bench.photos, format, None) {
                Ok(marks) => rows.push((peer.name.as_str(), marks)),
                Err(why) => println!("skipped: {} in {}: {why}", peer.name, format.name()),
            }
        }
        let base = rows.iter().find(|(name, _)| Some(*name) == bench.base()).map(|(_, marks)| marks.bytes_mean());
        for (name, marks) in &rows {
            table.row(vec![
                (*name).to_owned(),
                format.name().to_owned(),
                digits(marks.bytes_mean(), 0),
                times(marks.bytes_mean() / base.unwrap_or(f64::NAN)),
                digits(marks.score_mean(), 1),
                digits(marks.score_min(), 1),
            ]);
        }
    }
    print!("{table}");
}

/// Bytes and score at several qualities, and the bytes at one score as a part of the same server's JPEG.
pub fn run(bench: &Bench) {
    let at: Vec<String> = QUALITIES.iter().map(|quality| format!("q{quality} bytes/score")).collect();
    let wanted = format!("bytes at {SCORE}");
    let mut head = vec!["bytes at equal score", "format"];
    head.extend(at.iter().map(String::as_str));
    head.extend([wanted.as_str(), "of JPEG"]);
    let mut table = Table::new(&head);
    for peer in &bench.peers {
        let mut jpeg = f64::NAN;
        for format in FORMATS {
            match points(bench, peer, format) {
                Ok(points) => {
                    let bytes = reached(&points, SCORE).unwrap_or(f64::NAN);
                    if format == Format::Jpg {
                        jpeg = bytes;
                    }
                    let mut row = vec![peer.name.clone(), format.name().to_owned()];
                    row.extend(points.iter().map(|(bytes, score)| format!("{bytes:.0}/{score:.1}")));
                    row.extend([digits(bytes, 0), times(bytes / jpeg)]);
                    table.row(row);
                }
                Err(why) => println!("skipped: {} in {}: {why}", peer.name, format.name()),
            }
        }
    }
    print!("{table}");
}

fn points(bench: &Bench, peer: &Peer, format: Format) -> Result<Vec<(f64, f64)>, String> {
    let point = |quality: &u8| {
        let marks = look(bench, peer, &bench.photos, format, Some(*quality))?;
        Ok((marks.bytes_mean(), marks.score_mean()))
    };
    QUALITIES.iter().map(point).collect()
}

/// Bytes and scores of a picture of every original, by a server that is started for it.
///
/// # Errors
/// Why this server has no such pictures.
pub fn look(
    bench: &Bench,
    peer: &Peer,
    originals: &Originals,
    format: Format,
    quality: Option<u8>,
) -> Result<Marks, String> {
    let situation = Situation { originals: &originals.folder, quality, cache_bytes: None };
    let server = Server::start(peer, &situation, &bench.plan.server_cpus)?;
    let mut marks = Marks::default();
    for original in &originals.names {
        let picture = server.picture(&Picture { original, width: SIDE, height: SIDE, format, quality })?;
        marks.bytes.push(picture.len() as f64);
        marks.scores.extend(bench.scorer.score(&picture, &originals.path(original), SIDE as usize)?);
    }
    let (made, scored) = (marks.bytes.len(), marks.scores.len());
    if scored < made {
        println!("{} in {}: {} of {made} pictures have no score", peer.name, format.name(), made - scored);
    }
    Ok(marks)
}

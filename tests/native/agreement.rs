//! Asks a running server the rows of the table and holds that it agrees, but for the listed differences.
//!
//! A sample of the random rows is asked by default, since a program without optimisation takes its time;
//! `TINTYPE_TEST_FULL=1` asks all and holds the share that agrees.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::differences::{self, Reason};
use super::look::look;
use super::originals;
use super::table::{Row, Seen, rows};
use super::verdict::{Off, Verdict};
use crate::support::pictures;
use crate::support::server::{Launch, Server};

/// Agreement that is promised, of rows whose options are all in this version.
const AGREE_PERCENT_MIN: usize = 98;

/// The rows before this one cover the dialect feature by feature; those from it on are random chains of options.
const RANDOM_FROM: usize = 1402;
/// One of so many random chains is in the sample.
const SAMPLE: usize = 4;
const FULL: &str = "TINTYPE_TEST_FULL";

/// Options of the oracle that a version of ours may not have yet; their rows wait for it.
const LATER: [&str; 4] = ["t", "trim", "wm", "watermark"];

/// Requests that are under way at a time.
const CLIENTS: usize = 3;

#[test]
fn answers_agree_with_the_oracle() {
    let folder = tempfile::tempdir().expect("a folder");
    originals::write(folder.path());
    let server = Launch::over(folder.path()).set("FRAMES_MAX", "100").start();
    let all = rows();
    let total = all.len();
    let mut rows: Vec<Row> = all.into_iter().filter(|row| is_of_this_version(&row.path)).collect();
    let waiting = total - rows.len();
    let is_full = std::env::var(FULL).is_ok_and(|value| value == "1");
    rows.retain(|row| is_full || row.number < RANDOM_FROM || row.number.is_multiple_of(SAMPLE));

    let verdicts = ask_all(&server, &rows);
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for (verdict, _) in &verdicts {
        *counts.entry(*verdict).or_default() += 1;
    }
    let agreed = verdicts.iter().filter(|(verdict, _)| verdict.agrees()).count();
    println!("asked {} of {total} rows, {waiting} wait for later options: {agreed} agree, {counts:?}", rows.len());

    let known = differences::list();
    let mut fresh = Vec::new();
    for (row, (verdict, text)) in rows.iter().zip(&verdicts) {
        let told = format!("{verdict:?} {} {text}", row.path);
        match known.get(row.path.as_str()) {
            Some(reason) if verdict.agrees() => println!("agrees, although listed as {}: {told}", reason.slug),
            None if *verdict == Verdict::Noise => println!("is not listed, and noise: {told}"),
            None if !verdict.agrees() => fresh.push(told),
            _ => {}
        }
    }
    assert!(fresh.is_empty(), "{} differences that are not listed:\n{}", fresh.len(), fresh.join("\n"));
    assert!(!is_full || agreed * 100 >= rows.len() * AGREE_PERCENT_MIN, "{agreed} of {} agree", rows.len());
}

#[test]
fn the_list_and_its_page_are_about_these_rows() {
    let rows = rows();
    let (total, differ) = (rows.len(), differences::list().len());
    let ours: Vec<Row> = rows.into_iter().filter(|row| is_of_this_version(&row.path)).collect();
    for (path, Reason { slug, .. }) in differences::list() {
        assert!(ours.iter().any(|row| row.path == path), "{slug}: {path} is not among the rows");
    }
    let asked = ours.len();
    let waiting = total - asked;
    for said in [format!("{total} URLs"), format!("{waiting} rows use"), format!("{differ} of the {asked} rows")] {
        assert!(differences::page_says(&said), "docs/differences.md does not say `{said}`");
    }
}

/// A verdict on each row, with what it was about.
fn ask_all(server: &Server, rows: &[Row]) -> Vec<(Verdict, String)> {
    pictures::start();
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![(Verdict::Same, String::new()); rows.len()]);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some((index, row)) = claim(&next, rows) {
                    let verdict = ask(server, row);
                    verdicts.lock().unwrap_or_else(PoisonError::into_inner)[index] = verdict;
                }
                tintype::engine::vips::thread_shutdown();
            });
        }
    });
    verdicts.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn claim<'a>(next: &AtomicUsize, rows: &'a [Row]) -> Option<(usize, &'a Row)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    rows.get(index).map(|row| (index, row))
}

fn ask(server: &Server, row: &Row) -> (Verdict, String) {
    let answer = server.get(&row.path);
    let wanted = &row.seen;
    let exactly = wanted.look.as_ref().is_some_and(|look| !look.pixels.is_empty());
    let looked = match &wanted.look {
        Some(_) if answer.status == 200 => look(answer.content_type(), &answer.body, exactly).map(Some),
        _ => Ok(None),
    };
    let broken = looked.as_ref().err().cloned().unwrap_or_default();
    let got =
        Seen { status: answer.status, content_type: answer.content_type().to_owned(), look: looked.ok().flatten() };
    let size = |seen: &Seen| seen.look.as_ref().map(|look| (look.width, look.height, look.frames));
    let told = |seen: &Seen| format!("{} {} {:?}", seen.status, seen.content_type, size(seen));
    let off = match (&wanted.look, &got.look) {
        (Some(wanted), Some(got)) => format!(", {:?}", Off::between(&wanted.grid, &got.grid)),
        _ => String::new(),
    };
    (Verdict::of(row, &got), format!("wanted {}, got {} {broken}{off}", told(wanted), told(&got)))
}

fn is_of_this_version(path: &str) -> bool {
    let options = path.split("/plain/").next().unwrap_or_default().split('/');
    let mut names = options.map(|option| option.split(':').next().unwrap_or_default());
    names.all(|name| !LATER.contains(&name) || tintype::url::find(name).is_some())
}

//! Killed at any instant and started again: every answer is the right one, nothing is left lying about, budgets hold.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use crate::support::client::try_get;
use crate::support::dice::{Dice, number, seed};
use crate::support::folder;
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};
use tintype::telemetry::clock;

/// Rounds where nobody asks for more by `SOAK_KILLS`.
const ROUNDS: u32 = 10;
const WRITERS: u64 = 4;
const SIDES: [u32; 4] = [32, 48, 64, 96];
const WIDTHS: u32 = 24;
/// Small, so that things are evicted all the time.
const BUDGET_BYTES: u64 = 512 << 10;
/// What eviction may lag behind by: a batch of writes.
const SLACK_BYTES: u64 = 256 << 10;

fn targets() -> Vec<String> {
    let sides = SIDES.iter().flat_map(|side| (1..=WIDTHS).map(move |width| (side, width)));
    sides.map(|(side, width)| format!("/_/w:{width}/plain/local:///{side}.png@png")).collect()
}

/// What every picture is, made by a server that keeps nothing.
fn oracle(originals: &Path, targets: &[String]) -> Arc<HashMap<String, Vec<u8>>> {
    let server =
        Launch::over(originals).set("CACHE_MEMORY_BYTES", "0").set("CACHE_ORIGINALS_MEMORY_BYTES", "0").start();
    Arc::new(targets.iter().map(|target| (target.clone(), server.get(target).body)).collect())
}

/// Bytes of all files below, and how many of them are temporary and older than a minute.
fn measured(folder: &Path) -> (u64, usize) {
    let old = clock::now() - Duration::from_mins(1);
    let mut sum = (0, 0);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            let below = measured(&entry.path());
            sum = (sum.0 + below.0, sum.1 + below.1);
        } else if folder.ends_with("tmp") {
            sum.1 += usize::from(meta.modified().unwrap_or(UNIX_EPOCH) < old);
        } else {
            sum.0 += meta.len();
        }
    }
    sum
}

fn start(originals: &Path, disk: &Path) -> Server {
    Launch::over(originals)
        .set("CACHE_DISK_PATH", &disk.display().to_string())
        .set("CACHE_DISK_BYTES", &BUDGET_BYTES.to_string())
        .set("CACHE_ORIGINALS_DISK_BYTES", &BUDGET_BYTES.to_string())
        // Nearly everything is read from disk, which is what is tried here.
        .set("CACHE_MEMORY_BYTES", "16KiB")
        .set("CACHE_ORIGINALS_MEMORY_BYTES", "16KiB")
        .start()
}

/// Asks for pictures until the server is gone; gives how many came whole. A wrong one ends the test.
fn ask_until_gone(server: &Server, dice: u64, oracle: &Arc<HashMap<String, Vec<u8>>>) -> thread::JoinHandle<u64> {
    let (addr, oracle, mut dice) = (server.addr, Arc::clone(oracle), Dice(dice));
    thread::spawn(move || {
        let targets: Vec<&String> = oracle.keys().collect();
        let mut whole = 0;
        loop {
            let target = targets[dice.below(targets.len())];
            let Some(answer) = try_get(addr, target) else { return whole };
            assert!(answer.status == 200 && answer.body == oracle[target], "{target}: {}", answer.status);
            whole += 1;
        }
    })
}

#[test]
fn whenever_it_is_killed_every_answer_after_it_is_right() {
    let rounds = number("SOAK_KILLS").unwrap_or(ROUNDS.into());
    let seed = seed();
    println!("seed {seed}: run it again by SOAK_SEED={seed} SOAK_KILLS={rounds}");
    let pictures: Vec<(String, Vec<u8>)> =
        SIDES.iter().map(|side| (format!("{side}.png"), marks(*side, *side).png())).collect();
    let files: Vec<(&str, &[u8])> = pictures.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let (originals, disk, mut dice) = (folder(&files), folder(&[]), Dice(seed));
    let targets = targets();
    let oracle = oracle(originals.path(), &targets);
    let (answers, hits) = (AtomicU64::new(0), AtomicU64::new(0));
    for round in 0..rounds {
        let server = start(originals.path(), disk.path());
        let writers: Vec<_> = (0..WRITERS).map(|_| ask_until_gone(&server, dice.roll(1 << 30), &oracle)).collect();
        // sleep: the instant of the kill is what is random here.
        thread::sleep(Duration::from_millis(dice.roll(400)));
        drop(server);
        for writer in writers {
            answers.fetch_add(writer.join().expect("every answer is right"), Ordering::Relaxed);
        }
        let again = start(originals.path(), disk.path());
        for target in &targets {
            let answer = again.get(target);
            assert!(answer.status == 200 && answer.body == oracle[target], "round {round}, seed {seed}: {target}");
            hits.fetch_add(u64::from(answer.expect("cache-status").contains("detail=disk")), Ordering::Relaxed);
        }
        let (content, _) = measured(&disk.path().join("objects"));
        let (_, temporary) = measured(&disk.path().join("tmp"));
        assert_eq!(temporary, 0, "round {round}, seed {seed}");
        assert!(content <= 2 * BUDGET_BYTES + SLACK_BYTES, "round {round}, seed {seed}: {content} bytes on disk");
    }
    let (answers, hits) = (answers.into_inner(), hits.into_inner());
    println!(
        "{rounds} kills, {answers} answers before them, {hits} of {} after them from disk",
        rounds * targets.len() as u64
    );
    assert!(hits > 0, "nothing survived, so nothing was tried");
}

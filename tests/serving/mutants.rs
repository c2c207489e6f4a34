//! Damaged pictures of every format through the real server: thousands in `make soak`, some hundreds in `make test`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::client::try_get;
use crate::support::dice::{Dice, number, seed};
use crate::support::folder;
use crate::support::memory::tree_pss_bytes;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::Launch;

/// Pictures where nobody asks for more by `SOAK_MUTANTS`.
const MUTANTS: u64 = 400;
const CLIENTS: u64 = 4;
const FORMATS: [&str; 10] = ["jpg", "png", "webp", "avif", "heic", "jxl", "gif", "tiff", "bmp", "ico"];
const DRAWING: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60\" height=\"40\">\
    <filter id=\"f\"><feGaussianBlur stdDeviation=\"2\"/></filter><g transform=\"rotate(9)\"><rect width=\"20\" \
    height=\"30\" fill=\"red\" filter=\"url(#f)\"/><text x=\"5\" y=\"30\">a</text></g></svg>";
/// What all processes together may have grown by.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
const REST: Duration = Duration::from_secs(10);

/// A picture in every format, made by the server itself.
fn whole() -> Vec<Vec<u8>> {
    let folder = folder(&[("a.png", &marks(60, 40).png())]);
    let server = Launch::over(folder.path()).start();
    let made = FORMATS.iter().map(|format| server.get(&format!("/_/w:48/plain/local:///a.png@{format}")));
    let mut pictures: Vec<_> = made.filter(|answer| answer.status == 200).map(|answer| answer.body).collect();
    assert!(pictures.len() >= 6, "{} formats", pictures.len());
    pictures.push(DRAWING.as_bytes().to_vec());
    pictures
}

/// One picture with a few changes of the kinds that decoders meet: bits, lengths, missing, doubled and foreign parts.
fn mutant(pictures: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes = pictures[dice.below(pictures.len())].clone();
    for _ in 0..=dice.below(6) {
        let (at, len) = (dice.below(bytes.len()), 1 + dice.below(32));
        let end = (at + len).min(bytes.len());
        match dice.below(8) {
            0 | 1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            3 => bytes[at..end].fill([0, 0xff][dice.below(2)]),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let twice = bytes[at..end].to_vec();
                bytes.splice(at..at, twice);
            }
            6 => {
                let other = &pictures[dice.below(pictures.len())];
                let from = dice.below(other.len());
                bytes.splice(at..at, other[from..(from + len).min(other.len())].iter().copied());
            }
            _ => bytes.truncate(at.max(12)),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

#[test]
fn damaged_pictures_cost_their_own_requests() {
    let count = number("SOAK_MUTANTS").unwrap_or(MUTANTS);
    let seed = seed();
    println!("seed {seed}: run it again by SOAK_SEED={seed} SOAK_MUTANTS={count}");
    let pictures = Arc::new(whole());
    let shown = Arc::clone(&pictures);
    let origin = Origin::start(move |asked| {
        let number = asked.target.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a number");
        Reply::ok(mutant(&shown, seed.wrapping_add(number)))
    });
    let server = Launch::before(&origin)
        .set("ENGINE_ISOLATION", "process")
        .set("CACHE_MEMORY_BYTES", "8MiB")
        .set("CACHE_ORIGINALS_MEMORY_BYTES", "8MiB")
        .start();
    let target = |number: u64| {
        let format = FORMATS[(number % 4) as usize];
        format!("/_/rs:fill:{}:24/plain/{}@{format}", 8 + number % 40, origin.url(&format!("/{number}.bin")))
    };
    // The first pictures of a process load what stays.
    for number in 0..40 {
        try_get(server.addr, &target(number)).expect("an answer");
    }
    let begun = tree_pss_bytes(server.pid());
    assert!(begun > 0, "a kernel that counts it");
    let (next, statuses) = (AtomicU64::new(40), (0..600).map(|_| AtomicU64::new(0)).collect::<Vec<_>>());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let answer = try_get(server.addr, &target(number)).expect("an answer");
                    let is_fine = answer.status == 200 || (400..500).contains(&answer.status);
                    let is_late = [503, 504].contains(&answer.status);
                    assert!(is_fine || is_late, "{number} of seed {seed}: {answer:?}");
                    statuses[usize::from(answer.status)].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let seen: Vec<_> = statuses.iter().map(|count| count.load(Ordering::Relaxed)).enumerate().collect();
    println!("{:?}", seen.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>());
    for why in ["crashed", "rubbish", "overdue", "outside"] {
        let ends = server.metric("tintype_worker_ends_total", &[&format!("why=\"{why}\"")]);
        assert_eq!(ends, 0, "{why}, seed {seed}: {}", server.log());
    }
    if count > MUTANTS {
        // sleep: memory is given back in its own time, and nothing tells when.
        thread::sleep(REST);
        let ended = tree_pss_bytes(server.pid());
        println!("PSS of all processes: {} MiB before, {} MiB after {count}", begun >> 20, ended >> 20);
        assert!(ended <= begun + GROWTH_BYTES_MAX, "{} MiB more", (ended - begun) >> 20);
    }
}

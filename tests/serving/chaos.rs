//! Everything at once: while clients ask for pictures, workers are killed and stopped, disks fill, origins break,
//! clients leave in the middle, descriptors run out. Nobody gets a wrong byte, what is kept is served throughout, and
//! at the end everything works again.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::shim::Shim;
use crate::support::client::{Answer, try_get};
use crate::support::dice::{Dice, number, seed};
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};
use crate::support::{eventually, folder};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

/// Seeds where nobody asks for more by `SOAK_CHAOS`; each is a server of its own.
const SEEDS: u64 = 2;
const ROUNDS: u64 = 12;
const ROUND_MS: u64 = 300;
const CLIENTS: u64 = 6;
/// Pictures that are made before anything happens, and kept in memory.
const KEPT: usize = 12;
const WIDTHS: u64 = 24;

/// What the origin does now.
const WELL: usize = 0;
const SILENT: usize = 1;
const CUT: usize = 2;
const FAILING: usize = 3;

/// A server under attack, and what it needs.
struct Scene {
    origin: Origin,
    mood: Arc<AtomicUsize>,
    server: Server,
    shim: Option<Shim>,
    /// The right bytes of each width.
    oracle: HashMap<u64, Vec<u8>>,
    is_over: AtomicBool,
    /// For originals that nobody has asked for yet.
    fresh: AtomicU64,
}

/// Ends the clients, also where the test itself fails.
struct Over<'a>(&'a AtomicBool);

/// What clients saw.
#[derive(Debug, Default)]
struct Seen {
    right: u64,
    kept: u64,
    refused: u64,
    struck: u64,
    nothing: u64,
}

// === impl Over ===

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

// === impl Scene ===

impl Scene {
    fn start(disk: &std::path::Path) -> Self {
        let mood = Arc::new(AtomicUsize::new(WELL));
        let (told, picture) = (Arc::clone(&mood), marks(64, 48).png());
        let origin = Origin::start(move |_| match told.load(Ordering::SeqCst) {
            SILENT => Reply::ok(Vec::new()).broken_off(),
            CUT => Reply::ok(picture[..picture.len() / 2].to_vec()).with("content-length", &picture.len().to_string()),
            FAILING => Reply::status(500),
            _ => Reply::ok(picture.clone()),
        });
        let shim = Shim::new();
        let launch = Launch::before(&origin)
            .set("ENGINE_ISOLATION", "process")
            .set("WORKERS", "2")
            .set("TRANSFORM_TIMEOUT", "500ms")
            .set("QUEUE_TIMEOUT", "30s")
            .set("CACHE_DISK_PATH", &disk.display().to_string())
            .set("CACHE_DISK_RETRY", "100ms")
            .set("CACHE_ORIGINALS_MEMORY_BYTES", "64KiB")
            .set("NEGATIVE_TTL_ORIGIN_ERROR", "0s")
            .set("NEGATIVE_TTL_UNDECODABLE", "0s");
        let launch = shim.as_ref().map_or_else(|| launch.clone(), |shim| shim.under(&launch, disk));
        let server = launch.start();
        let mut scene = Self {
            origin,
            mood,
            server,
            shim,
            oracle: HashMap::new(),
            is_over: AtomicBool::new(false),
            fresh: AtomicU64::new(0),
        };
        scene.oracle =
            (1..=WIDTHS).map(|width| (width, scene.server.get(&scene.target("oracle", width)).body)).collect();
        for number in 0..KEPT {
            scene.assert_right(&scene.server.get(&scene.kept(number)), 1 + number as u64);
        }
        scene
    }

    fn target(&self, original: &str, width: u64) -> String {
        format!("/_/w:{width}/plain/{}@png", self.origin.url(&format!("/{original}.png")))
    }

    fn kept(&self, number: usize) -> String {
        self.target("kept", 1 + number as u64)
    }

    fn assert_right(&self, answer: &Answer, width: u64) {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body == self.oracle[&width], "width {width}: {} other bytes", answer.body.len());
    }

    /// One client: half of what it asks for is kept, the other half nobody has asked for before.
    fn ask(&self, seed: u64) -> Seen {
        let (mut dice, mut seen) = (Dice(seed), Seen::default());
        while !self.is_over.load(Ordering::SeqCst) {
            let is_kept = dice.roll(2) == 0;
            let width = 1 + dice.roll(if is_kept { KEPT as u64 } else { WIDTHS });
            let number = self.fresh.fetch_add(1, Ordering::SeqCst);
            let target = if is_kept { self.target("kept", width) } else { self.target(&number.to_string(), width) };
            if dice.roll(8) == 0 {
                leave(self.server.addr, &target);
                continue;
            }
            match try_get(self.server.addr, &target) {
                // Without a descriptor left for it, a connection is not even accepted.
                None => seen.nothing += 1,
                Some(answer) if answer.status == 200 => {
                    self.assert_right(&answer, width);
                    *(if is_kept { &mut seen.kept } else { &mut seen.right }) += 1;
                }
                // A job whose worker was stopped, killed, and killed again is taken for the reason.
                Some(answer) if answer.mentions("worker-crashed") => seen.struck += 1,
                Some(answer) => {
                    assert!(!is_kept, "it is in memory: {answer:?}");
                    assert!([502, 503, 504].contains(&answer.status), "{answer:?}: {}", self.server.log());
                    assert!(answer.status != 503 || answer.field("retry-after").is_some(), "{answer:?}");
                    seen.refused += 1;
                }
            }
        }
        seen
    }

    /// Does something bad for one round, and undoes what does not end by itself.
    fn disturb(&self, dice: &mut Dice) -> &'static str {
        let round = Duration::from_millis(50 + dice.roll(ROUND_MS));
        match dice.roll(8) {
            0 => self.signal(dice, Signal::KILL, round, "kill a worker"),
            1 => self.signal(dice, Signal::STOP, round, "stop a worker"),
            2 => {
                kill(self.template(), Signal::KILL);
                // sleep: until the next disturbance.
                thread::sleep(round);
                "kill the template"
            }
            3 => self.in_a_mood(SILENT, round, "an origin that says nothing"),
            4 => self.in_a_mood(CUT, round, "an origin that breaks off"),
            5 => self.in_a_mood(FAILING, round, "an origin that fails"),
            6 => match &self.shim {
                Some(shim) => {
                    shim.fail(rustix::io::Errno::NOSPC.raw_os_error(), "w");
                    // sleep: as long as the disk is full.
                    thread::sleep(round);
                    shim.heal();
                    "a full disk"
                }
                None => "no disk to fill",
            },
            _ => {
                let pid = Pid::from_raw(self.server.pid().cast_signed());
                let used =
                    std::fs::read_dir(format!("/proc/{}/fd", self.server.pid())).expect("a server").count() as u64;
                // It has ours, and the harder one must not be touched: only root could raise it again.
                let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
                let few = Rlimit { current: Some(used + dice.roll(8)), maximum };
                let before = prlimit(pid, Resource::Nofile, few).expect("a process of ours");
                // sleep: as long as there are few.
                thread::sleep(round);
                prlimit(pid, Resource::Nofile, before).expect("a process of ours");
                "few descriptors"
            }
        }
    }

    fn in_a_mood(&self, mood: usize, lasts: Duration, name: &'static str) -> &'static str {
        self.mood.store(mood, Ordering::SeqCst);
        // sleep: as long as the mood lasts.
        thread::sleep(lasts);
        self.mood.store(WELL, Ordering::SeqCst);
        name
    }

    fn signal(&self, dice: &mut Dice, signal: Signal, pause: Duration, name: &'static str) -> &'static str {
        let workers = self.workers();
        if let Some(pid) = workers.get(dice.below(workers.len())) {
            kill(Some(*pid), signal);
        }
        // sleep: a job that is killed twice in a row is taken for the reason.
        thread::sleep(pause);
        name
    }

    fn processes(&self) -> serde_json::Value {
        self.server.status()["flow"]["engine"]["processes"].clone()
    }

    fn workers(&self) -> Vec<i64> {
        let processes = self.processes();
        processes["workers"].as_array().expect("a list").iter().filter_map(serde_json::Value::as_i64).collect()
    }

    fn template(&self) -> Option<i64> {
        self.processes()["template"].as_i64()
    }

    /// Whether new pictures are made by as many workers as there should be, and kept on disk.
    fn is_well(&self) -> bool {
        let width = 1 + self.fresh.load(Ordering::SeqCst) % WIDTHS;
        let number = self.fresh.fetch_add(1, Ordering::SeqCst);
        let made = try_get(self.server.addr, &self.target(&number.to_string(), width));
        let is_right = made.is_some_and(|answer| answer.status == 200 && answer.body == self.oracle[&width]);
        is_right && self.workers().len() == 2 && self.server.status()["flow"]["disk"]["health"] == "ok"
    }
}

/// Sends a request and goes away, before the answer or in the middle of it.
fn leave(addr: SocketAddr, target: &str) {
    let Ok(mut stream) = TcpStream::connect(addr) else { return };
    let _ = write!(stream, "GET {target} HTTP/1.1\r\nhost: {addr}\r\n\r\n");
    let _ = stream.read(&mut [0; 64]);
    let _ = stream.shutdown(Shutdown::Both);
}

fn kill(pid: Option<i64>, signal: Signal) {
    if let Some(pid) = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

fn chaos(seed: u64) {
    println!("seed {seed}: run it again by SOAK_SEED={seed} SOAK_CHAOS=1");
    let disk = folder(&[]);
    let (scene, mut dice) = (Scene::start(disk.path()), Dice(seed));
    let mut done = Vec::new();
    let seen = thread::scope(|scope| {
        let over = Over(&scene.is_over);
        let clients: Vec<_> = (1..=CLIENTS)
            .map(|client| {
                scope.spawn({
                    let scene = &scene;
                    move || scene.ask(seed.wrapping_add(client))
                })
            })
            .collect();
        for _ in 0..ROUNDS {
            if clients.iter().any(thread::ScopedJoinHandle::is_finished) {
                break;
            }
            done.push(scene.disturb(&mut dice));
        }
        drop(over);
        clients.into_iter().map(|client| client.join().expect("every answer is right")).fold(
            Seen::default(),
            |sum, seen| Seen {
                right: sum.right + seen.right,
                kept: sum.kept + seen.kept,
                refused: sum.refused + seen.refused,
                struck: sum.struck + seen.struck,
                nothing: sum.nothing + seen.nothing,
            },
        )
    });
    println!("{done:?}: {seen:?}");
    let kills = done.iter().filter(|done| **done == "kill a worker").count() as u64;
    assert!(seen.struck <= kills / 2, "{} jobs for {kills} kills", seen.struck);
    assert!(seen.kept > 0 && seen.right > 0, "nothing was tried: {seen:?}");
    eventually("everything works again", || scene.is_well());
    for number in 0..KEPT {
        scene.assert_right(&scene.server.get(&scene.kept(number)), 1 + number as u64);
    }
}

#[test]
fn whatever_happens_nobody_gets_a_wrong_byte() {
    let first = seed();
    for seed in first..first + number("SOAK_CHAOS").unwrap_or(SEEDS) {
        chaos(seed);
    }
}

//! The load generator: so many connections, each of which asks again as soon as it has its answer (a closed loop).
//!
//! Contract: every request that is sent is waited for and counted, also where time was up meanwhile, and time is
//! measured up to the last of them. A closed loop says how much a server can do and how long that takes when it is
//! kept busy; it does not say how long a picture takes that comes while few others do.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tintype::telemetry::clock;

use super::formats::Format;
use super::http::Client;
use super::statistics::percentile;

/// What a load is.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub addr: SocketAddr,
    pub connections: usize,
    /// No request begins after it.
    pub lasts: Duration,
    /// What each connection waits between an answer and its next request.
    pub pause: Duration,
    /// What every answer must be.
    pub format: Option<Format>,
}

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Microseconds of good answers that were made, and of those that came out of a cache; sorted.
    pub made_us: Vec<u64>,
    pub hits_us: Vec<u64>,
    /// Answers that were not 200 with a picture of the right format, and requests without any.
    pub errors: u64,
    pub bytes: u64,
    /// From the first request to the last answer.
    pub took: Duration,
}

/// A herd waits this long at most: no user would.
const PATIENCE: Duration = Duration::from_mins(2);
/// Threads of a herd only wait.
const STACK_BYTES: usize = 128 << 10;

// === impl Load ===

impl Load {
    /// For so long over so many connections.
    pub const fn new(addr: SocketAddr, connections: usize, lasts: Duration) -> Self {
        Self { addr, connections, lasts, pause: Duration::ZERO, format: None }
    }

    /// Asks for one path after another, over all connections together, until time or paths are over.
    pub fn run(&self, path: &(impl Fn(u64) -> Option<String> + Sync)) -> Outcome {
        let (next, begun) = (AtomicU64::new(0), clock::instant());
        let one = || {
            let (mut client, mut outcome) = (Client::new(self.addr, PATIENCE), Outcome::default());
            while begun.elapsed() < self.lasts {
                let Some(path) = path(next.fetch_add(1, Ordering::Relaxed)) else { break };
                self.ask(&mut client, &path, &mut outcome);
                thread::sleep(self.pause);
            }
            outcome
        };
        let outcomes = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().expect("a connection's thread")).collect()
        });
        Outcome { took: begun.elapsed(), ..Outcome::sum(outcomes) }
    }

    /// Opens a connection for each path, and then asks for all of them at once, each a single time.
    pub fn all_at_once(&self, paths: &[String]) -> Outcome {
        let together = Barrier::new(paths.len() + 1);
        let one = |path: &str| {
            let (mut client, mut outcome) = (Client::new(self.addr, PATIENCE), Outcome::default());
            let connected = client.connect();
            together.wait();
            match connected {
                Ok(()) => self.ask(&mut client, path, &mut outcome),
                Err(_) => outcome.errors += 1,
            }
            outcome
        };
        let (one, together) = (&one, &together);
        thread::scope(|scope| {
            let spawn = |path: &'_ String| {
                let path = path.clone();
                let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || one(&path));
                thread.expect("a thread")
            };
            let threads: Vec<_> = paths.iter().map(spawn).collect();
            together.wait();
            let begun = clock::instant();
            let outcomes = threads.into_iter().map(|thread| thread.join().expect("a connection's thread")).collect();
            Outcome { took: begun.elapsed(), ..Outcome::sum(outcomes) }
        })
    }

    fn ask(&self, client: &mut Client, path: &str, outcome: &mut Outcome) {
        let asked = clock::instant();
        match client.ask(path) {
            Ok(answer) if answer.status == 200 && self.is_right(&answer.body) => {
                let micros = asked.elapsed().as_micros() as u64;
                let times = if answer.is_hit { &mut outcome.hits_us } else { &mut outcome.made_us };
                times.push(micros);
                outcome.bytes += answer.body.len() as u64;
            }
            Ok(_) | Err(_) => outcome.errors += 1,
        }
    }

    fn is_right(&self, body: &[u8]) -> bool {
        let format = Format::of(body);
        format.is_some() && (self.format.is_none() || format == self.format)
    }
}

// === impl Outcome ===

impl Outcome {
    fn sum(parts: Vec<Self>) -> Self {
        let mut whole = Self::default();
        for part in parts {
            whole.made_us.extend(part.made_us);
            whole.hits_us.extend(part.hits_us);
            whole.errors += part.errors;
            whole.bytes += part.bytes;
        }
        whole.made_us.sort_unstable();
        whole.hits_us.sort_unstable();
        whole
    }

    /// Good answers.
    pub fn answers(&self) -> usize {
        self.made_us.len() + self.hits_us.len()
    }

    pub fn per_second(&self) -> f64 {
        self.answers() as f64 / self.took.as_secs_f64()
    }

    /// Of all good answers, in milliseconds.
    pub fn percentile_ms(&self, part: f64) -> f64 {
        let mut all = [self.made_us.as_slice(), self.hits_us.as_slice()].concat();
        all.sort_unstable();
        percentile(&all, part) as f64 / 1e3
    }
}

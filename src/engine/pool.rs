//! The engine's own threads: a bounded queue in front of as many as the machine has cores.
//!
//! A job is admitted or refused at once: an unbounded queue only turns overload into time-outs. A job whose deadline
//! passes while it waits is answered without being run.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::error::EngineError;
use super::job::{Job, Outcome};
use super::memory;
use super::pipeline;
use super::vips::{Vips, VipsError, VipsSpec, Watch, thread_shutdown};
use crate::telemetry::clock;

/// Stack of a worker thread: codecs put whole rows of blocks on theirs.
const STACK_BYTES: usize = 4 << 20;

/// How long a thread has nothing to do before memory is given back.
const IDLE: Duration = Duration::from_secs(1);

/// How far behind the rest of the process a worker thread stands: it gets a third of the time of a thread that serves
/// hits while both want it, and all of it otherwise.
#[cfg(target_os = "linux")]
const WORKER_NICE: i32 = 5;

/// How large a pool is.
#[derive(Debug, Clone, Copy)]
pub struct PoolSpec {
    /// Threads; each runs one job.
    pub workers: usize,
    /// Jobs that may wait.
    pub queue_jobs_max: usize,
}

/// How long a job may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// In the queue.
    pub queue: Duration,
    /// On a thread.
    pub run: Duration,
}

/// Threads that run jobs, and the queue in front of them.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
    vips: &'static Vips,
}

/// What the pool is doing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    pub workers: usize,
    pub busy: usize,
    pub waiting: usize,
}

/// Results of one job, in the order they are finished. Dropping it tells the pool that nobody waits any more.
pub struct Results {
    receiver: mpsc::Receiver<Outcome>,
    cancelled: Arc<AtomicBool>,
    /// How long the job waited for a thread; known with the first result.
    waited: Arc<Mutex<Duration>>,
}

struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
    busy: AtomicUsize,
    /// Jobs run since memory was last given back.
    run: AtomicUsize,
    workers: usize,
    queue_jobs_max: usize,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Queued>,
    closed: bool,
}

struct Queued {
    job: Job,
    patience: Patience,
    admitted: Instant,
    cancelled: Arc<AtomicBool>,
    waited: Arc<Mutex<Duration>>,
    results: mpsc::Sender<Outcome>,
}

// === impl Pool ===

impl Pool {
    /// Starts libvips and the threads.
    pub fn start(spec: PoolSpec) -> Result<Self, VipsError> {
        memory::configure(spec.workers);
        let vips = Vips::start(VipsSpec { threads: 1 })?;
        let workers = spec.workers.max(1);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            busy: AtomicUsize::new(0),
            run: AtomicUsize::new(0),
            workers,
            queue_jobs_max: spec.queue_jobs_max,
        });
        for number in 0..workers {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("engine-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    yield_to_hits();
                    shared.work_until_closed();
                    thread_shutdown();
                })
                .map_err(|error| VipsError::Start(error.to_string()))?;
        }
        Ok(Self { shared, vips })
    }

    /// What libvips can do.
    pub const fn vips(&self) -> &'static Vips {
        self.vips
    }

    /// Admits a job, or refuses it at once.
    ///
    /// # Errors
    /// [`EngineError::QueueFull`] where as many jobs wait as may.
    pub fn submit(&self, job: Job, patience: Patience) -> Result<Results, EngineError> {
        let (sender, receiver) = mpsc::channel(job.outputs.len().max(1));
        let cancelled = Arc::<AtomicBool>::default();
        let waited = Arc::<Mutex<Duration>>::default();
        let queued = Queued {
            job,
            patience,
            admitted: clock::instant(),
            cancelled: Arc::clone(&cancelled),
            waited: Arc::clone(&waited),
            results: sender,
        };
        let mut queue = self.shared.lock();
        if queue.closed || queue.jobs.len() >= self.shared.queue_jobs_max {
            return Err(EngineError::QueueFull);
        }
        queue.jobs.push_back(queued);
        drop(queue);
        self.shared.work.notify_one();
        Ok(Results { receiver, cancelled, waited })
    }

    /// What the pool is doing now.
    pub fn state(&self) -> PoolState {
        let waiting = self.shared.lock().jobs.len();
        PoolState { workers: self.shared.workers, busy: self.shared.busy.load(Ordering::Relaxed), waiting }
    }

    /// Takes no more jobs; the threads end when the queue is empty.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

// === impl Results ===

impl Results {
    /// The next finished output, or nothing once all are done.
    pub async fn next(&mut self) -> Option<Outcome> {
        self.receiver.recv().await
    }

    /// How long the job waited for a thread.
    pub fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_until_closed(&self) {
        while let Some(queued) = self.next_job() {
            self.busy.fetch_add(1, Ordering::Relaxed);
            queued.run();
            self.run.fetch_add(1, Ordering::Relaxed);
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn next_job(&self) -> Option<Queued> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            let (waited, idle) = self.work.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = waited;
            if idle.timed_out() && self.busy.load(Ordering::Relaxed) == 0 && self.run.swap(0, Ordering::Relaxed) > 0 {
                drop(queue);
                memory::give_back();
                queue = self.lock();
            }
        }
    }
}

// === impl Queued ===

impl Queued {
    fn run(self) {
        let waited = self.admitted.elapsed();
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) = waited;
        if waited > self.patience.queue {
            let _ = self.results.try_send((0, Err(EngineError::QueueTimeout)));
            return;
        }
        let watch = Watch::new(clock::instant() + self.patience.run, Arc::clone(&self.cancelled));
        let finished = std::panic::catch_unwind(AssertUnwindSafe(|| {
            if watch.is_over() {
                let _ = self.results.try_send((0, Err(EngineError::Deadline)));
                return;
            }
            pipeline::run(&self.job, &watch, |outcome| match self.results.try_send(outcome) {
                Ok(()) => ControlFlow::Continue(()),
                // The channel holds every output of the job, so a failure to send means that nobody waits.
                Err(_) => ControlFlow::Break(()),
            });
        }));
        if finished.is_err() {
            let _ = self.results.try_send((0, Err(EngineError::Panicked)));
        }
    }
}

/// A hit takes microseconds of work and must not wait for the end of a time slice of a picture.
fn yield_to_hits() {
    // On Linux this is of the calling thread alone; elsewhere it would be of the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(WORKER_NICE) {
        tracing::debug!(%error, "workers run at the priority of the rest");
    }
}

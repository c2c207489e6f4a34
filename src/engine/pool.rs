//! The engine's own threads: a bounded queue in front of as many as there are workers. A thread makes pictures itself,
//! or looks after the worker process that does.
//!
//! A job is admitted or refused at once: an unbounded queue only turns overload into time-outs. A job whose deadline
//! passes while it waits is answered without being run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::cancel::Cancel;
use super::error::EngineError;
use super::hands::{Hands, Work};
use super::isolation::{Isolation, StartError, Workplace};
use super::job::{Job, Outcome};
use super::memory;
use super::vips::{Vips, thread_shutdown};
use crate::telemetry::clock;
use crate::transform::Format;

/// Stack of a worker thread: codecs put whole rows of blocks on theirs.
const STACK_BYTES: usize = 4 << 20;

/// An original of so many bytes makes a long job.
const LONG_BYTES: usize = 4 << 20;

/// One part in so many of the time that a long job may wait it lets short ones pass.
const PASSED_PART: u32 = 4;

/// How long a thread has nothing to do before memory is given back.
const IDLE: Duration = Duration::from_secs(1);

/// How far behind the rest of the process a worker thread stands: it gets a third of the time of a thread that serves
/// hits while both want it, and all of it otherwise.
#[cfg(target_os = "linux")]
const WORKER_NICE: i32 = 5;

/// How large a pool is.
#[derive(Debug, Clone)]
pub struct PoolSpec {
    /// Jobs that are worked on at a time.
    pub workers: usize,
    /// Jobs that may wait.
    pub queue_jobs_max: usize,
    pub isolation: Isolation,
}

/// How long a job may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// In the queue.
    pub queue: Duration,
    /// Once a worker has it.
    pub run: Duration,
}

/// Threads that run jobs, and the queue in front of them.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
    workplace: Arc<Workplace>,
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
    cancel: Arc<Cancel>,
    /// How long the job waited for a worker; known with the first result.
    waited: Arc<Mutex<Duration>>,
    pool: Arc<Shared>,
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
    /// It takes many times as long as most.
    is_long: bool,
    cancel: Arc<Cancel>,
    waited: Arc<Mutex<Duration>>,
    results: mpsc::Sender<Outcome>,
}

// === impl Pool ===

impl Pool {
    /// Starts libvips, here or in processes of its own, and the threads that look after the jobs.
    ///
    /// # Errors
    /// [`StartError`]: libvips or the sandbox cannot be had.
    pub fn start(spec: &PoolSpec) -> Result<Self, StartError> {
        memory::configure(spec.workers, memory::KEPT_BYTES_MAX);
        let workers = spec.workers.max(1);
        let workplace = Arc::new(Workplace::open(&spec.isolation)?);
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
            let mut hands = workplace.hands()?;
            std::thread::Builder::new()
                .name(format!("engine-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    if matches!(hands, Hands::Own) {
                        yield_to_hits();
                    }
                    shared.work_until_closed(&mut hands);
                    if matches!(hands, Hands::Own) {
                        thread_shutdown();
                    }
                })
                .map_err(StartError::System)?;
        }
        Ok(Self { shared, workplace })
    }

    /// What libvips can do.
    pub fn vips(&self) -> &Vips {
        self.workplace.vips()
    }

    /// Where pictures are made.
    pub fn workplace(&self) -> &Workplace {
        &self.workplace
    }

    /// Admits a job, or refuses it at once.
    ///
    /// # Errors
    /// [`EngineError::QueueFull`] where as many jobs wait as may.
    pub fn submit(&self, job: Job, patience: Patience) -> Result<Results, EngineError> {
        let (sender, receiver) = mpsc::channel(job.outputs.len().max(1));
        let cancel = Arc::<Cancel>::default();
        let waited = Arc::<Mutex<Duration>>::default();
        let queued = Queued {
            is_long: is_long(&job),
            job,
            patience,
            admitted: clock::instant(),
            cancel: Arc::clone(&cancel),
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
        Ok(Results { receiver, cancel, waited, pool: Arc::clone(&self.shared) })
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

    /// How long the job waited for a worker.
    pub fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.cancel.set();
        // One that still waits makes room for others.
        self.pool.lock().jobs.retain(|queued| !Arc::ptr_eq(&queued.cancel, &self.cancel));
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_until_closed(&self, hands: &mut Hands) {
        while let Some(queued) = self.next_job(hands) {
            let busy = self.busy.fetch_add(1, Ordering::Relaxed) + 1;
            let is_quiet = self.lock().jobs.is_empty();
            // Cores that nobody needs now may help with a large picture.
            let threads = if is_quiet { 1 + self.workers.saturating_sub(busy) } else { 1 };
            queued.run(hands, u32::try_from(threads).unwrap_or(1));
            self.run.fetch_add(1, Ordering::Relaxed);
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn next_job(&self, hands: &mut Hands) -> Option<Queued> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.take() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            let (waited, idle) = self.work.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = waited;
            if idle.timed_out() {
                drop(queue);
                hands.idle();
                if self.busy.load(Ordering::Relaxed) == 0 && self.run.swap(0, Ordering::Relaxed) > 0 {
                    memory::give_back();
                }
                queue = self.lock();
            }
        }
    }
}

// === impl Queue ===

impl Queue {
    /// The next job. A long one lets short ones pass for a part of the time that it may wait, and then has its turn.
    fn take(&mut self) -> Option<Queued> {
        let first = self.jobs.front()?;
        let lets_pass = first.is_long && first.admitted.elapsed() < first.patience.queue / PASSED_PART;
        let short = lets_pass.then(|| self.jobs.iter().position(|job| !job.is_long)).flatten();
        self.jobs.remove(short.unwrap_or(0))
    }
}

// === impl Queued ===

impl Queued {
    fn run(self, hands: &mut Hands, threads: u32) {
        let waited = self.admitted.elapsed();
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) = waited;
        if waited > self.patience.queue {
            let _ = self.results.try_send((0, Err(EngineError::QueueTimeout)));
            return;
        }
        if self.cancel.is_set() {
            return;
        }
        let work = Work { job: &self.job, patience: self.patience, cancel: &self.cancel, threads };
        hands.run(&work, |outcome| {
            // The channel holds every output of the job, so a failure to send means that nobody waits.
            let _ = self.results.try_send(outcome);
        });
    }
}

/// Whether a job is of the kinds that take ten times as long as others: formats of the slow encoders, and originals of
/// many megabytes. A guess by what is known before the original is opened.
fn is_long(job: &Job) -> bool {
    let is_large = job.inputs.first().is_some_and(|original| original.len() >= LONG_BYTES);
    let slow = |format: &Format| matches!(format, Format::Avif | Format::Heic | Format::Jxl);
    is_large
        || job.outputs.iter().any(|output| {
            output.candidates.asked.or(output.candidates.accepted.first().copied()).as_ref().is_some_and(slow)
        })
}

/// A hit takes microseconds of work and must not wait for the end of a time slice of a picture.
fn yield_to_hits() {
    // On Linux this is of the calling thread alone; elsewhere it would be of the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(WORKER_NICE) {
        tracing::debug!(%error, "workers run at the priority of the rest");
    }
}

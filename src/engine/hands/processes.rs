//! A worker process that does the jobs of one thread of the pool: replaced when it is lost, when it has served long
//! enough, or when it holds too much. What a worker's end means for its job is decided here.

use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::Instant;

use super::Work;
use crate::engine::cancel::{Cancel, Nudge};
use crate::engine::error::EngineError;
use crate::engine::job::Outcome;
use crate::engine::worker::{Ending, Lost, Nursery, Worker};
use crate::telemetry::clock;
use crate::telemetry::metrics::{Counter, Gauge};

/// When a worker has served long enough: what strangers' pictures left behind in it goes with it.
#[derive(Debug, Clone, Copy)]
pub struct Retirement {
    /// After so many jobs; 0 for never.
    pub jobs_max: u64,
    /// With more memory in RAM than this after a job, in bytes; 0 for never.
    pub resident_bytes_max: u64,
}

/// A worker, and where the next one comes from.
pub struct Processes {
    nursery: Arc<Nursery>,
    worker: Option<Worker>,
    nudge: Arc<Nudge>,
    retirement: Retirement,
    /// What was last said of the memory of the worker.
    resident: u64,
}

/// Workers that one job has at most, where it is no fault of its own that it needs another.
const TRIES_MAX: u32 = 4;

// === impl Processes ===

impl Processes {
    pub fn new(nursery: Arc<Nursery>, retirement: Retirement, nudge: Nudge) -> Self {
        let mut processes = Self { nursery, worker: None, nudge: Arc::new(nudge), retirement, resident: 0 };
        processes.replace();
        processes
    }

    pub fn run(&mut self, work: &Work<'_>, mut deliver: impl FnMut(Outcome)) {
        let Work { job, patience, cancel, threads } = work;
        let until = clock::instant() + patience.queue;
        let nudge = Arc::clone(&self.nudge);
        let _armed = cancel.arm(&nudge);
        let mut was_killed = false;
        for _ in 0..TRIES_MAX {
            let Some(mut worker) = self.present(until, cancel) else { break };
            let mut left: Vec<usize> = (0..job.outputs.len()).collect();
            let done = worker.run(job, patience.run, *threads, nudge.as_fd(), |(index, outcome)| {
                left.retain(|waiting| *waiting != index);
                deliver((index, outcome));
            });
            let lost = match done {
                Ok(()) => return self.keep(worker),
                Err(lost) => lost,
            };
            let ending = self.bury(worker, &lost);
            let is_untouched = left.len() == job.outputs.len();
            let error = match lost {
                Lost::Before(_) => continue,
                // No fault of the job.
                Lost::Ended if ending == Ending::Orphaned && is_untouched => continue,
                // Killed by an operator, or by a system without memory: perhaps not for this job, which another
                // worker has once more.
                Lost::Ended if ending.is_kill() && is_untouched && !was_killed => {
                    was_killed = true;
                    continue;
                }
                Lost::Overdue => EngineError::Deadline,
                Lost::Starved => EngineError::NoWorker,
                Lost::Ended | Lost::Rubbish(_) => EngineError::Crashed,
            };
            for index in left {
                deliver((index, Err(error.clone())));
            }
            return;
        }
        deliver((0, Err(EngineError::NoWorker)));
    }

    /// A worker that is alive; none where none can be had in time.
    fn present(&mut self, until: Instant, cancel: &Cancel) -> Option<Worker> {
        loop {
            match self.worker.take() {
                Some(worker) if worker.is_alive() => return Some(worker),
                Some(worker) => self.lose(worker, "outside", true),
                None => {}
            }
            self.replace();
            if self.worker.is_none() {
                if clock::instant() >= until || cancel.is_set() {
                    return None;
                }
                let rest = Timespec::try_from(self.nursery.rest()).unwrap_or_default();
                // Until then, or until nobody waits.
                let _ = poll(&mut [PollFd::new(&*self.nudge, PollFlags::IN)], Some(&rest));
            }
        }
    }

    /// A worker that did its job goes on, unless it is its time.
    fn keep(&mut self, worker: Worker) {
        let Retirement { jobs_max, resident_bytes_max } = self.retirement;
        let resident = worker.resident_bytes();
        self.say_resident(resident);
        let is_old = jobs_max > 0 && worker.jobs() >= jobs_max;
        let is_large = resident_bytes_max > 0 && resident > resident_bytes_max;
        if is_old || is_large {
            let why = if is_large { "large" } else { "old" };
            self.lose(worker, why, false);
            self.replace();
        } else {
            self.worker = Some(worker);
        }
    }

    /// Ends a worker that a job brought down; its successor is there before anybody is told.
    fn bury(&mut self, worker: Worker, lost: &Lost) -> Ending {
        let pid = worker.pid;
        self.say_resident(0);
        let ending = self.nursery.bury(worker, matches!(lost, Lost::Ended | Lost::Before(_)));
        let why = match lost {
            Lost::Overdue => "overdue",
            Lost::Rubbish(_) => "rubbish",
            Lost::Before(_) | Lost::Starved => "outside",
            Lost::Ended if ending.is_kill() => "outside",
            Lost::Ended => "crashed",
        };
        Counter::WorkerEnds.add(1, &[("why", why)]);
        tracing::warn!(pid, how = %ending, why = %lost, "worker lost with its job");
        self.replace();
        ending
    }

    /// Ends a worker that has no job.
    fn lose(&mut self, worker: Worker, why: &'static str, is_dying: bool) {
        self.say_resident(0);
        Counter::WorkerEnds.add(1, &[("why", why)]);
        self.nursery.bury(worker, is_dying);
    }

    fn replace(&mut self) {
        // What went wrong is said there.
        self.worker = self.nursery.worker().ok();
        self.say_resident(self.worker.as_ref().map_or(0, Worker::resident_bytes));
    }

    pub fn idle(&mut self) {
        if self.worker.as_ref().is_none_or(|worker| !worker.is_alive()) {
            if let Some(worker) = self.worker.take() {
                self.lose(worker, "outside", true);
            }
            self.replace();
        } else if let Some(worker) = &mut self.worker {
            worker.rest();
        }
    }

    fn say_resident(&mut self, bytes: u64) {
        Gauge::WorkersMemory.shift(bytes.cast_signed() - self.resident.cast_signed(), &[]);
        self.resident = bytes;
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.say_resident(0);
    }
}

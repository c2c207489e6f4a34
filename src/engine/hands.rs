//! Who does a job of the pool: its own thread, or a worker process that the thread looks after.

use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::cancel::Cancel;
use super::error::EngineError;
use super::job::{Job, Outcome};
use super::pipeline;
use super::pool::Patience;
use super::vips::Watch;
use crate::telemetry::clock;

#[cfg(target_os = "linux")]
mod processes;

#[cfg(target_os = "linux")]
pub use processes::{Processes, Retirement};

/// Whoever does the jobs of one thread of the pool.
pub enum Hands {
    /// The thread itself.
    Own,
    #[cfg(target_os = "linux")]
    Worker(Box<Processes>),
}

/// One job with all that whoever does it must know.
pub struct Work<'a> {
    pub job: &'a Job,
    pub patience: Patience,
    pub cancel: &'a Arc<Cancel>,
    /// Threads that a large picture may take.
    pub threads: u32,
}

// === impl Hands ===

impl Hands {
    /// Does a job; `deliver` gets each outcome.
    pub fn run(&mut self, work: &Work<'_>, deliver: impl FnMut(Outcome)) {
        match self {
            Self::Own => run_here(work, deliver),
            #[cfg(target_os = "linux")]
            Self::Worker(processes) => processes.run(work, deliver),
        }
    }

    /// To be called about once a second while there is no job.
    pub fn idle(&mut self) {
        match self {
            Self::Own => {}
            #[cfg(target_os = "linux")]
            Self::Worker(processes) => processes.idle(),
        }
    }
}

fn run_here(work: &Work<'_>, mut deliver: impl FnMut(Outcome)) {
    let Work { job, patience, cancel, .. } = work;
    let watch = Watch::new(clock::instant() + patience.run, cancel.flag());
    let finished = std::panic::catch_unwind(AssertUnwindSafe(|| {
        pipeline::run(job, &watch, |outcome| {
            deliver(outcome);
            if cancel.is_set() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }));
    if finished.is_err() {
        deliver((0, Err(EngineError::Panicked)));
    }
}

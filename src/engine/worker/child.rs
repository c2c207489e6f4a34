//! A worker: one job at a time, from its socket and to it, until the server closes that.
//!
//! It was forked from the template with one thread and everything started. What it reads may take it over; then it has
//! this socket, the bytes of this one original, and the calls that the sandbox leaves.

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::sealed::{SealError, sealed};
use super::tray::Served;
use super::wire::{Channel, Reply, Task, WireError};
use crate::engine::error::EngineError;
use crate::engine::job::{Job, Outcome};
use crate::engine::sandbox::{self, Layers, SandboxSpec};
use crate::engine::vips::{Vips, VipsError, Watch, set_threads};
use crate::engine::{memory, pipeline};
use crate::telemetry::clock;

/// How long a worker has nothing to do before it gives memory back.
const IDLE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// From this size on an original is worth more than one thread, where there are any to spare.
const LARGE_BYTES: usize = 1 << 20;

/// One job as it came.
struct Order {
    number: u64,
    job: Job,
    /// How long it may take.
    run: Duration,
    /// How many it may have, where it is large.
    threads: u32,
}

/// Runs until the server has no more jobs; gives the status to end with.
pub fn run(channel: Channel, spec: &SandboxSpec, template: &Layers) -> i32 {
    if sandbox::enter_worker(spec, template).is_err() {
        return 1;
    }
    let channel = Arc::new(channel);
    if channel.send(&Reply::Ready, &[]).is_err() {
        return 1;
    }
    let (mut served, mut has_run) = (Served::default(), false);
    loop {
        if has_run && is_idle(&channel) {
            memory::give_back();
            has_run = false;
        }
        match channel.receive::<Task>() {
            Ok((Task::Run { job: number, inputs, outputs, limits, run_ms, threads }, fds)) => {
                let taken: Result<(), SealError> = fds.into_iter().try_for_each(|memory| served.take(memory));
                let inputs = taken.and_then(|()| served.inputs(&inputs));
                let done = match inputs {
                    Ok(inputs) => {
                        let (job, run) = (Job { inputs, outputs, limits }, Duration::from_millis(run_ms));
                        work(&channel, &Order { number, job, run, threads })
                    }
                    Err(error) => decline(&channel, number, outputs.len(), &error),
                };
                if done.is_err() {
                    return 1;
                }
                served.clear();
                has_run = true;
            }
            // It came when its job was over.
            Ok((Task::Cancel, _)) => {}
            Err(WireError::Gone) => return 0,
            Err(_) => return 1,
        }
    }
}

/// Whether nothing comes for a while.
fn is_idle(channel: &Channel) -> bool {
    let mut fds = [PollFd::new(channel, PollFlags::IN)];
    poll(&mut fds, Some(&IDLE)) == Ok(0)
}

/// Whether anything has come: while a job runs that is a cancellation, or the end of the server.
fn is_called_off(channel: &Channel) -> bool {
    let mut fds = [PollFd::new(channel, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Answers a job whose inputs cannot be had.
fn decline(channel: &Channel, job: u64, outputs: usize, error: &SealError) -> Result<(), WireError> {
    let error = EngineError::Failed(VipsError::Start(error.to_string()));
    for index in 0..outputs {
        channel.send(&Reply::Failed { job, index, error: error.clone() }, &[])?;
    }
    channel.send(&Reply::Done { job, glib_warnings: 0 }, &[])
}

/// Does one job. An error ends the worker: the server is gone, or this process can no longer be trusted with another.
fn work(channel: &Arc<Channel>, order: &Order) -> Result<(), WireError> {
    let Order { number: job, run, threads, .. } = *order;
    let warnings = Vips::glib_warnings();
    let input_bytes = order.job.inputs.first().map_or(0, Bytes::len);
    set_threads(if input_bytes >= LARGE_BYTES { threads } else { 1 });
    let asked = Arc::clone(channel);
    let watch = Watch::asking(clock::instant() + run, move || is_called_off(&asked));
    let mut sent = Ok(());
    let finished = std::panic::catch_unwind(AssertUnwindSafe(|| {
        #[cfg(debug_assertions)]
        super::drill::obey(channel, job, order.job.inputs.first().map(AsRef::as_ref).unwrap_or_default());
        pipeline::run(&order.job, &watch, |outcome| {
            sent = answer(channel, order, outcome);
            if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }));
    sent?;
    if finished.is_err() {
        let _ = channel.send(&Reply::Failed { job, index: 0, error: EngineError::Panicked }, &[]);
        return Err(WireError::Gone);
    }
    channel.send(&Reply::Done { job, glib_warnings: Vips::glib_warnings() - warnings }, &[])
}

/// Hands one outcome over.
fn answer(channel: &Channel, order: &Order, (index, outcome): Outcome) -> Result<(), WireError> {
    let job = order.number;
    let mut rendered = match outcome {
        Ok(rendered) => rendered,
        Err(error) => return channel.send(&Reply::Failed { job, index, error }, &[]),
    };
    let bytes = std::mem::take(&mut rendered.bytes);
    let is_same = |input: &Bytes| input.as_ptr() == bytes.as_ptr() && input.len() == bytes.len();
    let is_input = order.job.inputs.first().is_some_and(is_same);
    let made = Reply::Made { job, index, rendered, is_input };
    if is_input {
        return channel.send(&made, &[]);
    }
    match sealed(&bytes) {
        Ok(memory) => channel.send(&made, &[memory.as_fd()]),
        Err(error) => {
            let error = EngineError::Failed(VipsError::Start(error.to_string()));
            channel.send(&Reply::Failed { job, index, error }, &[])
        }
    }
}

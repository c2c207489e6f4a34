//! The server's end of one worker: hands it a job, watches the time, and takes only what can be believed.

use std::fs::File;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};
use tokio::time::Instant;

use super::sealed::{SealError, copied};
use super::tray::Tray;
use super::wire::{Channel, Reply, Task, WireError};
use crate::engine::error::EngineError;
use crate::engine::job::{Job, Outcome, Rendered};
use crate::engine::vips::Vips;
use crate::telemetry::clock;

/// A worker process with its socket.
#[derive(Debug)]
pub struct Worker {
    channel: Channel,
    pub pid: i32,
    process: OwnedFd,
    /// What it has of memory is read here; none where the system does not tell.
    statm: Option<File>,
    tray: Tray,
    /// Jobs that it was given.
    jobs: u64,
}

/// Why a worker is no more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// It was gone before the job reached it, or the job could not be handed over: the job may be tried by another.
    #[error("it was gone already")]
    Before(#[source] WireError),
    #[error("it ended while it had the job")]
    Ended,
    #[error("it was not done in time")]
    Overdue,
    #[error("its result could not be received: no descriptor was left")]
    Starved,
    #[error("it did not keep to the protocol: {0}")]
    Rubbish(String),
}

/// How long after a worker's own deadline it is killed: it needs some time to notice.
const GRACE: Duration = Duration::from_secs(1);

/// A worker that takes longer than this to begin is not going to.
const READY: Duration = Duration::from_secs(10);

/// How long the end of a process that closed its socket is waited for before it is killed.
const DYING: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Seven numbers.
const STATM_BYTES_MAX: usize = 192;

/// A result is at most so much longer than its pixels and its original allow.
const RESULT_BYTES_SPARE: u64 = 1 << 20;

// === impl Worker ===

impl Worker {
    /// A worker that was forked.
    pub fn new(channel: Channel, pid: i32, process: OwnedFd) -> Self {
        let statm = File::open(format!("/proc/{pid}/statm")).ok();
        Self { channel, pid, process, statm, tray: Tray::default(), jobs: 0 }
    }

    /// Waits until it is confined and has said so.
    pub fn wait_until_ready(&self) -> Result<(), Lost> {
        match self.next(clock::instant() + READY, None)? {
            Some((Reply::Ready, _)) => Ok(()),
            Some(_) => Err(Lost::Rubbish("it spoke before it was ready".to_owned())),
            None => Err(Lost::Overdue),
        }
    }

    /// Has it do a job for at most `run`, with so many threads if it is a large one; `ready` gets each result. A
    /// readable `cancelled` says that nobody waits.
    pub fn run(
        &mut self,
        job: &Job,
        run: Duration,
        threads: u32,
        cancelled: BorrowedFd<'_>,
        mut ready: impl FnMut(Outcome),
    ) -> Result<(), Lost> {
        self.jobs += 1;
        let number = self.jobs;
        self.hand_over(job, number, run, threads)?;
        let until = clock::instant() + run + GRACE;
        let mut cancelled = Some(cancelled);
        let mut answered = vec![false; job.outputs.len()];
        loop {
            let Some((reply, fds)) = self.next(until, cancelled)? else {
                if clock::instant() >= until {
                    return Err(Lost::Overdue);
                }
                // It stops as soon as it notices, and says so; a result that is nearly there still comes.
                self.channel.send(&Task::Cancel, &[]).map_err(|_| Lost::Ended)?;
                cancelled = None;
                continue;
            };
            let (index, outcome) = match reply {
                Reply::Made { job: n, index, rendered, is_input } if n == number => {
                    (index, Self::taken(job, rendered, is_input, &fds)?)
                }
                Reply::Failed { job: n, index, error } if n == number => (index, Err(error)),
                Reply::Done { job: n, .. } if n == number && answered.contains(&false) => {
                    return Err(Lost::Rubbish("it was done before it had answered everything".to_owned()));
                }
                Reply::Done { job: n, glib_warnings } if n == number => {
                    Vips::add_glib_warnings(glib_warnings);
                    self.tray.clear();
                    return Ok(());
                }
                _ => return Err(Lost::Rubbish("it answered what it was not asked".to_owned())),
            };
            match answered.get_mut(index) {
                Some(is_answered) if !*is_answered => *is_answered = true,
                _ => return Err(Lost::Rubbish("it answered the same twice".to_owned())),
            }
            if matches!(outcome, Err(EngineError::Failed(_))) {
                // Perhaps it could not have the memory.
                self.tray = Tray::default();
            }
            let is_broken = matches!(outcome, Err(EngineError::Panicked));
            ready((index, outcome));
            if is_broken {
                // It ends by itself; its next job must not find out.
                return Err(Lost::Ended);
            }
        }
    }

    fn hand_over(&mut self, job: &Job, number: u64, run: Duration, threads: u32) -> Result<(), Lost> {
        let memory = self.tray.lay(&job.inputs).map_err(|error| Lost::Before(WireError::Socket(error)))?;
        let task = Task::Run {
            job: number,
            inputs: job.inputs.iter().map(|input| input.len() as u64).collect(),
            outputs: job.outputs.clone(),
            limits: job.limits,
            run_ms: u64::try_from(run.as_millis()).unwrap_or(u64::MAX),
            threads,
        };
        self.channel.send(&task, memory.as_slice()).map_err(Lost::Before)?;
        self.tray.handed_over();
        Ok(())
    }

    /// A result with its bytes, in memory of ours.
    fn taken(
        job: &Job,
        mut rendered: Rendered,
        is_input: bool,
        fds: &[OwnedFd],
    ) -> Result<Result<Rendered, EngineError>, Lost> {
        let original = job.inputs.first().cloned().unwrap_or_default();
        rendered.bytes = match (is_input, fds) {
            (true, []) => original,
            (false, [memory]) => {
                let pixels = job.limits.output_pixels_max.saturating_mul(8);
                let most = pixels.max(2 * original.len() as u64).saturating_add(RESULT_BYTES_SPARE);
                match copied(memory, most) {
                    Ok(bytes) if !bytes.is_empty() => bytes,
                    Ok(_) => return Err(Lost::Rubbish("a result is empty".to_owned())),
                    // That we have no memory or descriptor is not its fault.
                    Err(SealError::Io(error)) => {
                        tracing::warn!(%error, "result of a worker cannot be read");
                        return Ok(Err(EngineError::NoWorker));
                    }
                    Err(error) => return Err(Lost::Rubbish(error.to_string())),
                }
            }
            _ => return Err(Lost::Rubbish("a result came without its bytes".to_owned())),
        };
        Ok(Ok(rendered))
    }

    /// The next message; none at `until`, or when `cancelled` can be read.
    fn next(&self, until: Instant, cancelled: Option<BorrowedFd<'_>>) -> Result<Option<(Reply, Vec<OwnedFd>)>, Lost> {
        loop {
            let left = until.saturating_duration_since(clock::instant());
            let left = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
            let mut fds = vec![PollFd::new(&self.channel, PollFlags::IN)];
            fds.extend(cancelled.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
            match poll(&mut fds, Some(&left)) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(Lost::Rubbish(error.to_string())),
                Ok(_) => {}
            }
            // What it says counts before that nobody waits.
            if fds.first().is_none_or(|fd| fd.revents().is_empty()) {
                return Ok(None);
            }
            return match self.channel.receive() {
                Ok(received) => Ok(Some(received)),
                Err(WireError::Gone) => Err(Lost::Ended),
                Err(WireError::Starved) => Err(Lost::Starved),
                Err(error) => Err(Lost::Rubbish(error.to_string())),
            };
        }
    }

    /// Whether its process is there.
    pub fn is_alive(&self) -> bool {
        let mut fds = [PollFd::new(&self.process, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())) == Ok(0)
    }

    /// Jobs that it was given.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Memory of its process that is in RAM, in bytes, as the kernel counts it; 0 where it is gone.
    pub fn resident_bytes(&self) -> u64 {
        let mut text = [0; STATM_BYTES_MAX];
        let read = self.statm.as_ref().and_then(|statm| statm.read_at(&mut text, 0).ok()).unwrap_or(0);
        let text = std::str::from_utf8(&text[..read]).unwrap_or_default();
        let pages: Option<u64> = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
        pages.unwrap_or(0) * rustix::param::page_size() as u64
    }

    /// There is no job for a while: what the last ones had of memory is given back.
    pub fn rest(&mut self) {
        self.tray.give_back();
    }

    /// Sees to it that the process is gone: at once, or when it has had the time to die of what it was dying of.
    pub fn end(self, is_dying: bool) -> i32 {
        let mut fds = [PollFd::new(&self.process, PollFlags::IN)];
        if !(is_dying && poll(&mut fds, Some(&DYING)).is_ok_and(|ready| ready > 0)) {
            // Fails where it is gone already.
            let _ = pidfd_send_signal(&self.process, Signal::KILL);
        }
        self.pid
    }
}

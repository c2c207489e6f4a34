//! The template: one process that has started libvips inside the sandbox and forks workers of itself.
//!
//! It has a single thread for as long as it lives, since a fork copies one thread and the locks of all. What libvips
//! can do is therefore found out by a worker of its own, which tries every codec and ends. It holds no secret: the
//! server executes it with a bare environment, so nothing of the server's memory is in it.

#![expect(unsafe_code, reason = "processes are forked")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getppid, kill_process, nice, pidfd_open, set_parent_process_death_signal,
    waitpid,
};

use super::child;
use super::wire::{Channel, Ending, Notice, Order, VERSION, WireError};
use crate::engine::memory;
use crate::engine::sandbox::{self, Layers, SandboxError, SandboxSpec};
use crate::engine::vips::{Caps, Vips, VipsError, VipsSpec};

/// How far behind the server a worker stands: it gets a third of the time of a thread that serves hits while both want
/// it, and all of it otherwise.
const NICE: i32 = 5;

/// Heaps of a worker: its one job and what its codecs do beside it.
const HEAPS: usize = 2;

/// Descriptors that are closed one by one where the kernel cannot close them all at once (before 5.9).
const FDS_CLOSED_MAX: libc::c_uint = 1024;

/// Why the template cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("it was not started by a server")]
    NoServer(#[source] WireError),
    #[error("it is of another version than the server; start the server again")]
    Version,
    #[error("the sandbox cannot be entered")]
    Sandbox(#[from] SandboxError),
    #[error("libvips cannot be used")]
    Vips(#[from] VipsError),
    #[error("the worker that tries the codecs ended without an answer")]
    NoCaps,
    #[error("the system refuses")]
    System(#[from] io::Error),
}

/// The template with its workers.
struct Template {
    control: Channel,
    sandbox: SandboxSpec,
    layers: Layers,
    workers: Vec<Pid>,
}

/// Runs until the server is gone. Call it in a fresh process whose standard input is the server's socket.
///
/// # Errors
/// [`TemplateError`]; the server was told, where there is one.
pub fn run() -> Result<(), TemplateError> {
    let control = Channel::from(taken_input()?);
    let (order, _) = control.receive().map_err(TemplateError::NoServer)?;
    let started = start(&order);
    let (sandbox, layers, caps) = match started {
        Ok(started) => started,
        Err(error) => {
            let _ = control.send(&Notice::Failed { reason: chain(&error) }, &[]);
            return Err(error);
        }
    };
    let started = Notice::Started { version: VERSION, caps, layers: layers.1.clone() };
    control.send(&started, &[]).map_err(TemplateError::NoServer)?;
    Template { control, sandbox, layers: layers.0, workers: Vec::new() }.serve();
    Ok(())
}

/// The socket to the server. Nothing else of this process, and none of its workers, finds it where it was.
fn taken_input() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    let control = stdin.as_fd().try_clone_to_owned()?;
    // What else whoever started the server left open.
    close_others(&control);
    let null = File::open("/dev/null")?;
    // SAFETY: both descriptors are open; the standard input becomes another file, which is what it is for.
    if unsafe { libc::dup2(null.as_raw_fd(), stdin.as_fd().as_raw_fd()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(control)
}

/// Confines the process and starts libvips in it. The layers are those of the template and those of a worker.
fn start(order: &Order) -> Result<(SandboxSpec, (Layers, Layers), Caps), TemplateError> {
    let Order::Start { version: VERSION, sandbox } = order else {
        return Err(TemplateError::Version);
    };
    memory::configure(HEAPS, memory::WORKER_KEPT_BYTES_MAX);
    // As a process of no priority of its own where the system does not let it.
    let _ = nice(NICE);
    let template = sandbox::enter_template(sandbox)?;
    let mut worker = template.clone();
    let vips = Vips::start_with(VipsSpec { threads: 1 }, || {
        let (caps, layers) = tried(sandbox, &template)?;
        worker = layers;
        Ok(caps)
    })?;
    Ok((sandbox.clone(), (template, worker), vips.caps.clone()))
}

/// What libvips can do inside the sandbox, found out by a worker that ends.
fn tried(sandbox: &SandboxSpec, template: &Layers) -> Result<(Caps, Layers), VipsError> {
    let failed = |error: &dyn std::error::Error| VipsError::Start(chain(error));
    let (here, there) = Channel::pair().map_err(|error| failed(&error))?;
    let forked = forked(|| {
        close_others(&there);
        let entered = sandbox::enter_worker(sandbox, template).map_err(|error| chain(&error));
        let found: Result<(Caps, Layers), String> = entered.map(|layers| (Caps::read(), layers));
        let sent = Channel::from(there).send(&found, &[]);
        i32::from(sent.is_err())
    });
    let pid = forked.map_err(|error| failed(&error))?;
    let found = here.receive::<Result<(Caps, Layers), String>>();
    let _ = waitpid(Some(pid), WaitOptions::empty());
    match found {
        Ok((found, _)) => found.map_err(VipsError::Start),
        Err(_) => Err(VipsError::Start(TemplateError::NoCaps.to_string())),
    }
}

/// An error with all that is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Closes all descriptors of this process but the standard ones and this.
fn close_others(kept: &OwnedFd) {
    let kept = kept.as_raw_fd().unsigned_abs();
    for (first, last) in [(3, kept.saturating_sub(1)), (kept + 1, libc::c_uint::MAX)] {
        if first > last {
            continue;
        }
        // SAFETY: whoever owns these descriptors never uses them again: it was copied into a process that ends without
        // dropping anything, or there is nobody yet.
        if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } != 0 {
            for fd in first..=last.min(FDS_CLOSED_MAX) {
                // SAFETY: as above.
                unsafe { libc::close(fd.cast_signed()) };
            }
        }
    }
}

/// Forks; the child does its work, never returns from here, and ends with the status that it gives.
fn forked(work: impl FnOnce() -> i32) -> io::Result<Pid> {
    let template = rustix::process::getpid();
    // SAFETY: this process has one thread, so no lock is held by one that the child lacks.
    let pid = unsafe { libc::fork() };
    match Pid::from_raw(pid) {
        Some(pid) if pid.as_raw_nonzero().get() > 0 => Ok(pid),
        Some(_) => Err(io::Error::last_os_error()),
        None => {
            // A worker whose template was killed has nobody who would end it.
            let _ = set_parent_process_death_signal(Some(Signal::KILL));
            let is_orphan = getppid() != Some(template);
            let status = if is_orphan { 1 } else { work() };
            // SAFETY: ends this process without running what the template registered for its own end.
            unsafe { libc::_exit(status) }
        }
    }
}

// === impl Template ===

impl Template {
    fn serve(mut self) {
        loop {
            let notice = match self.control.receive::<Order>() {
                Ok((Order::Fork, mut fds)) => match fds.pop().map(|socket| self.fork(socket)) {
                    Some(Ok((pid, handle))) => {
                        let notice = Notice::Forked { pid: pid.as_raw_nonzero().get() };
                        if self.control.send(&notice, &[handle.as_fd()]).is_err() {
                            break;
                        }
                        continue;
                    }
                    Some(Err(error)) => Notice::Failed { reason: error.to_string() },
                    None => Notice::Failed { reason: "no socket came".to_owned() },
                },
                Ok((Order::Bury { pid }, _)) => Notice::Buried { ending: self.bury(pid) },
                Ok((Order::Start { .. }, _)) => Notice::Failed { reason: "it is started already".to_owned() },
                Err(_) => break,
            };
            if self.control.send(&notice, &[]).is_err() {
                break;
            }
        }
        // The server is gone, and with it everyone who waits.
        for pid in self.workers {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    fn fork(&mut self, socket: OwnedFd) -> io::Result<(Pid, OwnedFd)> {
        let pid = forked(|| {
            // Above all it must not have the template's own socket, over which processes are made.
            close_others(&socket);
            child::run(Channel::from(socket), &self.sandbox, &self.layers)
        })?;
        self.workers.push(pid);
        Ok((pid, pidfd_open(pid, PidfdFlags::empty())?))
    }

    /// How a worker ended. It is one of ours, or was.
    fn bury(&mut self, pid: i32) -> Ending {
        let Some(place) = self.workers.iter().position(|known| known.as_raw_nonzero().get() == pid) else {
            return Ending::Orphaned;
        };
        let waited = waitpid(Some(self.workers.swap_remove(place)), WaitOptions::empty());
        let Ok(Some((_, status))) = waited else { return Ending::Orphaned };
        let by_signal = status.terminating_signal().map(Ending::Signal);
        by_signal.or(status.exit_status().map(Ending::Status)).unwrap_or(Ending::Orphaned)
    }
}

//! Where workers come from and where they end: the server's end of the template.
//!
//! The template is started again when it is gone, and left alone for a while when it cannot be started: a machine
//! without memory is not helped by trying harder.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::Instant;

use super::hand::{Lost, Worker};
use super::wire::{Channel, Ending, Notice, Order, VERSION, WireError};
use crate::engine::sandbox::{Layers, SandboxSpec};
use crate::engine::vips::Caps;
use crate::telemetry::clock;
use crate::telemetry::metrics::Counter;

/// How workers are made.
#[derive(Debug, Clone)]
pub struct NurserySpec {
    /// This program; `tintype worker` is run of it.
    pub program: PathBuf,
    pub sandbox: SandboxSpec,
}

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub enum NurseryError {
    #[error("the template of the workers cannot be executed")]
    Execute(#[source] io::Error),
    #[error("the template of the workers is gone")]
    Gone(#[source] WireError),
    #[error("the template of the workers does not answer")]
    Silent,
    #[error("the template of the workers says: {0}")]
    Refused(String),
    #[error("a worker did not become ready")]
    Unready(#[source] Lost),
    #[error("a moment ago no worker could be made; it is tried again soon")]
    Resting,
}

/// Makes workers and buries them.
#[derive(Debug)]
pub struct Nursery {
    spec: NurserySpec,
    /// What libvips can do and which layers confine a worker, as the first template found.
    pub caps: Caps,
    pub layers: Layers,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    template: Option<Template>,
    /// Process ids of workers that were made and not yet buried.
    workers: BTreeSet<i32>,
    /// In a row.
    failures: u32,
    /// Nothing is tried before.
    rest_until: Option<Instant>,
}

#[derive(Debug)]
struct Template {
    control: Channel,
    process: Child,
}

/// libvips starts in well under a second; codecs that are tried take longest.
const PATIENCE: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// How long nothing is tried after the first failure in a row; twice as long after each further one.
const REST: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(5);

/// What a template gets of the server's environment: where libraries, fonts and their caches are, and how memory is
/// had. Keys and credentials stay behind.
const ENVIRONMENT: &[&str] = &[
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "LIBHEIF_PLUGIN_PATH",
    "VIPSHOME",
    "VIPS_UNLIMITED",
    "VIPS_TRACE",
    "VIPS_PROFILE",
    "VIPS_NOVECTOR",
    "RUST_BACKTRACE",
    #[cfg(debug_assertions)]
    super::drill::SWITCH,
];

/// Longest line of a worker's standard error that is logged, in bytes.
const LINE_BYTES_MAX: u64 = 512;
/// Lines of workers that are logged each second; further ones are left out.
const LINES_MAX: u32 = 100;

// === impl Nursery ===

impl Nursery {
    /// Starts a template.
    ///
    /// # Errors
    /// [`NurseryError`], most often that the sandbox or libvips cannot be had.
    pub fn start(spec: NurserySpec) -> Result<Self, NurseryError> {
        let (template, caps, layers) = Template::start(&spec)?;
        let state = State { template: Some(template), workers: BTreeSet::new(), failures: 0, rest_until: None };
        Ok(Self { spec, caps, layers, state: Mutex::new(state) })
    }

    /// A new worker, ready for its first job.
    pub fn worker(&self) -> Result<Worker, NurseryError> {
        let mut state = self.lock();
        if state.rest_until.is_some_and(|until| clock::instant() < until) {
            return Err(NurseryError::Resting);
        }
        let made = state.fork(&self.spec);
        match &made {
            Ok(worker) => {
                state.workers.insert(worker.pid);
                state.failures = 0;
                state.rest_until = None;
                Counter::WorkerStarts.add(1, &[]);
            }
            Err(error) => {
                let rest = REST.saturating_mul(1 << state.failures.min(16)).min(REST_MAX);
                state.failures += 1;
                state.rest_until = Some(clock::instant() + rest);
                tracing::error!(error = error as &dyn std::error::Error, "no worker can be started");
            }
        }
        made
    }

    /// How long until it makes sense to ask for a worker again.
    pub fn rest(&self) -> Duration {
        self.lock().rest_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(clock::instant()))
    }

    /// Ends a worker and tells how it ended. One that `is_dying` has the time to.
    pub fn bury(&self, worker: Worker, is_dying: bool) -> Ending {
        let pid = worker.end(is_dying);
        let mut state = self.lock();
        state.workers.remove(&pid);
        let Some(template) = &state.template else { return Ending::Orphaned };
        match template.asked(&Order::Bury { pid }, &[]) {
            Ok((Notice::Buried { ending }, _)) => ending,
            Ok(_) => Ending::Orphaned,
            Err(_) => {
                // The next worker begins with another one.
                state.template = None;
                Ending::Orphaned
            }
        }
    }

    /// The process ids of the template, where there is one, and of the workers.
    pub fn processes(&self) -> (Option<u32>, Vec<i32>) {
        let state = self.lock();
        let template = state.template.as_ref().map(|template| template.process.id());
        (template, state.workers.iter().copied().collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn fork(&mut self, spec: &NurserySpec) -> Result<Worker, NurseryError> {
        let template = match &mut self.template {
            Some(template) => template,
            none => none.insert(Template::start(spec)?.0),
        };
        let (here, there) = Channel::pair().map_err(NurseryError::Execute)?;
        let answer = template.asked(&Order::Fork, &[there]);
        match answer {
            Ok((Notice::Forked { pid }, mut fds)) => {
                let process = fds.pop().ok_or_else(|| NurseryError::Refused("no handle came".to_owned()))?;
                let worker = Worker::new(here, pid, process);
                match worker.wait_until_ready() {
                    Ok(()) => Ok(worker),
                    Err(lost) => {
                        let _ = template.asked(&Order::Bury { pid: worker.end(true) }, &[]);
                        Err(NurseryError::Unready(lost))
                    }
                }
            }
            Ok((Notice::Failed { reason }, _)) => Err(NurseryError::Refused(reason)),
            Ok(_) => Err(NurseryError::Refused("what it was not asked".to_owned())),
            Err(error) => {
                self.template = None;
                Err(error)
            }
        }
    }
}

// === impl Template ===

impl Template {
    fn start(spec: &NurserySpec) -> Result<(Self, Caps, Layers), NurseryError> {
        let (control, there) = Channel::pair().map_err(NurseryError::Execute)?;
        let mut command = Command::new(&spec.program);
        command.arg("worker").env_clear().current_dir("/");
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::from(there)).stdout(Stdio::null()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // What ends the server from a terminal leaves it to the server to end its workers.
            command.process_group(0).arg0("tintype");
        }
        let mut process = command.spawn().map_err(NurseryError::Execute)?;
        if let Some(errors) = process.stderr.take() {
            // Without the thread what it says is lost, and nothing else.
            let _ = std::thread::Builder::new().name("engine-log".to_owned()).spawn(move || log_lines(errors));
        }
        let template = Self { control, process };
        let order = Order::Start { version: VERSION, sandbox: spec.sandbox.clone() };
        match template.asked(&order, &[])? {
            (Notice::Started { version: VERSION, caps, layers }, _) => Ok((template, caps, layers)),
            (Notice::Failed { reason }, _) => Err(NurseryError::Refused(reason)),
            _ => Err(NurseryError::Refused("that it is of another version".to_owned())),
        }
    }

    /// Its answer to an order.
    fn asked(&self, order: &Order, fds: &[OwnedFd]) -> Result<(Notice, Vec<OwnedFd>), NurseryError> {
        let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        self.control.send(order, &fds).map_err(NurseryError::Gone)?;
        let mut ready = [PollFd::new(&self.control, PollFlags::IN)];
        loop {
            match poll(&mut ready, Some(&PATIENCE)) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(0) => return Err(NurseryError::Silent),
                _ => return self.control.receive().map_err(NurseryError::Gone),
            }
        }
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        // It ends its workers and itself once the socket is closed, which comes after this; nothing is lost with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What workers and their libraries write to their standard error goes to the log.
fn log_lines(errors: ChildStderr) {
    let mut second = (clock::instant(), 0);
    let mut errors = BufReader::new(errors);
    loop {
        let mut line = Vec::new();
        // What has no end of line comes in pieces.
        match errors.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if second.0.elapsed() >= Duration::from_secs(1) {
            second = (clock::instant(), 0);
        }
        second.1 += 1;
        if second.1 <= LINES_MAX {
            let text = String::from_utf8_lossy(&line);
            let text: String = text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            tracing::warn!(target: "tintype::worker", text, "a worker says");
        }
    }
}

//! What a process that decodes strangers' files gives up: capabilities, files, the network, other processes.
//!
//! Two steps. The **template** enters before libvips is started and while it has one thread: no new privileges, no
//! capabilities, limits of the system, a list of what may be read (landlock), and filters of system calls (seccomp)
//! that still let it fork. Each **worker** enters again after the fork and before it has a second thread: its memory
//! is limited and its calls shrink to what codecs make. Everything is inherited by threads and children, and nothing
//! can be taken back.
//!
//! A worker then reads libraries, fonts and colour profiles, makes memory and threads, talks over sockets that it was
//! given, and ends itself. A call that a codec might try and can do without fails with `EPERM`; one that only an
//! intruder makes ends the process by `SIGSYS`, so that it is noticed.
//!
//! Linux only. Layers that a kernel lacks are left out and told ([`Layers`]); [`Demand::Require`] refuses instead.

mod layers;

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(all(target_os = "linux", debug_assertions))]
pub mod probe;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use layers::{Layer, Layers, SandboxError, Why};

/// How much of the sandbox there must be: the setting `engine.sandbox`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    /// All of it, or nothing starts.
    Require,
    /// As much as the system has; what is missing is told.
    #[default]
    Prefer,
    /// None of it but the limits of the system, for finding faults.
    Off,
}

/// What a worker may still do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSpec {
    pub demand: Demand,
    /// Address space of a worker in bytes, mapped files and reserved stacks included; 0 sets no limit.
    pub memory_bytes_max: u64,
    /// Files and folders that workers may read besides libraries, fonts and colour profiles; what is not there is
    /// passed over.
    pub read_only: Vec<PathBuf>,
}

/// What this kernel is taken to have; tests take something away.
#[derive(Debug, Clone, Copy)]
struct Kernel {
    landlock: bool,
    seccomp: bool,
}

const WHOLE: Kernel = Kernel { landlock: true, seccomp: true };

/// Confines the template. Call it once, in a process of one thread, before libvips starts: threads that exist stay
/// outside.
///
/// # Errors
/// [`SandboxError`] names the layer that [`Demand::Require`] misses, or says that there are threads already. The
/// process may be confined in part by then and should end.
pub fn enter_template(spec: &SandboxSpec) -> Result<Layers, SandboxError> {
    enter(spec, WHOLE)
}

/// Confines a worker further. Call it in a forked child of the template before it has a second thread, with what
/// [`enter_template`] gave.
///
/// # Errors
/// [`SandboxError::Missing`], as [`enter_template`].
pub fn enter_worker(spec: &SandboxSpec, template: &Layers) -> Result<Layers, SandboxError> {
    narrow(spec, template)
}

#[cfg(target_os = "linux")]
fn enter(spec: &SandboxSpec, kernel: Kernel) -> Result<Layers, SandboxError> {
    limits::alone()?;
    let mut layers = Layers::off(Why::Unwanted);
    layers.limits = limits::template().into();
    if spec.demand == Demand::Off {
        return Ok(layers);
    }
    layers.no_new_privs = limits::no_new_privs().into();
    match if kernel.landlock { files::confine(&spec.read_only) } else { Err(Why::Kernel) } {
        Ok(abi) => {
            layers.landlock = Layer::On;
            layers.landlock_abi = Some(abi);
        }
        Err(why) => layers.landlock = Layer::Off(why),
    }
    layers.capabilities = limits::no_capabilities().into();
    layers.seccomp = if kernel.seccomp { calls::template() } else { Err(Why::Kernel) }.into();
    layers.judged(spec.demand)
}

#[cfg(target_os = "linux")]
fn narrow(spec: &SandboxSpec, template: &Layers) -> Result<Layers, SandboxError> {
    let mut layers = template.clone();
    // The second filter forbids changing limits.
    layers.limits = limits::worker(spec.memory_bytes_max).into();
    if spec.demand == Demand::Off {
        return Ok(layers);
    }
    if template.seccomp == Layer::On {
        layers.seccomp = calls::worker().into();
    }
    layers.judged(spec.demand)
}

/// Elsewhere there is nothing to enter.
#[cfg(not(target_os = "linux"))]
fn enter(spec: &SandboxSpec, _kernel: Kernel) -> Result<Layers, SandboxError> {
    Layers::off(Why::System).judged(spec.demand)
}

#[cfg(not(target_os = "linux"))]
fn narrow(spec: &SandboxSpec, template: &Layers) -> Result<Layers, SandboxError> {
    template.clone().judged(spec.demand)
}

#[cfg(all(test, target_os = "linux"))]
mod tests;

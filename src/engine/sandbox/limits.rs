//! Limits of the system, capabilities, and what else a process can refuse itself without a list.

use std::fs;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities, set_no_new_privs};

use super::layers::{SandboxError, Why};

/// Open files of the template, which holds a few for each worker.
const TEMPLATE_FILES_MAX: u64 = 1024;
/// Open files of a worker: its socket, a job's inputs and results, and fonts one after the other.
const WORKER_FILES_MAX: u64 = 128;
/// How much sooner than the rest of the server a worker is chosen when the machine runs out of memory, of 1000.
const OOM_SCORE_RAISED: i32 = 500;
const OOM_SCORE_MAX: i32 = 1000;

/// Whether this thread is the only one.
pub(super) fn alone() -> Result<(), SandboxError> {
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 { Err(SandboxError::Threads { threads }) } else { Ok(()) }
}

/// What holds for the template and all its children. Files are still open to be written here.
pub(super) fn template() -> Result<(), Why> {
    raise_oom_score();
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Nofile, TEMPLATE_FILES_MAX),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Rtprio, 0),
    ] {
        lower(resource, most)?;
    }
    // Its memory holds other people's pictures: no process of the same user may look at it, a worker neither.
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// What holds for a worker on top of it.
pub(super) fn worker(memory_bytes_max: u64) -> Result<(), Why> {
    lower(Resource::Nofile, WORKER_FILES_MAX)?;
    if memory_bytes_max > 0 {
        lower(Resource::As, memory_bytes_max)?;
        // Memory behind a descriptor is not part of the address space until it is mapped.
        lower(Resource::Fsize, memory_bytes_max)?;
    }
    Ok(())
}

pub(super) fn no_new_privs() -> Result<(), Why> {
    Ok(set_no_new_privs(true)?)
}

pub(super) fn no_capabilities() -> Result<(), Why> {
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(clear_ambient_capability_set()?)
}

/// Sets both limits of a resource, never above what they are.
fn lower(resource: Resource, most: u64) -> Result<(), Why> {
    let most = getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Only the order of victims depends on it, so a system that does not let us is none to refuse.
fn raise_oom_score() {
    const PATH: &str = "/proc/self/oom_score_adj";
    let now = fs::read_to_string(PATH).ok().and_then(|text| text.trim().parse::<i32>().ok()).unwrap_or(0);
    let raised = now.saturating_add(OOM_SCORE_RAISED).min(OOM_SCORE_MAX);
    if let Err(error) = fs::write(PATH, raised.to_string()) {
        tracing::debug!(%error, "workers are not the first to go when memory runs out");
    }
}

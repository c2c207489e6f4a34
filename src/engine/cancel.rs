//! How whoever does a job learns that nobody waits for it any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Set once, by whoever drops the results of a job.
#[derive(Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    #[cfg(target_os = "linux")]
    nudge: Mutex<Option<Arc<Nudge>>>,
}

/// A descriptor that can be read once a job that is armed with it is cancelled.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct Nudge(std::os::fd::OwnedFd);

/// A job that nudges for as long as this lives.
#[cfg(target_os = "linux")]
pub struct Armed<'a> {
    cancel: &'a Cancel,
    nudge: &'a Nudge,
}

// === impl Cancel ===

impl Cancel {
    /// Nobody waits any more.
    pub fn set(&self) {
        self.flag.store(true, Ordering::SeqCst);
        #[cfg(target_os = "linux")]
        if let Some(nudge) = &*self.nudge.lock().unwrap_or_else(PoisonError::into_inner) {
            nudge.set();
        }
    }

    /// Whether nobody waits any more.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// The flag itself, for who can look at it all the time.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// From now on `nudge` can be read when this is set, or is already.
    #[cfg(target_os = "linux")]
    pub fn arm<'a>(&'a self, nudge: &'a Arc<Nudge>) -> Armed<'a> {
        *self.nudge.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(nudge));
        if self.is_set() {
            nudge.set();
        }
        Armed { cancel: self, nudge }
    }
}

// === impl Nudge ===

#[cfg(target_os = "linux")]
impl Nudge {
    pub fn new() -> std::io::Result<Self> {
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        Ok(Self(rustix::event::eventfd(0, flags)?))
    }

    fn set(&self) {
        // Fails only where it is set more often than it can count.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    fn clear(&self) {
        // Fails where it was not set.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for Nudge {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

// === impl Armed ===

#[cfg(target_os = "linux")]
impl Drop for Armed<'_> {
    fn drop(&mut self) {
        *self.cancel.nudge.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // Whoever cancels from here on finds nothing to nudge, so that the next job begins with a clear one.
        self.nudge.clear();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn is_nudged(nudge: &Nudge) -> bool {
        poll(&mut [PollFd::new(nudge, PollFlags::IN)], Some(&Timespec::default())) == Ok(1)
    }

    #[test]
    fn a_nudge_is_of_one_job_alone() {
        let nudge = Arc::new(Nudge::new().unwrap());
        let (early, during, late) = (Cancel::default(), Cancel::default(), Cancel::default());
        early.set();
        let armed = early.arm(&nudge);
        assert!(is_nudged(&nudge), "cancelled before it began");
        drop(armed);
        assert!(!is_nudged(&nudge));
        let armed = during.arm(&nudge);
        assert!(!is_nudged(&nudge));
        during.set();
        assert!(is_nudged(&nudge) && during.is_set());
        drop(armed);
        drop(late.arm(&nudge));
        late.set();
        assert!(!is_nudged(&nudge), "cancelled when it was over");
    }
}

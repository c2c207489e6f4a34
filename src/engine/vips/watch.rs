//! Stops a running pipeline: at a deadline, or when nobody waits for it any more.
//!
//! libvips asks about once a percent of the pixels. Encoders that hold all pixels (AVIF above all) do not ask again
//! until they are done, so a deadline bounds them only from outside.

use std::ffi::c_void;
use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libvips_rs::bindings as ffi;
use tokio::time::Instant;

use super::error::VipsError;
use super::image::Image;
use crate::telemetry::clock;

/// When to stop. Clones share the same state.
#[derive(Debug, Clone)]
pub struct Watch {
    deadline: Instant,
    cancelled: Cancelled,
    stopped: Arc<AtomicBool>,
}

/// How a watch learns that nobody waits any more.
#[derive(Clone)]
enum Cancelled {
    Flag(Arc<AtomicBool>),
    /// Asked each time; it must neither block nor panic.
    Asked(Arc<dyn Fn() -> bool + Send + Sync + RefUnwindSafe>),
}

// === impl Watch ===

impl Watch {
    /// Stops at `deadline`, or as soon as `cancelled` is set.
    pub fn new(deadline: Instant, cancelled: Arc<AtomicBool>) -> Self {
        Self { deadline, cancelled: Cancelled::Flag(cancelled), stopped: Arc::default() }
    }

    /// Stops at `deadline`, or when `is_cancelled` says so, which is asked about once a percent of the pixels.
    pub fn asking(deadline: Instant, is_cancelled: impl Fn() -> bool + Send + Sync + RefUnwindSafe + 'static) -> Self {
        Self { deadline, cancelled: Cancelled::Asked(Arc::new(is_cancelled)), stopped: Arc::default() }
    }

    /// Whether the work should end now; remembers that it did.
    pub fn is_over(&self) -> bool {
        let over = self.cancelled.is_so() || clock::instant() >= self.deadline;
        if over {
            self.stopped.store(true, Ordering::Relaxed);
        }
        over
    }

    /// Whether this watch stopped a pipeline; then its error is a deadline, whatever libvips says.
    pub fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The same image, watched: making its pixels ends in an error once the watch is over. Give it to the saver.
    #[expect(clippy::disallowed_methods, reason = "GLib takes every handler as a function without arguments")]
    pub fn over(&self, image: &Image) -> Result<Image, VipsError> {
        let watched = image.edited(|_| ())?;
        let data = Box::into_raw(Box::new(self.clone()));
        // SAFETY: a fresh image of ours; the handler has the signature of the signal, is called with `data` until the
        // image goes, and then `forget` frees it, once.
        unsafe {
            ffi::vips_image_set_progress(watched.as_ptr(), 1);
            let handler = std::mem::transmute::<EvalHandler, unsafe extern "C" fn()>(on_eval);
            ffi::g_signal_connect_data(
                watched.as_object().cast(),
                c"eval".as_ptr(),
                Some(handler),
                data.cast(),
                Some(forget),
                0,
            );
        }
        Ok(watched)
    }
}

// === impl Cancelled ===

impl Cancelled {
    fn is_so(&self) -> bool {
        match self {
            Self::Flag(flag) => flag.load(Ordering::Relaxed),
            Self::Asked(ask) => ask(),
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.is_so())
    }
}

type EvalHandler = unsafe extern "C" fn(*mut ffi::VipsImage, *mut ffi::VipsProgress, *mut c_void);

unsafe extern "C" fn on_eval(image: *mut ffi::VipsImage, _progress: *mut ffi::VipsProgress, data: *mut c_void) {
    // SAFETY: made by Box::into_raw in Watch::over and freed only when the signal is disconnected.
    let watch = unsafe { &*data.cast::<Watch>() };
    // A panic must not cross into C; is_over takes no lock and allocates nothing, so there is none to expect.
    if std::panic::catch_unwind(|| watch.is_over()).unwrap_or(true) {
        // SAFETY: libvips calls the handler with the live image it is evaluating.
        unsafe { ffi::vips_image_set_kill(image, 1) };
    }
}

unsafe extern "C" fn forget(data: *mut c_void, _closure: *mut ffi::GClosure) {
    // SAFETY: made by Box::into_raw in Watch::over; GLib calls this once.
    drop(unsafe { Box::from_raw(data.cast::<Watch>()) });
}

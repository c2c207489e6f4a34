//! Handles of counters and histograms, kept by each thread that counts. Contract: counts the same as the recorder would
//! without it.
//!
//! To find a series by its name and labels the recorder builds a key, hashes it and takes a lock, three times for a
//! hit. A thread that has counted something a moment ago has the handle still.

use std::cell::RefCell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::LocalKey;

use ::metrics::{Recorder, with_recorder};

use super::metrics::Labels;

/// What one thread has counted lately; a direct-mapped table, where the later one of two in a place stays.
pub(super) struct Lately<T>([Option<Series<T>>; PLACES]);

/// A table of one thread.
pub(super) type Kept<T> = LocalKey<RefCell<Lately<T>>>;

struct Series<T> {
    metric: u8,
    labels: Vec<(&'static str, &'static str)>,
    handle: T,
}

/// A busy server counts about a dozen series all the time.
const PLACES: usize = 64;

/// Where the recorder of this process is; 0 before there is one. Handles of any other (that of one test, for example)
/// are not kept, since it may be gone tomorrow.
static INSTALLED: AtomicUsize = AtomicUsize::new(0);

// === impl Lately ===

impl<T> Lately<T> {
    pub(super) const fn new() -> Self {
        Self([const { None }; PLACES])
    }
}

/// To be called once, after the recorder of this process was installed.
pub(super) fn installed() {
    with_recorder(|recorder| INSTALLED.store(address(recorder), Ordering::Release));
}

/// Counts with the handle of a series, which `register` makes where this thread has none.
pub(super) fn count<T: 'static>(
    kept: &'static Kept<T>,
    metric: u8,
    labels: Labels<'_>,
    register: impl Fn(&dyn Recorder) -> T,
    count: impl Fn(&T),
) {
    with_recorder(|recorder| {
        if address(recorder) != INSTALLED.load(Ordering::Acquire) {
            return count(&register(recorder));
        }
        let done = kept.try_with(|lately| {
            let place = &mut lately.borrow_mut().0[place(metric, labels)];
            match place {
                Some(series) if series.is(metric, labels) => count(&series.handle),
                _ => {
                    let series = Series { metric, labels: labels.to_vec(), handle: register(recorder) };
                    count(&place.insert(series).handle);
                }
            }
        });
        // A thread at its very end has no table any more.
        if done.is_err() {
            count(&register(recorder));
        }
    });
}

// === impl Series ===

impl<T> Series<T> {
    /// Labels are static texts, so that the same text is at the same address, most often; at another one it is only
    /// looked up again.
    fn is(&self, metric: u8, labels: Labels<'_>) -> bool {
        let same = |(own, other): (&(&str, &str), &(&str, &str))| ptr::eq(own.0, other.0) && ptr::eq(own.1, other.1);
        self.metric == metric && self.labels.len() == labels.len() && self.labels.iter().zip(labels).all(same)
    }
}

fn place(metric: u8, labels: Labels<'_>) -> usize {
    let mixed = labels.iter().fold(usize::from(metric), |mixed, (_, value)| {
        mixed.wrapping_mul(31).wrapping_add(value.as_ptr().addr()).wrapping_add(value.len())
    });
    (mixed ^ mixed >> 6) % PLACES
}

fn address(recorder: &dyn Recorder) -> usize {
    ptr::from_ref(recorder).addr()
}

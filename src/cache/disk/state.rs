//! What the tier says of itself: totals, health and counts, for `/status` and metrics.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tokio::sync::watch;

use super::DiskBudgets;
use crate::cache::Class;
use crate::telemetry::clock;
use crate::telemetry::metrics::{Counter, Gauge};

/// The tier as it is now; what waits in the queue is in no class yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiskState {
    pub classes: Vec<ClassState>,
    pub health: DiskHealth,
    /// Every file was compared with the index since the tier was opened, and since its last fault. Before that the
    /// totals may lack files.
    pub is_swept: bool,
    /// Entries handed over and not yet written.
    pub queue_bytes: u64,
    pub queue_bytes_max: u64,
    /// Since the start of the process.
    pub events: Vec<(&'static str, u64)>,
}

/// What is kept of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClassState {
    pub class: Class,
    pub entries: u64,
    /// As the files take up disk, in whole blocks.
    pub bytes: u64,
    pub budget_bytes: u64,
}

/// Whether the disk can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskHealth {
    Ok,
    /// Nothing is written; what is there is still read. It is tried again by itself.
    Degraded {
        since_unix_s: u64,
        why: &'static str,
    },
}

/// What happens to the tier as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A file was proven to be no entry, and removed.
    Corrupt,
    WriteError,
    ReadError,
    /// A file without a row was taken into the index.
    Adopted,
    /// A file or row was removed because its other half, or the right to be there, was missing.
    Swept,
    /// The index was unreadable and begun anew.
    IndexRebuilt,
    /// A removal, or word of damage, found the queue full.
    Dropped,
    Degraded,
    Healed,
}

/// What happens to an entry on its way in or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Written,
    Evicted,
    Purged,
    /// Refused because the queue was full.
    RefusedQueue,
    /// Too large, not asked for often enough for its size, or no room could be made.
    RefusedRoom,
    /// Refused because the disk has a fault.
    RefusedFault,
    /// A purge came between.
    RefusedGone,
}

/// Where the keeper writes what [`DiskState`] reads.
#[derive(Debug)]
pub(super) struct Board {
    budgets: DiskBudgets,
    totals: Mutex<[(u64, u64); Class::ALL.len()]>,
    health: watch::Sender<DiskHealth>,
    is_swept: watch::Sender<bool>,
    events: [AtomicU64; Event::ALL.len()],
}

// === impl Event ===

impl Event {
    const ALL: [Self; 9] = [
        Self::Corrupt,
        Self::WriteError,
        Self::ReadError,
        Self::Adopted,
        Self::Swept,
        Self::IndexRebuilt,
        Self::Dropped,
        Self::Degraded,
        Self::Healed,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::WriteError => "write_error",
            Self::ReadError => "read_error",
            Self::Adopted => "adopted",
            Self::Swept => "swept",
            Self::IndexRebuilt => "index_rebuilt",
            Self::Dropped => "dropped",
            Self::Degraded => "degraded",
            Self::Healed => "healed",
        }
    }
}

// === impl Passage ===

impl Passage {
    /// Counts one entry of a class.
    pub(super) fn count(self, class: Class) {
        let event = match self {
            Self::Written => "written",
            Self::Evicted => "evicted",
            Self::Purged => "purged",
            Self::RefusedQueue => "refused_queue",
            Self::RefusedRoom => "refused_room",
            Self::RefusedFault => "refused_fault",
            Self::RefusedGone => "refused_gone",
        };
        Counter::DiskPassages.add(1, &[("class", class.name()), ("event", event)]);
    }
}

// === impl Board ===

impl Board {
    pub(super) fn new(budgets: DiskBudgets) -> Self {
        Gauge::DiskDegraded.set(0, &[]);
        Self {
            budgets,
            totals: Mutex::default(),
            health: watch::Sender::new(DiskHealth::Ok),
            is_swept: watch::Sender::new(false),
            events: [const { AtomicU64::new(0) }; Event::ALL.len()],
        }
    }

    pub(super) fn count(&self, event: Event) {
        self.events[event as usize].fetch_add(1, Ordering::Relaxed);
        Counter::DiskEvents.add(1, &[("event", event.label())]);
    }

    /// Entries and bytes of each class, in the order of [`Class::ALL`].
    pub(super) fn set_totals(&self, totals: [(u64, u64); Class::ALL.len()]) {
        for (class, (entries, bytes)) in Class::ALL.into_iter().zip(totals) {
            Gauge::DiskEntries.set(entries, &[("class", class.name())]);
            Gauge::DiskBytes.set(bytes, &[("class", class.name())]);
        }
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }

    pub(super) fn is_degraded(&self) -> bool {
        *self.health.borrow() != DiskHealth::Ok
    }

    /// Says that the disk has a fault; logged when it had none before.
    pub(super) fn degrade(&self, why: &'static str, detail: &dyn std::fmt::Display) {
        if self.is_degraded() {
            return;
        }
        self.count(Event::Degraded);
        Gauge::DiskDegraded.set(1, &[]);
        tracing::warn!(why, detail = %detail, "disk tier is not written for a while");
        self.health.send_replace(DiskHealth::Degraded { since_unix_s: clock::now_unix_s(), why });
    }

    pub(super) fn heal(&self) {
        if !self.is_degraded() {
            return;
        }
        self.count(Event::Healed);
        Gauge::DiskDegraded.set(0, &[]);
        tracing::info!("disk tier is written again");
        self.health.send_replace(DiskHealth::Ok);
    }

    /// Says whether every file was compared with the index since rows may have been lost.
    pub(super) fn set_swept(&self, is_swept: bool) {
        self.is_swept.send_replace(is_swept);
    }

    pub(super) fn is_swept(&self) -> watch::Receiver<bool> {
        self.is_swept.subscribe()
    }

    #[cfg(test)]
    pub(super) fn health(&self) -> watch::Receiver<DiskHealth> {
        self.health.subscribe()
    }

    pub(super) fn state(&self, queue_bytes: u64, queue_bytes_max: u64) -> DiskState {
        let totals = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let class =
            |(class, (entries, bytes))| ClassState { class, entries, bytes, budget_bytes: self.budgets.of(class) };
        let count = |event: Event| (event.label(), self.events[event as usize].load(Ordering::Relaxed));
        DiskState {
            classes: Class::ALL.into_iter().zip(totals).map(class).collect(),
            health: *self.health.borrow(),
            is_swept: *self.is_swept.borrow(),
            queue_bytes,
            queue_bytes_max,
            events: Event::ALL.into_iter().map(count).collect(),
        }
    }
}

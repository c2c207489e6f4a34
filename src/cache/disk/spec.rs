//! How a disk tier is configured, and what it answers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Class, Labels, Stamp};

/// A disk tier as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskSpec {
    /// Belongs to the tier alone; made where it is missing.
    pub folder: PathBuf,
    pub budgets: DiskBudgets,
    /// Entries handed over and not yet written; beyond that they are refused.
    pub queue_bytes_max: u64,
    /// How long the disk is left alone after a fault.
    pub retry_after: Duration,
    /// How many files the sweep behind looks into a second.
    pub sweep_files_per_s: u32,
}

/// Bytes for each class, as the files take up disk; 0 = nothing of that class is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskBudgets {
    pub variants_bytes: u64,
    pub originals_bytes: u64,
    pub files_bytes: u64,
}

/// Asks the marks of purges whether what began at a stamp and has these labels is gone.
pub type IsGone = Arc<dyn Fn(Stamp, &Labels) -> bool + Send + Sync>;

/// What became of an entry that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It waits to be written, and can be found already. It may still be refused by the policy or by a fault.
    Taken,
    /// Nothing of its class is kept.
    Off,
    /// It is larger than the budget of its class or than the queue.
    TooLarge,
    /// More waits to be written than the queue may hold, or the tier is closed.
    QueueFull,
    /// The disk has a fault.
    Fault,
}

/// What a purge removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    pub entries: u64,
    pub bytes: u64,
    /// Everything named was found and removed. Otherwise the disk had a fault or the tier was closed, and the sweep
    /// removes the rest by the purge's mark.
    pub is_complete: bool,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    #[error("cache folder {} cannot be used", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("cache folder {} is used by another process", folder.display())]
    InUse { folder: PathBuf },
}

// === impl DiskSpec ===

impl DiskSpec {
    /// With the pauses that suit a server.
    pub fn new(folder: PathBuf, budgets: DiskBudgets, queue_bytes_max: u64) -> Self {
        Self { folder, budgets, queue_bytes_max, retry_after: Duration::from_secs(30), sweep_files_per_s: 1000 }
    }
}

// === impl DiskBudgets ===

impl DiskBudgets {
    pub const fn of(&self, class: Class) -> u64 {
        match class {
            Class::Variant => self.variants_bytes,
            Class::Original => self.originals_bytes,
            Class::File => self.files_bytes,
        }
    }
}

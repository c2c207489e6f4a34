//! Marks: what a purge leaves behind, and why it is true. Contract: whatever is kept or being made is served only if no
//! mark younger than its stamp names it, wherever it comes from. Deleting what a mark names is clean-up after that.
//!
//! That one rule makes a purge hold at once, for work under way, after a restart, and on every node that has the mark.
//! A hard mark makes a thing gone; a soft one makes it stale.
//!
//! - `held.rs`: the youngest mark of every selector, bounded; in place of dropped ones a horizon, under which
//!   everything counts as named.
//! - `journal.rs`: the file. A damaged one is taken for the worst: everything from before now is gone.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

use self::held::{Bounds, Held};
use self::journal::{Content, Journal};
use super::labels::{Labels, Selector, Tag};
use super::stamp::{Stamp, Stamps};

mod held;
mod journal;

/// One order: what it names and began before it no longer counts, or counts as stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub selector: Selector,
    pub stamp: Stamp,
    pub soft: bool,
}

/// What the marks say of a kept thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No mark names it; it lives as long as its freshness says.
    Good,
    /// To be asked for again, as if its time had been over since then.
    Stale { since: Stamp },
    /// Never to be served again.
    Gone,
}

/// The marks in force. One for all tiers of a process; a journal belongs to one process at a time.
pub struct Marks {
    stamps: Stamps,
    /// Microseconds of the youngest mark or horizon; what is younger needs no further look.
    youngest: AtomicU64,
    kinds: RwLock<Kinds>,
    /// `None` = marks end with the process.
    journal: Option<Mutex<Journal>>,
    unwritten: Mutex<Unwritten>,
}

/// How many marks are held, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MarksState {
    pub hard: usize,
    pub soft: usize,
    /// Everything from before is gone, because there were too many marks or a damaged journal.
    pub hard_horizon_s: Option<u64>,
    /// Everything from before is stale.
    pub soft_horizon_s: Option<u64>,
    pub is_durable: bool,
}

/// Why marks cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum MarksError {
    #[error("journal of purges cannot be read or written")]
    Journal(#[source] io::Error),
    #[error("file is no journal of purges")]
    Foreign,
    #[error("journal of purges has version {0}, which is not known here")]
    Version(u32),
}

/// The marks of one order, to look kept things through for what they name.
#[derive(Debug)]
pub struct MarkSet(Held);

struct Kinds {
    hard: Held,
    soft: Held,
}

/// Marks in force that the journal does not have yet.
#[derive(Default)]
struct Unwritten {
    marks: Vec<Mark>,
    /// There were more than fit: the journal is to be written anew.
    is_over: bool,
}

/// Marks held of each kind; a site that purges ten addresses a minute needs a week for them.
pub const MARKS_MAX: usize = 100_000;
/// Bytes of the texts of the marks of each kind.
const TEXT_BYTES_MAX: usize = 16 << 20;
/// Marks that wait for the next upkeep.
const UNWRITTEN_MAX: usize = 10_000;

const BOUNDS: Bounds = Bounds { marks_max: MARKS_MAX, text_bytes_max: TEXT_BYTES_MAX };

// === impl Marks ===

impl Marks {
    /// Marks that end with the process: right where everything that they name ends with it.
    pub fn in_memory(stamps: Stamps) -> Self {
        Self::new(stamps, BOUNDS, &Content::default())
    }

    /// The marks of the journal at `file`, which is made where there is none. Later stamps come after all in it.
    ///
    /// Of a damaged journal it is not known what it named, so everything that began before now is gone.
    ///
    /// On a disk that is full or read-only the marks hold as they were read, and purges fail until it takes them.
    ///
    /// # Errors
    /// See [`MarksError`]; then nothing kept may be served, because it may have been purged.
    pub fn open(file: &Path, stamps: Stamps) -> Result<Self, MarksError> {
        Self::open_within(file, stamps, BOUNDS)
    }

    fn open_within(file: &Path, stamps: Stamps, bounds: Bounds) -> Result<Self, MarksError> {
        let content = Content::read(file)?;
        let is_damaged = content.is_damaged;
        let mut marks = Self::new(stamps, bounds, &content);
        if is_damaged {
            tracing::error!(file = %file.display(), "journal of purges is damaged: all that was kept counts as purged");
            let now = marks.stamps.now();
            marks.write().hard.raise_horizon(now);
            marks.youngest.fetch_max(now.micros(), Ordering::Release);
        }
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(MarksError::Journal)?;
        }
        let journal = Journal::create(file, &marks.content()).or_else(|error| {
            if !takes_nothing(&error) {
                return Err(MarksError::Journal(error));
            }
            // What was read from it holds, and stays there for the next start.
            tracing::warn!(%error, "journal of purges cannot be written: purges are refused until it can");
            Ok(Journal::unwritten(file))
        })?;
        marks.journal = Some(Mutex::new(journal));
        Ok(marks)
    }

    fn new(stamps: Stamps, bounds: Bounds, content: &Content) -> Self {
        let mut kinds = Kinds { hard: Held::new(bounds), soft: Held::new(bounds) };
        let mut youngest = Stamp::default();
        for (held, horizon) in [(&mut kinds.hard, content.hard_horizon), (&mut kinds.soft, content.soft_horizon)] {
            if let Some(horizon) = horizon {
                held.raise_horizon(horizon);
                youngest = youngest.max(horizon);
            }
        }
        for mark in &content.marks {
            kinds.of(mark.soft).insert(&mark.selector, mark.stamp);
            youngest = youngest.max(mark.stamp);
        }
        stamps.observe(youngest);
        Self {
            stamps,
            youngest: AtomicU64::new(youngest.micros()),
            kinds: RwLock::new(kinds),
            journal: None,
            unwritten: Mutex::default(),
        }
    }

    /// Where all stamps of this process come from.
    pub const fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// What the marks say of a thing with these labels whose making began at `stamp`. Where every mark is older, one
    /// look at a number; else a look for each tag and each prefix on the way to its source.
    pub fn judge(&self, stamp: Stamp, labels: &Labels) -> Verdict {
        if self.youngest.load(Ordering::Acquire) < stamp.micros() {
            return Verdict::Good;
        }
        let kinds = self.read();
        if kinds.hard.naming(stamp, labels).is_some() {
            return Verdict::Gone;
        }
        kinds.soft.naming(stamp, labels).map_or(Verdict::Good, |since| Verdict::Stale { since })
    }

    /// Whether a purge took it away, softness aside: the question before something is kept or deleted.
    pub fn is_gone(&self, stamp: Stamp, labels: &Labels) -> bool {
        self.youngest.load(Ordering::Acquire) >= stamp.micros() && self.read().hard.naming(stamp, labels).is_some()
    }

    /// The youngest mark, soft or not, that names something with these labels; zero for none. Work that began before
    /// it is not to be shared with those who came after it.
    pub fn last(&self, labels: &Labels) -> Stamp {
        self.look(|kinds| kinds.hard.youngest(labels).max(kinds.soft.youngest(labels)))
    }

    /// The same of hard marks alone.
    pub fn last_hard(&self, labels: &Labels) -> Stamp {
        self.look(|kinds| kinds.hard.youngest(labels))
    }

    fn look(&self, youngest: impl FnOnce(&Kinds) -> Option<Stamp>) -> Stamp {
        if self.youngest.load(Ordering::Acquire) == 0 {
            return Stamp::default();
        }
        youngest(&self.read()).unwrap_or_default()
    }

    /// Makes all that these name and that began before now gone, or stale. Holds at once, and durably when this
    /// returns. Blocks on the disk.
    ///
    /// # Errors
    /// The marks could not be made durable: they hold until the process ends, and nobody is to be told more.
    pub fn purge(&self, selectors: &[Selector], soft: bool) -> Result<Vec<Mark>, MarksError> {
        self.enforce(|stamps| {
            let stamp = stamps.now();
            selectors.iter().map(|selector| Mark { selector: selector.clone(), stamp, soft }).collect()
        })
    }

    /// An original was found changed by a fetch that began at `since`: what was made of it before is stale. Never
    /// blocks; it reaches the journal with the next [`Self::upkeep`].
    pub fn outdate(&self, source: &Tag, since: Stamp) {
        let stamp = Stamp::from_micros(since.micros().saturating_sub(1));
        let mark = Mark { selector: Selector::Tag(source.clone()), stamp, soft: true };
        let (_, news) = self.insert(|_| vec![mark.clone()]);
        if news.is_empty() || self.journal.is_none() {
            return;
        }
        let mut unwritten = lock(&self.unwritten);
        if unwritten.marks.len() < UNWRITTEN_MAX {
            unwritten.marks.push(mark);
        } else {
            unwritten.is_over = true;
        }
    }

    /// Takes marks of other nodes, as `stamped` says with stamps of this one: they hold here at once, and durably when
    /// this returns. Known ones change nothing. Later stamps come after all of them. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Self::purge`]; the same marks may be given again.
    pub fn take_in(&self, stamped: impl FnOnce(&Stamps) -> Vec<Mark>) -> Result<(), MarksError> {
        self.enforce(stamped).map(drop)
    }

    /// Brings the journal up to date, and writes it anew when it says much more than it must. To be called about every
    /// second, on a thread that may block.
    ///
    /// # Errors
    /// The journal cannot be written; the next call tries again.
    pub fn upkeep(&self) -> Result<(), MarksError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let mut journal = lock(journal);
        self.write_down(&mut journal, &[]).map_err(MarksError::Journal)
    }

    /// How many marks are held.
    pub fn state(&self) -> MarksState {
        let kinds = self.read();
        MarksState {
            hard: kinds.hard.len(),
            soft: kinds.soft.len(),
            hard_horizon_s: kinds.hard.horizon().map(Stamp::unix_s),
            soft_horizon_s: kinds.soft.horizon().map(Stamp::unix_s),
            is_durable: self.journal.is_some(),
        }
    }

    /// Puts marks in force; all of them, and those that say anything new.
    ///
    /// Work takes a stamp and then looks at what is kept. If a mark had its stamp for a while and were not there yet,
    /// work of that while would use what is purged and look as if it had begun after the purge. So nobody gets past the
    /// marks from before their stamps are taken until they are there.
    fn insert(&self, stamped: impl FnOnce(&Stamps) -> Vec<Mark>) -> (Vec<Mark>, Vec<Mark>) {
        let mut kinds = self.write();
        let mut youngest = self.youngest.swap(u64::MAX, Ordering::AcqRel);
        let marks = stamped(&self.stamps);
        let mut news = Vec::new();
        for mark in &marks {
            self.stamps.observe(mark.stamp);
            if kinds.of(mark.soft).insert(&mark.selector, mark.stamp) {
                news.push(mark.clone());
                youngest = youngest.max(mark.stamp.micros());
            }
        }
        self.youngest.store(youngest, Ordering::Release);
        (marks, news)
    }

    /// Puts marks in force and makes them durable, with all that came before them; gives them.
    fn enforce(&self, stamped: impl FnOnce(&Stamps) -> Vec<Mark>) -> Result<Vec<Mark>, MarksError> {
        // Before the marks hold, so that whoever finds a mark known finds it durable as well.
        let journal = self.journal.as_ref().map(lock);
        let (marks, news) = self.insert(stamped);
        if let Some(mut journal) = journal.filter(|journal| !news.is_empty() || journal.is_broken()) {
            self.write_down(&mut journal, &news).and_then(|()| journal.sync()).map_err(MarksError::Journal)?;
        }
        Ok(marks)
    }

    fn write_down(&self, journal: &mut Journal, marks: &[Mark]) -> io::Result<()> {
        let waiting = std::mem::take(&mut *lock(&self.unwritten));
        let state = self.state();
        if journal.is_broken() || waiting.is_over || journal.is_grown(state.hard + state.soft) {
            // What is in force includes the given marks, and all that wait.
            journal.rewrite(&self.content())
        } else if waiting.marks.is_empty() && marks.is_empty() {
            Ok(())
        } else {
            journal.append(&[waiting.marks.as_slice(), marks].concat())
        }
    }

    fn content(&self) -> Content {
        let kinds = self.read();
        let marks_of = |held: &Held, soft| -> Vec<Mark> {
            held.marks().map(|(selector, stamp)| Mark { selector, stamp, soft }).collect()
        };
        Content {
            hard_horizon: kinds.hard.horizon(),
            soft_horizon: kinds.soft.horizon(),
            marks: [marks_of(&kinds.hard, false), marks_of(&kinds.soft, true)].concat(),
            is_damaged: false,
        }
    }

    // Nothing under these locks panics between two changes; what a poisoned one holds is whole.
    fn read(&self) -> RwLockReadGuard<'_, Kinds> {
        self.kinds.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kinds> {
        self.kinds.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Marks").field("state", &self.state()).finish_non_exhaustive()
    }
}

// === impl MarkSet ===

impl MarkSet {
    pub fn new(marks: &[Mark]) -> Self {
        let mut held = Held::new(Bounds { marks_max: usize::MAX, text_bytes_max: usize::MAX });
        for mark in marks {
            held.insert(&mark.selector, mark.stamp);
        }
        Self(held)
    }

    /// Whether one of them names a thing with these labels that began at `stamp`.
    pub fn names(&self, stamp: Stamp, labels: &Labels) -> bool {
        self.0.naming(stamp, labels).is_some()
    }
}

// === impl Kinds ===

impl Kinds {
    const fn of(&mut self, soft: bool) -> &mut Held {
        if soft { &mut self.soft } else { &mut self.hard }
    }
}

/// Whether the disk is one that is only read now, which is no reason not to serve what is on it.
fn takes_nothing(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

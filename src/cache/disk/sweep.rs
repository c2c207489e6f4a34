//! The sweep behind: files and rows compared in both directions, so that what a crash separated is joined or removed.
//!
//! It goes folder by folder and only so fast. Files without rows are adopted by their heads; with an empty index that
//! is how it is rebuilt. While that goes on, what lies in folders not seen yet is estimated from those that were, since
//! keys are spread evenly, and counted against the budgets, so that the disk is not filled twice.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Shared;
use super::index::{Batch, IndexError};
use super::keeper::Keeper;
use super::layout::{FOLDERS, key_of};
use super::reading::{Unread, read_head};
use super::row::{Row, class_index};
use super::sieve::Lane;
use super::state::Event;
use crate::cache::{Class, Key};
use crate::telemetry::clock;

/// A sweep and how far it is.
pub(super) struct Sweep {
    /// The folder to be listed next.
    folder: u16,
    /// What was found in the last one and is not dealt with.
    todo: Vec<Find>,
    next_at: Instant,
    /// It began with an index that knew nothing.
    is_rebuilding: bool,
    /// Bytes of what was adopted, by class.
    adopted_bytes: [u64; Class::ALL.len()],
    /// Rows may be those of files that were replaced later, so each is compared with its file.
    doubts_lengths: bool,
}

/// What does not match.
enum Find {
    /// A file without a row, or perhaps with an old one.
    File(Key),
    /// A row without a file.
    Row(Key),
    /// A row whose file may have another length.
    Length(Key),
    /// Named by the mark of a purge.
    Gone(Key),
    /// A file that no key is called.
    Stray(PathBuf),
}

/// Between two sweeps; only somebody else's hands in the folder make another one find anything.
const EVERY: Duration = Duration::from_hours(6);
/// Files that a step looks into before it looks at its orders again.
const SLICE_FILES: usize = 64;
/// Listing a folder costs as much as looking into so many files, and one more for so many names.
const LISTING_FILES: usize = 8;
const LISTED_PER_FILE: usize = 128;

// === impl Sweep ===

impl Sweep {
    pub(super) fn new() -> Self {
        Self {
            folder: 0,
            todo: Vec::new(),
            next_at: clock::instant().into_std(),
            is_rebuilding: false,
            adopted_bytes: [0; Class::ALL.len()],
            doubts_lengths: false,
        }
    }

    /// Begins again, since rows may have been lost.
    pub(super) fn restart(&mut self) {
        *self = Self { doubts_lengths: true, is_rebuilding: self.is_rebuilding, ..Self::new() };
    }

    /// Begins again with an index that knows nothing.
    pub(super) fn rebuild(&mut self) {
        *self = Self { is_rebuilding: true, ..Self::new() };
    }

    pub(super) fn doubt_lengths(&mut self) {
        self.doubts_lengths = true;
    }

    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }

    /// What files without rows probably take up in the folders not seen yet; not more than their share of the budget,
    /// since within that they were written.
    pub(super) fn unseen_bytes(&self, class: Class, budget_bytes: u64) -> u64 {
        if !self.is_rebuilding {
            return 0;
        }
        let seen = u64::from(self.folder) - u64::from(!self.todo.is_empty());
        let left = u64::from(FOLDERS).saturating_sub(seen);
        let expected = self.adopted_bytes[class_index(class)].saturating_mul(left).checked_div(seen);
        expected.unwrap_or(0).min(budget_bytes / u64::from(FOLDERS) * left)
    }
}

// === impl Keeper ===

impl Keeper {
    /// Does some of the sweep, if it is its time.
    pub(super) fn sweep(&mut self, batch: &mut Batch<'_>) -> Result<(), IndexError> {
        let now = clock::instant().into_std();
        if self.is_degraded() || self.sweep.next_at > now {
            return Ok(());
        }
        let mut files = 0;
        if self.sweep.todo.is_empty() {
            if self.sweep.folder >= FOLDERS {
                self.finish_sweep(now);
                return Ok(());
            }
            files += LISTING_FILES + self.list_folder(batch, self.sweep.folder as u8)? / LISTED_PER_FILE;
            self.sweep.folder += 1;
        }
        for _ in 0..SLICE_FILES {
            let Some(find) = self.sweep.todo.pop() else {
                break;
            };
            files += 1;
            self.resolve(batch, find)?;
        }
        let per_s = self.shared.spec.sweep_files_per_s.max(1);
        self.sweep.next_at = now + Duration::from_secs(1) * files as u32 / per_s;
        Ok(())
    }

    fn finish_sweep(&mut self, now: Instant) {
        self.sweep = Sweep { next_at: now + EVERY, ..Sweep::new() };
        self.sweep_staging();
        self.shared.board.set_swept(true);
    }

    /// Removes what a failed write left: the keeper writes one file at a time, and none now.
    fn sweep_staging(&self) {
        let Shared { files, layout, .. } = &*self.shared;
        for name in files.names(&layout.staging()).unwrap_or_default() {
            if files.remove(&layout.staging().join(name)).is_ok() {
                self.shared.board.count(Event::Swept);
            }
        }
    }

    /// Compares the names in a folder with the rows of its keys; how many names there were.
    fn list_folder(&mut self, batch: &Batch<'_>, first: u8) -> Result<usize, IndexError> {
        let Shared { files, layout, is_gone, board, .. } = &*self.shared;
        let folder = layout.folder(first);
        let Ok(names) = files.names(&folder) else {
            // Rows are not taken for orphans because a folder cannot be read just now.
            board.count(Event::ReadError);
            return Ok(0);
        };
        let listed = names.len();
        let mut keys = Vec::with_capacity(listed);
        let mut todo = Vec::new();
        for name in names {
            match key_of(first, &name) {
                Some(key) => keys.push(key),
                None => todo.push(Find::Stray(folder.join(name))),
            }
        }
        keys.sort_unstable();
        let mut unmatched = keys.into_iter().peekable();
        let doubts_lengths = self.sweep.doubts_lengths;
        batch.folder(first, |key, row| {
            while let Some(file) = unmatched.next_if(|file| *file < key) {
                todo.push(Find::File(file));
            }
            let has_file = unmatched.next_if_eq(&key).is_some();
            if !has_file {
                todo.push(Find::Row(key));
            } else if is_gone(row.stamp, &row.labels) {
                todo.push(Find::Gone(key));
            } else if doubts_lengths {
                todo.push(Find::Length(key));
            }
        })?;
        todo.extend(unmatched.map(Find::File));
        self.sweep.todo = todo;
        Ok(listed)
    }

    /// Deals with a find as it is now; the keeper may have changed it since the folder was listed.
    fn resolve(&mut self, batch: &mut Batch<'_>, find: Find) -> Result<(), IndexError> {
        let Shared { files, layout, board, is_gone, .. } = &*self.shared;
        match find {
            Find::Stray(path) => {
                if files.remove(&path).is_ok() {
                    board.count(Event::Swept);
                }
            }
            Find::File(key) if batch.row(&key)?.is_none() => self.adopt(batch, &key)?,
            Find::File(_) => {}
            Find::Row(key) => {
                if matches!(files.len(&layout.object(&key)), Ok(None)) && batch.remove(&key)?.is_some() {
                    board.count(Event::Swept);
                }
            }
            Find::Length(key) => {
                let row = batch.row(&key)?;
                if let (Some(row), Ok(Some(len))) = (row, files.len(&layout.object(&key)))
                    && row.file_bytes != len
                {
                    self.adopt(batch, &key)?;
                }
            }
            Find::Gone(key) => {
                if batch.row(&key)?.is_some_and(|row| is_gone(row.stamp, &row.labels)) {
                    board.count(Event::Swept);
                    self.discard(batch, &key)?;
                }
            }
        }
        Ok(())
    }

    /// Makes the row of a file from its head, or removes a file that is not to be kept.
    fn adopt(&mut self, batch: &mut Batch<'_>, key: &Key) -> Result<(), IndexError> {
        let Shared { files, layout, board, is_gone, spec, .. } = &*self.shared;
        let head = match read_head(&**files, &layout.object(key), key) {
            Ok(head) => head,
            Err(Unread::Absent) => return Ok(()),
            Err(Unread::Failed(_)) => {
                board.count(Event::ReadError);
                return Ok(());
            }
            Err(Unread::Damaged(damage)) => {
                board.count(Event::Corrupt);
                tracing::debug!(?key, %damage, "damaged entry removed");
                self.discard(batch, key)?;
                return Ok(());
            }
        };
        if is_gone(head.stamp, &head.labels) || spec.budgets.of(head.class) == 0 {
            board.count(Event::Swept);
            self.discard(batch, key)?;
            return Ok(());
        }
        let place = class_index(head.class);
        // It outlived others once; a lane for newcomers would not be fair.
        let row = Row {
            class: head.class,
            lane: Lane::Main,
            turn: 0,
            file_bytes: head.total_bytes,
            stamp: head.stamp,
            labels: head.labels,
        };
        board.count(Event::Adopted);
        self.sweep.adopted_bytes[place] += row.bytes();
        batch.insert(key, row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_is_expected_to_be_like_what_was() {
        let adopted_bytes = [1000, 0, 0];
        let at = |folder, is_rebuilding| Sweep { folder, is_rebuilding, adopted_bytes, ..Sweep::new() };
        let unseen = |sweep: Sweep| sweep.unseen_bytes(Class::Variant, 1 << 20);
        assert_eq!(unseen(at(64, true)), 3000);
        assert_eq!(unseen(at(256, true)), 0);
        assert_eq!(unseen(at(0, true)), 0);
        assert_eq!(unseen(at(64, false)), 0);
        assert_eq!(at(64, true).unseen_bytes(Class::Original, 1 << 20), 0);
        // The folder that is being dealt with has not been seen whole.
        let todo = vec![Find::Row(Key::of("test", &[]))];
        assert_eq!(unseen(Sweep { todo, ..at(65, true) }), 3000);
        assert_eq!(at(64, true).unseen_bytes(Class::Variant, 2560), 10 * 192, "not more than its share of the budget");
    }
}

//! Faults of the disk: writing stops for a while, and is tried again until it works.
//!
//! A full disk is given room first: the reserve, which is there for that, and a tenth of what is kept.

use std::io;

use super::Shared;
use super::index::{Index, IndexError, Origin};
use super::keeper::Keeper;
use super::state::Event;
use crate::telemetry::clock;

/// Enough for the pages that the index copies while it removes a slice of rows.
const RESERVE_BYTES: usize = 4 << 20;
const PROBE_BYTES: usize = 4096;

// === impl Keeper ===

impl Keeper {
    /// Wipes what was being written when the last process ended, and opens the index.
    pub(super) fn begin(&mut self) {
        let Shared { files, layout, .. } = &*self.shared;
        for name in files.names(&layout.staging()).unwrap_or_default() {
            // What stays is removed by the sweep.
            let _ = files.remove(&layout.staging().join(name));
        }
        self.open_index();
        if self.index.is_some()
            && let Err(error) = self.make_reserve()
        {
            self.file_fault("reserve", &error);
        }
    }

    pub(super) fn is_degraded(&self) -> bool {
        self.retry_at.is_some()
    }

    /// A call to the file system failed.
    pub(super) fn file_fault(&mut self, doing: &'static str, error: &io::Error) {
        self.shared.board.count(Event::WriteError);
        self.degrade(error, &format_args!("{doing}: {error}"));
    }

    /// The index failed and was dropped: redb says nothing but that after the first error.
    pub(super) fn index_fault(&mut self, error: IndexError) {
        match error {
            IndexError::Damaged(what) => self.begin_index_anew(&what),
            IndexError::Io(error) => {
                self.shared.board.count(Event::WriteError);
                self.degrade(&error, &format_args!("index: {error}"));
                // There is room for it now, and it is needed to make more.
                if self.is_out_of_space
                    && let Ok(index) = Index::open(&self.shared.layout.index())
                {
                    self.index = Some(index);
                    self.is_over_budget = true;
                }
            }
        }
    }

    /// A bug, on our side or below: redb panics on some damage that it finds late, so the index is not used again.
    pub(super) fn panicked(&mut self) {
        self.index = None;
        self.is_index_distrusted = true;
        self.degrade(&io::Error::other("panicked"), &"the keeper panicked");
    }

    /// Tries whether the disk works again.
    pub(super) fn retry(&mut self) {
        if self.index.is_none() {
            self.retry_at = None;
            if std::mem::take(&mut self.is_index_distrusted) {
                self.begin_index_anew("the keeper panicked");
            } else {
                self.open_index();
            }
            if self.is_degraded() {
                return;
            }
        }
        let tried = self.make_reserve().and_then(|()| self.probe());
        self.retry_at = None;
        if let Err(error) = tried {
            // Not counted and not logged again, but a disk that is full still is given more room.
            self.degrade(&error, &error);
            return;
        }
        self.is_out_of_space = false;
        self.shrink_to = None;
        self.sweep.restart();
        self.shared.board.heal();
    }

    fn open_index(&mut self) {
        match Index::open(&self.shared.layout.index()) {
            Ok(index) => {
                match index.origin() {
                    Origin::Closed => {}
                    Origin::Left => self.sweep.doubt_lengths(),
                    Origin::New => self.sweep.rebuild(),
                }
                self.shared.board.set_totals(index.totals().all());
                self.index = Some(index);
            }
            Err(error) => self.index_fault(error),
        }
    }

    fn begin_index_anew(&mut self, what: &str) {
        tracing::warn!(what, "index of the disk tier is begun anew from its files");
        self.shared.board.count(Event::IndexRebuilt);
        let path = self.shared.layout.index();
        let begun = self.shared.files.remove(&path).map_err(IndexError::Io).and_then(|()| Index::open(&path));
        match begun {
            Ok(index) => {
                self.shared.board.set_totals(index.totals().all());
                self.index = Some(index);
                self.sweep.rebuild();
                self.shared.board.set_swept(false);
            }
            Err(error) => {
                self.shared.board.count(Event::WriteError);
                self.degrade(&io::Error::other("no index"), &error);
            }
        }
    }

    fn degrade(&mut self, error: &io::Error, detail: &dyn std::fmt::Display) {
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if is_full && !self.is_degraded() {
            self.is_out_of_space = true;
            // On a disk that does not even remove, nothing else would work either.
            let _ = self.shared.files.remove(&self.shared.layout.reserve());
        }
        // Rows of the transaction under way may be lost; the sweep begins again when this is over.
        self.shared.board.set_swept(false);
        self.shared.board.degrade(why(error), detail);
        if self.retry_at.is_none() {
            self.retry_later();
        }
    }

    fn retry_later(&mut self) {
        self.retry_at = Some(clock::instant().into_std() + self.shared.spec.retry_after);
    }

    /// Makes the reserve unless it is there.
    fn make_reserve(&self) -> io::Result<()> {
        let Shared { files, layout, .. } = &*self.shared;
        let reserve = layout.reserve();
        if files.len(&reserve)? == Some(RESERVE_BYTES as u64) {
            return Ok(());
        }
        files.remove(&reserve)?;
        files.write(&reserve, &[&vec![0; RESERVE_BYTES]]).inspect_err(|_| {
            // Half a reserve would be taken for none at the next try and removed then.
            let _ = files.remove(&reserve);
        })
    }

    fn probe(&self) -> io::Result<()> {
        let Shared { files, layout, .. } = &*self.shared;
        let path = layout.staged(0);
        let written = files.write(&path, &[&[0; PROBE_BYTES]]);
        files.remove(&path).and(written)
    }
}

/// A fault in words that are the same each time.
fn why(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "disk is full",
        io::ErrorKind::QuotaExceeded => "quota is used up",
        io::ErrorKind::ReadOnlyFilesystem => "file system is read-only",
        io::ErrorKind::PermissionDenied => "permission denied",
        _ => "disk failed",
    }
}

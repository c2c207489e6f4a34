//! The index in redb; nothing outside of this file and its folder knows that it is redb.
//!
//! Work is done in transactions of one writer. Most are held by the running process only; one a second is made durable,
//! so a crash loses the rows of a second at most, and the state after it opens at once (`set_quick_repair`).

mod batch;
mod error;

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase as _, TableError};

use self::batch::META;
pub(super) use self::batch::{Batch, Lanes};
pub(super) use self::error::IndexError;

use super::row::Totals;

/// The index, open for its one writer.
#[derive(Debug)]
pub(super) struct Index {
    database: Database,
    totals: Totals,
    /// Rows were written since the last commit that a crash cannot lose.
    is_dirty: bool,
    origin: Origin,
}

/// How an index was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was not there: every file is without a row.
    New,
    /// Whoever had it closed it: no row is missing.
    Closed,
    /// Whoever had it left it: rows of the last second may be missing.
    Left,
}

/// Whether a crash may lose the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    Soon,
    Durable,
}

const TOTALS: &[u8] = b"totals";
/// There while nobody has the index open, if it was closed and not left.
const CLOSED: &[u8] = b"closed";
/// redb takes a gigabyte if it is not told.
const PAGE_CACHE_BYTES: usize = 32 << 20;

// === impl Index ===

impl Index {
    /// Opens the index, or begins a new one where there is no file.
    pub(super) fn open(path: &Path) -> Result<Self, IndexError> {
        let database = Database::builder().set_cache_size(PAGE_CACHE_BYTES).create(path)?;
        let totals = Self::read_totals(&database)?;
        let origin = if totals.is_none() { Origin::New } else { Origin::Left };
        let mut index = Self { database, totals: totals.unwrap_or_default(), is_dirty: false, origin };
        // The tables are made here, and a disk that takes nothing is noticed before anything depends on it.
        let was_closed = index.write(|batch| {
            batch.meta.insert(TOTALS, batch.totals.encode().as_slice())?;
            Ok((batch.meta.remove(CLOSED)?.is_some(), Commit::Durable))
        })?;
        if was_closed {
            index.origin = Origin::Closed;
        }
        Ok(index)
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether a crash would lose rows.
    pub(super) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    fn read_totals(database: &Database) -> Result<Option<Totals>, IndexError> {
        let transaction = database.begin_read()?;
        let meta = match transaction.open_table(META) {
            Ok(meta) => meta,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let totals = meta.get(TOTALS)?;
        let totals = totals.map(|totals| Totals::decode(totals.value()).ok_or_else(|| IndexError::damaged("totals")));
        totals.transpose()
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Does work in one transaction: all of it is in the index afterwards, or nothing.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<(T, Commit), IndexError>,
    ) -> Result<T, IndexError> {
        let mut transaction = self.database.begin_write()?;
        let mut batch = Batch::open(&transaction, self.totals)?;
        let (done, commit) = work(&mut batch)?;
        let totals = batch.totals;
        // Every change takes a turn or changes a sum.
        let is_changed = totals != self.totals;
        if is_changed {
            batch.meta.insert(TOTALS, totals.encode().as_slice())?;
        }
        drop(batch);
        match commit {
            Commit::Soon => transaction.set_durability(Durability::None)?,
            Commit::Durable => transaction.set_quick_repair(true),
        }
        transaction.commit()?;
        self.totals = totals;
        self.is_dirty = commit == Commit::Soon && (self.is_dirty || is_changed);
        Ok(done)
    }

    /// Ends it; what was committed is durable afterwards.
    pub(super) fn close(mut self) -> Result<(), IndexError> {
        self.write(|batch| {
            batch.meta.insert(CLOSED, [].as_slice())?;
            Ok(((), Commit::Durable))
        })?;
        Ok(self.database.close()?)
    }
}

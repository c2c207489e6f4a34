//! The index in redb; no file beside this one and its errors knows that it is redb.
//!
//! Work is done in transactions of one writer. Most are held by the running process only; one a second is made durable,
//! so a crash loses the rows of a second at most, and the state after it opens at once (`set_quick_repair`).
//!
//! Tables: `entries` (key to [`Row`]), `order` (place to item), `tags` and `sources` (label and key to nothing) and
//! `meta` (the totals).

mod error;

use std::path::Path;

use redb::{
    Database, Durability, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, TableError,
    WriteTransaction,
};

pub(super) use self::error::IndexError;

use super::row::{self, Row, Totals};
use super::sieve::{Item, Lane, Queues};
use crate::cache::{Class, Key, Selector, Tag};

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

/// A transaction under way.
pub(super) struct Batch<'t> {
    entries: Bytes<'t>,
    order: Bytes<'t>,
    tags: Bytes<'t>,
    sources: Bytes<'t>,
    meta: Bytes<'t>,
    totals: Totals,
}

/// One class of a batch, as the policy sees it.
pub(super) struct Lanes<'b, 't> {
    pub(super) batch: &'b mut Batch<'t>,
    pub(super) class: Class,
}

/// Whether a crash may lose the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    Soon,
    Durable,
}

type Bytes<'t> = Table<'t, &'static [u8], &'static [u8]>;
type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

const ENTRIES: Definition = TableDefinition::new("entries");
const ORDER: Definition = TableDefinition::new("order");
const TAGS: Definition = TableDefinition::new("tags");
const SOURCES: Definition = TableDefinition::new("sources");
const META: Definition = TableDefinition::new("meta");
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

// === impl Batch ===

impl<'t> Batch<'t> {
    fn open(transaction: &'t WriteTransaction, totals: Totals) -> Result<Self, IndexError> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            order: transaction.open_table(ORDER)?,
            tags: transaction.open_table(TAGS)?,
            sources: transaction.open_table(SOURCES)?,
            meta: transaction.open_table(META)?,
            totals,
        })
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(super) fn row(&self, key: &Key) -> Result<Option<Row>, IndexError> {
        let row = self.entries.get(key.as_bytes().as_slice())?;
        row.map(|row| Row::decode(row.value()).ok_or_else(|| IndexError::damaged("row"))).transpose()
    }

    /// Adds an entry at the end of its lane, in the place of what was under the key; the turn is given here.
    pub(super) fn insert(&mut self, key: &Key, mut row: Row) -> Result<(), IndexError> {
        self.remove(key)?;
        self.totals.turn += 1;
        row.turn = self.totals.turn;
        self.place(key, &row)?;
        for tag in &row.labels.tags {
            self.tags.insert(row::label_key(&tag_label(tag), key).as_slice(), [].as_slice())?;
        }
        if !row.labels.source.is_empty() {
            self.sources.insert(row::label_key(&row.labels.source, key).as_slice(), [].as_slice())?;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &Key) -> Result<Option<Row>, IndexError> {
        let Some(row) = self.row(key)? else {
            return Ok(None);
        };
        self.entries.remove(key.as_bytes().as_slice())?;
        self.order.remove(row.place().as_slice())?;
        self.totals.subtract(&row);
        for tag in &row.labels.tags {
            self.tags.remove(row::label_key(&tag_label(tag), key).as_slice())?;
        }
        self.sources.remove(row::label_key(&row.labels.source, key).as_slice())?;
        Ok(Some(row))
    }

    /// Keys that a selector names, after the place where the last call ended, at most `limit` of them, with the place
    /// to go on from; `None` at the end.
    pub(super) fn named(
        &self,
        selector: &Selector,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<(Vec<Key>, Option<Vec<u8>>), IndexError> {
        let (table, text) = match selector {
            Selector::Tag(tag) => (&self.tags, tag_label(tag)),
            Selector::Prefix(prefix) => (&self.sources, prefix.clone()),
        };
        let text = text.as_bytes();
        let (mut keys, mut seen) = (Vec::new(), 0);
        for place in table.range::<&[u8]>(after.unwrap_or(text)..)? {
            let place = place?.0;
            let place = place.value();
            if after.is_some_and(|after| after == place) {
                continue;
            }
            if !place.starts_with(text) {
                return Ok((keys, None));
            }
            let (label, key) = row::decode_label_key(place).ok_or_else(|| IndexError::damaged("label"))?;
            // A key follows its label at once and may look like more of it.
            if label.starts_with(text) {
                keys.push(key);
            }
            seen += 1;
            if seen >= limit {
                return Ok((keys, Some(place.to_vec())));
            }
        }
        Ok((keys, None))
    }

    /// Shows every row whose key begins with this byte, in the order of keys.
    pub(super) fn folder(&self, first: u8, mut show: impl FnMut(Key, Row)) -> Result<(), IndexError> {
        for entry in self.entries.range::<&[u8]>([first].as_slice()..)? {
            let (key, row) = entry?;
            if key.value().first() != Some(&first) {
                break;
            }
            let key = <[u8; 32]>::try_from(key.value()).map_err(|_| IndexError::damaged("key"))?;
            show(Key::from_bytes(key), Row::decode(row.value()).ok_or_else(|| IndexError::damaged("row"))?);
        }
        Ok(())
    }

    fn place(&mut self, key: &Key, row: &Row) -> Result<(), IndexError> {
        self.entries.insert(key.as_bytes().as_slice(), row.encode().as_slice())?;
        self.order.insert(row.place().as_slice(), row::encode_item(key, row.bytes()).as_slice())?;
        self.totals.add(row);
        Ok(())
    }
}

// === impl Lanes ===

impl Queues for Lanes<'_, '_> {
    type Error = IndexError;

    fn bytes(&self, lane: Lane) -> u64 {
        self.batch.totals.lane(self.class, lane).bytes
    }

    fn entries(&self) -> u64 {
        self.batch.totals.class(self.class).entries
    }

    fn oldest(&mut self, lane: Lane) -> Result<Option<Item>, IndexError> {
        let start = row::lane_key(self.class, lane);
        let first = self.batch.order.range::<&[u8]>(start.as_slice()..)?.next().transpose()?;
        let Some((place, item)) = first.filter(|(place, _)| place.value().starts_with(&start)) else {
            return Ok(None);
        };
        drop(place);
        let (key, bytes) = row::decode_item(item.value()).ok_or_else(|| IndexError::damaged("item"))?;
        Ok(Some(Item { key, bytes }))
    }

    fn to_back(&mut self, item: &Item, lane: Lane) -> Result<(), IndexError> {
        let mut row = self.batch.row(&item.key)?.ok_or_else(|| IndexError::damaged("an item has no row"))?;
        self.batch.order.remove(row.place().as_slice())?;
        self.batch.totals.subtract(&row);
        self.batch.totals.turn += 1;
        row = Row { lane, turn: self.batch.totals.turn, ..row };
        self.batch.place(&item.key, &row)
    }
}

/// A tag as a label: with an end that no tag contains, so that none is the beginning of another.
fn tag_label(tag: &Tag) -> String {
    format!("{tag}\0")
}

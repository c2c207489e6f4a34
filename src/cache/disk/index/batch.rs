//! What is done to the index in one transaction.
//!
//! Tables: `entries` (key to [`Row`]), `order` (place to item), `tags` and `sources` (label and key to nothing) and
//! `meta` (the totals).

use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::IndexError;
use crate::cache::disk::row::{self, Row, Totals};
use crate::cache::disk::sieve::{Item, Lane, Queues};
use crate::cache::{Class, Key, Selector, Tag};

/// A transaction under way.
pub(crate) struct Batch<'t> {
    entries: Bytes<'t>,
    order: Bytes<'t>,
    tags: Bytes<'t>,
    sources: Bytes<'t>,
    pub(super) meta: Bytes<'t>,
    pub(super) totals: Totals,
}

/// One class of a batch, as the policy sees it.
pub(crate) struct Lanes<'b, 't> {
    pub(crate) batch: &'b mut Batch<'t>,
    pub(crate) class: Class,
}

type Bytes<'t> = Table<'t, &'static [u8], &'static [u8]>;
type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

const ENTRIES: Definition = TableDefinition::new("entries");
const ORDER: Definition = TableDefinition::new("order");
const TAGS: Definition = TableDefinition::new("tags");
const SOURCES: Definition = TableDefinition::new("sources");
pub(super) const META: Definition = TableDefinition::new("meta");

// === impl Batch ===

impl<'t> Batch<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction, totals: Totals) -> Result<Self, IndexError> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            order: transaction.open_table(ORDER)?,
            tags: transaction.open_table(TAGS)?,
            sources: transaction.open_table(SOURCES)?,
            meta: transaction.open_table(META)?,
            totals,
        })
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(crate) fn row(&self, key: &Key) -> Result<Option<Row>, IndexError> {
        let row = self.entries.get(key.as_bytes().as_slice())?;
        row.map(|row| Row::decode(row.value()).ok_or_else(|| IndexError::damaged("row"))).transpose()
    }

    /// Adds an entry at the end of its lane, in the place of what was under the key; the turn is given here.
    pub(crate) fn insert(&mut self, key: &Key, mut row: Row) -> Result<(), IndexError> {
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

    pub(crate) fn remove(&mut self, key: &Key) -> Result<Option<Row>, IndexError> {
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
    pub(crate) fn named(
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
    pub(crate) fn folder(&self, first: u8, mut show: impl FnMut(Key, Row)) -> Result<(), IndexError> {
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

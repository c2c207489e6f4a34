//! Rows of the index as bytes. They can be lost and made again from the files, so a layout that changes begins a new
//! index ([`SCHEMA`]) instead of being read in two ways.

use super::on_disk;
use super::sieve::Lane;
use crate::cache::{Class, Key, Labels, Stamp};

/// What the index knows of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) class: Class,
    pub(super) lane: Lane,
    /// Its place in the lane.
    pub(super) turn: u64,
    /// Length of the file.
    pub(super) file_bytes: u64,
    pub(super) stamp: Stamp,
    pub(super) labels: Labels,
}

/// Sums over all rows, kept with them in the same transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// By class and lane.
    lanes: [[Sum; LANES]; CLASSES],
    /// The last place given in a lane.
    pub(super) turn: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) entries: u64,
    /// As the files take up disk.
    pub(super) bytes: u64,
}

/// The number of this layout.
pub(super) const SCHEMA: u64 = 1;

const CLASSES: usize = Class::ALL.len();
const LANES: usize = 2;
const LANE_CODES: [Lane; LANES] = [Lane::Small, Lane::Main];
/// Class, lane, turn, length, stamp; the labels follow as JSON.
const ROW_FIXED_BYTES: usize = 26;
/// Class and lane.
const LANE_BYTES: usize = 2;
const PLACE_BYTES: usize = 10;
const ITEM_BYTES: usize = 40;
const NUMBER_BYTES: usize = 8;
/// Schema, turn, then entries and bytes of each class and lane.
const TOTALS_BYTES: usize = (2 + 2 * CLASSES * LANES) * NUMBER_BYTES;

// === impl Row ===

impl Row {
    /// What its file takes up.
    pub(super) fn bytes(&self) -> u64 {
        on_disk(self.file_bytes)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Texts always serialize, and without labels the row could only not be found by them.
        let labels = serde_json::to_vec(&self.labels).unwrap_or_default();
        let mut row = Vec::with_capacity(ROW_FIXED_BYTES + labels.len());
        row.extend([self.class.code(), self.lane as u8]);
        row.extend(self.turn.to_be_bytes());
        row.extend(self.file_bytes.to_be_bytes());
        row.extend(self.stamp.micros().to_be_bytes());
        row.extend(labels);
        row
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (fixed, labels) = row.split_at_checked(ROW_FIXED_BYTES)?;
        Some(Self {
            class: Class::from_code(fixed[0])?,
            lane: *LANE_CODES.get(usize::from(fixed[1]))?,
            turn: number_at(fixed, 2)?,
            file_bytes: number_at(fixed, 10)?,
            stamp: Stamp::from_micros(number_at(fixed, 18)?),
            labels: serde_json::from_slice(labels).ok()?,
        })
    }

    /// The key of its place in the order of eviction: ordered by class, lane and turn.
    pub(super) fn place(&self) -> [u8; PLACE_BYTES] {
        let mut place = [0; PLACE_BYTES];
        place[..LANE_BYTES].copy_from_slice(&lane_key(self.class, self.lane));
        place[LANE_BYTES..].copy_from_slice(&self.turn.to_be_bytes());
        place
    }
}

/// What the places of a lane begin with.
pub(super) fn lane_key(class: Class, lane: Lane) -> [u8; LANE_BYTES] {
    [class.code(), lane as u8]
}

/// The value of a place.
pub(super) fn encode_item(key: &Key, bytes: u64) -> [u8; ITEM_BYTES] {
    let mut item = [0; ITEM_BYTES];
    item[..32].copy_from_slice(key.as_bytes());
    item[32..].copy_from_slice(&bytes.to_be_bytes());
    item
}

pub(super) fn decode_item(item: &[u8]) -> Option<(Key, u64)> {
    let (key, bytes) = item.split_at_checked(32)?;
    Some((Key::from_bytes(key.try_into().ok()?), number_at(bytes, 0)?))
}

/// A label with the key it belongs to; the rows of one label lie together, and so do those of a prefix.
pub(super) fn label_key(text: &str, key: &Key) -> Vec<u8> {
    [text.as_bytes(), key.as_bytes()].concat()
}

/// What [`label_key`] was made of.
pub(super) fn decode_label_key(bytes: &[u8]) -> Option<(&[u8], Key)> {
    let (text, key) = bytes.split_last_chunk::<32>()?;
    Some((text, Key::from_bytes(*key)))
}

fn number_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + NUMBER_BYTES)?.try_into().ok()?))
}

// === impl Totals ===

impl Totals {
    pub(super) fn lane(&self, class: Class, lane: Lane) -> Sum {
        self.lanes[class_index(class)][lane as usize]
    }

    /// Of both lanes.
    pub(super) fn class(&self, class: Class) -> Sum {
        let [small, main] = self.lanes[class_index(class)];
        Sum { entries: small.entries + main.entries, bytes: small.bytes + main.bytes }
    }

    /// Entries and bytes of each class.
    pub(super) fn all(&self) -> [(u64, u64); CLASSES] {
        Class::ALL.map(|class| {
            let sum = self.class(class);
            (sum.entries, sum.bytes)
        })
    }

    pub(super) fn add(&mut self, row: &Row) {
        let sum = &mut self.lanes[class_index(row.class)][row.lane as usize];
        sum.entries += 1;
        sum.bytes += row.bytes();
    }

    pub(super) fn subtract(&mut self, row: &Row) {
        let sum = &mut self.lanes[class_index(row.class)][row.lane as usize];
        sum.entries = sum.entries.saturating_sub(1);
        sum.bytes = sum.bytes.saturating_sub(row.bytes());
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let sums = self.lanes.iter().flatten().flat_map(|sum| [sum.entries, sum.bytes]);
        [SCHEMA, self.turn].into_iter().chain(sums).flat_map(u64::to_be_bytes).collect()
    }

    /// `None` for those of another layout.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != TOTALS_BYTES || number_at(bytes, 0)? != SCHEMA {
            return None;
        }
        let mut totals = Self { turn: number_at(bytes, NUMBER_BYTES)?, ..Self::default() };
        for (place, sum) in totals.lanes.iter_mut().flatten().enumerate() {
            let at = (2 + 2 * place) * NUMBER_BYTES;
            *sum = Sum { entries: number_at(bytes, at)?, bytes: number_at(bytes, at + NUMBER_BYTES)? };
        }
        Some(totals)
    }
}

pub(super) fn class_index(class: Class) -> usize {
    match class {
        Class::Variant => 0,
        Class::Original => 1,
        Class::File => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Tag;

    fn row() -> Row {
        Row {
            class: Class::Original,
            lane: Lane::Main,
            turn: 7,
            file_bytes: 4097,
            stamp: Stamp::from_micros(1_794_700_800_000_001),
            labels: Labels { source: "http://a/b".to_owned(), tags: vec![Tag::new("a").unwrap()] },
        }
    }

    #[test]
    fn rows_items_labels_and_totals_are_read_as_written() {
        let (row, key) = (row(), Key::of("test", &[b"a"]));
        assert_eq!(Row::decode(&row.encode()), Some(row.clone()));
        assert_eq!(decode_item(&encode_item(&key, 8192)), Some((key, 8192)));
        assert_eq!(decode_label_key(&label_key("a", &key)), Some((&b"a"[..], key)));
        let mut totals = Totals { turn: 9, ..Totals::default() };
        totals.add(&row);
        totals.add(&Row { class: Class::File, lane: Lane::Small, ..row.clone() });
        assert_eq!(totals.class(Class::Original), Sum { entries: 1, bytes: 8192 });
        assert_eq!(Totals::decode(&totals.encode()), Some(totals));
    }

    #[test]
    fn what_is_no_row_is_refused() {
        let good = row().encode();
        assert_eq!(Row::decode(&good[..good.len() - 1]), None);
        assert_eq!(Row::decode(&good[..20]), None);
        assert_eq!(Row::decode(&[]), None);
        for place in [0, 1] {
            let mut bad = good.clone();
            bad[place] = 9;
            assert_eq!(Row::decode(&bad), None);
        }
        let mut other = Totals::default().encode();
        other[7] = 2;
        assert_eq!(Totals::decode(&other), None);
        assert_eq!(decode_item(&[0; 39]), None);
        assert_eq!(decode_label_key(&[0; 31]), None);
    }

    #[test]
    fn places_are_ordered_by_class_lane_and_turn() {
        let place = |class, lane, turn| Row { class, lane, turn, ..row() }.place();
        let places = [
            place(Class::Variant, Lane::Small, 1),
            place(Class::Variant, Lane::Small, 256),
            place(Class::Variant, Lane::Main, 2),
            place(Class::Original, Lane::Small, 0),
        ];
        assert!(places.is_sorted());
    }
}

//! A kept thing as bytes outside this process, the same in a file and in a bucket: it says itself what it is, and
//! nothing of it is believed unless its digests hold.
//!
//! Version 1, numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | magic `tintype` and a zero |
//! | 8..10 | version |
//! | 10 | class |
//! | 11 | zero |
//! | 12..16 | bytes of the labels |
//! | 16..20 | bytes of the record |
//! | 20..24 | zero |
//! | 24..32 | bytes of the body |
//! | 32..40 | stamp |
//! | 40..72 | key |
//! | 72..104 | BLAKE3 of the body |
//! | 104..136 | BLAKE3 of bytes 0 to 104, labels and record |
//! | 136.. | labels (JSON), record, body |
//!
//! A change of the layout is a new version; files of old ones stay readable, and the tests keep one of each.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::labels::Labels;
use super::stamp::Stamp;

/// What kind of thing is kept; each has budgets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Variant,
    Original,
    /// A response of a pass-through mount.
    File,
}

/// A kept thing with everything needed to find, judge and use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub class: Class,
    pub key: Key,
    /// When the work that brought it began: a purge after that holds for it.
    pub stamp: Stamp,
    pub labels: Labels,
    /// What its owner needs beside the body; opaque here.
    pub record: Bytes,
    pub body: Bytes,
}

/// The head of an entry, as it can be known without the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub class: Class,
    pub key: Key,
    pub stamp: Stamp,
    pub labels: Labels,
    /// Bytes of the whole, head and body.
    pub total_bytes: u64,
    record: Bytes,
    body_digest: [u8; 32],
    body_offset: usize,
}

/// Why bytes are not taken for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("not written by tintype")]
    Foreign,
    #[error("written in version {0}, which is not known here")]
    Version(u16),
    #[error("shorter or longer than it says")]
    Length,
    #[error("its head does not match its digest")]
    Head,
    #[error("its body does not match its digest")]
    Body,
    #[error("it is the entry of another key")]
    OtherKey,
}

/// How many bytes the part of fixed length has.
pub const FIXED_BYTES: usize = 136;
/// Labels and record together; longer ones are damage, not data.
pub const HEAD_BYTES_MAX: usize = 4 << 20;

const MAGIC: [u8; 8] = *b"tintype\0";
const VERSION: u16 = 1;
const BODY_DIGEST_AT: usize = 72;
const HEAD_DIGEST_AT: usize = 104;

// === impl Class ===

impl Class {
    pub const ALL: [Self; 3] = [Self::Variant, Self::Original, Self::File];

    /// Its name in metrics, logs and settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Variant => "variants",
            Self::Original => "originals",
            Self::File => "files",
        }
    }

    /// The number under which it is written.
    pub const fn code(self) -> u8 {
        match self {
            Self::Variant => 1,
            Self::Original => 2,
            Self::File => 3,
        }
    }

    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }
}

// === impl Entry ===

impl Entry {
    /// Everything before the body.
    pub fn head_bytes(&self) -> Vec<u8> {
        // Texts always serialize; an entry without labels could be found and never purged, so it must not read well.
        let labels = serde_json::to_vec(&self.labels).unwrap_or_default();
        let mut head = Vec::with_capacity(FIXED_BYTES + labels.len() + self.record.len());
        head.extend(MAGIC);
        head.extend(VERSION.to_le_bytes());
        head.extend([self.class.code(), 0]);
        head.extend(len_u32(&labels).to_le_bytes());
        head.extend(len_u32(&self.record).to_le_bytes());
        head.extend([0; 4]);
        head.extend((self.body.len() as u64).to_le_bytes());
        head.extend(self.stamp.micros().to_le_bytes());
        head.extend(self.key.as_bytes());
        head.extend(blake3::hash(&self.body).as_bytes());
        let digest = head_digest(&head, &labels, &self.record);
        head.extend(digest);
        head.extend(&labels);
        head.extend(&self.record);
        head
    }

    /// Reads and checks a whole entry; `key` is the one that it was looked up by.
    ///
    /// # Errors
    /// See [`Damage`]; nothing of a damaged entry is to be used.
    pub fn decode(bytes: &Bytes, key: &Key) -> Result<Self, Damage> {
        let head = Head::decode(bytes, bytes.len() as u64)?;
        let body = bytes.slice(head.body_offset..);
        head.with_body(body, key)
    }
}

// === impl Head ===

impl Head {
    /// How many bytes a head has, from its fixed part.
    ///
    /// # Errors
    /// See [`Damage`].
    pub fn bytes_needed(fixed: &[u8]) -> Result<usize, Damage> {
        if fixed.len() < FIXED_BYTES {
            return Err(Damage::Length);
        }
        if fixed[..8] != MAGIC {
            return Err(Damage::Foreign);
        }
        let version = u16::from_le_bytes([fixed[8], fixed[9]]);
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let (labels, record) = (u32_at(fixed, 12) as usize, u32_at(fixed, 16) as usize);
        match labels.checked_add(record) {
            Some(sum) if sum <= HEAD_BYTES_MAX => Ok(FIXED_BYTES + sum),
            _ => Err(Damage::Head),
        }
    }

    /// Reads and checks a head; `start` holds at least as much as [`Self::bytes_needed`] says, and the whole has
    /// `total_bytes`.
    ///
    /// # Errors
    /// See [`Damage`].
    pub fn decode(start: &Bytes, total_bytes: u64) -> Result<Self, Damage> {
        let body_offset = Self::bytes_needed(start)?;
        let body_bytes = u64_at(start, 24);
        if start.len() < body_offset || (body_offset as u64).checked_add(body_bytes) != Some(total_bytes) {
            return Err(Damage::Length);
        }
        let record_at = FIXED_BYTES + u32_at(start, 12) as usize;
        let (labels, record) = (&start[FIXED_BYTES..record_at], start.slice(record_at..body_offset));
        if head_digest(&start[..HEAD_DIGEST_AT], labels, &record)[..] != start[HEAD_DIGEST_AT..FIXED_BYTES] {
            return Err(Damage::Head);
        }
        Ok(Self {
            class: Class::from_code(start[10]).ok_or(Damage::Head)?,
            key: Key::from_bytes(array_at(start, 40)),
            stamp: Stamp::from_micros(u64_at(start, 32)),
            labels: serde_json::from_slice(labels).map_err(|_| Damage::Head)?,
            total_bytes,
            record,
            body_digest: array_at(start, BODY_DIGEST_AT),
            body_offset,
        })
    }

    /// The whole entry with the body that was read apart; `key` is the one that it was looked up by.
    ///
    /// # Errors
    /// The body is not the one that this head was written with, or the head is that of another key.
    pub fn with_body(self, body: Bytes, key: &Key) -> Result<Entry, Damage> {
        if blake3::hash(&body) != self.body_digest {
            return Err(Damage::Body);
        }
        if self.key != *key {
            return Err(Damage::OtherKey);
        }
        let Self { class, key, stamp, labels, record, .. } = self;
        Ok(Entry { class, key, stamp, labels, record, body })
    }
}

fn head_digest(fixed: &[u8], labels: &[u8], record: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(fixed).update(labels).update(record).finalize().as_bytes()
}

/// A length that a caller has bounded; one that does not fit makes an entry that nobody can read.
fn len_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("invariant: the slice has the length of the array")
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::Tag;

    fn entry() -> Entry {
        Entry {
            class: Class::Original,
            key: Key::of("test", &[b"a"]),
            stamp: Stamp::from_micros(1_794_700_800_000_001),
            labels: Labels { source: "http://a/b.jpg".to_owned(), tags: vec![Tag::new("s-1").unwrap()] },
            record: Bytes::from_static(b"{\"a\":1}"),
            body: Bytes::from_static(b"the body"),
        }
    }

    fn file(entry: &Entry) -> Vec<u8> {
        [&entry.head_bytes()[..], &entry.body].concat()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = entry();
        assert_eq!(Entry::decode(&Bytes::from(file(&entry)), &entry.key), Ok(entry.clone()));
        let empty = Entry { record: Bytes::new(), body: Bytes::new(), labels: Labels::default(), ..entry };
        assert_eq!(Entry::decode(&Bytes::from(file(&empty)), &empty.key), Ok(empty));
    }

    /// As they were first written. Where this fails the layout has changed: raise the version and keep reading these.
    #[test]
    fn files_of_every_version_stay_readable() {
        let version_1 = Bytes::from_static(include_bytes!("../../tests/golden/entry-1.bin"));
        assert_eq!(Entry::decode(&version_1, &entry().key), Ok(entry()));
        assert_eq!(file(&entry()), version_1);
    }

    #[test]
    fn other_keys_versions_and_files_are_told_apart() {
        let good = file(&entry());
        let read = |bytes: &[u8]| Entry::decode(&Bytes::copy_from_slice(bytes), &entry().key).unwrap_err();
        assert_eq!(Entry::decode(&Bytes::from(good.clone()), &Key::of("test", &[b"b"])), Err(Damage::OtherKey));
        let mut newer = good.clone();
        newer[8] = 2;
        assert_eq!(read(&newer), Damage::Version(2));
        assert_eq!(read(&[&b"JFIF"[..], &[0; 200]].concat()), Damage::Foreign);
        assert_eq!(read(&[&good[..], b"x"].concat()), Damage::Length);
        assert_eq!(read(b""), Damage::Length);
    }

    #[test]
    fn a_head_is_known_without_its_body() {
        let entry = entry();
        let file = file(&entry);
        let needed = Head::bytes_needed(&file[..FIXED_BYTES]).unwrap();
        let head = Head::decode(&Bytes::copy_from_slice(&file[..needed]), file.len() as u64).unwrap();
        assert_eq!(
            (head.class, head.key, head.stamp, head.labels),
            (entry.class, entry.key, entry.stamp, entry.labels)
        );
        assert_eq!(head.total_bytes, file.len() as u64);
        let start = Bytes::copy_from_slice(&file[..needed]);
        assert_eq!(Head::decode(&start, file.len() as u64 - 1), Err(Damage::Length));
    }

    proptest! {
        #[test]
        fn no_changed_bit_and_no_cut_goes_unnoticed(at in 0_usize..600, bit in 0_u8..8, cut in 0_usize..600) {
            let good = file(&entry());
            let mut flipped = good.clone();
            let at = at % good.len();
            flipped[at] ^= 1 << bit;
            prop_assert!(Entry::decode(&Bytes::from(flipped), &entry().key).is_err());
            let cut = cut % good.len();
            prop_assert!(Entry::decode(&Bytes::copy_from_slice(&good[..cut]), &entry().key).is_err());
        }

        #[test]
        fn rubbish_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut bytes = bytes;
            prop_assert!(Entry::decode(&Bytes::from(bytes.clone()), &entry().key).is_err());
            if bytes.len() > 10 {
                bytes[..8].copy_from_slice(&MAGIC);
                bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
            }
            prop_assert!(Entry::decode(&Bytes::from(bytes), &entry().key).is_err());
        }
    }
}

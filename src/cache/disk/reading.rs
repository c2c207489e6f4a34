//! Reading a file of an entry; nothing of it is used before its digests were compared.

use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use super::files::Files;
use crate::cache::{Damage, Entry, FIXED_BYTES, Head, Key};

/// Why there is no entry.
#[derive(Debug)]
pub(super) enum Unread {
    /// There is no file.
    Absent,
    /// The file is there and is not the entry; it never will be.
    Damaged(Damage),
    /// It could not be read, which says nothing about the file.
    Failed(io::Error),
}

/// A head, and what of the file was not read yet.
struct Opened {
    head: Head,
    rest: Box<dyn Read>,
    rest_bytes: usize,
}

// === impl Unread ===

impl Unread {
    fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent,
            io::ErrorKind::InvalidData => Self::Damaged(Damage::Foreign),
            io::ErrorKind::UnexpectedEof => Self::Damaged(Damage::Length),
            _ => Self::Failed(error),
        }
    }
}

/// The entry of `key` in the file at `path`, its head and its body proven.
pub(super) fn read_entry(files: &dyn Files, path: &Path, key: &Key) -> Result<Entry, Unread> {
    let Opened { head, mut rest, rest_bytes } = open(files, path)?;
    let body = take(&mut *rest, Vec::new(), rest_bytes)?;
    head.with_body(Bytes::from(body), key).map_err(Unread::Damaged)
}

/// The head of the file at `path`, proven, for `key`; of the body only the length is known.
pub(super) fn read_head(files: &dyn Files, path: &Path, key: &Key) -> Result<Head, Unread> {
    let Opened { head, .. } = open(files, path)?;
    if head.key == *key { Ok(head) } else { Err(Unread::Damaged(Damage::OtherKey)) }
}

fn open(files: &dyn Files, path: &Path) -> Result<Opened, Unread> {
    let (mut file, len) = files.open(path).map_err(Unread::of)?;
    let fixed = take(&mut *file, Vec::new(), FIXED_BYTES)?;
    let needed = Head::bytes_needed(&fixed).map_err(Unread::Damaged)?;
    let start = take(&mut *file, fixed, needed - FIXED_BYTES)?;
    let head = Head::decode(&Bytes::from(start), len).map_err(Unread::Damaged)?;
    // The head says the length of the file, or it would not have been taken.
    let rest_bytes = usize::try_from(len).map_or(usize::MAX, |len| len - needed);
    Ok(Opened { head, rest: file, rest_bytes })
}

/// Appends exactly so many bytes of `from` to `to`.
fn take(from: &mut dyn Read, mut to: Vec<u8>, bytes: usize) -> Result<Vec<u8>, Unread> {
    let start = to.len();
    // A length on a disk is not a promise that there is memory for it.
    if to.try_reserve_exact(bytes).is_err() {
        return Err(Unread::Failed(io::ErrorKind::OutOfMemory.into()));
    }
    from.take(bytes as u64).read_to_end(&mut to).map_err(Unread::of)?;
    if to.len() - start == bytes { Ok(to) } else { Err(Unread::Damaged(Damage::Length)) }
}

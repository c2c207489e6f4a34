//! Where things lie in the folder of the tier.
//!
//! | path | what |
//! |---|---|
//! | `lock` | held by the one process that uses the folder |
//! | `index.redb` | sizes, order of eviction and labels; can be rebuilt from the files |
//! | `reserve` | bytes given up when the disk is full, so that the index can still be written |
//! | `tmp/<pid>-<number>` | files being written; wiped at start |
//! | `objects/ab/cdef…` | one entry a file, named by its key in hex: reading needs no index |

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::cache::Key;

/// The paths below one folder.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

/// How many folders the files are spread over: one for each value of the first byte of a key.
pub(super) const FOLDERS: u16 = 256;

const KEY_BYTES: usize = 32;

// === impl Layout ===

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.root.join("index.redb")
    }

    pub(super) fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    pub(super) fn staging(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// A name for a file being written; unlike those of other processes and earlier numbers.
    pub(super) fn staged(&self, number: u64) -> PathBuf {
        self.staging().join(format!("{}-{number}", std::process::id()))
    }

    /// The folder of the keys that begin with this byte.
    pub(super) fn folder(&self, first: u8) -> PathBuf {
        self.root.join("objects").join(format!("{first:02x}"))
    }

    pub(super) fn object(&self, key: &Key) -> PathBuf {
        let (first, rest) = key.as_bytes().split_at(1);
        let mut name = String::with_capacity(2 * rest.len());
        for byte in rest {
            // Writing to a text cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        self.folder(first[0]).join(name)
    }
}

/// The key whose file has this name in the folder of `first`; `None` for what no key is called.
pub(super) fn key_of(first: u8, name: &OsStr) -> Option<Key> {
    let name = name.as_encoded_bytes();
    let mut key = [0; KEY_BYTES];
    if name.len() != 2 * (KEY_BYTES - 1) {
        return None;
    }
    key[0] = first;
    for (byte, pair) in key[1..].iter_mut().zip(name.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(Key::from_bytes(key))
}

fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_key_and_its_key_by_the_file() {
        let layout = Layout::new(PathBuf::from("root"));
        let key = Key::of("test", &[b"a"]);
        let path = layout.object(&key);
        let first = key.as_bytes()[0];
        assert_eq!(path.parent(), Some(layout.folder(first).as_path()));
        assert_eq!(key_of(first, path.file_name().unwrap()), Some(key));
    }

    #[test]
    fn names_that_no_key_has_are_told_apart() {
        let good = "ab".repeat(31);
        assert!(key_of(0, OsStr::new(&good)).is_some());
        for bad in [&good[2..], &good.to_uppercase(), "", &format!("{good}0"), &good.replacen('a', "g", 1)] {
            assert_eq!(key_of(0, OsStr::new(bad)), None, "{bad}");
        }
    }
}

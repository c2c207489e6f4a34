//! Where things stand in the bucket. Contract: one name for a key in every version that reads this layout, and names of
//! marks sort by their stamps.
//!
//! | name | what |
//! |---|---|
//! | `<prefix>/v1/objects/ab/<the other 62 digits>` | the entry of a key in hex |
//! | `<prefix>/v1/marks/<stamp, 20 digits>-<node>` | marks of a node, published at this stamp |

use std::fmt::Write as _;

use super::super::key::Key;
use super::super::stamp::Stamp;

/// The names under one prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    root: String,
}

/// Digits of a stamp; all of 64 bits fit.
const STAMP_DIGITS: usize = 20;

// === impl Names ===

impl Names {
    /// `prefix` without slashes at its ends, or empty.
    pub fn new(prefix: &str) -> Self {
        let root = if prefix.is_empty() { "v1".to_owned() } else { format!("{prefix}/v1") };
        Self { root }
    }

    pub fn object(&self, key: &Key) -> String {
        let [first, rest @ ..] = key.as_bytes();
        let mut name = format!("{}/objects/{first:02x}/", self.root);
        for byte in rest {
            // Writing to a text cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    pub fn marks_folder(&self) -> String {
        format!("{}/marks", self.root)
    }

    pub fn marks(&self, stamp: Stamp, node: &str) -> String {
        format!("{}/marks/{:0STAMP_DIGITS$}-{node}", self.root, stamp.micros())
    }

    /// What all marks of this stamp and later ones come after.
    pub fn before_marks(&self, stamp: Stamp) -> String {
        format!("{}/marks/{:0STAMP_DIGITS$}", self.root, stamp.micros())
    }
}

/// Stamp and node of marks; `None` for what has no name of marks, which is none of ours.
pub(super) fn published(name: &str) -> Option<(Stamp, &str)> {
    let (stamp, node) = name.rsplit('/').next()?.split_once('-')?;
    let is_stamp = stamp.len() == STAMP_DIGITS && stamp.bytes().all(|byte| byte.is_ascii_digit());
    let stamp = stamp.parse().ok().filter(|_| is_stamp)?;
    (!node.is_empty()).then_some((Stamp::from_micros(stamp), node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_they_are() {
        let mut bytes = [0; 32];
        (bytes[0], bytes[1], bytes[31]) = (0xab, 0x01, 0xff);
        let zeros = "0".repeat(58);
        let stamp = Stamp::from_micros(1_794_700_800_000_001);
        for (prefix, root) in [("", "v1"), ("a/b", "a/b/v1")] {
            let names = Names::new(prefix);
            assert_eq!(names.object(&Key::from_bytes(bytes)), format!("{root}/objects/ab/01{zeros}ff"));
            assert_eq!(names.marks(stamp, "n"), format!("{root}/marks/00001794700800000001-n"));
            assert!(names.marks(stamp, "n").starts_with(&names.marks_folder()));
        }
    }

    #[test]
    fn names_of_marks_are_read_and_sort_by_stamp() {
        let names = Names::new("p");
        let stamps = [0, 9, 10, 1_794_700_800_000_001, u64::MAX].map(Stamp::from_micros);
        let written = stamps.map(|stamp| names.marks(stamp, "n-1"));
        assert!(written.is_sorted());
        for (name, stamp) in written.iter().zip(stamps) {
            assert_eq!(published(name), Some((stamp, "n-1")));
            assert!(names.before_marks(stamp) < *name);
        }
        assert!(names.before_marks(stamps[3]) > written[2]);
        let others = ["", "p/v1/marks/", "p/v1/marks/1-a", "p/v1/marks/00001794700800000001", "99999999999999999999-a"];
        for other in others.iter().copied().chain(["+0001794700800000001-a", "00001794700800000001-"]) {
            assert_eq!(published(other), None, "{other}");
        }
    }
}

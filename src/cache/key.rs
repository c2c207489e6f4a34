//! Keys of the cache: BLAKE3 of what a thing is made of, so that unlike things never share one.

use std::fmt;

/// The name of one kept thing. Equal parts in the same domain give an equal key, on every node and in every version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

/// Takes in the parts of a key one by one.
///
/// Every part goes in with its length before it, so that `ab` + `c` and `a` + `bc` differ.
#[derive(Debug, Clone)]
pub struct KeyHasher(blake3::Hasher);

// === impl Key ===

impl Key {
    /// The key of `parts` in `domain`, a constant of the caller that keeps kinds of keys apart (an original and a
    /// variant of the same parts are not the same thing).
    pub fn of(domain: &'static str, parts: &[&[u8]]) -> Self {
        let mut hasher = KeyHasher::new(domain);
        for part in parts {
            hasher.part(part);
        }
        hasher.finish()
    }

    /// A key that was written down.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key {
    /// The first eight bytes in hex: enough to find it again in a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

// === impl KeyHasher ===

impl KeyHasher {
    /// See [`Key::of`] for the domain.
    pub fn new(domain: &'static str) -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.part(domain.as_bytes());
        hasher
    }

    /// Takes in the next part; an empty one counts too.
    pub fn part(&mut self, part: &[u8]) {
        let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
        self.0.update(&len.to_le_bytes());
        self.0.update(part);
    }

    pub fn finish(&self) -> Key {
        Key(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn borders_between_parts_count() {
        let keys = [
            Key::of("test", &[]),
            Key::of("test", &[b""]),
            Key::of("test", &[b"", b""]),
            Key::of("test", &[b"abc"]),
            Key::of("test", &[b"ab", b"c"]),
            Key::of("test", &[b"a", b"bc"]),
            Key::of("test", &[b"a", b"b", b"c"]),
            Key::of("testa", &[b"bc"]),
            Key::of("other", &[b"abc"]),
        ];
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key), "{place}");
        }
    }

    #[test]
    fn a_key_stays_the_same_between_versions() {
        assert_eq!(format!("{:?}", Key::of("test", &[b"ab", b"c"])), "a835496e262acd7c");
    }

    proptest! {
        #[test]
        fn parts_one_by_one_are_parts_at_once(parts in prop::collection::vec("[a-c]{0,9}", 0..5)) {
            let mut hasher = KeyHasher::new("test");
            for part in &parts {
                hasher.part(part.as_bytes());
            }
            let slices: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
            prop_assert_eq!(hasher.finish(), Key::of("test", &slices));
        }
    }
}

//! Bytes that must not be shown: keys, salts, tokens.

use std::fmt;

/// A secret. `Debug` shows nothing of it, not even its length, and there is no `Display`; the bytes are read through
/// [`Secret::expose`], so that every reader can be found by that word.
///
/// Equality is for comparing two configurations at reload. It is not in constant time: compare what a client sent with
/// the bytes themselves, through a constant-time comparison.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

// === impl Secret ===

impl Secret {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves: decoded where the setting is hex, else UTF-8 text.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

//! Identities of requests that come without one. Contract: enough of each is random that two never meet.
//!
//! A hundred are made at once: one call of the kernel's random source costs as much as a tenth of a hit, and ids that
//! share memory need none of their own.

use std::cell::RefCell;

use bytes::Bytes;
use http::HeaderValue;

/// Bytes of one id before they are written as text.
const RANDOM_BYTES: usize = 16;
/// Characters of one id.
const ID_CHARS: usize = (RANDOM_BYTES * 8).div_ceil(5);
/// Made at once.
const BATCH: usize = 100;

thread_local! {
    /// Ids that are not taken yet, one behind the other.
    static READY: RefCell<Bytes> = const { RefCell::new(Bytes::new()) };
}

/// An id that nobody had.
pub(super) fn next() -> HeaderValue {
    let id = READY.try_with(|ready| {
        let mut ready = ready.borrow_mut();
        if ready.is_empty() {
            *ready = batch();
        }
        ready.split_to(ID_CHARS)
    });
    // A thread at its very end keeps none ready.
    let id = id.unwrap_or_else(|_| batch().split_to(ID_CHARS));
    HeaderValue::from_maybe_shared(id).expect("invariant: letters and digits stand in a field")
}

fn batch() -> Bytes {
    let mut random = [0u8; RANDOM_BYTES * BATCH];
    getrandom::fill(&mut random).expect("invariant: the kernel's random source never fails once the system is up");
    random.chunks(RANDOM_BYTES).map(base32).collect::<String>().into()
}

/// RFC 4648, section 6, in lower case and without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let bits = group.iter().enumerate().fold(0u64, |bits, (i, byte)| bits | u64::from(*byte) << (32 - 8 * i));
        for letter in 0..(group.len() * 8).div_ceil(5) {
            text.push(char::from(ALPHABET[(bits >> (35 - 5 * letter) & 31) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_comes_twice_and_each_is_whole() {
        let ids: std::collections::BTreeSet<_> = (0..3 * BATCH).map(|_| next().to_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 3 * BATCH);
        assert!(ids.iter().all(|id| id.len() == ID_CHARS));
    }

    #[test]
    fn base32_follows_the_vectors_of_its_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}

//! Metadata of originals: what is kept of any block is a block that says the same, fits into a segment of a JPEG, and
//! holds nothing that was not a name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype::engine::{Standard, credits_only};

/// Bytes of a JPEG's segment.
const SEGMENT_BYTES_MAX: usize = 65_533;

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, block) = input;
    let standard = [Standard::Exif, Standard::Iptc, Standard::Xmp][usize::from(choice) % 3];
    let Some(once) = credits_only(standard, block) else { return };
    assert!(once.len() <= SEGMENT_BYTES_MAX, "{} bytes", once.len());
    let twice = credits_only(standard, &once);
    assert_eq!(
        twice.as_deref().map(<[u8]>::escape_ascii).map(|t| t.to_string()),
        Some(once.escape_ascii().to_string())
    );
});

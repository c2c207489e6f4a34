//! JPEG: the sides and the number of scans. Source: ITU-T T.81, annex B.

use super::{Announced, u16_be};

const START_OF_SCAN: u8 = 0xda;
const END: u8 = 0xd9;

pub(super) fn announced(bytes: &[u8]) -> Announced {
    let mut found = Announced::default();
    let mut at = 2;
    while let Some(marker) = next_marker(bytes, &mut at) {
        if marker == END {
            break;
        }
        let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame && let (Some(height), Some(width)) = (u16_be(bytes, at + 3), u16_be(bytes, at + 5)) {
            found = Announced { width: u32::from(width), height: u32::from(height), ..found };
        }
        found.scans += u32::from(marker == START_OF_SCAN);
        // Restarts and the start of the file stand alone.
        if !matches!(marker, 0x01 | 0xd0..=0xd8) {
            at = at.saturating_add(usize::from(u16_be(bytes, at).unwrap_or(0)));
        }
    }
    found
}

/// The next marker, and the place behind it. Coded data are passed over: in them a zero follows every 0xff.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += memchr::memchr(0xff, bytes.get(*at..)?)? + 1;
        match *bytes.get(*at)? {
            // Another 0xff fills, and is looked at next.
            0xff => {}
            0 => *at += 1,
            marker => {
                *at += 1;
                return Some(marker);
            }
        }
    }
}

//! WebP: the sides and the number of frames. Source: RFC 9649, section 2.

use super::{Announced, u32_le};

pub(super) fn announced(bytes: &[u8]) -> Option<Announced> {
    let number = |at| u32_le(bytes, at);
    let sides = match bytes.get(12..16)? {
        b"VP8X" => (1 + (number(24)? & 0xff_ffff), 1 + (number(26)? >> 8)),
        b"VP8 " => (number(26)? & 0x3fff, number(26)? >> 16 & 0x3fff),
        b"VP8L" => (1 + (number(21)? & 0x3fff), 1 + (number(21)? >> 14 & 0x3fff)),
        _ => return None,
    };
    let (mut frames, mut at) = (0_u32, 12_usize);
    while let (Some(name), Some(len)) = (bytes.get(at..at.saturating_add(4)), u32_le(bytes, at.saturating_add(4))) {
        frames = frames.saturating_add(u32::from(name == b"ANMF"));
        // Chunks begin at even places.
        at = at.saturating_add(8 + len as usize + (len & 1) as usize);
    }
    Some(Announced { width: sides.0, height: sides.1, frames, ..Announced::default() })
}

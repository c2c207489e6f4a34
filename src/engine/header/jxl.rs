//! JPEG XL: the sides, in the first bits of the codestream. Source: ISO/IEC 18181-1, annex D.

use super::{Announced, u32_be};

/// Bits in the order of the format, the lowest first.
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// How many bits each length of a side has.
const SIDE_BITS: [u32; 4] = [9, 13, 18, 30];

pub(super) fn sides(bytes: &[u8]) -> Option<Announced> {
    let stream = codestream(bytes)?.strip_prefix(b"\xff\x0a")?;
    let mut bits = Bits { bytes: stream, at: 0 };
    let is_small = bits.take(1)? == 1;
    let side = |bits: &mut Bits<'_>| if is_small { Some((bits.take(5)? + 1) * 8) } else { bits.side() };
    let height = side(&mut bits)?;
    let scaled = |by: u64, of: u64| u32::try_from(u64::from(height) * by / of).unwrap_or(u32::MAX);
    let width = match bits.take(3)? {
        0 => side(&mut bits)?,
        1 => height,
        2 => scaled(12, 10),
        3 => scaled(4, 3),
        4 => scaled(3, 2),
        5 => scaled(16, 9),
        6 => scaled(5, 4),
        _ => scaled(2, 1),
    };
    Announced::sides(width, height)
}

/// The codestream itself, or where it begins in its container.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while !rest.starts_with(b"\xff\x0a") {
        match rest.get(4..8)? {
            b"jxlc" => return rest.get(8..),
            b"jxlp" => return rest.get(12..),
            _ => rest = rest.get(u32_be(rest, 0).filter(|len| *len >= 8)? as usize..)?,
        }
    }
    Some(rest)
}

// === impl Bits ===

impl Bits<'_> {
    fn side(&mut self) -> Option<u32> {
        let bits = SIDE_BITS[self.take(2)? as usize];
        self.take(bits).map(|side| side + 1)
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for place in 0..count {
            let bit = self.bytes.get(self.at / 8)? >> (self.at % 8) & 1;
            value |= u32::from(bit) << place;
            self.at += 1;
        }
        Some(value)
    }
}

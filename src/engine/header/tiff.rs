//! TIFF: the sides of picture and tiles, the bits of a pixel, the number of pages. Source: TIFF 6.0, sections 2, 8, 15.

use super::{Announced, bytes_at};

/// Tags of a page that matter here.
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const SAMPLES: u16 = 277;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;

const ENTRY_BYTES: usize = 12;
/// A page without an entry.
const PAGE_BYTES_MIN: usize = 6;
/// More than any setting allows.
const PAGES_COUNTED_MAX: u32 = 200_000;
const SHORT: u16 = 3;

struct Reader<'b> {
    bytes: &'b [u8],
    is_little: bool,
}

pub(super) fn announced(bytes: &[u8]) -> Option<Announced> {
    let reader = Reader { bytes, is_little: bytes.starts_with(b"II") };
    let first = reader.long(4)? as usize;
    // Only the first page is shown, so that only its entries are read.
    let page = reader.page(first)?;
    let (mut at, mut pages) = (first, 0);
    while at != 0 && pages < PAGES_COUNTED_MAX {
        let Some(entries) = reader.short(at) else { break };
        pages += 1;
        at = reader.long(at + 2 + usize::from(entries) * ENTRY_BYTES).unwrap_or(0) as usize;
    }
    // More pages than fit into the file are a circle, which decoders notice.
    let is_circle = pages as usize > bytes.len() / PAGE_BYTES_MIN;
    Some(Announced { frames: if is_circle { 0 } else { pages }, ..page })
}

// === impl Reader ===

impl Reader<'_> {
    fn page(&self, at: usize) -> Option<Announced> {
        let (mut sides, mut tile, mut bits, mut samples) = ((0, 0), (0, 0), 1_u64, 1_u64);
        for entry in 0..usize::from(self.short(at)?) {
            let at = at + 2 + entry * ENTRY_BYTES;
            let Some(tag) = self.short(at) else { break };
            let Some(value) = self.value(at) else { break };
            match tag {
                WIDTH => sides.0 = value,
                HEIGHT => sides.1 = value,
                TILE_WIDTH => tile.0 = value,
                TILE_HEIGHT => tile.1 = value,
                BITS => bits = u64::from(value),
                SAMPLES => samples = u64::from(value),
                _ => {}
            }
        }
        // The bits of several numbers stand elsewhere; 64 are the most that one has.
        let pixel_bits = samples * if samples == 1 { bits.min(64) } else { 16 };
        let (width, height) = if pixels(tile) > pixels(sides) { tile } else { sides };
        Some(Announced { width, height, pixel_bits, ..Announced::default() })
    }

    /// The first value of an entry that has one.
    fn value(&self, at: usize) -> Option<u32> {
        if self.short(at + 2)? == SHORT { self.short(at + 8).map(u32::from) } else { self.long(at + 8) }
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = bytes_at(self.bytes, at)?;
        Some(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = bytes_at(self.bytes, at)?;
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

fn pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

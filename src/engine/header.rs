//! What a file says of itself, read by ourselves before any decoder sees it.
//!
//! Decoders have limits of their own, which are too wide, say nothing of which one was met, or are not there at all: a
//! JPEG may have thousands of scans and a PNG thousands of texts that inflate to gigabytes. Contract: no allocation
//! that a file could choose, every loop goes forward in the bytes, and what cannot be read is left to the decoder,
//! which calls it broken.

mod av1;
mod bits;
mod boxes;
mod hevc;
mod jpeg;
mod jxl;
mod png;
mod tiff;
mod webp;

use bytes::Bytes;

use super::error::{Bound, EngineError};
use super::job::Limits;
use crate::transform::Format;

/// Scans of a JPEG. Encoders make about ten; each one costs a pass over all blocks, and takes hardly a byte.
const SCANS_MAX: u32 = 100;

/// Frames of a WebP or pages of a TIFF, whether they are shown or not: decoders list them all before the first one.
const FRAMES_READ_MAX: u32 = 10_000;

/// Bits of a pixel that counts as one: eight numbers of 16 bits. One of more counts as several.
const PIXEL_BITS: u64 = 128;

/// What is announced; 0 where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Announced {
    /// Of the largest picture or tile.
    width: u32,
    height: u32,
    /// Bits of a pixel, all of its numbers together.
    pixel_bits: u64,
    frames: u32,
    scans: u32,
}

/// The file as decoders may see it.
///
/// # Errors
/// [`EngineError::Limit`] where it announces more than is allowed.
pub fn admitted(bytes: Bytes, format: Format, limits: &Limits) -> Result<Bytes, EngineError> {
    let found = announced(format, &bytes).unwrap_or_default();
    let limit = |of, got, max| {
        if got > max { Err(EngineError::Limit { of, got, max }) } else { Ok(()) }
    };
    let side = u64::from(found.width.max(found.height));
    limit(Bound::SourceSide, side, u64::from(limits.source_side_max))?;
    let weight = found.pixel_bits.div_ceil(PIXEL_BITS).max(1);
    let pixels = (u64::from(found.width) * u64::from(found.height)).saturating_mul(weight);
    limit(Bound::SourcePixels, pixels, limits.source_pixels_max)?;
    let frames_max = FRAMES_READ_MAX.max(limits.frames_max);
    limit(Bound::FramesRead, u64::from(found.frames), u64::from(frames_max))?;
    limit(Bound::Scans, u64::from(found.scans), u64::from(SCANS_MAX))?;
    Ok(match format {
        Format::Png => png::without_costly_texts(&bytes, png::TEXTS_BYTES_MAX).map_or(bytes, Bytes::from),
        _ => bytes,
    })
}

/// A picture inside a drawing as its renderer may see it: without texts, as nobody reads them there. `None` for one
/// that multiplies.
pub fn embeddable(bytes: Vec<u8>, format: Format) -> Option<Vec<u8>> {
    let found = announced(format, &bytes).unwrap_or_default();
    if found.scans > SCANS_MAX || found.frames > FRAMES_READ_MAX {
        return None;
    }
    Some(match format {
        Format::Png => png::without_costly_texts(&bytes, 0).unwrap_or(bytes),
        _ => bytes,
    })
}

fn announced(format: Format, bytes: &[u8]) -> Option<Announced> {
    match format {
        Format::Png => png::sides(bytes),
        Format::Jpeg => Some(jpeg::announced(bytes)),
        Format::Webp => webp::announced(bytes),
        Format::Tiff => tiff::announced(bytes),
        Format::Avif | Format::Heic => boxes::sides(bytes),
        Format::Jxl => jxl::sides(bytes),
        Format::Bmp => dib_sides(bytes.get(14..)?),
        Format::Ico => ico_sides(bytes),
        // The canvas says nothing, as libvips goes by the frames; and a drawing has no pixels.
        Format::Gif | Format::Svg => None,
    }
}

/// The sides in the header of a bitmap, which have a sign for the order of rows.
fn dib_sides(header: &[u8]) -> Option<Announced> {
    if u32_le(header, 0)? == 12 {
        return Announced::sides(u32::from(u16_le(header, 4)?), u32::from(u16_le(header, 6)?));
    }
    let side = |at| Some(i32::from_le_bytes(bytes_at(header, at)?).unsigned_abs());
    Announced::sides(side(4)?, side(8)?)
}

/// The largest of the pictures of an icon. A bitmap in it says twice its height, for the mask below.
fn ico_sides(bytes: &[u8]) -> Option<Announced> {
    let count = usize::from(u16_le(bytes, 4)?);
    let picture = |entry: usize| {
        let inner = bytes.get(usize::try_from(u32_le(bytes, 6 + entry * 16 + 12)?).ok()?..)?;
        let dib = || dib_sides(inner).map(|dib| Announced { height: dib.height / 2, ..dib });
        png::sides(inner).or_else(dib)
    };
    (0..count).filter_map(picture).max_by_key(Announced::pixels)
}

// === impl Announced ===

impl Announced {
    #[expect(clippy::unnecessary_wraps, reason = "readers end with it")]
    fn sides(width: u32, height: u32) -> Option<Self> {
        Some(Self { width, height, ..Self::default() })
    }

    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_be_bytes)
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_be_bytes)
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests;

//! JPEG by jpegli: full resolution of colour, which at the same bytes scores three points more than half of it
//! (SSIMULACRA2, eight photographs at 512 pixels, 39 kB), progressive from the size on where that saves bytes.

use bytes::Bytes;

use super::Encoding;
use crate::engine::codec::jpegli::{self, EncodeError, Pixels, SIDE_MAX, Settings};
use crate::engine::error::EngineError;
use crate::engine::vips::{Band, Image, Op, Value, VipsError};

/// Pixels from which on the tables of several scans are earned back.
const PROGRESSIVE_PIXELS: u64 = 128 * 128;

/// Markers: every file begins with `SOI`, then segments follow, of which `APP0` belongs to the encoder.
const SOI: [u8; 2] = [0xff, 0xd8];
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP15: u8 = 0xef;
const COMMENT: u8 = 0xfe;

/// The file of a picture in 8-bit grey or RGB; nothing where it is none, or is too large.
pub fn encode(image: &Image, encoding: &Encoding) -> Result<Option<Bytes>, EngineError> {
    let (width, height, channels) = (image.width(), image.height(), image.bands());
    let is_plain = matches!((channels, image.interpretation().as_str()), (1, "b-w") | (3, "srgb"));
    if image.band() != Band::U8 || !is_plain || width.max(height) > SIDE_MAX {
        return Ok(None);
    }
    // Of a picture that carries something it is read twice.
    let image = if encoding.metadata { image.in_memory()? } else { image.share() };
    let bytes = image.pixels()?;
    let pixels = Pixels { bytes: &bytes, width, height, channels };
    let progressive = u64::from(width) * u64::from(height) >= PROGRESSIVE_PIXELS;
    let settings = Settings { quality: encoding.quality, subsampled: false, progressive };
    let refused = |error: EncodeError| VipsError::Failed { operation: "jpegli".to_owned(), text: error.to_string() };
    let file = jpegli::encode(pixels, settings).map_err(refused)?;
    if !encoding.metadata {
        return Ok(Some(file.into()));
    }
    // libvips writes the segments of profile and metadata; the picture around them is thrown away.
    let carrier = super::only(saver(&image, 1)?, true)?.bytes()?;
    Ok(Some(with_segments(&file, &carrier).into()))
}

/// libvips' own encoder, for what is left.
pub fn saver(image: &Image, quality: u8) -> Result<Op, VipsError> {
    Op::new("jpegsave_buffer")?
        .set("in", image)?
        .set("Q", i32::from(quality))?
        .set("optimize_coding", true)?
        .set("interlace", false)?
        .set("subsample_mode", Value::Nick("auto"))
}

/// A file with the segments that another one has for profile, metadata and comments.
fn with_segments(file: &[u8], carrier: &[u8]) -> Vec<u8> {
    let segments = segments(carrier).filter(|(marker, _)| matches!(*marker, APP1..=APP15 | COMMENT));
    // They follow the encoder's own first segment, which viewers expect in front.
    let head = match self::segments(file).next() {
        Some((APP0, segment)) => SOI.len() + segment.len(),
        _ => SOI.len(),
    };
    let mut whole = Vec::with_capacity(file.len() + carrier.len());
    whole.extend_from_slice(&file[..head.min(file.len())]);
    segments.for_each(|(_, segment)| whole.extend_from_slice(segment));
    whole.extend_from_slice(&file[head.min(file.len())..]);
    whole
}

/// The segments in front of the picture: marker, and all bytes with it.
fn segments(file: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = file.strip_prefix(&SOI).unwrap_or_default();
    std::iter::from_fn(move || {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        let is_segment = matches!(marker, 0xc0..=0xcf | 0xdb..=0xfe) && marker != 0xda && length <= rest.len();
        let (segment, next) = is_segment.then(|| rest.split_at(length))?;
        rest = next;
        Some((marker, segment))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_put_behind_the_first_one() {
        let file = [&SOI[..], &[0xff, 0xe0, 0, 3, 7], &[0xff, 0xdb, 0, 4, 1, 2], &[0xff, 0xda, 9, 9]].concat();
        let carrier =
            [&SOI[..], &[0xff, 0xe0, 0, 2], &[0xff, 0xe1, 0, 3, 5], &[0xff, 0xfe, 0, 3, 6], &[0xff, 0xda]].concat();
        let whole = with_segments(&file, &carrier);
        let expected = [&file[..7], &[0xff, 0xe1, 0, 3, 5], &[0xff, 0xfe, 0, 3, 6], &file[7..]].concat();
        assert_eq!(whole, expected);
        assert_eq!(with_segments(&file, b"no file"), file);
    }
}

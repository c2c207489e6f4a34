//! From pixels to a file: one file a format, every option of every encoder named here and none left to its default.
//! Source of the defaults: imgproxy reference, section 16.

mod avif;
mod gif;
mod jpeg;
mod jxl;
mod png;
mod tiff;
mod webp;

use bytes::Bytes;

use super::bitmap;
use super::error::EngineError;
use super::vips::{Image, Op, Value, VipsError, Watch};
use crate::transform::Format;

/// How a picture is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Encoding {
    pub format: Format,
    /// 1 to 100, for formats that have a quality.
    pub quality: u8,
    /// Encode again at lower quality until the file is no larger; 0 for any size.
    pub max_bytes: u64,
    /// Whether metadata is left in the image that the file must carry.
    pub metadata: bool,
}

/// Below this quality `max_bytes` gives up: the picture would not be one.
const QUALITY_MIN: u8 = 10;

/// Encodes, and again at lower quality where the file must be smaller. The watch ends it between and within tries.
pub fn encode(image: &Image, encoding: &Encoding, watch: &Watch) -> Result<Bytes, EngineError> {
    if encoding.max_bytes == 0 || !encoding.format.has_quality() {
        return once(image, encoding, watch);
    }
    // Every try reads all pixels: they are made once.
    let image = watch.over(image)?.in_memory()?;
    let mut tried = *encoding;
    loop {
        let file = once(&image, &tried, watch)?;
        let size = file.len() as u64;
        if size <= encoding.max_bytes || tried.quality <= QUALITY_MIN || watch.is_over() {
            return Ok(file);
        }
        tried.quality = lower(tried.quality, size as f64 / encoding.max_bytes as f64);
    }
}

fn once(image: &Image, encoding: &Encoding, watch: &Watch) -> Result<Bytes, EngineError> {
    if watch.is_over() {
        return Err(EngineError::Deadline);
    }
    let image = watch.over(image)?;
    if encoding.format == Format::Jpeg
        && let Some(file) = jpeg::encode(&image, encoding)?
    {
        return Ok(file);
    }
    let saver = match encoding.format {
        Format::Jpeg => jpeg::saver(&image, encoding.quality),
        Format::Png => png::saver(&image),
        Format::Webp => webp::saver(&image, encoding),
        Format::Avif => avif::saver(&image, encoding, "av1"),
        Format::Heic => avif::saver(&image, encoding, "hevc"),
        Format::Jxl => jxl::saver(&image, encoding),
        Format::Gif => gif::saver(&image),
        Format::Tiff => tiff::saver(&image, encoding),
        Format::Bmp | Format::Ico => return bitmap::save(&image, encoding.format),
        Format::Svg => return Err(EngineError::RasterToSvg),
    };
    let op = saver.map_err(|error| match error {
        VipsError::UnknownOperation(_) => EngineError::cannot_save(encoding.format),
        error => EngineError::Failed(error),
    })?;
    Ok(only(op, encoding.metadata)?.bytes()?)
}

/// Tells a saver whether to write metadata; the option has two names over the versions of libvips.
fn only(op: Op, metadata: bool) -> Result<Op, VipsError> {
    if op.has_input("keep") {
        let keep: &[&str] = if metadata { &["exif", "xmp", "iptc", "icc", "other"] } else { &["none"] };
        return op.set("keep", Value::Nicks(keep));
    }
    op.set_if_supported("strip", !metadata)
}

/// The next quality to try when the file was `ratio` times too large. Source: imgproxy reference, section 16.3.
fn lower(quality: u8, ratio: f64) -> u8 {
    let factor = if ratio > 3.0 {
        0.25
    } else if ratio > 1.5 {
        0.5
    } else {
        0.75
    };
    let next = (f64::from(quality) * factor).round() as u8;
    next.min(quality - 1).max(1)
}

#[cfg(test)]
mod tests {
    use super::lower;

    #[test]
    fn qualities_fall_as_the_dialect_has_them() {
        let falls = |ratio: f64| {
            let mut quality = 80;
            let mut row = vec![quality];
            while quality > 10 {
                quality = lower(quality, ratio);
                row.push(quality);
            }
            row
        };
        assert_eq!(falls(1.2), [80, 60, 45, 34, 26, 20, 15, 11, 8]);
        assert_eq!(falls(2.0), [80, 40, 20, 10]);
        assert_eq!(falls(4.0), [80, 20, 5]);
    }
}

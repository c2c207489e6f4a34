//! BMP and ICO, which libvips reads only through ImageMagick: decoded and encoded by the `image` crate, in safe Rust.

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, ImageReader};

use super::error::EngineError;
use super::job::Limits;
use super::load::check_size;
use super::vips::{Image, Op, Value, VipsError};
use crate::transform::Format;
use crate::transform::geometry::Size;

/// Decodes the whole picture; both formats are small or uncompressed, so the header alone is not worth a second way.
pub fn load(bytes: &Bytes, format: Format, limits: &Limits) -> Result<Image, EngineError> {
    let reader = || ImageReader::with_format(Cursor::new(bytes.as_ref()), crate_format(format));
    let broken = |error: image::ImageError| EngineError::Broken(failed("bitmap", &error.to_string()));
    let (width, height) = reader().into_dimensions().map_err(broken)?;
    check_size(Size::new(width, height), limits)?;
    let decoded = reader().decode().map_err(broken)?;
    let (width, height) = (decoded.width(), decoded.height());
    let image = if decoded.color().has_alpha() {
        // Into, not to: a large icon would be in memory once more.
        Image::from_pixels(decoded.into_rgba8().as_raw(), width, height, 4)
    } else if matches!(decoded, DynamicImage::ImageLuma8(_)) {
        return Ok(Image::from_pixels(decoded.into_luma8().as_raw(), width, height, 1)?);
    } else {
        Image::from_pixels(decoded.into_rgb8().as_raw(), width, height, 3)
    }?;
    Ok(Op::new("copy")?.set("in", &image)?.set("interpretation", Value::Nick("srgb"))?.image()?)
}

/// Encodes 8-bit grey, RGB or RGBA pixels.
pub fn save(image: &Image, format: Format) -> Result<Bytes, EngineError> {
    let (width, height) = (image.width(), image.height());
    let pixels = image.pixels()?;
    let mut file = Vec::new();
    let written = match (format, image.bands()) {
        // Readers of ICO expect the PNG inside to be RGBA.
        (Format::Ico, bands) => {
            let pixels = to_rgba(&pixels, bands);
            image::codecs::ico::IcoEncoder::new(&mut file).write_image(&pixels, width, height, ExtendedColorType::Rgba8)
        }
        (_, 1) => bmp(&mut file, &pixels, width, height, ExtendedColorType::L8),
        (_, 3) => bmp(&mut file, &pixels, width, height, ExtendedColorType::Rgb8),
        (_, bands) => bmp(&mut file, &to_rgba(&pixels, bands), width, height, ExtendedColorType::Rgba8),
    };
    written.map_err(|error| EngineError::Failed(failed(format.name(), &error.to_string())))?;
    Ok(Bytes::from(file))
}

fn bmp(file: &mut Vec<u8>, pixels: &[u8], width: u32, height: u32, color: ExtendedColorType) -> image::ImageResult<()> {
    image::codecs::bmp::BmpEncoder::new(file).write_image(pixels, width, height, color)
}

fn to_rgba(pixels: &[u8], bands: u32) -> Vec<u8> {
    let pixel = |pixel: &[u8]| match *pixel {
        [grey] => [grey, grey, grey, 255],
        [grey, alpha] => [grey, grey, grey, alpha],
        [red, green, blue] => [red, green, blue, 255],
        [red, green, blue, alpha, ..] => [red, green, blue, alpha],
        [] => [0; 4],
    };
    pixels.chunks_exact(bands.max(1) as usize).flat_map(pixel).collect()
}

const fn crate_format(format: Format) -> ImageFormat {
    match format {
        Format::Ico => ImageFormat::Ico,
        _ => ImageFormat::Bmp,
    }
}

fn failed(operation: &str, text: &str) -> VipsError {
    VipsError::Failed { operation: operation.to_owned(), text: text.to_owned() }
}

//! What a picture looks like: its size, and its colours by region. The sums are libvips' own, since a test without
//! optimisation is too slow to add up a billion pixels itself.

use image::ImageFormat;
use sha2::{Digest, Sha256};
use tintype::engine::vips::{Image, Op, Value, VipsError};

use crate::support::pictures::{Raster, loaded};

/// Cells a side.
const CELLS: u32 = 8;
/// Red, green, blue and alpha of each cell.
pub const GRID_BYTES: usize = (CELLS * CELLS * 4) as usize;

/// A picture, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    /// A digest of the pixels; empty where they were not looked at one by one.
    pub pixels: String,
    pub grid: [u8; GRID_BYTES],
}

/// Looks at a picture of this media type, or says why it is none. `exactly` takes the digest of its pixels as well.
pub fn look(content_type: &str, bytes: &[u8], exactly: bool) -> Result<Look, String> {
    let image = decoded(content_type, bytes)?;
    let frames = image.int("n-pages").filter(|_| matches!(content_type, "image/gif" | "image/webp")).unwrap_or(1);
    let seen = || {
        let rgba = rgba(&image)?;
        let pixels = if exactly { digest(&rgba.pixels()?) } else { String::new() };
        let (width, height) = (rgba.width(), rgba.height());
        Ok(Look { width, height, frames: frames.unsigned_abs(), pixels, grid: grid(&rgba)? })
    };
    seen().map_err(|error: VipsError| error.to_string())
}

fn decoded(content_type: &str, bytes: &[u8]) -> Result<Image, String> {
    let loader = match content_type {
        "image/png" => "pngload_source",
        "image/jpeg" => "jpegload_source",
        "image/webp" => "webpload_source",
        "image/gif" => "gifload_source",
        "image/tiff" => "tiffload_source",
        "image/avif" => "heifload_source",
        "image/bmp" => return bitmap(bytes, ImageFormat::Bmp),
        "image/x-icon" => return bitmap(bytes, ImageFormat::Ico),
        other => return Err(format!("{other} is no picture")),
    };
    loaded(bytes, loader).map_err(|error| error.to_string())
}

fn bitmap(bytes: &[u8], format: ImageFormat) -> Result<Image, String> {
    let decoded = image::load_from_memory_with_format(bytes, format).map_err(|error| error.to_string())?;
    let (width, height) = (decoded.width(), decoded.height());
    Ok(Raster { width, height, bands: 4, pixels: decoded.into_rgba8().into_raw() }.image())
}

/// Four bands of eight bits.
fn rgba(image: &Image) -> Result<Image, VipsError> {
    let image = Op::new("colourspace")?.set("in", image)?.set("space", Value::Nick("srgb"))?.image()?;
    if image.has_alpha() {
        return Ok(image);
    }
    Op::new("bandjoin_const")?.set("in", &image)?.set("c", [255.0].as_slice())?.image()
}

/// Means of 8 by 8 cells of at least one pixel, colours multiplied by alpha.
fn grid(rgba: &Image) -> Result<[u8; GRID_BYTES], VipsError> {
    let shades = Op::new("premultiply")?.set("in", rgba)?.image()?.in_memory()?;
    let (width, height) = (shades.width(), shades.height());
    let cell = |index: u32, side: u32| {
        let first = index * side / CELLS;
        (first, ((index + 1) * side / CELLS).max(first + 1))
    };
    let mut grid = [0; GRID_BYTES];
    let mut places = grid.iter_mut();
    for row in 0..CELLS {
        let (top, bottom) = cell(row, height);
        let sums = columns(&shades, top, bottom - top)?;
        for column in 0..CELLS {
            let (left, right) = cell(column, width);
            let pixels = f64::from((right - left) * (bottom - top));
            for band in 0..4 {
                let sum: f64 = (left..right).map(|x| sums[(x * 4 + band) as usize]).sum();
                *places.next().expect("as many places as cells") = (sum / pixels).round() as u8;
            }
        }
    }
    Ok(grid)
}

/// The sum of each column over these rows, band by band.
fn columns(shades: &Image, top: u32, height: u32) -> Result<Vec<f64>, VipsError> {
    let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let rows = Op::new("extract_area")?.set("input", shades)?.set("left", 0)?.set("top", int(top))?;
    let rows = rows.set("width", int(shades.width()))?.set("height", int(height))?.image()?;
    let sums = Op::new("project")?.set("in", &rows)?.run()?.image("columns")?;
    let bytes = Op::new("cast")?.set("in", &sums)?.set("format", Value::Nick("double"))?.image()?.pixels()?;
    Ok(bytes.as_chunks().0.iter().map(|number| f64::from_ne_bytes(*number)).collect())
}

fn digest(pixels: &[u8]) -> String {
    let [first, ..] = *Sha256::digest(pixels).as_chunks().0 else { return String::new() };
    format!("{:016x}", u64::from_be_bytes(first))
}

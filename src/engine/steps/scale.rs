//! Resampling: Lanczos 3, in linear light where the picture gets smaller.
//!
//! Averaging gamma-encoded numbers darkens fine detail. So 8-bit pictures are looked up into 16-bit linear light,
//! resampled there, and looked up back: two tables instead of floating point, a third of its time.

use std::sync::OnceLock;

use super::super::vips::{Band, Image, Op, Value, VipsError};
use super::Context;
use crate::transform::geometry::{Size, round};

/// A result with a shorter side than this stands for a picture rather than shows one (a placeholder, an average
/// colour). No detail is left that linear light could keep, and the mean of the numbers is the middle that the eye
/// expects and that other servers give.
pub const PLACEHOLDER_SIDE: u32 = 20;

/// Scales to the planned size. Works on stored axes, so a sideways picture exchanges the two factors.
pub fn scale(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let (x, y) = factors(Size::new(image.width(), image.height()), context);
    resized(image, x, y, context.linear_light)
}

/// What an area of the stored picture becomes, as libvips rounds it: a half that is only just missed counts as one,
/// since the sum with one half is rounded, too.
pub fn scaled_size(area: Size, context: &Context<'_>) -> Size {
    let (x, y) = factors(area, context);
    let side = |side: u32, factor: f64| ((f64::from(side) * factor + 0.5) as u32).max(1);
    Size::new(side(area.width, x), side(area.height, y))
}

/// The factors of both stored axes for a picture of this size.
fn factors(size: Size, context: &Context<'_>) -> (f64, f64) {
    let sideways = context.orientation.is_sideways();
    let planned = context.plan.scaled.turned(sideways);
    let (x, y) = (context.reload.scale_x, context.reload.scale_y);
    let (x, y) = if sideways { (y, x) } else { (x, y) };
    // A crop rounded by a smaller decode must not leave the result one pixel short of what was asked for.
    let factor = |factor: f64, side: u32, planned: u32| {
        let hits = round(f64::from(side) * factor) == f64::from(planned);
        if hits { factor } else { f64::from(planned) / f64::from(side) }
    };
    (factor(x, size.width, planned.width), factor(y, size.height, planned.height))
}

/// Makes the picture smaller until the format can hold it.
pub fn format_limit(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let longest = Size::new(image.width(), image.height()).longest();
    let most = context.format.side_max();
    if longest <= most {
        return Ok(image);
    }
    let factor = f64::from(most) / f64::from(longest);
    resized(image, factor, factor, context.linear_light)
}

fn resized(image: Image, x: f64, y: f64, linear_light: bool) -> Result<Image, VipsError> {
    if x == 1.0 && y == 1.0 {
        return Ok(image);
    }
    let side = |side: u32, factor: f64| f64::from(side) * factor;
    let is_placeholder = side(image.width(), x).min(side(image.height(), y)) < f64::from(PLACEHOLDER_SIDE);
    let shrinks = x <= 1.0 && y <= 1.0;
    if linear_light && shrinks && !is_placeholder && image.band() == Band::U8 && image.bands() <= 4 {
        return resized_in_linear_light(&image, x, y);
    }
    if !image.has_alpha() {
        return lanczos(&image, x, y);
    }
    unpremultiplied(&lanczos(&premultiplied(&image, 255.0)?, x, y)?, 255.0)
}

fn lanczos(image: &Image, x: f64, y: f64) -> Result<Image, VipsError> {
    Op::new("resize")?
        .set("in", image)?
        .set("scale", x)?
        .set("vscale", y)?
        .set("kernel", Value::Nick("lanczos3"))?
        .image()
}

fn resized_in_linear_light(image: &Image, x: f64, y: f64) -> Result<Image, VipsError> {
    const MOST: f64 = 65_535.0;
    let (bands, alpha) = (image.bands(), image.has_alpha());
    let space = image.interpretation();
    let deep = if bands < 3 { "grey16" } else { "rgb16" };
    let linear = looked_up(image, &tables().to_linear(bands, alpha)?, deep)?;
    let linear = if alpha {
        unpremultiplied(&lanczos(&premultiplied(&linear, MOST)?, x, y)?, MOST)?
    } else {
        lanczos(&linear, x, y)?
    };
    looked_up(&linear, &tables().to_gamma(bands, alpha)?, &space)
}

fn looked_up(image: &Image, table: &Image, space: &str) -> Result<Image, VipsError> {
    let image = Op::new("maplut")?.set("in", image)?.set("lut", table)?.image()?;
    Op::new("copy")?.set("in", &image)?.set("interpretation", Value::Nick(space))?.image()
}

/// Colour multiplied by alpha, in the number format it came in.
pub fn premultiplied(image: &Image, max_alpha: f64) -> Result<Image, VipsError> {
    let done = Op::new("premultiply")?.set("in", image)?.set("max_alpha", max_alpha)?.image()?;
    cast_like(&done, image)
}

/// Colour divided by alpha, in the number format it came in.
pub fn unpremultiplied(image: &Image, max_alpha: f64) -> Result<Image, VipsError> {
    let done = Op::new("unpremultiply")?.set("in", image)?.set("max_alpha", max_alpha)?.image()?;
    cast_like(&done, image)
}

fn cast_like(image: &Image, like: &Image) -> Result<Image, VipsError> {
    let format = match like.band() {
        Band::U8 => "uchar",
        Band::U16 => "ushort",
        Band::Float | Band::Other => return Ok(image.share()),
    };
    Op::new("cast")?.set("in", image)?.set("format", Value::Nick(format))?.image()
}

/// The sRGB curve (IEC 61966-2-1) as tables in both directions.
struct Tables {
    linear: Vec<u16>,
    gamma: Vec<u8>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables {
        linear: (0..=255).map(|value| (to_linear(f64::from(value) / 255.0) * 65_535.0).round() as u16).collect(),
        gamma: (0..=65_535).map(|value| (to_gamma(f64::from(value) / 65_535.0) * 255.0).round() as u8).collect(),
    })
}

// === impl Tables ===

impl Tables {
    /// 256 entries a band; alpha is linear already and only gets deeper.
    fn to_linear(&self, bands: u32, alpha: bool) -> Result<Image, VipsError> {
        let entries = (0..=255u16).flat_map(|value| {
            (0..bands).flat_map(move |band| {
                let is_alpha = alpha && band + 1 == bands;
                let entry = if is_alpha { value * 257 } else { self.linear[usize::from(value)] };
                entry.to_ne_bytes()
            })
        });
        Image::from_memory(&entries.collect::<Vec<_>>(), 256, 1, bands, Band::U16)
    }

    /// 65,536 entries a band.
    fn to_gamma(&self, bands: u32, alpha: bool) -> Result<Image, VipsError> {
        if !alpha {
            // One table serves all bands.
            return Image::from_memory(&self.gamma, 65_536, 1, 1, Band::U8);
        }
        let entries = (0..=65_535u16).flat_map(|value| {
            (0..bands).map(move |band| {
                let is_alpha = band + 1 == bands;
                if is_alpha { ((u32::from(value) + 128) / 257) as u8 } else { self.gamma[usize::from(value)] }
            })
        });
        Image::from_memory(&entries.collect::<Vec<_>>(), 65_536, 1, bands, Band::U8)
    }
}

/// Light of a number, both from 0 to 1 (IEC 61966-2-1).
pub fn to_linear(value: f64) -> f64 {
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The number of a light, both from 0 to 1.
pub fn to_gamma(value: f64) -> f64 {
    if value <= 0.003_130_8 { value * 12.92 } else { 1.055f64.mul_add(value.powf(1.0 / 2.4), -0.055) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_tables_undo_each_other() {
        let tables = tables();
        for value in 0..=255u8 {
            assert_eq!(tables.gamma[usize::from(tables.linear[usize::from(value)])], value);
        }
    }
}

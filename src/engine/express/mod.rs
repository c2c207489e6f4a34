//! The express route: what most requests are, an ordinary picture made smaller, past libvips' machinery.
//!
//! It does the first three steps of the pipeline (colour space, crop, scale) for originals of 8-bit grey or RGB, with
//! or without alpha: rows are decoded, looked up as light, averaged and resampled in strips that stay in the
//! processor's cache, so that a clean JPEG of any size is never held whole (other decoders may). What it makes is a
//! picture like the one of the general route, of the same size and in the same place; the other steps go on with it.
//! Where anything is unusual it makes nothing, and the general route does all of it.
//!
//! [`reducer`] makes rows smaller; [`jpeg`] and [`strips`] are where rows come from.

mod jpeg;
mod kernels;
mod light;
mod reducer;
mod strips;
mod taps;

use super::load::Opened;
use super::steps::{Context, PLACEHOLDER_SIDE, scaled_size};
use super::vips::{Image, Op, Value, VipsError, Watch};
use crate::transform::Format;
use crate::transform::geometry::{CropBox, Point, Reload, Size, crop_box, crop_gravity};

/// What is to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// The part of the stored picture that is wanted.
    pub at: Point,
    pub area: Size,
    /// What it becomes, on the stored axes.
    pub result: Size,
}

/// Why the express route makes nothing.
#[derive(Debug)]
pub enum Pass {
    /// It is not for this picture: the general route takes it.
    Unusual,
    /// The watch ended it.
    Stopped,
    /// The original cannot be read, on any route.
    Failed(VipsError),
}

/// Pixels of 8 bits, row by row: 1 number each for grey, 2 with alpha, 3 for RGB, 4 with alpha.
pub struct Reduced {
    pub pixels: Vec<u8>,
    pub channels: u32,
}

// === impl Recipe ===

impl Recipe {
    /// How many times the area is larger than the result, on the axis where that is less.
    fn ratio(&self) -> f64 {
        let ratio = |area: u32, result: u32| f64::from(area) / f64::from(result.max(1));
        ratio(self.area.width, self.result.width).min(ratio(self.area.height, self.result.height))
    }

    /// Left, top, width and height of the area.
    fn area_at(&self) -> (usize, usize, usize, usize) {
        let (at, area) = (self.at, self.area);
        (at.left as usize, at.top as usize, area.width as usize, area.height as usize)
    }

    /// Width and height of the result.
    fn result(&self) -> (usize, usize) {
        (self.result.width as usize, self.result.height as usize)
    }
}

/// The picture in its processing colour space, cropped and scaled, but not turned; or nothing where this route is not
/// for it.
pub fn scaled(opened: &Opened, context: &Context<'_>, watch: &Watch) -> Result<Option<Image>, VipsError> {
    let header = opened.header();
    let Some(recipe) = recipe(opened, context) else { return Ok(None) };
    let reduced = match opened.facts.format {
        Format::Jpeg => jpeg::reduced(opened.admitted(), &recipe, watch),
        _ => strips::reduced(header, &recipe, watch),
    };
    let Reduced { pixels, channels } = match reduced {
        Ok(reduced) => reduced,
        Err(Pass::Unusual) => return Ok(None),
        Err(Pass::Stopped) => return Err(stopped()),
        Err(Pass::Failed(error)) => return Err(error),
    };
    let image = Image::from_pixels(&pixels, recipe.result.width, recipe.result.height, channels)?;
    let (across, down) = header.resolution();
    let image = Op::new("copy")?
        .set("in", &image)?
        .set("interpretation", Value::Nick(if channels < 3 { "b-w" } else { "srgb" }))?
        .set("xres", across)?
        .set("yres", down)?
        .image()?;
    image.edited(|fresh| fresh.adopt(header)).map(Some)
}

fn stopped() -> VipsError {
    VipsError::Failed { operation: "express".to_owned(), text: "stopped".to_owned() }
}

/// What is to be made of an original, if it is ordinary.
fn recipe(opened: &Opened, context: &Context<'_>) -> Option<Recipe> {
    let facts = &opened.facts;
    if !context.linear_light || matches!(facts.format, Format::Svg) {
        return None;
    }
    let stored = Size::new(facts.width, facts.height);
    let none = Reload::none(&context.plan);
    let (at, area) = match crop_box(&context.plan, crop_gravity(context.transform), context.orientation, stored, &none)
    {
        None => (Point::default(), stored),
        Some(CropBox::At(at, area)) => (at, area),
        Some(CropBox::Smart(_)) => return None,
    };
    let result = scaled_size(area, context);
    let shrinks = result.width <= area.width && result.height <= area.height && result != area;
    let is_placeholder = result.width.min(result.height) < PLACEHOLDER_SIDE;
    let is_inside = at.left + area.width <= stored.width && at.top + area.height <= stored.height;
    (shrinks && !is_placeholder && is_inside).then_some(Recipe { at, area, result })
}

#[cfg(test)]
mod tests;

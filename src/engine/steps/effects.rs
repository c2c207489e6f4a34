//! Blur, sharpen, pixelate; in that order, on 8-bit sRGB. Source: imgproxy reference, section 14.2.

use super::super::vips::{Image, Op, Value, VipsError};
use super::Context;
use super::color::to_space;
use super::crop::{extract, number};
use super::scale::{premultiplied, unpremultiplied};
use crate::transform::geometry::{Point, Size};

/// Gaussian blur.
pub fn blur(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let sigma = context.transform.blur;
    if sigma <= 0.0 {
        return Ok(image);
    }
    filtered(&image, |image| Op::new("gaussblur")?.set("in", image)?.set("sigma", sigma)?.image())
}

/// Sharpening of lightness.
pub fn sharpen(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let sigma = context.transform.sharpen;
    if sigma <= 0.0 {
        return Ok(image);
    }
    filtered(&image, |image| Op::new("sharpen")?.set("in", image)?.set("sigma", sigma)?.image())
}

/// Blocks of one colour each; the picture is mirrored outwards so that the blocks at the edge are whole.
pub fn pixelate(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let (width, height) = (image.width(), image.height());
    let block = context.transform.pixelate.min(width.max(height));
    if block < 2 {
        return Ok(image);
    }
    let image = to_rgb(&image)?;
    let whole = Size::new(width.next_multiple_of(block), height.next_multiple_of(block));
    let image = Op::new("embed")?
        .set("in", &image)?
        .set("x", 0)?
        .set("y", 0)?
        .set("width", number(whole.width))?
        .set("height", number(whole.height))?
        .set("extend", Value::Nick("mirror"))?
        .image()?;
    let shrink = f64::from(block);
    let small = Op::new("shrink")?.set("in", &image)?.set("hshrink", shrink)?.set("vshrink", shrink)?.image()?;
    let blocks =
        Op::new("zoom")?.set("input", &small)?.set("xfac", number(block))?.set("yfac", number(block))?.image()?;
    extract(&blocks, Point::default(), Size::new(width, height))
}

/// Runs a filter on 8-bit sRGB, with transparent pixels weighing nothing.
fn filtered(image: &Image, filter: impl FnOnce(&Image) -> Result<Image, VipsError>) -> Result<Image, VipsError> {
    let image = to_rgb(image)?;
    if !image.has_alpha() {
        return filter(&image);
    }
    unpremultiplied(&filter(&premultiplied(&image, 255.0)?)?, 255.0)
}

/// Grey becomes RGB: a filtered picture is one.
fn to_rgb(image: &Image) -> Result<Image, VipsError> {
    if image.bands() < 3 { to_space(image, "srgb") } else { Ok(image.share()) }
}

//! A larger canvas: to the requested size, to the requested proportions, and paddings. New pixels are transparent.

use super::super::vips::{Image, Op, VipsError};
use super::Context;
use super::crop::number;
use crate::transform::Gravity;
use crate::transform::geometry::{Point, Size, place};

/// The canvas grows to the requested box.
pub fn extend(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    match context.transform.extend {
        Some(gravity) => grown(image, context.plan.target, gravity, context.plan.dpr),
        None => Ok(image),
    }
}

/// The canvas grows to the requested proportions.
pub fn extend_aspect(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    match context.transform.extend_aspect {
        Some(gravity) => grown(image, context.plan.aspect, gravity, context.plan.dpr),
        None => Ok(image),
    }
}

/// The canvas grows on each side.
pub fn padding(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let padding = context.plan.padding(context.transform);
    if padding.is_none() {
        return Ok(image);
    }
    let canvas = Size::new(image.width() + padding.left + padding.right, image.height() + padding.top + padding.bottom);
    embedded(&image, Point { left: padding.left, top: padding.top }, canvas)
}

fn grown(image: Image, canvas: Size, gravity: Gravity, dpr: f64) -> Result<Image, VipsError> {
    let inner = Size::new(image.width(), image.height());
    let outer = Size::new(canvas.width.max(inner.width), canvas.height.max(inner.height));
    if outer == inner {
        return Ok(image);
    }
    embedded(&image, place(outer, inner, gravity, dpr), outer)
}

fn embedded(image: &Image, at: Point, canvas: Size) -> Result<Image, VipsError> {
    let image = with_alpha(image)?;
    Op::new("embed")?
        .set("in", &image)?
        .set("x", number(at.left))?
        .set("y", number(at.top))?
        .set("width", number(canvas.width))?
        .set("height", number(canvas.height))?
        .image()
}

fn with_alpha(image: &Image) -> Result<Image, VipsError> {
    if image.has_alpha() {
        return Ok(image.share());
    }
    Op::new("bandjoin_const")?.set("in", image)?.set("c", [255.0].as_slice())?.image()
}

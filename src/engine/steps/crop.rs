//! The crop of the original before scaling, and the cut to the result after it.

use super::super::vips::{Image, Op, Value, VipsError};
use super::Context;
use crate::transform::geometry::{CropBox, Point, Size, crop_box, crop_gravity, place};
use crate::transform::{Anchor, Gravity};

/// Takes the asked region of the original; in the coordinates of its pixels as they are stored.
pub fn crop(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let stored = size(&image);
    let gravity = crop_gravity(context.transform);
    match crop_box(&context.plan, gravity, context.orientation, stored, &context.reload) {
        None => Ok(image),
        Some(CropBox::At(point, inner)) => extract(&image, point, inner),
        Some(CropBox::Smart(inner)) => smart(&image, inner),
    }
}

/// Cuts what stands over the requested box; upright by now, so the gravity is meant as written.
pub fn cut(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let outer = size(&image);
    let inner = context.plan.cut.min_nonzero(outer);
    if inner == outer {
        return Ok(image);
    }
    let Gravity { anchor, .. } = context.transform.gravity;
    if anchor == Anchor::Smart {
        return smart(&image, inner);
    }
    extract(&image, place(outer, inner, context.transform.gravity, context.plan.dpr), inner)
}

fn size(image: &Image) -> Size {
    Size::new(image.width(), image.height())
}

pub fn extract(image: &Image, at: Point, inner: Size) -> Result<Image, VipsError> {
    Op::new("extract_area")?
        .set("input", image)?
        .set("left", number(at.left))?
        .set("top", number(at.top))?
        .set("width", number(inner.width))?
        .set("height", number(inner.height))?
        .image()
}

/// The most salient region. It reads the picture twice, so the pixels are made first.
fn smart(image: &Image, inner: Size) -> Result<Image, VipsError> {
    Op::new("smartcrop")?
        .set("input", &image.in_memory()?)?
        .set("width", number(inner.width))?
        .set("height", number(inner.height))?
        .set("interesting", Value::Nick("attention"))?
        .image()
}

/// libvips counts pixels in `int`; sizes over its range are far over every limit.
pub fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

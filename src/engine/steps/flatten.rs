//! A colour under what is transparent. Source: imgproxy reference, section 14.3.

use super::super::vips::{Image, Op, VipsError};
use super::Context;
use super::color::to_space;
use crate::transform::Rgb;

const WHITE: Rgb = Rgb(255, 255, 255);

/// Where a background is asked for, or the format knows no transparency: then on white.
pub fn flatten(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let color = match context.transform.background {
        Some(color) => color,
        None if context.format.has_alpha() => return Ok(image),
        None => WHITE,
    };
    if !image.has_alpha() {
        return Ok(image);
    }
    let Rgb(red, green, blue) = color;
    let grey = red == green && green == blue;
    let (image, background) = if image.bands() < 3 && grey {
        (image, vec![f64::from(red)])
    } else {
        let image = if image.bands() < 3 { to_space(&image, "srgb")? } else { image };
        (image, [red, green, blue].map(f64::from).to_vec())
    };
    Op::new("flatten")?.set("in", &image)?.set("background", background.as_slice())?.image()
}

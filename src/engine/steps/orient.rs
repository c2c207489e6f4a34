//! Turning the picture upright: EXIF first, then what the URL asks for.

use super::super::vips::{Image, Op, Value, VipsError};
use super::Context;
use crate::transform::Rotation;

/// Applies EXIF rotation and mirror, then the rotation and flips of the transform.
pub fn orient(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let turn = context.orientation;
    if turn.is_identity() {
        return Ok(image);
    }
    // A turned picture is read from another side than it is decoded from; it is already small here.
    let image = image.in_memory()?;
    let image = rotated(image, turn.angle)?;
    let image = flipped(image, turn.mirror, "horizontal")?;
    let image = rotated(image, turn.rotate)?;
    let image = flipped(image, turn.flip_horizontal, "horizontal")?;
    flipped(image, turn.flip_vertical, "vertical")
}

fn rotated(image: Image, rotation: Rotation) -> Result<Image, VipsError> {
    let angle = match rotation {
        Rotation::D0 => return Ok(image),
        Rotation::D90 => "d90",
        Rotation::D180 => "d180",
        Rotation::D270 => "d270",
    };
    Op::new("rot")?.set("in", &image)?.set("angle", Value::Nick(angle))?.image()
}

fn flipped(image: Image, flip: bool, direction: &str) -> Result<Image, VipsError> {
    if !flip {
        return Ok(image);
    }
    Op::new("flip")?.set("in", &image)?.set("direction", Value::Nick(direction))?.image()
}

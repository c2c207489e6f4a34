//! Colour on the way in and on the way out: everything is worked on as 8-bit RGB or grey, and what leaves is sRGB
//! unless the profile was asked to stay. Source: imgproxy reference, section 14.4.

use super::super::vips::{Band, Image, Op, Value, VipsError};
use super::Context;

const PROFILE: &str = "icc-profile-data";

/// RGB and grey stay as they are, deep ones drop to 8 bits, and every other space becomes sRGB at once: a resampled
/// CMYK is no picture of anything.
pub fn to_processing(image: Image, _context: &Context<'_>) -> Result<Image, VipsError> {
    let space = image.interpretation();
    match (space.as_str(), image.band()) {
        ("srgb" | "rgb" | "b-w" | "multiband", Band::U8) => Ok(image),
        ("srgb" | "rgb" | "rgb16", _) => to_space(&image, "srgb"),
        ("b-w" | "grey16", _) => to_space(&image, "b-w"),
        ("cmyk", _) => from_profile(&image, "cmyk"),
        _ if image.has(PROFILE) => from_profile(&image, "srgb"),
        ("scrgb", _) => without_profile(&to_space(&image, "srgb")?),
        _ => to_space(&image, "srgb"),
    }
}

/// What leaves the pipeline: sRGB or grey without a profile, or the original's numbers with its profile.
pub fn to_output(image: Image, keep_profile: bool) -> Result<Image, VipsError> {
    let Some(profile) = image.blob(PROFILE) else {
        return Ok(image);
    };
    if is_srgb(&profile) {
        return without_profile(&image);
    }
    if keep_profile {
        return Ok(image);
    }
    let grey = image.bands() < 3;
    let converted = from_profile(&image, "srgb")?;
    if grey { to_space(&converted, "b-w") } else { Ok(converted) }
}

/// Through the embedded profile, or `fallback` where there is none or it is broken, to 8-bit sRGB.
fn from_profile(image: &Image, fallback: &str) -> Result<Image, VipsError> {
    let convert = |image: &Image| {
        Op::new("icc_transform")?
            .set("in", image)?
            .set("output_profile", Value::Text("srgb"))?
            .set("input_profile", Value::Text(fallback))?
            .set("embedded", true)?
            .set("intent", Value::Nick("relative"))?
            .set("black_point_compensation", true)?
            .set("depth", 8)?
            .image()
    };
    // A profile that does not fit the pixels is an everyday fault of exporters; the picture is shown as sRGB.
    let converted = match convert(image) {
        Ok(converted) => converted,
        Err(_) if fallback == "cmyk" => convert(&without_profile(image)?)?,
        Err(_) => return without_profile(&to_space(image, "srgb")?),
    };
    without_profile(&converted)
}

fn without_profile(image: &Image) -> Result<Image, VipsError> {
    image.edited(|header| header.remove(PROFILE))
}

pub fn to_space(image: &Image, space: &str) -> Result<Image, VipsError> {
    Op::new("colourspace")?.set("in", image)?.set("space", Value::Nick(space))?.image()
}

/// The standard profile by its header: manufacturer `IEC `, model `sRGB`.
fn is_srgb(profile: &[u8]) -> bool {
    profile.get(48..56) == Some(b"IEC sRGB")
}

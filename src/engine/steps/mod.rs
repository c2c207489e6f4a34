//! The pipeline as a list: one file a step, each a pure function of an image and what is wanted of it.
//!
//! The order is the dialect's and the order of options in a URL never matters. Source: imgproxy reference, section 11.

mod color;
mod crop;
mod effects;
mod extend;
mod flatten;
mod orient;
mod scale;

use super::vips::{Image, VipsError};
use crate::transform::geometry::{Orientation, Plan, Reload};
use crate::transform::{Format, Transform};

pub use color::to_output;
pub use crop::extract;
pub use scale::{PLACEHOLDER_SIDE, scaled_size, to_gamma, to_linear};

/// What the steps need to know of one picture.
#[derive(Debug)]
pub struct Context<'a> {
    pub transform: &'a Transform,
    pub plan: Plan,
    pub reload: Reload,
    pub orientation: Orientation,
    /// What comes out.
    pub format: Format,
    /// Whether shrinking happens in linear light.
    pub linear_light: bool,
}

type Step = fn(Image, &Context<'_>) -> Result<Image, VipsError>;

/// Every step with its name, in order.
const STEPS: [(&str, Step); 12] = [
    ("to processing colour space", color::to_processing),
    ("crop", crop::crop),
    ("scale", scale::scale),
    ("orient", orient::orient),
    ("cut to result", crop::cut),
    ("blur", effects::blur),
    ("sharpen", effects::sharpen),
    ("pixelate", effects::pixelate),
    ("extend", extend::extend),
    ("extend aspect ratio", extend::extend_aspect),
    ("padding", extend::padding),
    ("format limit", scale::format_limit),
];

/// The first of them that a picture needs which is scaled already.
const SCALED: usize = 3;

/// Runs every step on one picture or one frame.
pub fn run(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    from(0, image, context)
}

/// Runs the steps that are left for a picture in its processing colour space, cropped and scaled.
pub fn run_scaled(image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    from(SCALED, image, context)
}

fn from(first: usize, image: Image, context: &Context<'_>) -> Result<Image, VipsError> {
    let image = STEPS[first..].iter().try_fold(image, |image, (name, step)| {
        tracing::trace!(step = name, width = image.width(), height = image.height());
        step(image, context)
    })?;
    flatten::flatten(image, context)
}

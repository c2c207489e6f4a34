//! Sizes and places: from a picture's sides and a transform to every number that the pipeline needs.
//!
//! All arithmetic is IEEE double, and the two roundings of the dialect are named: [`round`] takes halves away from
//! zero, [`round_even`] to the even neighbour. Unless said otherwise, sides are those of the picture *as displayed*,
//! that is after its EXIF orientation and the transform's own rotation. Source: imgproxy reference, section 12.

mod crop;
mod orientation;
mod place;
mod shrink;

pub use crop::{CropBox, crop_box};
pub use orientation::Orientation;
pub use place::{Point, place};
pub use shrink::{Reload, reload};

use super::{Crop, Gravity, ResizeType, Transform};

/// The numbers of one picture under one transform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Sides of the crop, 0 where none was asked.
    pub crop: Size,
    /// Horizontal factor, of the displayed picture.
    pub scale_x: f64,
    /// Vertical factor, of the displayed picture.
    pub scale_y: f64,
    /// The device pixel ratio after every cap; it multiplies offsets and paddings.
    pub dpr: f64,
    /// After scaling.
    pub scaled: Size,
    /// What was asked for, 0 where it was not.
    pub target: Size,
    /// The scaled picture is cut to this, 0 for no cut on that side.
    pub cut: Size,
    /// The canvas of the requested ratio; 0 by 0 where none is to be made.
    pub aspect: Size,
}

/// Two sides in pixels; 0 means "not asked for" where a field says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

// === impl Size ===

impl Size {
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Side by side the smaller of the two, where 0 stands for "no bound".
    #[must_use]
    pub fn min_nonzero(self, other: Self) -> Self {
        Self::new(min_nonzero(self.width, other.width), min_nonzero(self.height, other.height))
    }

    /// With width and height exchanged if `sideways`.
    #[must_use]
    pub const fn turned(self, sideways: bool) -> Self {
        if sideways { Self::new(self.height, self.width) } else { self }
    }

    /// The longer side.
    pub fn longest(self) -> u32 {
        self.width.max(self.height)
    }

    /// The number of pixels.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

// === impl Plan ===

impl Plan {
    /// The plan of a picture that is displayed as `shown`. `vector` pictures have no resolution of their own: they are
    /// neither guarded against enlarging nor do they cap the device pixel ratio.
    pub fn new(shown: Size, transform: &Transform, vector: bool) -> Self {
        let crop = transform.crop.map_or_else(Size::default, |crop| crop_size(&crop, shown));
        let area = crop.min_nonzero(shown);
        let (scale_x, scale_y, dpr) = scale(area, transform, vector);
        Self::sized(crop, area, transform, (scale_x, scale_y), dpr)
    }

    fn sized(crop: Size, area: Size, t: &Transform, (scale_x, scale_y): (f64, f64), dpr: f64) -> Self {
        let target = Size::new(scaled_by(t.width, dpr * t.zoom_x), scaled_by(t.height, dpr * t.zoom_y));
        let scaled = Size::new(scaled_by(area.width, scale_x), scaled_by(area.height, scale_y));
        let cut = if t.resize == ResizeType::FillDown && !t.enlarge { cut_down(scaled, target) } else { target };
        let aspect = match t.extend_aspect {
            Some(_) if target.width > 0 && target.height > 0 => aspect_canvas(scaled.min_nonzero(cut), target),
            _ => Size::default(),
        };
        Self { crop, scale_x, scale_y, dpr, scaled, target, cut, aspect }
    }

    /// Sides of what comes out, before any limit of the format.
    pub fn result(&self, transform: &Transform) -> Size {
        let mut size = self.cut.min_nonzero(self.scaled);
        if transform.extend.is_some() {
            size = Size::new(size.width.max(self.target.width), size.height.max(self.target.height));
        }
        size = Size::new(size.width.max(self.aspect.width), size.height.max(self.aspect.height));
        let padding = self.padding(transform);
        Size::new(
            size.width.saturating_add(padding.left).saturating_add(padding.right),
            size.height.saturating_add(padding.top).saturating_add(padding.bottom),
        )
    }

    /// The paddings in pixels of the result.
    pub fn padding(&self, transform: &Transform) -> super::Padding {
        let scaled = |pad: u32| to_u32(round_even(f64::from(pad) * self.dpr));
        let asked = transform.padding;
        super::Padding {
            top: scaled(asked.top),
            right: scaled(asked.right),
            bottom: scaled(asked.bottom),
            left: scaled(asked.left),
        }
    }
}

/// To the nearest integer, halves away from zero.
pub fn round(value: f64) -> f64 {
    value.round()
}

/// To the nearest integer, halves to the even neighbour.
pub fn round_even(value: f64) -> f64 {
    value.round_ties_even()
}

/// `side · factor` rounded; 0 stays 0, as it means "not asked for".
pub fn scaled_by(side: u32, factor: f64) -> u32 {
    to_u32(round(f64::from(side) * factor))
}

/// The smaller of the two, where 0 stands for "no bound".
pub fn min_nonzero(a: u32, b: u32) -> u32 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        (a, b) => a.min(b),
    }
}

/// Saturating: geometry never wraps, and sizes over the limits are refused before a pixel is made.
fn to_u32(value: f64) -> u32 {
    value as u32
}

fn crop_size(crop: &Crop, shown: Size) -> Size {
    let side = |asked: f64, side: u32| {
        if asked == 0.0 {
            0
        } else if asked >= 1.0 {
            to_u32(asked)
        } else {
            to_u32(round(f64::from(side) * asked)).max(1)
        }
    };
    Size::new(side(crop.width, shown.width), side(crop.height, shown.height))
}

/// Horizontal and vertical factor and the effective device pixel ratio for scaling `area`.
fn scale(area: Size, t: &Transform, vector: bool) -> (f64, f64, f64) {
    let (a, b) = (f64::from(area.width), f64::from(area.height));
    let (mut kx, mut ky) = shrink_factors(area, t);
    kx /= t.zoom_x;
    ky /= t.zoom_y;
    let mut dpr = t.dpr;
    if !t.enlarge && !vector {
        let least = kx.min(ky);
        if least < 1.0 {
            // Both are raised alike, which keeps the distortion of `force` and of unequal zooms.
            kx /= least;
            ky /= least;
            if t.extend.is_none() {
                // A ratio below 1 must not shrink a picture that is already smaller than what was asked for.
                dpr /= least;
            }
        }
        dpr = dpr.min(kx).min(ky);
    }
    if t.min_width > 0 {
        let most = a / f64::from(t.min_width);
        if most < kx {
            ky /= kx / most;
            kx = most;
        }
    }
    if t.min_height > 0 {
        let most = b / f64::from(t.min_height);
        if most < ky {
            kx /= ky / most;
            ky = most;
        }
    }
    // Never below one pixel.
    let kx = (kx / dpr).min(a);
    let ky = (ky / dpr).min(b);
    (1.0 / kx, 1.0 / ky, dpr)
}

/// How often the area is larger than the box on each side, made equal where proportions are kept.
fn shrink_factors(area: Size, t: &Transform) -> (f64, f64) {
    let wanted = |asked: u32, side: u32| f64::from(if asked == 0 { side } else { asked });
    let (tw, th) = (wanted(t.width, area.width), wanted(t.height, area.height));
    let (a, b) = (f64::from(area.width), f64::from(area.height));
    let mut kx = if a == tw { 1.0 } else { a / tw };
    let mut ky = if b == th { 1.0 } else { b / th };
    if kx == 1.0 && ky == 1.0 {
        return (kx, ky);
    }
    let resize = match t.resize {
        ResizeType::Auto if (a - b >= 0.0) == (tw - th >= 0.0) => ResizeType::Fill,
        ResizeType::Auto => ResizeType::Fit,
        other => other,
    };
    if t.width == 0 && resize != ResizeType::Force {
        kx = ky;
    }
    if t.height == 0 && resize != ResizeType::Force {
        ky = kx;
    }
    match resize {
        ResizeType::Fit => (kx.max(ky), kx.max(ky)),
        ResizeType::Fill | ResizeType::FillDown => (kx.min(ky), kx.min(ky)),
        ResizeType::Force | ResizeType::Auto => (kx, ky),
    }
}

/// The cut of `fill-down`: the box itself if it fits into the picture, else its proportions. Proportions that leave
/// less than half a pixel of a side give a cut of 0, which is none; imgproxy does the same.
fn cut_down(scaled: Size, target: Size) -> Size {
    let p = f64::from(target.width) / f64::from(scaled.width);
    let q = f64::from(target.height) / f64::from(scaled.height);
    if p > q && p > 1.0 {
        let ratio = f64::from(target.height) / f64::from(target.width);
        Size::new(scaled.width, scaled_by(scaled.width, ratio))
    } else if q > p && q > 1.0 {
        let ratio = f64::from(target.width) / f64::from(target.height);
        Size::new(scaled_by(scaled.height, ratio), scaled.height)
    } else {
        target
    }
}

/// The smallest canvas of the target's proportions around `inner`; nothing where they agree already.
fn aspect_canvas(inner: Size, target: Size) -> Size {
    let p = f64::from(target.width) / f64::from(inner.width);
    let q = f64::from(target.height) / f64::from(inner.height);
    if q > p {
        let ratio = f64::from(target.height) / f64::from(target.width);
        Size::new(inner.width, scaled_by(inner.width, ratio))
    } else if p > q {
        let ratio = f64::from(target.width) / f64::from(target.height);
        Size::new(scaled_by(inner.height, ratio), inner.height)
    } else {
        Size::default()
    }
}

/// The gravity that a crop uses: its own, else the transform's.
pub fn crop_gravity(transform: &Transform) -> Gravity {
    transform.crop.and_then(|crop| crop.gravity).unwrap_or(transform.gravity)
}

#[cfg(test)]
mod tests;

//! How much smaller an original may be decoded, and what is left to scale afterwards.
//! Source: imgproxy reference, section 12.8.

use super::{Plan, Size, scaled_by};

/// What a smaller decode did to the picture, and the factors that remain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reload {
    /// How often the decoded picture is narrower than the original, on the displayed axis.
    pub shrunk_x: f64,
    /// How often the decoded picture is lower than the original, on the displayed axis.
    pub shrunk_y: f64,
    /// Horizontal factor that remains.
    pub scale_x: f64,
    /// Vertical factor that remains.
    pub scale_y: f64,
}

// === impl Reload ===

impl Reload {
    /// A full decode.
    pub fn none(plan: &Plan) -> Self {
        Self { shrunk_x: 1.0, shrunk_y: 1.0, scale_x: plan.scale_x, scale_y: plan.scale_y }
    }

    /// Whether the original was decoded at its own size.
    pub fn is_none(&self) -> bool {
        self.shrunk_x == 1.0 && self.shrunk_y == 1.0
    }
}

impl Plan {
    /// How often the whole original is larger than it will be; the decoder may leave out at most this much.
    pub fn decode_shrink(&self, shown: Size) -> f64 {
        let ratio = |side: u32, factor: f64| f64::from(side) / f64::from(scaled_by(side, factor).max(1));
        ratio(shown.width, self.scale_x).min(ratio(shown.height, self.scale_y))
    }
}

/// The factors that remain once an original displayed as `shown` was decoded to `decoded`.
pub fn reload(plan: &Plan, shown: Size, decoded: Size) -> Reload {
    let shrunk_x = f64::from(shown.width) / f64::from(decoded.width.max(1));
    let shrunk_y = f64::from(shown.height) / f64::from(decoded.height.max(1));
    let remaining = |side: u32, factor: f64| if scaled_by(side, factor) == side { 1.0 } else { factor };
    Reload {
        shrunk_x,
        shrunk_y,
        scale_x: remaining(decoded.width, plan.scale_x * shrunk_x),
        scale_y: remaining(decoded.height, plan.scale_y * shrunk_y),
    }
}

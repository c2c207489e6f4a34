//! Three numbers: a point, a direction, or a colour in linear light.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A point or direction (right, up, into the picture), or a colour (red, green, blue; 1 is white, more is light).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct V3(pub(super) f32, pub(super) f32, pub(super) f32);

// === impl V3 ===

impl V3 {
    pub(super) const BLACK: Self = Self(0.0, 0.0, 0.0);
    pub(super) const WHITE: Self = Self(1.0, 1.0, 1.0);

    pub(super) const fn all(value: f32) -> Self {
        Self(value, value, value)
    }

    /// The linear light of an sRGB colour written as `0xRRGGBB`.
    pub(super) fn srgb(hex: u32) -> Self {
        let channel = |shift: u32| {
            let value = ((hex >> shift) & 0xff) as f32 / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        Self(channel(16), channel(8), channel(0))
    }

    pub(super) fn dot(self, other: Self) -> f32 {
        self.0 * other.0 + self.1 * other.1 + self.2 * other.2
    }

    pub(super) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    pub(super) fn unit(self) -> Self {
        self / self.length().max(1e-12)
    }

    pub(super) fn mix(self, other: Self, share: f32) -> Self {
        self * (1.0 - share) + other * share
    }

    pub(super) fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(f(self.0), f(self.1), f(self.2))
    }

    /// Each channel by its own factor: light on a surface.
    pub(super) fn tint(self, other: Self) -> Self {
        Self(self.0 * other.0, self.1 * other.1, self.2 * other.2)
    }

    /// The direction after a mirror with this unit normal.
    pub(super) fn reflect(self, normal: Self) -> Self {
        self - normal * (2.0 * self.dot(normal))
    }

    /// The channels as sRGB, after a curve that bends highlights instead of cutting them.
    pub(super) fn film(self) -> [f32; 3] {
        let curve = |x: f32| {
            let x = x.max(0.0);
            (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)
        };
        self.map(curve).display()
    }

    /// The channels as sRGB, 0 to 1, cut at white.
    pub(super) fn display(self) -> [f32; 3] {
        let encode = |x: f32| {
            let x = x.clamp(0.0, 1.0);
            if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 }
        };
        [encode(self.0), encode(self.1), encode(self.2)]
    }
}

impl Add for V3 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1, self.2 + other.2)
    }
}

impl Sub for V3 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1, self.2 - other.2)
    }
}

impl Mul<f32> for V3 {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        Self(self.0 * factor, self.1 * factor, self.2 * factor)
    }
}

impl Div<f32> for V3 {
    type Output = Self;
    fn div(self, divisor: f32) -> Self {
        self * (1.0 / divisor)
    }
}

impl Neg for V3 {
    type Output = Self;
    fn neg(self) -> Self {
        self * -1.0
    }
}

/// 0 below `from`, 1 above `to`, smooth between; `from` may be the larger one.
pub(super) fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A colour between stops, which stand in rising order.
pub(super) fn ramp(stops: &[(f32, V3)], at: f32) -> V3 {
    let last = stops.len() - 1;
    let upper = stops.iter().position(|(place, _)| *place >= at).unwrap_or(last).max(1);
    let ((low, from), (high, to)) = (stops[upper - 1], stops[upper]);
    from.mix(to, smooth(low, high, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_survives_the_way_to_light_and_back() {
        for (hex, wanted) in [(0x00_00_00, [0.0; 3]), (0xff_ff_ff, [1.0; 3]), (0x80_40_20, [128.0, 64.0, 32.0])] {
            let scale = if hex == 0x80_40_20 { 255.0 } else { 1.0 };
            for (got, wanted) in V3::srgb(hex).display().into_iter().zip(wanted) {
                assert!((got * scale - wanted).abs() < 0.01, "{hex:06x}: {got} {wanted}");
            }
        }
    }

    #[test]
    fn ramps_meet_their_stops_and_stay_at_their_ends() {
        let stops = [(0.0, V3::BLACK), (0.5, V3::all(0.25)), (1.0, V3::WHITE)];
        for (at, wanted) in [(-1.0, 0.0), (0.0, 0.0), (0.5, 0.25), (1.0, 1.0), (2.0, 1.0)] {
            assert_eq!(ramp(&stops, at), V3::all(wanted), "{at}");
        }
    }
}

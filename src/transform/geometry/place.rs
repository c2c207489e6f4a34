//! Where a box of one size stands in a box of another. Source: imgproxy reference, section 12.9.

use super::super::{Anchor, Gravity};
use super::{Size, round_even};

/// A top-left corner in pixels of the outer box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Point {
    pub left: u32,
    pub top: u32,
}

/// The corner of an `inner` box in an `outer` one, always wholly inside. Pixel offsets (1 or more) are multiplied by
/// `factor`, fractions refer to the outer box, and both point inward from an edge. [`Anchor::Smart`] cannot be placed
/// without pixels and stands in the centre here.
pub fn place(outer: Size, inner: Size, gravity: Gravity, factor: f64) -> Point {
    let (left, top) = if gravity.anchor == Anchor::Focus {
        (
            along(outer.width, gravity.x) - i64::from(inner.width / 2),
            along(outer.height, gravity.y) - i64::from(inner.height / 2),
        )
    } else {
        anchored(outer, inner, gravity, factor)
    };
    let clamp = |value: i64, outer: u32, inner: u32| {
        let most = i64::from(outer) - i64::from(inner);
        u32::try_from(value.clamp(0, most.max(0))).unwrap_or(0)
    };
    Point { left: clamp(left, outer.width, inner.width), top: clamp(top, outer.height, inner.height) }
}

fn anchored(outer: Size, inner: Size, gravity: Gravity, factor: f64) -> (i64, i64) {
    use Anchor::{East, North, NorthEast, NorthWest, South, SouthEast, SouthWest, West};
    let offset = |value: f64, side: u32| {
        if value.abs() >= 1.0 { round_even(value * factor) as i64 } else { along(side, value) }
    };
    let (x, y) = (offset(gravity.x, outer.width), offset(gravity.y, outer.height));
    let spare_x = i64::from(outer.width) - i64::from(inner.width);
    let spare_y = i64::from(outer.height) - i64::from(inner.height);
    let left = match gravity.anchor {
        West | NorthWest | SouthWest => x,
        East | NorthEast | SouthEast => spare_x - x,
        _ => half(spare_x) + x,
    };
    let top = match gravity.anchor {
        North | NorthEast | NorthWest => y,
        South | SouthEast | SouthWest => spare_y - y,
        _ => half(spare_y) + y,
    };
    (left, top)
}

/// A fraction of a side in pixels.
fn along(side: u32, fraction: f64) -> i64 {
    if side == 0 { 0 } else { round_even(f64::from(side) * fraction) as i64 }
}

/// The dialect's own idea of a middle: for 0 to 8 it is 0 1 2 2 2 3 4 4 4.
fn half(spare: i64) -> i64 {
    round_even((spare + 1) as f64 / 2.0) as i64
}

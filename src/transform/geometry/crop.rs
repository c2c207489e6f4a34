//! The crop of the original, in the coordinates of the pixels as they are stored.

use super::super::{Anchor, Gravity};
use super::{Orientation, Plan, Point, Reload, Size, place, round, round_even};

/// A region of the stored picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CropBox {
    /// Here and so large.
    At(Point, Size),
    /// So large, wherever the picture is most interesting.
    Smart(Size),
}

/// The region that the plan's crop takes from a picture stored as `stored`, or nothing where it takes all of it.
/// `gravity` is the crop's as displayed; `reload` tells how much smaller the picture was decoded.
pub fn crop_box(
    plan: &Plan,
    gravity: Gravity,
    orientation: Orientation,
    stored: Size,
    reload: &Reload,
) -> Option<CropBox> {
    if plan.crop == Size::default() {
        return None;
    }
    let sideways = orientation.is_sideways();
    let smaller = |side: u32, shrunk: f64| if side == 0 { 0 } else { (round(f64::from(side) / shrunk) as u32).max(1) };
    // The decoder's factors belong to the displayed axes, as the crop's sides do.
    let shown = Size::new(smaller(plan.crop.width, reload.shrunk_x), smaller(plan.crop.height, reload.shrunk_y));
    let inner = shown.turned(sideways).min_nonzero(stored);
    if inner == stored {
        return None;
    }
    let gravity = reloaded(gravity, reload);
    if gravity.anchor == Anchor::Smart {
        return Some(CropBox::Smart(inner));
    }
    Some(CropBox::At(place(stored, inner, orientation.undo(gravity), 1.0), inner))
}

/// Pixel offsets are pixels of the original; a smaller decode makes them smaller.
fn reloaded(gravity: Gravity, reload: &Reload) -> Gravity {
    let smaller = |offset: f64, shrunk: f64| if offset.abs() >= 1.0 { round_even(offset / shrunk) } else { offset };
    if gravity.anchor == Anchor::Focus || reload.is_none() {
        return gravity;
    }
    Gravity { anchor: gravity.anchor, x: smaller(gravity.x, reload.shrunk_x), y: smaller(gravity.y, reload.shrunk_y) }
}

//! How a stored picture is turned to be displayed, and what a gravity becomes when it is turned back.
//! Source: imgproxy reference, sections 12.1 and 12.10.

use super::super::{Anchor, Gravity, Rotation, Transform};
use super::Size;

/// Everything that turns or mirrors a picture between the file and the screen, in the order it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    /// Clockwise, from EXIF.
    pub angle: Rotation,
    /// Horizontal, after `angle`, from EXIF.
    pub mirror: bool,
    /// Clockwise, from the transform.
    pub rotate: Rotation,
    /// After `rotate`, from the transform.
    pub flip_horizontal: bool,
    /// After `rotate`, from the transform.
    pub flip_vertical: bool,
}

// === impl Orientation ===

impl Orientation {
    /// From the EXIF value 1 to 8 (others mean 1) and the transform.
    pub fn new(exif: u8, transform: &Transform) -> Self {
        let (angle, mirror) = if transform.auto_rotate { from_exif(exif) } else { (Rotation::D0, false) };
        Self {
            angle,
            mirror,
            rotate: transform.rotate,
            flip_horizontal: transform.flip_horizontal,
            flip_vertical: transform.flip_vertical,
        }
    }

    /// Whether the stored width is displayed as height.
    pub const fn is_sideways(self) -> bool {
        self.angle.is_sideways() != self.rotate.is_sideways()
    }

    /// The displayed sides of a picture with these stored sides.
    pub const fn shown(self, stored: Size) -> Size {
        stored.turned(self.is_sideways())
    }

    /// Whether pixels stay where they are.
    pub fn is_identity(self) -> bool {
        self == Self::default()
    }

    /// The gravity that means in stored coordinates what `gravity` means on the screen: the last step is undone first.
    pub fn undo(self, gravity: Gravity) -> Gravity {
        let mut gravity = gravity;
        if self.flip_horizontal {
            gravity = undo_mirror(gravity);
        }
        if self.flip_vertical {
            gravity = undo_flip(gravity);
        }
        gravity = undo_rotation(gravity, self.rotate);
        if self.mirror {
            gravity = undo_mirror(gravity);
        }
        undo_rotation(gravity, self.angle)
    }
}

fn from_exif(orientation: u8) -> (Rotation, bool) {
    match orientation {
        2 => (Rotation::D0, true),
        3 => (Rotation::D180, false),
        4 => (Rotation::D180, true),
        5 => (Rotation::D90, true),
        6 => (Rotation::D90, false),
        7 => (Rotation::D270, true),
        8 => (Rotation::D270, false),
        _ => (Rotation::D0, false),
    }
}

fn undo_mirror(gravity: Gravity) -> Gravity {
    use Anchor::{Center, East, Focus, North, NorthEast, NorthWest, Smart, South, SouthEast, SouthWest, West};
    let Gravity { anchor, x, y } = gravity;
    match anchor {
        Smart => gravity,
        Focus => Gravity { anchor, x: 1.0 - x, y },
        Center | North | South => Gravity { anchor, x: -x, y },
        East => Gravity { anchor: West, x, y },
        West => Gravity { anchor: East, x, y },
        NorthEast => Gravity { anchor: NorthWest, x, y },
        NorthWest => Gravity { anchor: NorthEast, x, y },
        SouthEast => Gravity { anchor: SouthWest, x, y },
        SouthWest => Gravity { anchor: SouthEast, x, y },
    }
}

fn undo_flip(gravity: Gravity) -> Gravity {
    use Anchor::{Center, East, Focus, North, NorthEast, NorthWest, Smart, South, SouthEast, SouthWest, West};
    let Gravity { anchor, x, y } = gravity;
    match anchor {
        Smart => gravity,
        Focus => Gravity { anchor, x, y: 1.0 - y },
        Center | East | West => Gravity { anchor, x, y: -y },
        North => Gravity { anchor: South, x, y },
        South => Gravity { anchor: North, x, y },
        NorthEast => Gravity { anchor: SouthEast, x, y },
        NorthWest => Gravity { anchor: SouthWest, x, y },
        SouthEast => Gravity { anchor: NorthEast, x, y },
        SouthWest => Gravity { anchor: NorthWest, x, y },
    }
}

/// Each anchor's name before a quarter turn clockwise.
fn before_quarter_turn(anchor: Anchor) -> Anchor {
    match anchor {
        Anchor::North => Anchor::West,
        Anchor::West => Anchor::South,
        Anchor::South => Anchor::East,
        Anchor::East => Anchor::North,
        Anchor::NorthWest => Anchor::SouthWest,
        Anchor::SouthWest => Anchor::SouthEast,
        Anchor::SouthEast => Anchor::NorthEast,
        Anchor::NorthEast => Anchor::NorthWest,
        same @ (Anchor::Center | Anchor::Focus | Anchor::Smart) => same,
    }
}

fn undo_rotation(gravity: Gravity, rotation: Rotation) -> Gravity {
    use Anchor::{Center, East, Focus, North, Smart, South, West};
    let Gravity { anchor, x, y } = gravity;
    if anchor == Smart {
        return gravity;
    }
    let turned = |turns: u32| (0..turns).fold(anchor, |anchor, _| before_quarter_turn(anchor));
    match rotation {
        Rotation::D0 => gravity,
        Rotation::D90 => match anchor {
            Center | North | South => Gravity { anchor: turned(1), x: y, y: -x },
            Focus => Gravity { anchor, x: y, y: 1.0 - x },
            _ => Gravity { anchor: turned(1), x: y, y: x },
        },
        Rotation::D180 => match anchor {
            Center => Gravity { anchor, x: -x, y: -y },
            North | South => Gravity { anchor: turned(2), x: -x, y },
            East | West => Gravity { anchor: turned(2), x, y: -y },
            Focus => Gravity { anchor, x: 1.0 - x, y: 1.0 - y },
            _ => Gravity { anchor: turned(2), x, y },
        },
        Rotation::D270 => match anchor {
            Center | East | West => Gravity { anchor: turned(3), x: -y, y: x },
            Focus => Gravity { anchor, x: 1.0 - y, y: x },
            _ => Gravity { anchor: turned(3), x: y, y: x },
        },
    }
}

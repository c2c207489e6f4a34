//! Where a smaller box stands in a larger one: compass points, a focus point, or where the picture is interesting.

use serde::{Deserialize, Serialize};

/// The point that a gravity refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Anchor {
    #[default]
    #[serde(rename = "ce")]
    Center,
    #[serde(rename = "no")]
    North,
    #[serde(rename = "so")]
    South,
    #[serde(rename = "ea")]
    East,
    #[serde(rename = "we")]
    West,
    #[serde(rename = "noea")]
    NorthEast,
    #[serde(rename = "nowe")]
    NorthWest,
    #[serde(rename = "soea")]
    SouthEast,
    #[serde(rename = "sowe")]
    SouthWest,
    /// A point given as fractions of the outer box.
    #[serde(rename = "fp")]
    Focus,
    /// The most salient region.
    #[serde(rename = "sm")]
    Smart,
}

/// An anchor with offsets. For [`Anchor::Focus`] `x` and `y` are fractions 0 to 1 of the outer box; for the others
/// they are pixels when their absolute value is 1 or more, else fractions; [`Anchor::Smart`] has none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Gravity {
    pub anchor: Anchor,
    pub x: f64,
    pub y: f64,
}

// === impl Anchor ===

impl Anchor {
    const NAMES: [(&'static str, Self); 11] = [
        ("ce", Self::Center),
        ("no", Self::North),
        ("so", Self::South),
        ("ea", Self::East),
        ("we", Self::West),
        ("noea", Self::NorthEast),
        ("nowe", Self::NorthWest),
        ("soea", Self::SouthEast),
        ("sowe", Self::SouthWest),
        ("fp", Self::Focus),
        ("sm", Self::Smart),
    ];

    /// The anchor of this name in a URL.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, anchor)| *anchor)
    }

    /// The anchor's name in a URL.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, anchor)| *anchor == self).map_or("ce", |(name, _)| name)
    }
}

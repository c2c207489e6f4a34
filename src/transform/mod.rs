//! What to make: the canonical [`Transform`], the geometry that follows from it, and the choice of a format.
//!
//! Pure: no I/O, no clock, no libvips, and nothing here can fail late. What was asked ([`Asked`]) becomes what is meant
//! ([`Transform`]); equal meaning gives an equal transform, and equal transforms give equal [`Transform::canonical`]
//! text, from which the cache key is made.

mod asked;
mod canonical;
mod choice;
mod format;
pub mod geometry;
mod gravity;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use asked::{Asked, CropAsked, ExtendAsked, GravityAsked, PaddingAsked};
pub use choice::{AcceptSet, Candidates, Choice, Facts, choose};
pub use format::Format;
pub use gravity::{Anchor, Gravity};

/// What to make of an original, with every default applied and every dead word removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transform {
    #[serde(skip_serializing_if = "is_default")]
    pub resize: ResizeType,
    /// Requested width in pixels before `dpr`; 0 derives it.
    #[serde(skip_serializing_if = "is_default")]
    pub width: u32,
    /// Requested height in pixels before `dpr`; 0 derives it.
    #[serde(skip_serializing_if = "is_default")]
    pub height: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub min_width: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub min_height: u32,
    #[serde(skip_serializing_if = "is_one")]
    pub zoom_x: f64,
    #[serde(skip_serializing_if = "is_one")]
    pub zoom_y: f64,
    #[serde(skip_serializing_if = "is_one")]
    pub dpr: f64,
    #[serde(skip_serializing_if = "is_default")]
    pub enlarge: bool,
    /// The canvas grows to the requested size, with the picture standing at this gravity.
    #[serde(skip_serializing_if = "is_default")]
    pub extend: Option<Gravity>,
    /// The canvas grows to the requested ratio, with the picture standing at this gravity.
    #[serde(skip_serializing_if = "is_default")]
    pub extend_aspect: Option<Gravity>,
    #[serde(skip_serializing_if = "is_default")]
    pub gravity: Gravity,
    #[serde(skip_serializing_if = "is_default")]
    pub crop: Option<Crop>,
    #[serde(skip_serializing_if = "is_default")]
    pub padding: Padding,
    pub auto_rotate: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub rotate: Rotation,
    #[serde(skip_serializing_if = "is_default")]
    pub flip_horizontal: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub flip_vertical: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub background: Option<Rgb>,
    #[serde(skip_serializing_if = "is_default")]
    pub blur: f64,
    #[serde(skip_serializing_if = "is_default")]
    pub sharpen: f64,
    #[serde(skip_serializing_if = "is_default")]
    pub pixelate: u32,
    /// The format that the URL names; absent when it is negotiated.
    #[serde(skip_serializing_if = "is_default")]
    pub format: Option<Format>,
    /// Quality of each format that may come out, 1 to 100; formats without a quality number are not listed.
    #[serde(skip_serializing_if = "is_default")]
    pub quality: BTreeMap<Format, u8>,
    /// Encode again at lower quality until the file is no larger; 0 for any size.
    #[serde(skip_serializing_if = "is_default")]
    pub max_bytes: u64,
    pub strip_metadata: bool,
    // Left out where it is off, so absence must not mean the default of a transform, which is on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_copyright: bool,
    pub strip_color_profile: bool,
    /// Originals of these formats pass through when the same or no format is asked for.
    #[serde(skip_serializing_if = "is_default")]
    pub skip_processing: Vec<Format>,
}

/// How the requested box and the picture's proportions are brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeType {
    /// Inside the box, proportions kept.
    #[default]
    Fit,
    /// Covers the box, proportions kept, the rest cut away.
    Fill,
    /// As `fill`; a picture smaller than the box is cut to the box's proportions instead.
    FillDown,
    /// Exactly the box, proportions not kept.
    Force,
    /// `fill` when the picture and the box are both landscape or both portrait, else `fit`.
    Auto,
}

/// A clockwise turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Rotation {
    #[default]
    D0,
    D90,
    D180,
    D270,
}

/// An opaque colour, 8 bits a channel, sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// A region of the original taken before scaling; see [`CropAsked`] for the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Crop {
    pub width: f64,
    pub height: f64,
    /// Its own gravity; the transform's general one where absent.
    pub gravity: Option<Gravity>,
}

/// Paddings in pixels before `dpr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Padding {
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
    pub left: u32,
}

// === impl ResizeType ===

impl ResizeType {
    /// Every type with its name in a URL.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("fit", Self::Fit),
        ("fill", Self::Fill),
        ("fill-down", Self::FillDown),
        ("force", Self::Force),
        ("auto", Self::Auto),
    ];

    /// The type of this name in a URL.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

// === impl Rotation ===

impl Rotation {
    /// From degrees clockwise, any multiple of 90, negative ones included.
    pub fn from_degrees(degrees: i64) -> Option<Self> {
        match degrees.rem_euclid(360) {
            0 => Some(Self::D0),
            90 => Some(Self::D90),
            180 => Some(Self::D180),
            270 => Some(Self::D270),
            _ => None,
        }
    }

    /// Degrees clockwise.
    pub const fn degrees(self) -> u32 {
        match self {
            Self::D0 => 0,
            Self::D90 => 90,
            Self::D180 => 180,
            Self::D270 => 270,
        }
    }

    /// Whether width and height change places.
    pub const fn is_sideways(self) -> bool {
        matches!(self, Self::D90 | Self::D270)
    }
}

// === impl Padding ===

impl Padding {
    /// Whether nothing is added.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

// === impl Transform ===

impl Default for Transform {
    fn default() -> Self {
        Self {
            resize: ResizeType::Fit,
            width: 0,
            height: 0,
            min_width: 0,
            min_height: 0,
            zoom_x: 1.0,
            zoom_y: 1.0,
            dpr: 1.0,
            enlarge: false,
            extend: None,
            extend_aspect: None,
            gravity: Gravity::default(),
            crop: None,
            padding: Padding::default(),
            auto_rotate: true,
            rotate: Rotation::D0,
            flip_horizontal: false,
            flip_vertical: false,
            background: None,
            blur: 0.0,
            sharpen: 0.0,
            pixelate: 0,
            format: None,
            quality: BTreeMap::new(),
            max_bytes: 0,
            strip_metadata: true,
            keep_copyright: true,
            strip_color_profile: true,
            skip_processing: Vec::new(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_one(value: &f64) -> bool {
    *value == 1.0
}

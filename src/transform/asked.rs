//! What was asked, word by word: every option that a URL or preset may set, each absent until it is set.
//!
//! This is the first of two stages. Options are assignments into one flat set: a later assignment to the same word
//! wins and words that it does not mention keep their value, so that two spellings end in the same set. What the set
//! *means* is the [`Transform`](super::Transform), made from it and the operator's defaults by the policy.

use std::collections::BTreeMap;

use super::{Anchor, Format, ResizeType, Rgb, Rotation};

/// Everything that can be asked of an original.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    pub resize: Option<ResizeType>,
    /// Pixels; 0 derives the side from the other one.
    pub width: Option<u32>,
    /// Pixels; 0 derives the side from the other one.
    pub height: Option<u32>,
    /// Pixels; a floor for the scaled side, 0 for none.
    pub min_width: Option<u32>,
    /// Pixels; a floor for the scaled side, 0 for none.
    pub min_height: Option<u32>,
    /// Factors over 0, horizontal and vertical.
    pub zoom: Option<(f64, f64)>,
    /// Device pixel ratio, over 0.
    pub dpr: Option<f64>,
    pub enlarge: Option<bool>,
    pub extend: ExtendAsked,
    pub extend_aspect: ExtendAsked,
    pub gravity: GravityAsked,
    pub crop: CropAsked,
    pub padding: PaddingAsked,
    pub auto_rotate: Option<bool>,
    pub rotate: Option<Rotation>,
    pub flip_horizontal: Option<bool>,
    pub flip_vertical: Option<bool>,
    /// `Some(None)` takes an earlier background back.
    pub background: Option<Option<Rgb>>,
    /// Gaussian sigma in output pixels, 0 for none.
    pub blur: Option<f64>,
    /// Sharpening sigma in output pixels, 0 for none.
    pub sharpen: Option<f64>,
    /// Edge of a block in output pixels; 0 and 1 do nothing.
    pub pixelate: Option<u32>,
    pub format: Option<Format>,
    /// 1 to 100; 0 is the default of the format.
    pub quality: Option<u8>,
    /// Per format, 1 to 100; 0 is the default of the format.
    pub format_quality: BTreeMap<Format, u8>,
    /// The largest file wanted, in bytes; 0 for any.
    pub max_bytes: Option<u64>,
    pub strip_metadata: Option<bool>,
    pub keep_copyright: Option<bool>,
    pub strip_color_profile: Option<bool>,
    /// Formats whose originals pass through untouched.
    pub skip_processing: Vec<Format>,
    /// The original's own bytes are wanted.
    pub raw: Option<bool>,
    /// Unix seconds after which the URL is refused; 0 for never.
    pub expires: Option<u64>,
    /// Stem of the file name in `Content-Disposition`, decoded.
    pub filename: Option<String>,
    /// `Content-Disposition: attachment`.
    pub attachment: Option<bool>,
    /// Names of the presets that took part, in order of use.
    pub presets: Vec<String>,
}

/// A gravity set word by word: offsets survive a later gravity that gives none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GravityAsked {
    pub anchor: Option<Anchor>,
    pub x: Option<f64>,
    pub y: Option<f64>,
}

/// A canvas extension set word by word.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExtendAsked {
    pub on: Option<bool>,
    pub gravity: GravityAsked,
}

/// A crop set word by word. 1 or more is pixels (the fraction is dropped), less is a fraction of the side, 0 the side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CropAsked {
    pub width: Option<f64>,
    pub height: Option<f64>,
    pub gravity: GravityAsked,
}

/// Paddings in pixels before the device pixel ratio, set side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaddingAsked {
    pub top: Option<u32>,
    pub right: Option<u32>,
    pub bottom: Option<u32>,
    pub left: Option<u32>,
}

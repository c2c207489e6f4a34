//! Which format comes out: ordered candidates from the request, one pure choice once the original's facts are known.
//!
//! The request alone can say which formats the client takes and in which order the operator prefers them. Only the
//! engine knows whether the picture has alpha, frames, or sides that a format cannot hold. So the request yields
//! [`Candidates`], the engine yields [`Facts`], and [`choose`] joins them. What was chosen is stored with the variant.

use serde::{Deserialize, Serialize};

use super::{Format, Transform};

/// What the engine knows of an opened original. Sides are pixels as stored, before any orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 where absent.
    pub orientation: u8,
    /// 1 for a still picture.
    pub frames: u32,
    pub alpha: bool,
}

/// The negotiable formats that this client takes, reduced to what can change the outcome: bit sets compare and hash
/// alike whatever the header looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct AcceptSet {
    pub avif: bool,
    pub webp: bool,
    pub jxl: bool,
}

/// The formats that may answer one request, best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates {
    /// The URL names the format: nothing is negotiated.
    pub asked: Option<Format>,
    /// Negotiated formats, enabled, accepted by the client and saved by this engine, in order of preference.
    pub accepted: Vec<Format>,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// The original's own bytes pass through (cleaned, where it is SVG).
    PassThrough(Format),
    /// Pixels are made and encoded; `animated` keeps the frames.
    Encode { format: Format, animated: bool },
    /// No picture of this kind can be made of this original: a raster cannot become SVG.
    Impossible,
}

/// The format that `transform` of an original with these facts comes out in.
pub fn choose(_candidates: &Candidates, _facts: &Facts, _transform: &Transform) -> Choice {
    Choice::Impossible
}

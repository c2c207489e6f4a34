//! A job and its results: plain data, so that it can run in another thread, another process, another machine.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::EngineError;
use crate::transform::{Candidates, Facts, Format, Transform};

/// Work for the engine.
#[derive(Debug, Clone)]
pub struct Job {
    /// Originals; today the first one is the picture.
    pub inputs: Vec<Bytes>,
    /// What to make of it, in the order in which results are wanted.
    pub outputs: Vec<Output>,
    pub limits: Limits,
}

/// One picture to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Output {
    pub transform: Transform,
    pub candidates: Candidates,
}

/// What a job may cost. Exceeding one is [`EngineError::Limit`], which names its setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Pixels of one frame of an original.
    pub source_pixels_max: u64,
    /// Longest side of an original in pixels.
    pub source_side_max: u32,
    /// Frames of an animated original that are read.
    pub frames_max: u32,
    /// Pixels of all frames of an animated original together.
    pub frame_pixels_max: u64,
    /// Longest side of a result in pixels.
    pub output_side_max: u32,
    /// Pixels of a result, all frames together.
    pub output_pixels_max: u64,
    /// Whether pictures are made smaller in linear light; in gamma space fine detail darkens.
    pub linear_light: bool,
    /// What becomes of an original that ends too early.
    pub broken: Broken,
}

/// What becomes of an original that ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Broken {
    /// Shown as far as it decodes.
    Show,
    /// Refused.
    Refuse,
}

/// A finished picture with its facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rendered {
    /// Not part of a message: bytes travel beside it.
    #[serde(skip)]
    pub bytes: Bytes,
    pub format: Format,
    /// Sides of the picture, of one frame where it is an animation; 0 where the original passed through unread.
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    /// What the original was.
    pub original: Facts,
    /// The original ended too early.
    pub truncated: bool,
    pub timings: Timings,
}

/// Where the time of one output went. libvips makes pixels only when the encoder asks for them, so most decoding and
/// scaling is part of `encode` where nothing had to be held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    pub decode: Duration,
    pub transform: Duration,
    pub encode: Duration,
}

/// What a pool says about one output of a job.
pub type Outcome = (usize, Result<Rendered, EngineError>);

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_pixels_max: 50_000_000,
            source_side_max: 65_535,
            frames_max: 200,
            frame_pixels_max: 100_000_000,
            output_side_max: 16_384,
            output_pixels_max: 100_000_000,
            linear_light: true,
            broken: Broken::Show,
        }
    }
}

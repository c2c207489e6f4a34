//! Why a picture could not be made.

use serde::{Deserialize, Serialize};

use super::vips::VipsError;
use crate::transform::Format;

/// Why a picture could not be made. The texts are safe for clients; what libvips said stays in the source.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
pub enum EngineError {
    #[error("the original is not a picture that tintype knows")]
    NotAnImage,
    #[error("this server cannot read {} originals", .0.name())]
    CannotLoad(Format),
    #[error("this server cannot write {}", .0.name())]
    CannotSave(Format),
    #[error("a picture made of pixels cannot become SVG")]
    RasterToSvg,
    #[error("the original is broken")]
    Broken(#[source] VipsError),
    #[error("the original ends too early")]
    Truncated,
    #[error("the original is SVG that cannot be made safe")]
    UnsafeSvg,
    #[error("{} is {got}, the limit is {max}", of.what())]
    Limit { of: Bound, got: u64, max: u64 },
    #[error("the picture was not ready in time")]
    Deadline,
    #[error("nobody waits for the picture any more")]
    Cancelled,
    #[error("too many pictures are waiting")]
    QueueFull,
    #[error("the picture waited too long for its turn")]
    QueueTimeout,
    #[error("the engine failed")]
    Failed(#[source] VipsError),
    #[error("the engine is broken")]
    Panicked,
    /// It crashed, ran out of memory, or did not keep to the protocol; the log says how it ended.
    #[error("the picture brought down the worker that made it")]
    Crashed,
    #[error("there is no worker to make the picture")]
    NoWorker,
}

/// What is bounded of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    SourceSide,
    SourcePixels,
    /// Of a WebP or TIFF, shown or not.
    FramesRead,
    Scans,
    FramePixels,
    DrawingBytes,
    DrawingDepth,
    DrawingElements,
    DrawingAttributes,
    DrawingReferences,
    DrawingText,
    DrawingKernel,
    OutputSide,
    OutputPixels,
}

// === impl Bound ===

impl Bound {
    /// What it is, for people.
    pub const fn what(self) -> &'static str {
        match self {
            Self::SourceSide => "the longest side of the original",
            Self::SourcePixels => "the number of pixels of the original",
            Self::FramesRead => "the number of frames or pages",
            Self::Scans => "the number of scans of the original",
            Self::FramePixels => "the number of pixels of all frames",
            Self::DrawingBytes => "the number of bytes of the drawing",
            Self::DrawingDepth => "the number of elements within elements",
            Self::DrawingElements => "the number of elements of the drawing",
            Self::DrawingAttributes => "the number of attributes of an element",
            Self::DrawingReferences => "the number of elements with all references followed",
            Self::DrawingText => "the number of bytes of one text",
            Self::DrawingKernel => "the number of numbers of a convolution",
            Self::OutputSide => "the longest side of the result",
            Self::OutputPixels => "the number of pixels of the result",
        }
    }

    /// The setting that says how much there may be; empty where that is fixed.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::SourceSide => "source.side_max",
            Self::SourcePixels => "source.pixels_max",
            Self::FramesRead => "frames_max",
            Self::Scans
            | Self::DrawingBytes
            | Self::DrawingDepth
            | Self::DrawingElements
            | Self::DrawingAttributes
            | Self::DrawingReferences
            | Self::DrawingText
            | Self::DrawingKernel => "",
            Self::FramePixels => "frame_pixels_max",
            Self::OutputSide => "output.side_max",
            Self::OutputPixels => "output.pixels_max",
        }
    }
}

// === impl EngineError ===

impl EngineError {
    /// The status that says this to a client. Source: imgproxy reference, section 18, with 503 for a full queue.
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotAnImage
            | Self::CannotLoad(_)
            | Self::CannotSave(_)
            | Self::RasterToSvg
            | Self::Broken(_)
            | Self::Truncated
            | Self::UnsafeSvg
            | Self::Crashed
            | Self::Limit { .. } => 422,
            Self::Deadline | Self::Cancelled | Self::QueueFull | Self::QueueTimeout | Self::NoWorker => 503,
            Self::Failed(_) | Self::Panicked => 500,
        }
    }

    /// A stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotAnImage => "not-an-image",
            Self::CannotLoad(_) => "original-format-unsupported",
            Self::CannotSave(_) => "result-format-unsupported",
            Self::RasterToSvg => "raster-to-svg",
            Self::Broken(_) => "original-broken",
            Self::Truncated => "original-truncated",
            Self::UnsafeSvg => "original-svg-unsafe",
            Self::Limit { .. } => "limit-exceeded",
            Self::Deadline => "transform-timeout",
            Self::Cancelled => "cancelled",
            Self::Crashed => "worker-crashed",
            Self::QueueFull | Self::QueueTimeout | Self::NoWorker => "overloaded",
            Self::Failed(_) | Self::Panicked => "internal",
        }
    }

    /// Whether the same job would fail again: then the failure may be remembered for a while.
    pub const fn is_lasting(&self) -> bool {
        self.status() == 422
    }

    pub(super) const fn cannot_save(format: Format) -> Self {
        Self::CannotSave(format)
    }

    /// Sorts a failure of libvips by where it happened: while the original was read it is the original's.
    pub(super) const fn reading(error: VipsError) -> Self {
        match error {
            VipsError::Failed { .. } => Self::Broken(error),
            _ => Self::Failed(error),
        }
    }
}

impl From<VipsError> for EngineError {
    fn from(error: VipsError) -> Self {
        Self::Failed(error)
    }
}

//! Why a picture could not be made.

use super::vips::VipsError;
use crate::transform::Format;

/// Why a picture could not be made. The texts are safe for clients; what libvips said stays in the source.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    #[error("the original is not a picture that tintype knows")]
    NotAnImage,
    #[error("this server cannot read {0} originals")]
    CannotLoad(&'static str),
    #[error("this server cannot write {0}")]
    CannotSave(&'static str),
    #[error("a picture made of pixels cannot become SVG")]
    RasterToSvg,
    #[error("the original is broken")]
    Broken(#[source] VipsError),
    #[error("the original ends too early")]
    Truncated,
    #[error("the original is SVG that cannot be made safe")]
    UnsafeSvg,
    #[error("{what} is {got}, the limit is {max}")]
    Limit { what: &'static str, setting: &'static str, got: u64, max: u64 },
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
            | Self::Limit { .. } => 422,
            Self::Deadline | Self::Cancelled | Self::QueueFull | Self::QueueTimeout => 503,
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
            Self::QueueFull | Self::QueueTimeout => "overloaded",
            Self::Failed(_) | Self::Panicked => "internal",
        }
    }

    /// Whether the same job would fail again: then the failure may be remembered for a while.
    pub const fn is_lasting(&self) -> bool {
        self.status() == 422
    }

    pub(super) const fn cannot_save(format: Format) -> Self {
        Self::CannotSave(format.name())
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

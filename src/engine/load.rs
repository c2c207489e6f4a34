//! Opening an original: its header first, its pixels only after every limit was checked, and no more of them than the
//! result needs.

use std::sync::OnceLock;

use bytes::Bytes;

use super::bitmap;
use super::error::{Bound, EngineError};
use super::header;
use super::job::{Broken, Limits};
use super::vips::{Image, Op, Value};
use crate::transform::geometry::{Orientation, Plan, Reload, Size, reload};
use crate::transform::{Facts, Format};

/// SVG lengths in physical units are resolved at the web's 96 dots per inch.
const SVG_DPI: f64 = 96.0;

/// The scales at which libvips draws.
const SVG_SCALES: (f64, f64) = (0.001, 1000.0);

/// Some versions of libvips take the dots per inch for a scale and make 128 pixels of `width="96"`.
static SVG_SCALE: OnceLock<f64> = OnceLock::new();

/// How much larger than the result an original is decoded at least, so that our resampling and not the decoder's
/// averaging makes the picture. At 2 the loss against a full decode is under one SSIMULACRA2 point.
const HEADROOM: f64 = 2.0;

/// An original whose header was read.
pub struct Opened {
    bytes: Bytes,
    /// What decoders may see of them.
    admitted: Bytes,
    header: Image,
    pub facts: Facts,
}

/// Which pixels are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frames {
    First,
    All,
}

// === impl Opened ===

impl Opened {
    /// Reads the header of an original of this format.
    pub fn new(bytes: Bytes, format: Format, limits: &Limits) -> Result<Self, EngineError> {
        let admitted = header::admitted(bytes.clone(), format, limits)?;
        let header = match format {
            Format::Bmp | Format::Ico => bitmap::load(&admitted, format, limits)?,
            _ => loader(&admitted, format, limits)?.image().map_err(EngineError::reading)?,
        };
        let animates = matches!(format, Format::Gif | Format::Webp);
        let count = |field: &str| header.int(field).and_then(|count| u32::try_from(count).ok());
        // Those beyond the limit are dropped; with a limit of one every animation is a still.
        let frames = if animates { count("n-pages").unwrap_or(1).clamp(1, limits.frames_max.max(1)) } else { 1 };
        let orientation = count("orientation").and_then(|value| u8::try_from(value).ok()).unwrap_or(1);
        let facts = Facts {
            format,
            width: header.width(),
            height: header.height(),
            orientation: if (1..=8).contains(&orientation) { orientation } else { 1 },
            frames,
            alpha: header.has_alpha(),
        };
        check(&facts, limits)?;
        Ok(Self { bytes, admitted, header, facts })
    }

    /// The picture, decoded as small as the plan allows; and what that did to it.
    pub fn decode(
        &self,
        plan: &Plan,
        orientation: Orientation,
        frames: Frames,
        limits: &Limits,
    ) -> Result<(Image, Reload), EngineError> {
        let whole = |image: Image| Ok((image, Reload::none(plan)));
        if frames == Frames::All {
            return whole(self.load(limits, |op| Ok(op.set("n", i32::try_from(self.facts.frames).unwrap_or(-1))?))?);
        }
        let stored = Size::new(self.facts.width, self.facts.height);
        let shown = orientation.shown(stored);
        let ratio = plan.decode_shrink(shown);
        let spare = if limits.linear_light { ratio / HEADROOM } else { ratio };
        let smaller = match self.facts.format {
            Format::Jpeg => match [8, 4, 2].into_iter().find(|shrink| f64::from(*shrink) <= spare) {
                Some(shrink) => self.load(limits, |op| Ok(op.set("shrink", shrink)?))?,
                None => return whole(self.header.share()),
            },
            Format::Webp if self.facts.frames == 1 && spare > 1.0 => {
                self.load(limits, |op| Ok(op.set("scale", 1.0 / spare)?))?
            }
            Format::Svg if ratio != 1.0 => {
                // What goes beyond is left to resampling.
                let scale = (svg_scale() / ratio).clamp(SVG_SCALES.0, SVG_SCALES.1);
                self.load(limits, |op| Ok(op.set("scale", scale)?))?
            }
            _ => return whole(self.header.share()),
        };
        let decoded = orientation.shown(Size::new(smaller.width(), smaller.height()));
        Ok((smaller, reload(plan, shown, decoded)))
    }

    /// What its header says, as libvips read it; its pixels are made only when something asks for them.
    pub fn header(&self) -> &Image {
        &self.header
    }

    /// What decoders may see of its bytes.
    pub fn admitted(&self) -> &[u8] {
        &self.admitted
    }

    /// The original's own bytes.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    fn load(&self, limits: &Limits, with: impl FnOnce(Op) -> Result<Op, EngineError>) -> Result<Image, EngineError> {
        with(loader(&self.admitted, self.facts.format, limits)?)?.image().map_err(EngineError::reading)
    }
}

/// libvips' loader for a format. The name comes from our own look at the first bytes, so that a file can never choose
/// a loader that nobody expected.
fn loader(bytes: &Bytes, format: Format, limits: &Limits) -> Result<Op, EngineError> {
    let name = match format {
        Format::Jpeg => "jpegload_source",
        Format::Png => "pngload_source",
        Format::Webp => "webpload_source",
        Format::Avif | Format::Heic => "heifload_source",
        Format::Jxl => "jxlload_source",
        Format::Gif => "gifload_source",
        Format::Tiff => "tiffload_source",
        Format::Svg => "svgload_source",
        Format::Bmp | Format::Ico => return Err(EngineError::CannotLoad(format)),
    };
    let op = match Op::load(name, bytes) {
        Ok(op) if op.is_allowed() => op,
        _ => return Err(EngineError::CannotLoad(format)),
    };
    // Damage is shown as far as the file decodes: a grey edge tells more than a missing picture.
    let fail_on = if limits.broken == Broken::Show { "none" } else { "truncated" };
    let op = op.set("access", Value::Nick("sequential"))?.set("fail_on", Value::Nick(fail_on))?;
    Ok(if format == Format::Svg { op.set("dpi", SVG_DPI)?.set("scale", svg_scale())? } else { op })
}

/// The scale at which one CSS pixel becomes one pixel here.
fn svg_scale() -> f64 {
    *SVG_SCALE.get_or_init(|| {
        let drawing = br#"<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96"/>"#;
        let probe = Op::load("svgload_source", &Bytes::from_static(drawing))
            .and_then(|op| op.set("dpi", SVG_DPI))
            .and_then(Op::image);
        probe.map_or(1.0, |image| 96.0 / f64::from(image.width().max(1)))
    })
}

/// Refuses what is too large before a pixel is decoded. Vector originals have no pixels of their own.
fn check(facts: &Facts, limits: &Limits) -> Result<(), EngineError> {
    if facts.format == Format::Svg {
        return Ok(());
    }
    check_size(Size::new(facts.width, facts.height), limits)
}

/// Refuses an original of too many pixels.
pub fn check_size(size: Size, limits: &Limits) -> Result<(), EngineError> {
    let side = u64::from(size.longest());
    limit(Bound::SourceSide, side, u64::from(limits.source_side_max))?;
    limit(Bound::SourcePixels, size.pixels(), limits.source_pixels_max)
}

/// Refuses an animation that is too large in all.
pub fn check_frames(facts: &Facts, limits: &Limits) -> Result<(), EngineError> {
    let frames = u64::from(facts.frames);
    let pixels = Size::new(facts.width, facts.height).pixels().saturating_mul(frames);
    limit(Bound::FramePixels, pixels, limits.frame_pixels_max)
}

/// Refuses a result that is too large.
pub fn check_result(result: Size, frames: u32, limits: &Limits) -> Result<(), EngineError> {
    let side = u64::from(result.longest());
    limit(Bound::OutputSide, side, u64::from(limits.output_side_max))?;
    let pixels = result.pixels().saturating_mul(u64::from(frames));
    limit(Bound::OutputPixels, pixels, limits.output_pixels_max)
}

const fn limit(of: Bound, got: u64, max: u64) -> Result<(), EngineError> {
    if got > max { Err(EngineError::Limit { of, got, max }) } else { Ok(()) }
}

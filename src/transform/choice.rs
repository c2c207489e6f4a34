//! Which format comes out: ordered candidates from the request, one pure choice once the original's facts are known.
//!
//! The request alone can say which formats the client takes and in which order the operator prefers them. Only the
//! engine knows whether the picture has alpha, frames, or sides that a format cannot hold. So the request yields
//! [`Candidates`], the engine yields [`Facts`], and [`choose`] joins them. What was chosen is stored with the variant.

use serde::{Deserialize, Serialize};

use super::geometry::Size;
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

// === impl Candidates ===

impl Candidates {
    /// Only what the URL names, nothing negotiated.
    pub fn only(format: Option<Format>) -> Self {
        Self { asked: format, accepted: Vec::new() }
    }
}

// === impl AcceptSet ===

impl AcceptSet {
    /// Whether the client takes this format; formats that are never negotiated are not its business.
    pub const fn contains(self, format: Format) -> bool {
        match format {
            Format::Avif => self.avif,
            Format::Webp => self.webp,
            Format::Jxl => self.jxl,
            _ => false,
        }
    }
}

/// Below this side an AVIF is larger than what it stands for, and decoders disagree about its chroma.
const AVIF_SIDE_MIN: u32 = 16;

/// The formats that every browser has always shown: what an original may keep when nothing better is accepted.
const UNIVERSAL: [Format; 3] = [Format::Jpeg, Format::Png, Format::Gif];

/// The format that `transform` of an original with these facts comes out in; `result` is the size it will have.
pub fn choose(candidates: &Candidates, facts: &Facts, transform: &Transform, result: Size) -> Choice {
    let asked = candidates.asked;
    if facts.format == Format::Svg && asked == Some(Format::Svg) {
        return Choice::PassThrough(Format::Svg);
    }
    if asked == Some(Format::Svg) {
        return Choice::Impossible;
    }
    let same = asked.is_none_or(|format| format == facts.format);
    if same && facts.format != Format::Svg && transform.skip_processing.contains(&facts.format) {
        return Choice::PassThrough(facts.format);
    }
    let animated = facts.frames > 1;
    let clear = transform.background.is_none() && leaves_holes(facts, transform);
    let format = match asked {
        // An AVIF too small to be one becomes what holds the same pixels.
        Some(Format::Avif) if is_tiny(result) => still_fallback(clear),
        Some(format) => format,
        None => candidates
            .accepted
            .iter()
            .copied()
            .find(|format| can_hold(*format, animated, result))
            .unwrap_or_else(|| fallback(facts.format, animated, clear)),
    };
    Choice::Encode { format, animated: animated && format.can_animate() }
}

/// Whether some of the result may be transparent.
fn leaves_holes(facts: &Facts, transform: &Transform) -> bool {
    let grows = transform.extend.is_some() || transform.extend_aspect.is_some();
    facts.alpha || grows || !transform.padding.is_none()
}

fn can_hold(format: Format, animated: bool, result: Size) -> bool {
    let fits = result.longest() <= format.side_max();
    fits && (!animated || format.can_animate()) && !(format == Format::Avif && is_tiny(result))
}

fn is_tiny(result: Size) -> bool {
    result.width < AVIF_SIDE_MIN || result.height < AVIF_SIDE_MIN
}

/// What comes out when the client takes none of the negotiated formats.
fn fallback(original: Format, animated: bool, clear: bool) -> Format {
    if UNIVERSAL.contains(&original) {
        original
    } else if animated {
        Format::Gif
    } else {
        still_fallback(clear)
    }
}

const fn still_fallback(clear: bool) -> Format {
    if clear { Format::Png } else { Format::Jpeg }
}

#[cfg(test)]
mod tests {
    use super::super::{Gravity, Rgb};
    use super::*;

    const PHOTO: Facts =
        Facts { format: Format::Jpeg, width: 4000, height: 3000, orientation: 1, frames: 1, alpha: false };
    const RESULT: Size = Size::new(400, 300);

    fn encoded(format: Format) -> Choice {
        Choice::Encode { format, animated: false }
    }

    fn negotiated(accepted: &[Format]) -> Candidates {
        Candidates { asked: None, accepted: accepted.to_vec() }
    }

    #[test]
    fn the_first_accepted_format_that_can_hold_the_result_wins() {
        let both = negotiated(&[Format::Avif, Format::Webp]);
        let plain = Transform::default();
        assert_eq!(choose(&both, &PHOTO, &plain, RESULT), encoded(Format::Avif));
        assert_eq!(choose(&both, &PHOTO, &plain, Size::new(15, 300)), encoded(Format::Webp));
        assert_eq!(choose(&both, &PHOTO, &plain, Size::new(16_384, 3)), encoded(Format::Jpeg));
        let animation = Facts { format: Format::Gif, frames: 6, ..PHOTO };
        assert_eq!(choose(&both, &animation, &plain, RESULT), Choice::Encode { format: Format::Webp, animated: true });
    }

    #[test]
    fn nothing_accepted_keeps_a_universal_format_and_replaces_the_others() {
        let none = negotiated(&[]);
        let plain = Transform::default();
        let of = |format, alpha, frames| choose(&none, &Facts { format, frames, alpha, ..PHOTO }, &plain, RESULT);
        assert_eq!(of(Format::Jpeg, false, 1), encoded(Format::Jpeg));
        assert_eq!(of(Format::Png, false, 1), encoded(Format::Png));
        assert_eq!(of(Format::Webp, false, 1), encoded(Format::Jpeg));
        assert_eq!(of(Format::Webp, true, 1), encoded(Format::Png));
        assert_eq!(of(Format::Webp, false, 6), Choice::Encode { format: Format::Gif, animated: true });
        assert_eq!(of(Format::Tiff, false, 1), encoded(Format::Jpeg));
        assert_eq!(of(Format::Svg, true, 1), encoded(Format::Png));
    }

    #[test]
    fn holes_ask_for_alpha_unless_a_background_fills_them() {
        let none = negotiated(&[]);
        let webp = Facts { format: Format::Webp, ..PHOTO };
        let extended = Transform { extend: Some(Gravity::default()), ..Transform::default() };
        assert_eq!(choose(&none, &webp, &extended, RESULT), encoded(Format::Png));
        let filled = Transform { background: Some(Rgb(255, 255, 255)), ..extended };
        assert_eq!(choose(&none, &webp, &filled, RESULT), encoded(Format::Jpeg));
    }

    #[test]
    fn a_named_format_is_taken_at_its_word() {
        let plain = Transform::default();
        for format in [Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Tiff] {
            assert_eq!(choose(&Candidates::only(Some(format)), &PHOTO, &plain, RESULT), encoded(format));
        }
        let avif = Candidates::only(Some(Format::Avif));
        assert_eq!(choose(&avif, &PHOTO, &plain, Size::new(15, 15)), encoded(Format::Jpeg));
        assert_eq!(choose(&Candidates::only(Some(Format::Svg)), &PHOTO, &plain, RESULT), Choice::Impossible);
        let drawing = Facts { format: Format::Svg, ..PHOTO };
        assert_eq!(
            choose(&Candidates::only(Some(Format::Svg)), &drawing, &plain, RESULT),
            Choice::PassThrough(Format::Svg)
        );
    }

    #[test]
    fn a_skipped_format_passes_unless_another_is_asked_for() {
        let skip = Transform { skip_processing: vec![Format::Jpeg], ..Transform::default() };
        let avif = negotiated(&[Format::Avif]);
        assert_eq!(choose(&avif, &PHOTO, &skip, RESULT), Choice::PassThrough(Format::Jpeg));
        assert_eq!(choose(&Candidates::only(Some(Format::Png)), &PHOTO, &skip, RESULT), encoded(Format::Png));
    }
}

//! What is allowed and what is meant where a URL says nothing: defaults, formats and their order, lifetimes.
//!
//! The only room that says no to a well-formed request. It does no I/O: sets of rules are made from the configuration
//! and swapped whole when it is read again.

mod presets;

use std::collections::BTreeMap;

use crate::config::{Config, Freshness};
use crate::transform::{
    Asked, Candidates, Crop, CropAsked, ExtendAsked, Format, Gravity, GravityAsked, Padding, Transform,
};

pub use presets::{Preset, PresetMistake, PresetProblem, builtin_presets, load_presets};

/// The rules of one server, immutable.
#[derive(Debug, Clone)]
pub struct Policy {
    defaults: Defaults,
    /// Formats that may be negotiated, best first; only such as this engine can write.
    preference: Vec<Format>,
    /// Patterns that a source must match one of; empty allows all.
    pub allowed_sources: Vec<String>,
    pub freshness: Freshness,
    pub url_bytes_max: usize,
}

/// What holds where neither the URL nor a preset says anything.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
struct Defaults {
    auto_rotate: bool,
    strip_metadata: bool,
    keep_copyright: bool,
    strip_color_profile: bool,
    skip_processing: Vec<Format>,
    quality: u8,
    format_quality: BTreeMap<Format, u8>,
}

/// The smallest and largest factor that `dpr` and `zoom` may have; beyond it nothing but the limits would answer.
const FACTOR_RANGE: std::ops::RangeInclusive<f64> = 0.001..=1000.0;

// === impl Policy ===

impl Policy {
    /// The rules of this configuration, for an engine that writes these formats.
    pub fn new(config: &Config, writes: impl Fn(Format) -> bool) -> Self {
        let named =
            |names: &[&'static str]| names.iter().filter_map(|name| Format::from_name(name)).collect::<Vec<_>>();
        let mut preference = named(&config.formats.preference);
        preference.retain(|format| writes(*format));
        let format_quality = config.formats.format_quality.iter();
        let pixels = &config.pixels;
        let defaults = Defaults {
            auto_rotate: pixels.auto_rotate,
            strip_metadata: pixels.strip_metadata,
            keep_copyright: pixels.keep_copyright,
            strip_color_profile: pixels.strip_color_profile,
            skip_processing: named(&config.formats.skip_processing),
            quality: config.formats.quality,
            format_quality: format_quality.filter_map(|(name, q)| Some((Format::from_name(name)?, *q))).collect(),
        };
        Self {
            defaults,
            preference,
            allowed_sources: config.sources.allowed.clone(),
            freshness: config.freshness.clone(),
            url_bytes_max: config.urls.bytes_max,
        }
    }

    /// What is meant by what was asked.
    pub fn transform(&self, asked: &Asked) -> Transform {
        let defaults = &self.defaults;
        let gravity = gravity(asked.gravity);
        let factor = |factor: f64| factor.clamp(*FACTOR_RANGE.start(), *FACTOR_RANGE.end());
        let (zoom_x, zoom_y) = asked.zoom.unwrap_or((1.0, 1.0));
        let padding = asked.padding;
        let skipped = if asked.skip_processing.is_empty() { &defaults.skip_processing } else { &asked.skip_processing };
        Transform {
            resize: asked.resize.unwrap_or_default(),
            width: asked.width.unwrap_or(0),
            height: asked.height.unwrap_or(0),
            min_width: asked.min_width.unwrap_or(0),
            min_height: asked.min_height.unwrap_or(0),
            zoom_x: factor(zoom_x),
            zoom_y: factor(zoom_y),
            dpr: factor(asked.dpr.unwrap_or(1.0)),
            enlarge: asked.enlarge.unwrap_or(false),
            extend: extend(asked.extend),
            extend_aspect: extend(asked.extend_aspect),
            gravity,
            crop: crop(asked.crop),
            padding: Padding {
                top: padding.top.unwrap_or(0),
                right: padding.right.unwrap_or(0),
                bottom: padding.bottom.unwrap_or(0),
                left: padding.left.unwrap_or(0),
            },
            auto_rotate: asked.auto_rotate.unwrap_or(defaults.auto_rotate),
            rotate: asked.rotate.unwrap_or_default(),
            flip_horizontal: asked.flip_horizontal.unwrap_or(false),
            flip_vertical: asked.flip_vertical.unwrap_or(false),
            background: asked.background.flatten(),
            blur: asked.blur.unwrap_or(0.0),
            sharpen: asked.sharpen.unwrap_or(0.0),
            pixelate: asked.pixelate.unwrap_or(0),
            format: asked.format,
            quality: self.quality(asked),
            max_bytes: asked.max_bytes.unwrap_or(0),
            strip_metadata: asked.strip_metadata.unwrap_or(defaults.strip_metadata),
            keep_copyright: asked.keep_copyright.unwrap_or(defaults.keep_copyright),
            strip_color_profile: asked.strip_color_profile.unwrap_or(defaults.strip_color_profile),
            skip_processing: skipped.clone(),
        }
        .normalised()
    }

    /// The formats that may answer, best first. `accepted` gives what the client named with its weight.
    pub fn candidates(&self, transform: &Transform, accepted: impl Fn(Format) -> u16) -> Candidates {
        if transform.format.is_some() {
            return Candidates::only(transform.format);
        }
        let mut formats: Vec<Format> = self.preference.iter().copied().filter(|f| accepted(*f) > 0).collect();
        // Stable: equal weights keep the operator's order.
        formats.sort_by_key(|format| std::cmp::Reverse(accepted(*format)));
        Candidates { asked: None, accepted: formats }
    }

    /// Whether any format is ever negotiated.
    pub const fn negotiates(&self) -> bool {
        !self.preference.is_empty()
    }

    /// First positive of: quality of the URL, quality of the URL for the format, of the settings for it, of the
    /// settings. Listed for the formats that may come out.
    fn quality(&self, asked: &Asked) -> BTreeMap<Format, u8> {
        let positive = |quality: Option<u8>| quality.filter(|quality| *quality > 0);
        let of = |format: Format| {
            positive(asked.quality)
                .or_else(|| positive(asked.format_quality.get(&format).copied()))
                .or_else(|| positive(self.defaults.format_quality.get(&format).copied()))
                .unwrap_or(self.defaults.quality)
        };
        let may_come_out = |format: &Format| {
            let negotiated = self.preference.contains(format) || *format == Format::Jpeg;
            format.has_quality() && asked.format.map_or(negotiated, |asked| asked == *format)
        };
        let mut formats: BTreeMap<_, _> =
            Format::ALL.into_iter().filter(may_come_out).map(|format| (format, of(format))).collect();
        if asked.format == Some(Format::Avif) {
            // A tiny AVIF comes out as JPEG.
            formats.insert(Format::Jpeg, of(Format::Jpeg));
        }
        formats
    }
}

fn gravity(asked: GravityAsked) -> Gravity {
    let anchor = asked.anchor.unwrap_or_default();
    let (x, y) = (asked.x.unwrap_or(0.0), asked.y.unwrap_or(0.0));
    if anchor == crate::transform::Anchor::Focus {
        // Offsets that an earlier gravity left behind may be pixels; a focus point lies in the picture.
        return Gravity { anchor, x: x.clamp(0.0, 1.0), y: y.clamp(0.0, 1.0) };
    }
    Gravity { anchor, x, y }
}

fn extend(asked: ExtendAsked) -> Option<Gravity> {
    asked.on.unwrap_or(false).then(|| gravity(asked.gravity))
}

fn crop(asked: CropAsked) -> Option<Crop> {
    let (width, height) = (asked.width.unwrap_or(0.0), asked.height.unwrap_or(0.0));
    let own = asked.gravity.anchor.map(|_| gravity(asked.gravity));
    (width > 0.0 || height > 0.0).then_some(Crop { width, height, gravity: own })
}

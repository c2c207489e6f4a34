//! Image formats by name, and what each can hold. Source of the table: imgproxy reference, section 15.3.

use serde::{Deserialize, Serialize};

/// A format that tintype knows by name. The order is that of the tables in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Jpeg,
    Png,
    Webp,
    Avif,
    Jxl,
    Gif,
    Tiff,
    Heic,
    Bmp,
    Ico,
    Svg,
}

/// What a format can hold; all plain facts of the file format, none of this machine's codecs.
#[derive(Debug, Clone, Copy)]
struct Traits {
    names: &'static [&'static str],
    media_type: &'static str,
    alpha: bool,
    animation: bool,
    lossy: bool,
    profile: bool,
    deep: bool,
    side_max: u32,
}

const UNBOUNDED: u32 = i32::MAX as u32;

// === impl Format ===

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Avif,
        Self::Jxl,
        Self::Gif,
        Self::Tiff,
        Self::Heic,
        Self::Bmp,
        Self::Ico,
        Self::Svg,
    ];

    const fn traits(self) -> Traits {
        const fn row(
            names: &'static [&'static str],
            media_type: &'static str,
            [alpha, animation, lossy, profile, deep]: [bool; 5],
            side_max: u32,
        ) -> Traits {
            Traits { names, media_type, alpha, animation, lossy, profile, deep, side_max }
        }
        const Y: bool = true;
        const N: bool = false;
        // alpha, animation, quality number, ICC profile, 16 bits a channel; the longest side it can have
        match self {
            Self::Jpeg => row(&["jpg", "jpeg"], "image/jpeg", [N, N, Y, Y, N], 65_500),
            Self::Png => row(&["png"], "image/png", [Y, N, N, Y, Y], UNBOUNDED),
            Self::Webp => row(&["webp"], "image/webp", [Y, Y, Y, Y, N], 16_383),
            Self::Avif => row(&["avif"], "image/avif", [Y, N, Y, Y, Y], 16_384),
            Self::Jxl => row(&["jxl"], "image/jxl", [Y, N, Y, Y, Y], UNBOUNDED),
            Self::Gif => row(&["gif"], "image/gif", [Y, Y, N, N, N], 65_535),
            Self::Tiff => row(&["tiff"], "image/tiff", [Y, N, Y, Y, Y], UNBOUNDED),
            Self::Heic => row(&["heic"], "image/heif", [Y, N, Y, Y, N], 16_384),
            Self::Bmp => row(&["bmp"], "image/bmp", [Y, N, N, N, N], UNBOUNDED),
            Self::Ico => row(&["ico"], "image/x-icon", [Y, N, N, N, N], 256),
            Self::Svg => row(&["svg"], "image/svg+xml", [Y, N, N, N, N], UNBOUNDED),
        }
    }

    /// The format of this name in a URL (`jpg` and `jpeg` are the same); lower case only, as in the native dialect.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.traits().names.contains(&name))
    }

    /// The usual name and file extension, without a dot.
    pub const fn name(self) -> &'static str {
        self.traits().names[0]
    }

    /// The media type for `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        self.traits().media_type
    }

    /// Whether pixels may be transparent.
    pub const fn has_alpha(self) -> bool {
        self.traits().alpha
    }

    /// Whether tintype writes animations in it.
    pub const fn can_animate(self) -> bool {
        self.traits().animation
    }

    /// Whether a quality number steers its encoder.
    pub const fn has_quality(self) -> bool {
        self.traits().lossy
    }

    /// Whether it carries an ICC profile.
    pub const fn has_profile(self) -> bool {
        self.traits().profile
    }

    /// Whether it holds 16 bits a channel.
    pub const fn is_deep(self) -> bool {
        self.traits().deep
    }

    /// The longest side that the format can hold, in pixels.
    pub const fn side_max(self) -> u32 {
        self.traits().side_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_format() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("jpeg"), Some(Format::Jpeg));
        for unknown in ["tif", "heif", "JPG", "", "jpg "] {
            assert_eq!(Format::from_name(unknown), None);
        }
    }
}

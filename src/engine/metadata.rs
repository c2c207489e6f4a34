//! What is written about a picture inside its file: removed, but for who made it.
//!
//! Fields are kept by name and everything else goes, so that a field that a newer libvips reads does not leak. Who made
//! a picture is read out of the original's blocks and written into new ones: blocks hold positions, serial numbers and
//! thumbnails beside the names. Source: imgproxy reference, section 14.5.

mod exif;
mod iptc;
mod xmp;

use super::vips::{Header, Image, Op, VipsError};
use crate::transform::Format;

/// What stays in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All that still holds of the result: not thumbnails and gain maps, which show other pixels.
    All,
    /// Who made the picture and what may be done with it.
    Copyright,
    Nothing,
}

/// The standards by which a file says who made the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    Exif,
    Iptc,
    Xmp,
}

/// Resolution of a result that says nothing about it, in pixels a millimetre: 72 dots an inch.
const PIXELS_PER_MM: f64 = 72.0 / 25.4;

/// Fields that say how pixels, frames and colours are to be read, and nothing about who made them or where.
const TECHNICAL: [&str; 14] = [
    "icc-profile-data",
    "n-pages",
    "page-height",
    "delay",
    "loop",
    "gif-delay",
    "gif-loop",
    "gif-palette",
    "palette",
    "palette-bit-depth",
    "background",
    "bits-per-sample",
    "heif-bitdepth",
    "vips-sequential",
];

/// Longest value that is kept, in characters. The standards allow less; who fills in more is still readable.
const VALUE_CHARS_MAX: usize = 2000;

/// Who made a picture, by the standard that says so.
#[derive(Debug, Default)]
struct Credits {
    exif: exif::Credits,
    iptc: Vec<iptc::Dataset>,
    xmp: Vec<xmp::Property>,
}

/// The image with only the metadata that is to stay in a file of this format, and whether any is left that its saver
/// must write. The orientation goes with the rest: see [`upright`] for when everything stays.
pub fn scrubbed(image: &Image, keep: Keep, format: Format) -> Result<(Image, bool), VipsError> {
    let credits = match keep {
        Keep::All => {
            let stale = |field: &String| field.starts_with("gainmap") || field == "jpeg-thumbnail-data";
            let stale: Vec<String> = image.fields().into_iter().filter(stale).collect();
            return Ok((image.edited(|header| remove(header, &stale))?, true));
        }
        Keep::Copyright => Credits::of(image, format),
        Keep::Nothing => Credits::default(),
    };
    let personal = |field: &String| !TECHNICAL.contains(&field.as_str());
    let personal: Vec<String> = image.fields().into_iter().filter(personal).collect();
    let image = Op::new("copy")?.set("in", image)?.set("xres", PIXELS_PER_MM)?.set("yres", PIXELS_PER_MM)?.image()?;
    let exif = exif::fields(&credits.exif);
    let image = image.edited(|header| {
        remove(header, &personal);
        for (field, text) in &exif.texts {
            header.set_text(field, text);
        }
        if let Some(block) = &exif.block {
            header.set_blob("exif-data", block);
        }
        // TIFF has a place of its own for bare datasets, which libvips 8.14 cuts to a quarter.
        let (field, wrapped) = match format {
            Format::Tiff => ("photoshop-data", iptc::resource(&credits.iptc)),
            _ => ("iptc-data", iptc::segment(&credits.iptc)),
        };
        if let Some(wrapped) = wrapped {
            header.set_blob(field, &wrapped);
        }
        if let Some(packet) = xmp::packet(&credits.xmp) {
            header.set_blob("xmp-data", packet.as_bytes());
        }
    })?;
    let is_left = ["exif-data", "iptc-data", "photoshop-data", "xmp-data"].iter().any(|field| image.has(field));
    Ok((image, is_left))
}

/// The block that takes the place of an original's: who made the picture, and nothing else; `None` where the block does
/// not say that. Any bytes may be given.
pub fn credits_only(standard: Standard, block: &[u8]) -> Option<Vec<u8>> {
    match standard {
        Standard::Exif => exif::write(&exif::read(block)),
        Standard::Iptc => iptc::segment(&iptc::read(block)),
        Standard::Xmp => xmp::packet(&xmp::read(block)).map(String::into_bytes),
    }
}

/// The image of pixels that stand upright, with nothing that tells a viewer to turn them again.
pub fn upright(image: &Image) -> Result<Image, VipsError> {
    image.edited(|header| {
        header.remove("orientation");
        header.remove("exif-ifd0-Orientation");
    })
}

fn remove(header: &mut Header<'_>, fields: &[String]) {
    for field in fields {
        header.remove(field);
    }
}

// === impl Credits ===

impl Credits {
    /// Who made this picture, as far as a file of this format can say.
    fn of(image: &Image, format: Format) -> Self {
        let blob = |field: &str| image.blob(field).unwrap_or_default();
        let exif = exif::read(&blob("exif-data"));
        let mut iptc = iptc::read(&blob("iptc-data"));
        if iptc.is_empty() {
            iptc = iptc::read(&blob("photoshop-data"));
        }
        let mut xmp = xmp::read(&blob("xmp-data"));
        // libvips writes no EXIF to TIFF; the same words have a place in XMP.
        if format == Format::Tiff {
            xmp::complete(&mut xmp, "creator", exif.artist.as_deref());
            xmp::complete(&mut xmp, "rights", exif.copyright.as_deref());
        }
        Self { exif, iptc, xmp }
    }
}

/// Words of an unknown encoding: UTF-8, or else Latin 1, as everybody wrote before. Empty where nothing is said.
fn words(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    tidied(&text)
}

/// A value without control characters, surrounding space and excess length.
fn tidied(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c });
    spaced.take(VALUE_CHARS_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;

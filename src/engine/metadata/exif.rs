//! Artist and copyright of EXIF: read from the first directory, written into a block that holds nothing else.

use bytes::Bytes;

use super::{tidied, words};
use crate::engine::vips::{Op, VipsError};

/// Who made the picture and who owns it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Credits {
    pub artist: Option<String>,
    pub copyright: Option<String>,
}

/// A new block, and its values as libvips wants to find them in the header beside it.
#[derive(Debug, Default)]
pub struct Fields {
    pub block: Option<Vec<u8>>,
    pub texts: Vec<(&'static str, String)>,
}

/// What stands before the block in a JPEG, and in libvips' field.
const PREFIX: &[u8] = b"Exif\0\0";

const ARTIST: u16 = 0x013b;
const COPYRIGHT: u16 = 0x8298;

/// The type of bytes that are text.
const ASCII: u16 = 2;

/// Entries of a directory that are looked at; cameras write about fifteen.
const ENTRIES_MAX: u16 = 1000;

/// The header of a picture of one grey pixel behind an EXIF block: what libvips reads of it before any pixel.
const PIXEL: &[u8] = b"\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\0\xff\xd9";

/// A TIFF structure in its byte order.
struct Tiff<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

// === impl Tiff ===

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        match bytes.get(..4)? {
            b"II*\0" => Some(Self { bytes, is_little: true }),
            b"MM\0*" => Some(Self { bytes, is_little: false }),
            _ => None,
        }
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    }

    /// The words under this tag of the first directory.
    fn text(&self, tag: u16) -> Option<String> {
        let directory = self.u32(4)?;
        let count = self.u16(directory)?.min(ENTRIES_MAX);
        let entries = (0..usize::from(count)).map_while(|index| directory.checked_add(2 + 12 * index));
        let entry = entries.into_iter().find(|entry| self.u16(*entry) == Some(tag))?;
        let len = self.u32(entry + 4)?;
        let at = if len <= 4 { entry + 8 } else { self.u32(entry + 8)? };
        let bytes = self.bytes.get(at..at.checked_add(len)?)?;
        // A copyright may name the photographer and the editor with a zero byte between them.
        let parts: Vec<String> = bytes.split(|byte| *byte == 0).map(words).filter(|part| !part.is_empty()).collect();
        let is_text = self.u16(entry + 2)? == ASCII && !parts.is_empty();
        is_text.then(|| tidied(&parts.join("; ")))
    }
}

/// Who made the picture, by the block that libvips found.
pub fn read(block: &[u8]) -> Credits {
    match Tiff::new(block.strip_prefix(PREFIX).unwrap_or(block)) {
        Some(tiff) => Credits { artist: tiff.text(ARTIST), copyright: tiff.text(COPYRIGHT) },
        None => Credits::default(),
    }
}

/// What to put into a header so that libvips writes these credits.
///
/// libvips renders every value of a block as text, and writes a text that differs from its own rendering anew, as
/// ASCII: names would lose their accents or turn into question marks. So it is asked how it renders ours. A libvips
/// that would not read the block gets none: a picture without a name beats none.
pub fn fields(credits: &Credits) -> Fields {
    let Some(block) = write(credits) else { return Fields::default() };
    match rendered(&block) {
        Ok(texts) if !texts.is_empty() => Fields { block: Some(block), texts },
        Ok(_) => Fields::default(),
        Err(error) => {
            tracing::warn!(%error, "exif credits are left out");
            Fields::default()
        }
    }
}

/// The block's values in the words of libvips.
fn rendered(block: &[u8]) -> Result<Vec<(&'static str, String)>, VipsError> {
    // Two values of limited length are far from the end of a segment.
    let len = u16::try_from(block.len() + 2).unwrap_or(u16::MAX);
    let carrier = [b"\xff\xd8\xff\xe1".as_slice(), &len.to_be_bytes(), block, PIXEL].concat();
    let carrier = Op::load("jpegload_source", &Bytes::from(carrier))?.image()?;
    let names = ["exif-ifd0-Artist", "exif-ifd0-Copyright"];
    Ok(names.into_iter().filter_map(|name| Some((name, carrier.text(name)?))).collect())
}

/// A block of one directory. Source: TIFF 6.0, section 2; Exif 2.32, section 4.6.
pub fn write(credits: &Credits) -> Option<Vec<u8>> {
    let values = [(ARTIST, &credits.artist), (COPYRIGHT, &credits.copyright)];
    let values: Vec<(u16, &String)> =
        values.into_iter().filter_map(|(tag, value)| Some((tag, value.as_ref()?))).collect();
    if values.is_empty() {
        return None;
    }
    let mut directory = u16::try_from(values.len()).ok()?.to_le_bytes().to_vec();
    let mut data = Vec::new();
    let start = 8 + 2 + 12 * values.len() + 4;
    for (tag, value) in values {
        // At least five bytes, as fewer would stand in the entry itself.
        let mut bytes = value.as_bytes().to_vec();
        bytes.resize((bytes.len() + 1).max(5), 0);
        let (len, at) = (u32::try_from(bytes.len()).ok()?, u32::try_from(start + data.len()).ok()?);
        directory.extend([tag.to_le_bytes(), ASCII.to_le_bytes()].concat());
        directory.extend([len.to_le_bytes(), at.to_le_bytes()].concat());
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(2), 0);
    }
    Some([PREFIX, b"II*\0\x08\0\0\0", &directory, &[0; 4], &data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_byte_orders_are_read() {
        let big = b"MM\0*\0\0\0\x08\0\x03\
            \x01\x0f\0\x02\0\0\0\x04abc\0\
            \x01\x3b\0\x02\0\0\0\x03Jo\0\0\
            \x82\x98\0\x02\0\0\0\x09\0\0\0\x32\0\0\0\0A\xe9\0 B \0\0\0";
        let credits = read(big);
        assert_eq!(credits.artist.as_deref(), Some("Jo"));
        assert_eq!(credits.copyright.as_deref(), Some("A\u{e9}; B"));
        let prefixed = [PREFIX, big].concat();
        assert_eq!(read(&prefixed), credits);
        assert_eq!(read(&big[..55]).copyright, None, "a value that ends too early");
    }

    #[test]
    fn long_values_fit_into_a_segment() {
        let long = b"MM\0*\0\0\0\x08\0\x01\x82\x98\0\x02\0\x01\0\0\0\0\0\x1a\0\0\0\0".as_slice();
        let credits = read(&[long, &b"\xe5\xb1\0".repeat(0x6000)].concat());
        let chars = credits.copyright.as_deref().map_or(0, |text| text.chars().count());
        assert!((1900..=super::super::VALUE_CHARS_MAX).contains(&chars), "{chars}");
        assert!(write(&credits).unwrap().len() < 0x8000);
    }

    #[test]
    fn what_is_written_reads_back() {
        let credits = Credits { artist: Some("J".to_owned()), copyright: Some("\u{a9} \u{5c71}\u{7530}".to_owned()) };
        assert_eq!(read(&write(&credits).unwrap()), credits);
        assert_eq!(write(&Credits::default()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..100), is_little: bool) {
            read(&[if is_little { b"II*\0".as_slice() } else { b"MM\0*" }, &bytes].concat());
            read(&bytes);
        }
    }
}

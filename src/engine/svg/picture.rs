//! Pictures that a drawing carries in itself: PNG, JPEG, GIF and WebP as base64, by their bytes and not by what they
//! are called, and small enough for a renderer that decodes them before anybody can ask for less.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::engine::header::embeddable;
use crate::engine::sniff::sniff;
use crate::transform::Format;

/// Bytes of one embedded picture, decoded from base64.
const BYTES_MAX: usize = 256 * 1024;

/// Pixels of all embedded pictures of a drawing together: 100 MB in a renderer.
pub const PIXELS_MAX: u64 = 25_000_000;

/// The address written anew and the number of its pixels, if it holds a picture that may stay.
pub fn embedded(address: &str) -> Option<(String, u64)> {
    let (kind, data) = address.trim().split_once(',')?;
    let scheme = kind.get(..11)?;
    if !scheme.eq_ignore_ascii_case("data:image/") || !kind.to_ascii_lowercase().ends_with(";base64") {
        return None;
    }
    // A quarter of base64 is overhead; spaces and line ends come on top, within the document's own limit.
    let data: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if data.len() / 4 > BYTES_MAX / 3 + 1 {
        return None;
    }
    let bytes = STANDARD.decode(data.as_bytes()).ok().filter(|bytes| bytes.len() <= BYTES_MAX)?;
    let format = sniff(&bytes)?;
    let bytes = embeddable(bytes, format)?;
    let (media_type, sides) = match format {
        Format::Png => (Format::Png.media_type(), png_sides(&bytes)?),
        Format::Jpeg => (Format::Jpeg.media_type(), jpeg_sides(&bytes)?),
        Format::Gif => (Format::Gif.media_type(), gif_sides(&bytes)?),
        Format::Webp => (Format::Webp.media_type(), webp_sides(&bytes)?),
        _ => return None,
    };
    let pixels = u64::from(sides.0) * u64::from(sides.1);
    Some((format!("data:{media_type};base64,{}", STANDARD.encode(&bytes)), pixels))
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn png_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    Some((u32::from_be_bytes(bytes_at(bytes, 16)?), u32::from_be_bytes(bytes_at(bytes, 20)?)))
}

fn gif_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let side = |at| Some(u32::from(u16::from_le_bytes(bytes_at(bytes, at)?)));
    Some((side(6)?, side(8)?))
}

/// The sides in the first frame header. Source: ITU-T T.81, annex B.
fn jpeg_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    while let Some([0xff, marker]) = bytes_at(bytes, at) {
        let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            let side = |at| Some(u32::from(u16::from_be_bytes(bytes_at(bytes, at)?)));
            return Some((side(at + 7)?, side(at + 5)?));
        }
        at += match marker {
            0xff => 1,
            0x01 | 0xd0..=0xd8 => 2,
            _ => 2 + usize::from(u16::from_be_bytes(bytes_at(bytes, at + 2)?)),
        };
    }
    None
}

/// The sides of the canvas, of the lossy or of the lossless picture. Source: RFC 9649, section 2.
fn webp_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at| Some(u32::from_le_bytes(bytes_at(bytes, at)?));
    match &bytes_at::<4>(bytes, 12)? {
        b"VP8X" => Some(((number(24)? & 0xff_ffff) + 1, (number(26)? >> 8) + 1)),
        b"VP8 " => Some((number(26)? & 0x3fff, number(26)? >> 16 & 0x3fff)),
        b"VP8L" => Some(((number(21)? & 0x3fff) + 1, (number(21)? >> 14 & 0x3fff) + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(kind: &str, bytes: &[u8]) -> String {
        format!("data:{kind};base64,{}", STANDARD.encode(bytes))
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let ihdr = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
        [ihdr.as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat()
    }

    #[test]
    fn sides_are_read_from_each_format() {
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x02\xff\xff\xc2\0\x0b\x08\0\x05\0\x07\x01";
        let rows: [(&str, Vec<u8>, u64); 6] = [
            ("image/png", png(3, 5), 15),
            ("image/jpeg", jpeg.to_vec(), 35),
            ("image/gif", b"GIF89a\x07\0\x02\x01".to_vec(), 7 * 258),
            ("image/webp", b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x03\0\0\x04\0\0".to_vec(), 20),
            ("image/webp", b"RIFF\x1a\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x03\0\x05\0".to_vec(), 15),
            ("image/webp", b"RIFF\x1a\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x03\xc0\0\0".to_vec(), 16),
        ];
        for (kind, bytes, pixels) in rows {
            let address = data(kind, &bytes);
            assert_eq!(embedded(&address), Some((address.clone(), pixels)), "{kind}");
        }
    }

    #[test]
    fn only_small_rasters_are_embedded() {
        let picture = png(1, 1);
        let spaced = data("image/PNG", &picture).replace("base64,", "base64, \n").replace("data:", " DATA:");
        assert_eq!(embedded(&spaced), Some((data("image/png", &picture), 1)));
        assert_eq!(embedded(&data("image/svg+xml", &picture)), Some((data("image/png", &picture), 1)));
        assert_eq!(embedded(&data("image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>")), None);
        assert_eq!(embedded(&data("text/html", &picture)), None);
        assert_eq!(embedded("data:image/png,%89PNG"), None);
        assert_eq!(embedded("data:image/png;base64,!!!!"), None);
        assert_eq!(embedded("https://example.com/a.png"), None);
        let mut large = picture;
        large.resize(BYTES_MAX, 0);
        assert!(embedded(&data("image/png", &large)).is_some());
        large.push(0);
        assert_eq!(embedded(&data("image/png", &large)), None);
    }
}

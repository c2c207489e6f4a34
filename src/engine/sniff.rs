//! What a file is by its first bytes, and whether it ends where it should. The declared type means nothing.

use memchr::memmem;

use crate::transform::Format;

/// How far into a text an `svg` tag is looked for, in bytes.
const SVG_SCAN_BYTES: usize = 32 * 1024;

/// The format of these bytes, by content alone.
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at = |from: usize, magic: &[u8]| bytes.get(from..from + magic.len()) == Some(magic);
    if starts(b"\xff\xd8") {
        Some(Format::Jpeg)
    } else if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL \r\n\x87\n") {
        Some(Format::Jxl)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Format::Png)
    } else if starts(b"RIFF") && at(8, b"WEBP") {
        Some(Format::Webp)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some(Format::Gif)
    } else if starts(b"\0\0\x01\0") {
        Some(Format::Ico)
    } else if at(4, b"ftyp") {
        brand(bytes)
    } else if starts(b"BM") {
        Some(Format::Bmp)
    } else if starts(b"II*\0") || starts(b"MM\0*") {
        Some(Format::Tiff)
    } else {
        looks_like_svg(bytes).then_some(Format::Svg)
    }
}

/// The format behind an ISO media file: its major brand, else the first compatible brand that says something.
fn brand(bytes: &[u8]) -> Option<Format> {
    let len = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let header = bytes.get(8..len.min(bytes.len()).min(8 + 4 * 32)).unwrap_or_default();
    let named = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"hevm" | b"hevs" => Some(Format::Heic),
        _ => None,
    };
    let brands = || header.chunks_exact(4);
    let generic = || brands().any(|brand| brand == b"mif1").then_some(Format::Heic);
    brands().find_map(named).or_else(generic)
}

fn looks_like_svg(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(SVG_SCAN_BYTES)];
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if !text.starts_with(b"<") {
        return false;
    }
    // The tag may carry a namespace prefix: `<svg`, `<s:svg`.
    text.split(|byte| *byte == b'<').any(|tag| {
        let name = tag.split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/')).next();
        name.is_some_and(|name| name == b"svg" || name.ends_with(b":svg"))
    })
}

/// Whether a file of this format lacks its end. Only formats that mark their end are looked at; damage in the middle
/// is the decoder's business.
pub fn is_truncated(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Jpeg => !jpeg_ends(bytes),
        Format::Png => !ends_soon(bytes, b"IEND", 64 * 1024),
        Format::Gif => !bytes.trim_ascii_end().ends_with(b";"),
        Format::Webp => {
            let announced = bytes.get(4..8).and_then(|len| len.try_into().ok()).map_or(0, u32::from_le_bytes);
            (bytes.len() as u64) < u64::from(announced) + 8
        }
        _ => false,
    }
}

/// An end-of-image marker after the last start of scan: the one of an embedded thumbnail stands before it.
fn jpeg_ends(bytes: &[u8]) -> bool {
    const END: &[u8] = b"\xff\xd9";
    const SCAN: &[u8] = b"\xff\xda";
    // A whole file has its end where it is looked for first, and its first scan soon.
    let Some(end) = bytes.windows(2).rposition(|pair| pair == END) else { return false };
    memmem::find(&bytes[end..], SCAN).is_none() && memmem::find(&bytes[..end], SCAN).is_some()
}

fn ends_soon(bytes: &[u8], marker: &[u8], within: usize) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(within)..];
    tail.windows(marker.len()).any(|window| window == marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        let rows: [(&[u8], Option<Format>); 16] = [
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\xff\x0a", Some(Format::Jxl)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
            (b"RIFF\x04\0\0\0WEBP", Some(Format::Webp)),
            (b"RIFF\x04\0\0\0WAVE", None),
            (b"GIF89a", Some(Format::Gif)),
            (b"\0\0\x01\0", Some(Format::Ico)),
            (b"\0\0\0\x14ftypavif\0\0\0\0mif1", Some(Format::Avif)),
            (b"\0\0\0\x14ftypavis\0\0\0\0avif", Some(Format::Avif)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(Format::Heic)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Some(Format::Avif)),
            (b"BM", Some(Format::Bmp)),
            (b"MM\0*", Some(Format::Tiff)),
            (b"<?xml version='1.0'?><!-- <a> --><s:svg xmlns:s=''/>", Some(Format::Svg)),
            (b"<html><p>svg</p></html>", None),
            (b"", None),
        ];
        for (bytes, format) in rows {
            assert_eq!(sniff(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn a_missing_end_is_noticed() {
        let whole = b"\xff\xd8 thumb \xff\xd9 \xff\xda pixels \xff\xd9";
        assert!(!is_truncated(Format::Jpeg, whole));
        assert!(!is_truncated(Format::Jpeg, &[whole.as_slice(), b"trailer"].concat()));
        assert!(is_truncated(Format::Jpeg, &whole[..whole.len() - 2]), "the thumbnail's end does not count");
        assert!(is_truncated(Format::Png, b"\x89PNG\r\n\x1a\nIDAT"));
        assert!(is_truncated(Format::Webp, b"RIFF\x10\0\0\0WEBP"));
        assert!(!is_truncated(Format::Webp, b"RIFF\x04\0\0\0WEBP"));
        assert!(is_truncated(Format::Gif, b"GIF89a,"));
    }
}

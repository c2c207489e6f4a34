//! What a file is, by its first bytes: what follows them changes nothing, and a whole file stays whole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype::engine::{is_truncated, sniff};
use tintype::transform::Format;

/// Behind these bytes nothing is looked at to tell formats of pixels apart.
const HEAD_BYTES: usize = 136;

fuzz_target!(|bytes: &[u8]| {
    let found = sniff(bytes);
    for format in Format::ALL {
        let _ = is_truncated(format, bytes);
    }
    let Some(format) = found else {
        assert!(!bytes.starts_with(b"\xff\xd8") && !bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
        return;
    };
    let longer = [bytes, &[0; 16]].concat();
    if format != Format::Svg && bytes.len() >= HEAD_BYTES {
        assert_eq!(sniff(&longer), Some(format));
        assert_eq!(sniff(&bytes[..HEAD_BYTES]), Some(format));
    }
    if matches!(format, Format::Jpeg | Format::Webp) && !is_truncated(format, bytes) {
        assert!(!is_truncated(format, &longer), "bytes behind the end");
    }
    if matches!(format, Format::Jpeg | Format::Png) {
        assert!(is_truncated(format, &bytes[..bytes.len().min(4)]), "a beginning is no file");
    }
});

//! The source of a URL: plain or base64 text, its extension, rewrites and the base URL.
//!
//! Source of the rules: imgproxy reference, section 5.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use crate::url::{DialectSpec, SourceFault, UrlError};

/// URL-safe base64 without padding; bits beyond the last byte are ignored, as imgproxy does.
pub(in crate::url) const BASE64URL_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// What the segments of a source say.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) url: String,
    /// Not empty, and not yet known to be the name of a format.
    pub(super) extension: Option<String>,
}

/// Reads the segments that follow the options.
pub(super) fn decode(segments: &[&str], spec: &DialectSpec) -> Result<Found, UrlError> {
    let (text, extension) = match segments {
        // A lone `plain` is read as base64.
        ["plain", plain @ ..] if !plain.is_empty() => {
            let (text, extension) = split_extension(&plain.join("/"), '@')?;
            (decode_plain(&text)?, extension)
        }
        _ => {
            let dropped = usize::from(spec.base64_filename && segments.len() > 1);
            let (text, extension) = split_extension(&segments[..segments.len() - dropped].concat(), '.')?;
            (decode_base64(&text)?, extension)
        }
    };
    let url = spec.full_source(text);
    if url.is_empty() {
        return Err(UrlError::NoSource);
    }
    Ok(Found { url, extension })
}

fn split_extension(text: &str, mark: char) -> Result<(String, Option<String>), UrlError> {
    let mut parts = text.split(mark);
    let source = parts.next().filter(|source| !source.is_empty()).ok_or(UrlError::NoSource)?;
    let extension = parts.next().filter(|extension| !extension.is_empty());
    if parts.next().is_some() {
        return Err(UrlError::BadSource { reason: SourceFault::TwoExtensions });
    }
    Ok((source.to_owned(), extension.map(str::to_owned)))
}

fn decode_plain(text: &str) -> Result<String, UrlError> {
    let escapes = text.split('%').skip(1);
    let are_whole = |escape: &str| {
        let digits = escape.as_bytes().iter().take(2).filter(|byte| byte.is_ascii_hexdigit());
        digits.count() == 2
    };
    if !escapes.into_iter().all(are_whole) {
        return Err(UrlError::BadSource { reason: SourceFault::BadEscape });
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| UrlError::BadSource { reason: SourceFault::NotUtf8 })
}

fn decode_base64(text: &str) -> Result<String, UrlError> {
    let bytes = BASE64URL_LENIENT
        .decode(text.trim_end_matches('='))
        .map_err(|_| UrlError::BadSource { reason: SourceFault::BadBase64 })?;
    String::from_utf8(bytes).map_err(|_| UrlError::BadSource { reason: SourceFault::NotUtf8 })
}

//! URLs written: options and a source become a signed path that [`parse`](super::parse) reads back.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{DialectSpec, sign};

/// How a source is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SourceEncoding {
    /// Readable, percent-encoded where it must be.
    #[default]
    Plain,
    /// URL-safe base64: nothing in it can be changed by what stands between client and server.
    Base64,
}

/// Stands where a signature would, when there is no key.
const UNSIGNED: &str = "unsafe";

/// Characters that cannot stand in a path, or not for themselves. Slashes and colons may.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// In a plain source also what marks escapes and the extension.
const NOT_IN_SOURCE: &AsciiSet = &NOT_IN_PATH.add(b'%').add(b'@');

/// In a file name also what divides segments and marks the extension.
const NOT_IN_NAME: &AsciiSet = &NOT_IN_SOURCE.add(b'/').add(b'.');

/// The path of a URL: prefix, signature (the word `unsafe` without keys), options, source, extension.
///
/// `options` are segments divided by slashes, `rs:fill:300:200/q:80` for example, with the spec's separator; in
/// presets-only mode the names of presets. They are not checked, and percent-encoded only where they would not survive
/// in a path. `source` is decoded text, as [`Parsed::source`](super::Parsed::source) holds it.
pub fn build(
    options: &str,
    source: &str,
    extension: Option<&str>,
    encoding: SourceEncoding,
    spec: &DialectSpec,
) -> String {
    let options = options.trim_matches('/');
    let mut path = String::from("/");
    if !options.is_empty() {
        path.extend(utf8_percent_encode(options, NOT_IN_PATH));
        path.push('/');
    }
    match encoding {
        SourceEncoding::Plain => {
            path.push_str("plain/");
            path.push_str(&plain(source));
            if let Some(extension) = extension {
                path.push('@');
                path.push_str(extension);
            }
        }
        SourceEncoding::Base64 => path.push_str(&base64(source, extension, spec)),
    }
    let signature = sign(&spec.signing, &path);
    [&spec.prefix(), "/", signature.as_deref().unwrap_or(UNSIGNED), &path].concat()
}

fn plain(source: &str) -> String {
    let encoded: Cow<'_, str> = utf8_percent_encode(source, NOT_IN_SOURCE).into();
    let mut pieces = encoded.split(':');
    let mut made = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // `:/x` looks like a damaged scheme and would be repaired on the way, here or in an imgproxy.
        let looks_damaged = piece.starts_with('/') && !piece.starts_with("//");
        made.push_str(if looks_damaged { "%3A" } else { ":" });
        made.push_str(piece);
    }
    made
}

fn base64(source: &str, extension: Option<&str>, spec: &DialectSpec) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(source);
    if let Some(extension) = extension {
        text.push('.');
        text.push_str(extension);
    }
    // With an unusual separator the text could look like an option; a slash is ignored in base64 and hides it.
    let separator = spec.separator();
    if let Some(at) = text.find(separator) {
        let head_len = separator.chars().next().map_or(0, char::len_utf8);
        text.insert(if head_len < separator.len() { at + head_len } else { at }, '/');
    }
    if spec.base64_filename {
        let name = source.rsplit('/').next().and_then(|name| name.split('.').next()).filter(|name| !name.is_empty());
        text.push('/');
        text.extend(utf8_percent_encode(name.unwrap_or("image"), NOT_IN_NAME));
        if let Some(extension) = extension {
            text.push('.');
            text.push_str(extension);
        }
    }
    text
}

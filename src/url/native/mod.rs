//! The native dialect, imgproxy's: `/signature/option:argument/…/plain/source@extension`.
//!
//! The way of a path: drop the query, strip the prefix, take the signature, repair what intermediaries are known to
//! break, verify, split into options and source, apply the options, decode the source. Nothing is parsed before the
//! signature has passed. Source of the algorithm: imgproxy reference, section 3.

use crate::transform::{Asked, Format, ResizeType};

use super::error::shown;
use super::{DEFAULT_PRESET, DialectSpec, UrlError, signature};

mod repair;
mod source;
mod walk;

pub(super) use source::BASE64URL_LENIENT;
pub use walk::{OPTIONS_APPLIED_MAX, PRESETS_NESTED_MAX, PresetProblem, check_presets};

/// What a URL says.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub asked: Asked,
    /// The URL of the original, decoded, rewritten, and with the base URL before it.
    pub source: String,
    /// The extension after the source. Already in `asked.format`, unless `asked.raw` is on.
    pub extension: Option<Format>,
    /// Booleans that were neither true nor false and so meant false.
    pub dubious_booleans: u32,
}

/// Handling options that presets-only URLs may carry where the spec lets them.
const HANDLING_WITH_PRESETS: [&str; 2] = ["expires", "cachebuster"];

/// Reads a request target (path and query as they came, undecoded).
///
/// The query is ignored. `now_unix_s` is the time against which `expires` is judged, in Unix seconds.
///
/// # Errors
/// [`UrlError`] says what the author of the URL would have to change; statuses are 403 for signatures, else 404.
pub fn parse(target: &str, spec: &DialectSpec, now_unix_s: u64) -> Result<Parsed, UrlError> {
    let path = target.split('?').next().unwrap_or_default();
    let path = strip_prefix(path, &spec.prefix()).ok_or(UrlError::OutsidePrefix)?;
    let path = path.strip_prefix('/').unwrap_or(path);
    let (sig, rest) = path.split_once('/').unwrap_or((path, ""));
    if sig.is_empty() || rest.is_empty() {
        return Err(UrlError::Incomplete);
    }

    // The client may have signed the path as it was before an intermediary broke it, or as it came. Imgproxy repairs
    // more than the scheme before it verifies; a path signed in that form is read in that form and in no other.
    let repaired = format!("/{}", repair::repair(rest));
    let as_sent = format!("/{rest}");
    let greedy = format!("/{}", repair::repair_greedily(rest));
    let passed = signature::verify(&spec.signing, sig, &[&repaired, &as_sent, &greedy])?;
    let meant = [&repaired, &repaired, &greedy][passed];
    read(&meant[1..], spec, now_unix_s)
}

fn strip_prefix<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    path.strip_prefix(prefix).filter(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

fn read(path: &str, spec: &DialectSpec, now_unix_s: u64) -> Result<Parsed, UrlError> {
    let segments: Vec<&str> = path.split('/').collect();
    if !spec.only_presets && ResizeType::from_name(segments[0]).is_some() {
        return Err(UrlError::PositionalFormat);
    }
    let mut walk = walk::Walk::new(spec, now_unix_s);
    if spec.presets.contains_key(DEFAULT_PRESET) {
        walk.preset(DEFAULT_PRESET, DEFAULT_PRESET)?;
    }
    let open = if spec.only_presets { presets_only } else { options };
    let source_at = open(&mut walk, spec, &segments)?;

    let found = source::decode(&segments[source_at..], spec)?;
    let mut asked = walk.scope.asked;
    let dubious_booleans = walk.scope.dubious_booleans;
    let extension = found.extension.as_deref().and_then(Format::from_name);
    if asked.raw != Some(true)
        && let Some(name) = found.extension
    {
        asked.format = Some(extension.ok_or_else(|| UrlError::UnknownExtension { extension: shown(&name) })?);
    }
    Ok(Parsed { asked, source: found.url, extension, dubious_booleans })
}

/// Applies the options and says where the source begins: at the first segment without a separator.
fn options(walk: &mut walk::Walk<'_>, spec: &DialectSpec, segments: &[&str]) -> Result<usize, UrlError> {
    let source_at = segments.iter().position(|segment| !segment.contains(spec.separator())).unwrap_or(segments.len());
    if source_at > spec.options_max {
        return Err(UrlError::TooManyOptions { max: spec.options_max });
    }
    for segment in &segments[..source_at] {
        walk.option_of_url(segment)?;
    }
    Ok(source_at)
}

/// Applies the presets that the first segment names and says where the source begins.
fn presets_only(walk: &mut walk::Walk<'_>, spec: &DialectSpec, segments: &[&str]) -> Result<usize, UrlError> {
    for name in segments[0].split(spec.separator()) {
        walk.preset(segments[0], name)?;
    }
    let mut source_at = 1;
    if spec.only_presets_with_handling {
        while let Some((name, _)) = segments.get(source_at).and_then(|segment| segment.split_once(spec.separator())) {
            let segment = segments[source_at];
            if !super::find(name).is_some_and(|row| HANDLING_WITH_PRESETS.contains(&row.name)) {
                return Err(UrlError::OptionNotAllowed { segment: shown(segment), name: shown(name) });
            }
            walk.option_of_url(segment)?;
            source_at += 1;
        }
    }
    Ok(source_at)
}

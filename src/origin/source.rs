//! The text of a source, taken apart: which origin it names, what there, and under which identity it is kept.
//!
//! Only `http` and `https` are URLs in the full sense. For the other schemes the text between `://` and the next `/` is
//! a bucket, and all that follows is a key in which percent signs, `#` and spaces are ordinary characters.

use std::fmt;
use std::sync::Arc;

use object_store::path::Path;
use url::Url;

use super::error::OriginError;
use super::query::{self, QueryRule};
use super::spec::OriginsSpec;

/// Longest name of a bucket: Google's, with dots. Amazon and Azure end at 63.
const BUCKET_BYTES_MAX: usize = 222;

/// Under which name an original is kept: equal for all sources that mean the same original at the same origin.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OriginalId {
    text: Arc<str>,
    shown: Arc<str>,
}

/// What a source names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A URL without user information and fragment.
    Http(Url),
    /// A path below the root, its segments joined by single slashes.
    Local(String),
    /// An object in a bucket.
    Object(ObjectSource),
}

/// An object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectSource {
    pub(super) backend: Backend,
    pub(super) bucket: String,
    pub(super) key: Path,
    pub(super) version: Option<String>,
}

/// A kind of object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Backend {
    S3,
    Gs,
    Az,
}

/// How sources are read; made from the room's spec.
#[derive(Debug, Clone)]
pub(super) struct Grammar {
    separator: Option<char>,
    ignored: Vec<QueryRule>,
    masked: Vec<QueryRule>,
    has_local: bool,
    has_s3: bool,
    has_gs: bool,
    has_az: bool,
}

// === impl Grammar ===

impl Grammar {
    pub(super) fn new(spec: &OriginsSpec) -> Self {
        // A signature that an operator counts as identity is still nothing to show.
        let masked = spec.ignored_query.iter().cloned().chain(QueryRule::presigned()).collect();
        Self {
            separator: spec.query_separator,
            ignored: spec.ignored_query.clone(),
            masked,
            has_local: spec.local_root.is_some(),
            has_s3: spec.s3.enabled,
            has_gs: spec.gs.enabled,
            has_az: spec.az.enabled,
        }
    }

    /// Takes a source apart.
    pub(super) fn parse(&self, source: &str) -> Result<Source, OriginError> {
        // The URL parser drops tabs and line ends; whoever compared the text with a list of allowed sources did not.
        if source.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(OriginError::BadSource(None));
        }
        let (scheme, rest) = source.split_once("://").ok_or(OriginError::UnsupportedScheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => parse_http(source),
            "local" if self.has_local => self.parse_local(rest),
            "s3" if self.has_s3 => self.parse_object(Backend::S3, rest),
            "gs" if self.has_gs => self.parse_object(Backend::Gs, rest),
            "az" | "abs" if self.has_az => self.parse_object(Backend::Az, rest),
            _ => Err(OriginError::UnsupportedScheme),
        }
    }

    /// The identity of what a source names.
    pub(super) fn identity(&self, source: &Source) -> OriginalId {
        match source {
            Source::Http(url) => {
                let with_query = |query: Option<String>| {
                    let mut url = url.clone();
                    url.set_query(query.as_deref());
                    url.to_string()
                };
                let text = with_query(url.query().and_then(|query| query::kept(query, &self.ignored)));
                let shown = with_query(
                    url.query()
                        .and_then(|query| query::kept(query, &self.ignored))
                        .map(|query| query::masked(&query, &self.masked)),
                );
                OriginalId { text: text.into(), shown: shown.into() }
            }
            Source::Local(path) => OriginalId::plain(format!("local:///{path}")),
            Source::Object(ObjectSource { backend, bucket, key, version }) => {
                let mut text = format!("{}://{bucket}/{key}", backend.scheme());
                if let (Some(separator), Some(version)) = (self.separator, version) {
                    text.push(separator);
                    text.push_str(version);
                }
                OriginalId::plain(text)
            }
        }
    }

    fn parse_local(&self, rest: &str) -> Result<Source, OriginError> {
        let (_, path) = rest.split_once('/').ok_or(OriginError::NotFound)?;
        let (path, _) = self.cut(path);
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        // A folder is nothing to read, and a step up has no place in the name of an original.
        let is_file = !segments.is_empty() && !path.ends_with('/');
        if !is_file || segments.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(OriginError::NotFound);
        }
        Ok(Source::Local(segments.join("/")))
    }

    fn parse_object(&self, backend: Backend, rest: &str) -> Result<Source, OriginError> {
        let (bucket, path) = rest.split_once('/').ok_or(OriginError::BadSource(None))?;
        if !is_bucket(backend, bucket) {
            return Err(OriginError::BadSource(None));
        }
        let (key, version) = self.cut(path.trim_start_matches('/'));
        let parsed = Path::parse(key).map_err(|error| OriginError::BadSource(Some(Arc::new(error))))?;
        // The parser drops a slash at the end, which would name another object.
        if key.is_empty() || parsed.as_ref() != key {
            return Err(OriginError::BadSource(None));
        }
        let version = version.filter(|version| match backend {
            Backend::S3 => !version.is_empty(),
            Backend::Gs => version.parse::<u64>().is_ok_and(|generation| generation > 0),
            Backend::Az => false,
        });
        let version = version.map(str::to_owned);
        Ok(Source::Object(ObjectSource { backend, bucket: bucket.to_owned(), key: parsed, version }))
    }

    fn cut<'t>(&self, text: &'t str) -> (&'t str, Option<&'t str>) {
        match self.separator.and_then(|separator| text.split_once(separator)) {
            Some((key, version)) => (key, Some(version)),
            None => (text, None),
        }
    }
}

// === impl Source ===

impl Source {
    /// The name under which fetches from one place are counted.
    pub(super) fn origin(&self) -> String {
        match self {
            Self::Http(url) => authority(url),
            Self::Local(_) => "local".to_owned(),
            Self::Object(object) => format!("{}://{}", object.backend.scheme(), object.bucket),
        }
    }
}

// === impl Backend ===

impl Backend {
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gs => "gs",
            Self::Az => "az",
        }
    }
}

// === impl OriginalId ===

impl OriginalId {
    fn plain(text: String) -> Self {
        let text: Arc<str> = text.into();
        Self { shown: Arc::clone(&text), text }
    }

    /// The whole identity, for keys. It may hold what must not be shown.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identity for logs, headers and file names: values of signatures are masked.
    pub fn redacted(&self) -> &str {
        &self.shown
    }
}

impl fmt::Debug for OriginalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OriginalId").field(&self.shown).finish()
    }
}

/// Host and port of a URL, the port always written.
pub(super) fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

fn parse_http(source: &str) -> Result<Source, OriginError> {
    let mut url = Url::parse(source).map_err(|error| OriginError::BadSource(Some(Arc::new(error))))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OriginError::BadSource(None));
    }
    url.set_fragment(None);
    Ok(Source::Http(url))
}

/// Whether a name can stand before a host or in a path without becoming something else.
fn is_bucket(backend: Backend, name: &str) -> bool {
    // Azure has containers of its own whose names begin with a dollar sign, such as `$web`.
    let name = if backend == Backend::Az { name.strip_prefix('$').unwrap_or(name) } else { name };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.len() <= BUCKET_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(is_plain)
        && !name.contains("..")
}

#[cfg(test)]
mod tests;

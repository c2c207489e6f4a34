//! A path becomes words: signature check, dialects, one table of options.
//!
//! The room sees the text of a request target and a plain [`DialectSpec`]; it returns what was asked
//! ([`Asked`](crate::transform::Asked)) and the name of the original. It never decides what is permitted beyond the
//! grammar: whether a source may be fetched or a size is too large is for others to say.
//!
//! The native dialect is that of imgproxy 4, so that its client libraries work unchanged. Where tintype differs on
//! purpose (inf and nan refused, only the leading scheme repaired, negative turns honoured, file names decoded) the
//! item says so.

use std::collections::{BTreeMap, BTreeSet};

mod build;
mod error;
mod native;
mod options;
mod pattern;
mod replace;
mod signature;
#[cfg(test)]
mod tests;

pub use build::{SourceEncoding, build};
pub use error::{SourceFault, UrlError};
pub use native::{OPTIONS_APPLIED_MAX, PRESETS_NESTED_MAX, Parsed, PresetProblem, check_presets, parse};
pub use options::{
    ARGS_ANY, ArgError, OptionGroup, OptionSpec, Scope, find, nearest, options_json, options_markdown, options_text,
    table,
};
pub use pattern::source_matches;
pub use replace::{Replacement, ReplacementError};
pub use signature::{KeyPair, SIGNATURE_BYTES_MAX, SignatureAlgorithm, Signing, sign, verify};

/// The name of the preset that comes before every URL's own options, where it is defined.
pub const DEFAULT_PRESET: &str = "default";

/// What stands between an option's name and its arguments unless a spec says otherwise.
pub const DEFAULT_SEPARATOR: &str = ":";

/// How the URLs of one mount are read; plain data, filled in from the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct DialectSpec {
    /// Stands before the signature, `/img` for example; empty for none. Slashes at its ends do not matter.
    pub path_prefix: String,
    /// Between an option's name and its arguments, also inside presets; an empty text means `:`.
    pub separator: String,
    /// Name to options, as they would stand in a URL: `thumb` to `rs:fill:10:10/q:80`.
    pub presets: BTreeMap<String, String>,
    /// The first segment names presets and no option may be given.
    pub only_presets: bool,
    /// With `only_presets`, lets `expires` and `cachebuster` segments stand after the presets.
    pub only_presets_with_handling: bool,
    /// Names that a URL may use, compared literally (`rs` is not `resize`); `None` for all. Presets are exempt.
    pub allowed_options: Option<BTreeSet<String>>,
    /// The most options in one URL, those of presets not counted.
    pub options_max: usize,
    /// Prepended to every source that does not begin with it already.
    pub base_url: String,
    /// Rewrites of sources, in order, each on the result of the one before.
    pub replacements: Vec<Replacement>,
    /// The last segment of a base64 source is a file name for people and is dropped.
    pub base64_filename: bool,
    /// Keys, and what to do without them.
    pub signing: Signing,
}

// === impl DialectSpec ===

impl DialectSpec {
    /// The separator in force.
    pub fn separator(&self) -> &str {
        if self.separator.is_empty() { DEFAULT_SEPARATOR } else { &self.separator }
    }

    /// The prefix with one leading and no trailing slash, or nothing.
    pub fn prefix(&self) -> String {
        let bare = self.path_prefix.trim_matches('/');
        if bare.is_empty() { String::new() } else { format!("/{bare}") }
    }

    /// The same URLs without any need of a signature.
    #[must_use]
    pub fn unsigned(&self) -> Self {
        Self { signing: Signing { allow_unsigned: true, ..Signing::default() }, ..self.clone() }
    }

    /// The source that a text in a URL stands for: rewritten, and with the base URL before it.
    pub fn full_source(&self, text: String) -> String {
        let url = self.replacements.iter().fold(text, |url, rule| rule.apply(url));
        if url.starts_with(&self.base_url) { url } else { [self.base_url.as_str(), &url].concat() }
    }
}

impl Default for DialectSpec {
    fn default() -> Self {
        Self {
            path_prefix: String::new(),
            separator: DEFAULT_SEPARATOR.to_owned(),
            presets: BTreeMap::new(),
            only_presets: false,
            only_presets_with_handling: false,
            allowed_options: None,
            options_max: OPTIONS_APPLIED_MAX,
            base_url: String::new(),
            replacements: Vec::new(),
            base64_filename: false,
            signing: Signing::default(),
        }
    }
}

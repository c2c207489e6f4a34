//! The one table of settings. Names, types, ranges, defaults, reload and documentation of every setting come from here
//! and from nowhere else; the groups stand in the order of the documentation.
//!
//! A key gives its other names: `cache.memory_bytes` is `TINTYPE_CACHE_MEMORY_BYTES` in the environment and
//! `--cache-memory-bytes` on the command line. The derivation goes in this direction only, since an underscore cannot
//! be read back; a test holds that no two settings meet in one name.

mod asking;
mod keeping;
mod making;
mod mounts;
mod originals;
mod serving;
mod shared;

use super::kind::{Form, Kind};

/// Settings that are documented together.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub title: &'static str,
    pub settings: &'static [Setting],
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key in the file; a dot stands for a table.
    pub key: &'static str,
    pub kind: Kind,
    /// The default, written as in the environment.
    pub default: &'static str,
    pub reload: Reload,
    /// What it is for, its unit and its special values, in whole sentences.
    pub doc: &'static str,
}

/// When a changed setting takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// At start only.
    Start,
    /// At start and when the process gets SIGHUP.
    Sighup,
}

/// Every setting, in groups.
pub const GROUPS: &[Group] = &[
    serving::LISTENING,
    serving::CLIENTS,
    serving::ANSWERS,
    serving::OPERATIONS,
    asking::SIGNING,
    asking::ADDRESSES,
    asking::PRESETS,
    originals::SOURCES,
    originals::STORES,
    originals::FETCHING,
    making::FORMATS,
    making::PIXELS_AND_METADATA,
    making::LIMITS,
    making::WORK,
    keeping::CACHE,
    shared::SHARED,
    keeping::FRESHNESS,
    mounts::PASS_THROUGH,
];

/// What the name of every environment variable of ours begins with.
pub const ENVIRONMENT_PREFIX: &str = "TINTYPE_";

/// Names of the formats that a quality number steers.
const QUALITY_FORMATS: &[&str] = &["jpg", "jpeg", "webp", "avif", "jxl", "heic", "tiff"];

/// Names of all formats.
const FORMATS: &[&str] = &["jpg", "jpeg", "png", "webp", "avif", "jxl", "gif", "tiff", "heic", "bmp", "ico", "svg"];

/// The word that stands for the query parameters of signed links.
pub(super) const PRESIGNED: &str = "presigned";

/// A text that may be anything visible on one line, also nothing.
const LINE: Form = Form { says: "a text without control characters, or nothing", holds: is_line };

/// Every setting in the order of [`GROUPS`].
pub fn settings() -> impl Iterator<Item = &'static Setting> + Clone {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// The setting with this key.
pub fn setting(key: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.key == key)
}

// === impl Setting ===

impl Setting {
    /// The name of the environment variable.
    pub fn environment(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// The name of the environment variable that holds the path of a file with the value; secrets only.
    pub fn environment_file(&self) -> Option<String> {
        self.kind.is_secret().then(|| format!("{}_FILE", self.environment()))
    }

    /// The name of the flag without its leading hyphens. Secrets have none, since other users of a machine can read
    /// the command lines of its processes.
    pub fn flag(&self) -> Option<String> {
        (!self.kind.is_secret()).then(|| self.key.replace(['.', '_'], "-"))
    }
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

//! The one table of options: names, accepted forms, words for people, and the function that sets the words.
//!
//! Everything that lists options is made from [`table`]: the parser, the documentation, suggestions for misspelt names.
//! Each group has a file, and in it each row stands beside the function that applies it. Options are assignments into
//! one flat [`Asked`]: what a later option does not mention keeps its value.
//! Source of names, forms and merging: imgproxy reference, sections 4, 7 and 8.

use std::sync::LazyLock;

use crate::transform::Asked;

mod args;
mod docs;
mod encoding;
mod handling;
mod nearest;
mod pixels;
mod place;
mod size;
#[cfg(test)]
mod tests;

pub use args::ArgError;
pub use docs::{options_json, options_markdown, options_text};
pub use nearest::nearest;

/// What a URL may say about one thing.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// The accepted form with the default separator; `%` marks what stands for a value.
    pub form: &'static str,
    pub group: OptionGroup,
    /// One line.
    pub summary: &'static str,
    /// A paragraph.
    pub detail: &'static str,
    /// What holds where the option is not given.
    pub default: &'static str,
    /// Whole segments.
    pub examples: &'static [&'static str],
    /// More arguments than this are refused before `apply` runs; [`ARGS_ANY`] where the number has no limit of its own.
    pub args_max: usize,
    /// Sets the words. There is always at least one argument, which may be empty.
    pub apply: fn(&mut Scope, &[&str]) -> Result<(), ArgError>,
}

/// `args_max` of an option that takes a list.
pub const ARGS_ANY: usize = usize::MAX;

/// What an option is about; the order is that of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptionGroup {
    Size,
    Place,
    Pixels,
    Encoding,
    Handling,
}

/// What options act on while a URL is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    pub asked: Asked,
    /// Booleans that were neither true nor false and so meant false.
    pub dubious_booleans: u32,
    /// The time at which the URL is judged, in Unix seconds.
    pub now_unix_s: u64,
    /// Presets to expand at this point, before the next option.
    pub presets_wanted: Vec<String>,
}

static TABLE: LazyLock<Vec<OptionSpec>> =
    LazyLock::new(|| [size::ROWS, place::ROWS, pixels::ROWS, encoding::ROWS, handling::ROWS].concat());

// === impl OptionGroup ===

impl OptionGroup {
    /// Every group, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Size, Self::Place, Self::Pixels, Self::Encoding, Self::Handling];

    /// A heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Size => "Size",
            Self::Place => "Place",
            Self::Pixels => "Pixels",
            Self::Encoding => "Encoding",
            Self::Handling => "Handling",
        }
    }
}

// === impl Scope ===

impl Scope {
    /// Nothing asked yet.
    pub fn new(now_unix_s: u64) -> Self {
        Self { now_unix_s, ..Self::default() }
    }
}

/// Every option, by group, in the order of the documentation.
pub fn table() -> &'static [OptionSpec] {
    &TABLE
}

/// The option of this name or alias.
pub fn find(name: &str) -> Option<&'static OptionSpec> {
    table().iter().find(|row| row.name == name || row.aliases.contains(&name))
}

//! Where a value came from, and what is wrong with one that is not accepted.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::kind::Refused;
use super::mounts::MountFault;
use super::table::Setting;

/// Where an effective value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// Nowhere: the default of the table.
    Default,
    /// In a file; without a position for the file as a whole.
    File { path: PathBuf, position: Option<Position> },
    /// In the environment variable of this name.
    Environment(String),
    /// On the command line, as the flag of this name (without its hyphens).
    Flag(String),
}

/// A place in a text. Both numbers begin at 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// One thing that keeps a configuration from being used. Its text names the place and never shows a secret.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Mistake {
    pub place: Provenance,
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("is over {bytes_max} bytes long")]
    TooLarge { bytes_max: u64 },
    #[error("not TOML: {message}")]
    Syntax { message: String },
    #[error("unknown setting `{name}`{}", hint(nearest.as_deref()))]
    Unknown { name: String, nearest: Option<String> },
    /// `got` is absent for secrets.
    #[error("`{key}` is {}; accepted: {accepted}", got.as_deref().unwrap_or("wrong (its value is not shown)"))]
    Value { key: &'static str, got: Option<String>, accepted: String },
    #[error("`{key}` is given here and by `{other}` as well; remove one of them")]
    Twice { key: &'static str, other: String },
    #[error("`{key}` is a secret, which flags would show to other users; give it by {instead} or the file")]
    SecretFlag { key: &'static str, instead: String },
    #[error("there are {keys} in `key` and {salts} in `salt`; each key needs its salt")]
    Unpaired { keys: usize, salts: usize },
    #[error("`admin.listen` overlaps `listen`; give it another port")]
    SameAddress,
    #[error("a mount cannot be served: {0}")]
    Mount(MountFault),
}

// === impl Position ===

impl Position {
    /// The place of a byte offset in a text; offsets beyond its end are its end.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self { line, column: before[line_start..].chars().count() + 1 }
    }
}

// === impl Provenance ===

impl Provenance {
    /// The place in the file, where there is one.
    pub(super) fn position(&self) -> Option<Position> {
        match self {
            Self::File { position, .. } => *position,
            Self::Default | Self::Environment(_) | Self::Flag(_) => None,
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, position: None } => write!(formatter, "{}", path.display()),
            Self::File { path, position: Some(at) } => {
                write!(formatter, "{}:{}:{}", path.display(), at.line, at.column)
            }
            Self::Environment(name) => write!(formatter, "environment {name}"),
            Self::Flag(name) => write!(formatter, "flag --{name}"),
        }
    }
}

// === impl Mistake ===

impl Mistake {
    pub(super) fn refused(setting: &Setting, refused: Refused, place: Provenance) -> Self {
        let got = (!setting.kind.is_secret()).then_some(refused.got);
        Self { place, problem: Problem::Value { key: setting.key, got, accepted: setting.kind.accepted() } }
    }

    /// Whether the setting of this key may hold something else than what was meant because of it.
    pub(super) fn obscures(&self, key: &str) -> bool {
        match &self.problem {
            Problem::Value { key: refused, .. }
            | Problem::Twice { key: refused, .. }
            | Problem::SecretFlag { key: refused, .. } => *refused == key,
            Problem::Unreadable(_) | Problem::TooLarge { .. } | Problem::Syntax { .. } => true,
            Problem::Unknown { .. } | Problem::Unpaired { .. } | Problem::SameAddress | Problem::Mount(_) => false,
        }
    }
}

/// The end of a message about an unknown name.
fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; nearest known name: `{name}`")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a = 1\nß = \"x\"\n";
        let known = [(0, 1, 1), (4, 1, 5), (5, 1, 6), (6, 2, 1), (9, 2, 3), (7, 2, 1), (15, 3, 1), (99, 3, 1)];
        for (offset, line, column) in known {
            assert_eq!(Position::of(text, offset), Position { line, column }, "{offset}");
        }
    }
}

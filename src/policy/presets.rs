//! Named options: the presets that tintype ships, or those of a folder.
//!
//! A folder has one TOML file for each preset, whose name is the file's without `.toml`. A file holds `options`,
//! written as in a URL, and may hold a `description` and a `ttl`. Whether the options can be parsed is not decided
//! here: this room knows no dialect. Other files, and files that begin with a dot, are passed over: folders that
//! Kubernetes makes hold some.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::config::{Position, nearest, parse_duration};

/// A longer file is no preset.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// More would be a catalogue, not a handful of names to remember; it also bounds what a wrong path can cost.
pub const PRESETS_MAX: usize = 1024;

/// Names longer than this are not accepted.
pub const NAME_BYTES_MAX: usize = 64;

/// The shipped presets by name, each with the text of its file.
const BUILTIN: [(&str, &str); 6] = [
    ("avatar", include_str!("../../presets/avatar.toml")),
    ("card", include_str!("../../presets/card.toml")),
    ("hero", include_str!("../../presets/hero.toml")),
    ("product", include_str!("../../presets/product.toml")),
    ("social", include_str!("../../presets/social.toml")),
    ("thumbnail", include_str!("../../presets/thumbnail.toml")),
];

/// Named options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preset {
    /// 1 to 64 of `a` to `z`, `0` to `9`, `_` and `-`.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Options as in a URL, without a slash at either end; not parsed yet.
    pub options: String,
    /// How long CDNs and browsers may keep its pictures; `None` leaves it to the settings.
    pub ttl: Option<Duration>,
}

/// One thing that keeps presets from being used, with its place.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}", path.display(), at(*position))]
pub struct PresetMistake {
    pub path: PathBuf,
    /// Absent for a file or folder as a whole.
    pub position: Option<Position>,
    pub problem: PresetProblem,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum PresetProblem {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("is over {FILE_BYTES_MAX} bytes long")]
    TooLarge,
    #[error("has more than {PRESETS_MAX} presets")]
    TooMany,
    #[error("is no name of a preset; accepted: 1 to {NAME_BYTES_MAX} of a-z, 0-9, `_` and `-`, then `.toml`")]
    Name,
    #[error("not TOML: {message}")]
    Syntax { message: String },
    #[error("unknown key `{name}`; accepted: `description`, `options` and `ttl`{}", hint(nearest.as_deref()))]
    UnknownKey { name: String, nearest: Option<String> },
    #[error("`{key}` is of type {got}; accepted: a text")]
    NotText { key: &'static str, got: &'static str },
    #[error("`ttl` is `{got}`; accepted: a time such as `30s`, `12h` or `365d`")]
    Ttl { got: String },
    #[error("`options` is missing; a preset is named options such as `rs:fill:300:200/g:sm`")]
    OptionsMissing,
    #[error("`options` is `{got}`; accepted: options as in a URL, such as `rs:fill:300:200/g:sm`")]
    Options { got: String },
}

/// The presets that tintype ships, by name.
#[expect(clippy::missing_panics_doc, reason = "the texts are constants, and a test reads all of them")]
pub fn builtin_presets() -> Vec<Preset> {
    let preset = |(name, text): &(&str, &str)| {
        let read = parse(Path::new(name), name, text).ok();
        read.expect("invariant: every shipped preset is read by a test")
    };
    BUILTIN.iter().map(preset).collect()
}

/// The presets of a folder, by name.
///
/// # Errors
///
/// Everything wrong in all files, in the order of their names.
pub fn load_presets(folder: &Path) -> Result<Vec<Preset>, Vec<PresetMistake>> {
    let paths = paths(folder).map_err(|problem| vec![mistake(folder, None, problem)])?;
    let mut presets = Vec::new();
    let mut mistakes = Vec::new();
    for path in paths {
        match load(&path) {
            Ok(preset) => presets.push(preset),
            Err(mut found) => mistakes.append(&mut found),
        }
    }
    if mistakes.is_empty() { Ok(presets) } else { Err(mistakes) }
}

/// The files of presets in a folder, sorted.
fn paths(folder: &Path) -> Result<Vec<PathBuf>, PresetProblem> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(PresetProblem::Unreadable)? {
        let path = entry.map_err(PresetProblem::Unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden || path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        if paths.len() == PRESETS_MAX {
            return Err(PresetProblem::TooMany);
        }
        paths.push(path);
    }
    paths.sort();
    Ok(paths)
}

fn load(path: &Path) -> Result<Preset, Vec<PresetMistake>> {
    let whole = |problem| vec![mistake(path, None, problem)];
    let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_name(stem));
    let name = stem.ok_or_else(|| whole(PresetProblem::Name))?;
    let text = read(path).map_err(whole)?;
    parse(path, name, &text)
}

fn read(path: &Path) -> Result<String, PresetProblem> {
    let mut text = String::new();
    let file = File::open(path).map_err(PresetProblem::Unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(PresetProblem::Unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX { Err(PresetProblem::TooLarge) } else { Ok(text) }
}

fn parse(path: &Path, name: &str, text: &str) -> Result<Preset, Vec<PresetMistake>> {
    let at = |offset: usize, problem| mistake(path, Some(Position::of(text, offset)), problem);
    let document = DeTable::parse(text).map_err(|error| {
        let problem = PresetProblem::Syntax { message: error.message().to_owned() };
        vec![at(error.span().map_or(0, |span| span.start), problem)]
    })?;
    let mut preset = Preset { name: name.to_owned(), ..Preset::default() };
    let mut ttl = String::new();
    let mut mistakes = Vec::new();
    for (key, value) in document.get_ref() {
        let place = value.span().start;
        let (key_place, key) = (key.span().start, key.get_ref().as_ref());
        let (known, field) = match key {
            "description" => ("description", &mut preset.description),
            "options" => ("options", &mut preset.options),
            "ttl" => ("ttl", &mut ttl),
            _ => {
                let nearest = nearest(key, ["description", "options", "ttl"].map(str::to_owned));
                mistakes.push(at(key_place, PresetProblem::UnknownKey { name: key.to_owned(), nearest }));
                continue;
            }
        };
        match value.get_ref() {
            DeValue::String(text) if known == "options" && !are_options(text) => {
                mistakes.push(at(place, PresetProblem::Options { got: text.to_string() }));
            }
            DeValue::String(text) if known == "ttl" && parse_duration(text).is_none() => {
                mistakes.push(at(place, PresetProblem::Ttl { got: text.to_string() }));
            }
            DeValue::String(text) => *field = text.to_string(),
            other => mistakes.push(at(place, PresetProblem::NotText { key: known, got: other.type_str() })),
        }
    }
    if !document.get_ref().contains_key("options") {
        mistakes.push(at(0, PresetProblem::OptionsMissing));
    }
    preset.ttl = parse_duration(&ttl);
    mistakes.sort_by_key(|mistake| mistake.position);
    if mistakes.is_empty() { Ok(preset) } else { Err(mistakes) }
}

fn mistake(path: &Path, position: Option<Position>, problem: PresetProblem) -> PresetMistake {
    PresetMistake { path: path.to_owned(), position, problem }
}

fn is_name(name: &str) -> bool {
    let is_accepted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_accepted)
}

/// Whether a text can stand among the options of a URL at all.
fn are_options(text: &str) -> bool {
    let is_foreign = |character: char| character.is_control() || character.is_whitespace() || "?#".contains(character);
    !text.is_empty() && !text.contains(is_foreign) && text.split('/').all(|option| !option.is_empty())
}

fn at(position: Option<Position>) -> String {
    position.map(|position| format!(":{}:{}", position.line, position.column)).unwrap_or_default()
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; nearest: `{name}`")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    /// What is told of a folder, without its path.
    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let folder = folder(files);
        let prefix = format!("{}/", folder.path().display());
        let mistakes = load_presets(folder.path()).unwrap_err();
        mistakes.iter().map(|mistake| mistake.to_string().replace(&prefix, "")).collect()
    }

    #[test]
    fn the_shipped_presets_are_the_files_of_the_folder() {
        let shipped = builtin_presets();
        assert_eq!(load_presets(&Path::new(env!("CARGO_MANIFEST_DIR")).join("presets")).unwrap(), shipped);
        for preset in shipped {
            assert!(is_name(&preset.name) && preset.description.len() > 20, "{preset:?}");
        }
    }

    #[test]
    fn a_preset_may_say_how_long_its_pictures_are_kept() {
        let folder = folder(&[("a.toml", "options = 'w:1'\nttl = '12h'"), ("b.toml", "options = 'w:1'")]);
        let ttls: Vec<_> = load_presets(folder.path()).unwrap().into_iter().map(|preset| preset.ttl).collect();
        assert_eq!(ttls, [Some(Duration::from_hours(12)), None]);
        let told = told(&[("a.toml", "options = 'w:1'\nttl = '12 parsecs'")]);
        assert_eq!(told, ["a.toml:2:7: `ttl` is `12 parsecs`; accepted: a time such as `30s`, `12h` or `365d`"]);
    }

    #[test]
    fn a_folder_is_read_by_name_and_the_rest_passed_over() {
        let folder = folder(&[
            ("b.toml", "options = 'w:1/h:2'\n"),
            ("a-1_x.toml", "description = 'ä'\noptions = 'w:1'"),
            ("README.md", "x"),
            (".hidden.toml", "x"),
        ]);
        fs::create_dir(folder.path().join("..data")).unwrap();
        let presets = load_presets(folder.path()).unwrap();
        let brief: Vec<_> =
            presets.iter().map(|preset| (&*preset.name, &*preset.description, &*preset.options)).collect();
        assert_eq!(brief, [("a-1_x", "ä", "w:1"), ("b", "", "w:1/h:2")]);
    }

    #[test]
    fn all_mistakes_of_all_files_are_told_with_their_places() {
        let files = [
            ("a.toml", "description = 1\n\noption = 'w:1'\n"),
            ("b.toml", "options = 'w: 1'"),
            ("c.toml", "options = 'w:1\n"),
            ("Über.toml", "options = 'w:1'"),
        ];
        let told = told(&files);
        assert_eq!(told.len(), 6, "{told:?}");
        assert!(told[0].starts_with("a.toml:1:1: `options` is missing"), "{}", told[0]);
        assert_eq!(told[1], "a.toml:1:15: `description` is of type integer; accepted: a text");
        assert_eq!(
            told[2],
            "a.toml:3:1: unknown key `option`; accepted: `description`, `options` and `ttl`; nearest: `options`"
        );
        assert!(told[3].starts_with("b.toml:1:11: `options` is `w: 1`; accepted: "), "{}", told[3]);
        assert!(told[4].starts_with("c.toml:1:1") && told[4].contains("not TOML"), "{}", told[4]);
        assert!(told[5].starts_with("Über.toml: is no name of a preset"), "{}", told[5]);
    }

    #[test]
    fn names_have_bounds() {
        for name in ["a", "0", "card_2-x", &"a".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "A", "a.b", "a b", "ä", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn options_must_be_able_to_stand_in_a_url() {
        for options in ["w:1", "rs:fill:1:1/bg:ffffff", "preset@2"] {
            assert!(are_options(options), "{options}");
        }
        for options in ["", "/w:1", "w:1/", "w:1//h:1", "w: 1", "w:1\n", "w:1?x", "w:1#"] {
            assert!(!are_options(options), "{options}");
        }
    }

    #[test]
    fn folders_and_files_have_limits() {
        assert!(load_presets(Path::new("/nonexistent")).unwrap_err()[0].to_string().contains("cannot be read"));
        let long = format!("options = 'w:1'\n#{}", "x".repeat(64 << 10));
        assert_eq!(told(&[("a.toml", &long)]), ["a.toml: is over 65536 bytes long"]);
        let folder = folder(&[]);
        for number in 0..=PRESETS_MAX {
            fs::write(folder.path().join(format!("{number}.toml")), "options = 'w:1'").unwrap();
        }
        let mistakes = load_presets(folder.path()).unwrap_err();
        assert!(mistakes[0].to_string().ends_with("has more than 1024 presets"));
        fs::remove_file(folder.path().join("0.toml")).unwrap();
        assert_eq!(load_presets(folder.path()).unwrap().len(), PRESETS_MAX);
    }
}

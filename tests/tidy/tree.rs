//! The tree as every rule sees it: paths with texts, Rust files with their comments and literals blanked.

use std::fmt;
use std::fs;
use std::path::Path;

use super::modules::test_only_files;
use super::rust::{blank_code, blank_comments_and_literals, test_lines};

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) text: String,
}

/// One text file of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// Relative to the repository root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One Rust file. The three texts have the same length, so that an offset in one is an offset in all.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Comments, and what stands between the quotes of literals, are blanks.
    pub(crate) code: String,
    /// Everything but comments is blanks.
    pub(crate) comments: String,
    /// For each line from 0, whether it exists only for tests.
    pub(crate) in_test: Vec<bool>,
}

/// Everything that rules are asked about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) sources: Vec<Source>,
    /// All text files, Rust ones included.
    pub(crate) pages: Vec<Page>,
    /// Every path, folders and binary files included, without a slash at the end.
    pub(crate) paths: Vec<String>,
}

/// Folders that no rule looks into: made by tools, or not ours.
const SKIPPED: [&str; 5] = [".git", "target", "artifacts", "corpus", "node_modules"];
/// File names and endings that are text written by people; a lock file or a golden is not.
const TEXT: [&str; 14] = [
    ".rs", ".md", ".toml", ".html", ".css", ".js", ".sh", ".yml", ".yaml", ".supp", ".txt", "Makefile", "/run",
    "ignore",
];
const DEPTH_MAX: usize = 12;

// === impl Finding ===

impl Finding {
    pub(crate) fn new(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.text)
    }
}

// === impl Source ===

impl Source {
    /// A file as it stands alone; [`Tree::of`] marks whole files that exist only for tests.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank_comments_and_literals(text);
        let comments = blank_code(text);
        let in_test = test_lines(&code);
        Self { path: path.to_owned(), text: text.to_owned(), code, comments, in_test }
    }

    /// The line from 1 that holds this byte.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// Whether this byte exists only for tests.
    pub(crate) fn is_test_at(&self, offset: usize) -> bool {
        self.in_test.get(self.line_of(offset) - 1).copied().unwrap_or(false)
    }

    /// The offsets at which `needle` begins in the code as a whole word where it begins or ends with a letter.
    pub(crate) fn occurrences<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        words(&self.code, needle)
    }
}

// === impl Tree ===

impl Tree {
    /// Reads the repository; panics on what cannot be read, as nothing can be said then.
    pub(crate) fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        let mut paths = Vec::new();
        walk(root, root, 0, &mut paths, &mut files);
        Self::of(files, paths)
    }

    /// A tree of these files; `paths` may name more than was read.
    pub(crate) fn of(mut files: Vec<(String, String)>, mut paths: Vec<String>) -> Self {
        files.sort();
        paths.sort();
        let mut sources: Vec<Source> = files
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| Source::new(path, text))
            .collect();
        let test_only = test_only_files(&sources);
        for source in &mut sources {
            if source.path.starts_with("tests/") || test_only.contains(&source.path) {
                source.in_test.fill(true);
            }
        }
        let pages = files.into_iter().map(|(path, text)| Page { path, text }).collect();
        Self { sources, pages, paths }
    }

    /// A tree of a few files, for the tests of rules.
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        let paths = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        Self::of(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(), paths)
    }

    /// Rust files under `src/`.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.path.starts_with("src/"))
    }
}

fn walk(root: &Path, folder: &Path, depth: usize, paths: &mut Vec<String>, files: &mut Vec<(String, String)>) {
    assert!(depth <= DEPTH_MAX, "{} is deeper than {DEPTH_MAX} folders", folder.display());
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.map(|entry| entry.expect("a readable entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().expect("a readable type");
        if SKIPPED.contains(&name.as_str()) || kind.is_symlink() {
            continue;
        }
        let path = entry.path();
        let short = path.strip_prefix(root).expect("under the root").to_string_lossy().replace('\\', "/");
        paths.push(short.clone());
        if kind.is_dir() {
            walk(root, &path, depth + 1, paths, files);
        } else if TEXT.iter().any(|ending| format!("/{short}").ends_with(ending)) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{short}: {error}"));
            files.push((short, text));
        }
    }
}

/// Offsets of `needle` in `text` that are not part of a longer word.
pub(crate) fn words<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let opens = is_word(needle.as_bytes().first());
    let closes = is_word(needle.as_bytes().last());
    text.match_indices(needle).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).and_then(|index| text.as_bytes().get(index));
        let after = text.as_bytes().get(at + needle.len());
        !(opens && is_word(before) || closes && is_word(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert_eq!(words("unsafe unsafely a_unsafe unsafe", "unsafe").collect::<Vec<_>>(), [0, 25]);
        assert_eq!(words("x.expect(y) expect(", ".expect(").collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_finding_prints_as_one_line() {
        assert_eq!(Finding::new("src/a.rs", 3, "T2", "long").to_string(), "src/a.rs:3: T2: long");
    }

    #[test]
    fn lines_count_from_one() {
        let source = Source::new("src/a.rs", "a\nb\n");
        assert_eq!((source.line_of(0), source.line_of(2)), (1, 2));
    }
}

//! T15: every Rust file is reachable by `mod`, so that nothing is kept that the compiler never sees.

use std::collections::{BTreeMap, BTreeSet};

use super::rust::inline_modules;
use super::tree::{Finding, Source, Tree, words};

/// A `mod name;` and the file that it means.
struct Declared {
    path: String,
    test_only: bool,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let reached = reach(&tree.sources);
    let held = |path: &str| path.starts_with("src/") || path.starts_with("tests/");
    let dead = tree.sources.iter().filter(|source| held(&source.path) && !reached.contains_key(&source.path));
    dead.map(|source| Finding::new(&source.path, 1, "T15", "no `mod` reaches this file")).collect()
}

/// The files that are reached through `#[cfg(test)]` only.
pub(crate) fn test_only_files(sources: &[Source]) -> BTreeSet<String> {
    reach(sources).into_iter().filter(|(_, test_only)| *test_only).map(|(path, _)| path).collect()
}

/// Every file that the compiler sees, with whether it is for tests only.
fn reach(sources: &[Source]) -> BTreeMap<String, bool> {
    let by_path: BTreeMap<&str, &Source> = sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let mut reached = BTreeMap::new();
    let mut open: Vec<(String, bool)> =
        by_path.keys().filter(|path| is_root(path)).map(|path| ((*path).to_owned(), false)).collect();
    while let Some((path, test_only)) = open.pop() {
        let Some(source) = by_path.get(path.as_str()) else { continue };
        // Ordinary use of a file outweighs its use by a test.
        if reached.get(&path).is_some_and(|known: &bool| *known <= test_only) {
            continue;
        }
        reached.insert(path, test_only);
        open.extend(declared(source).into_iter().map(|child| (child.path, test_only || child.test_only)));
    }
    reached
}

fn is_root(path: &str) -> bool {
    let mut parts = path.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("src"), Some("lib.rs" | "main.rs"), None) | (Some("tests"), Some(_), None) => path.ends_with(".rs"),
        (Some("tests"), Some(_), Some("main.rs")) => parts.next().is_none(),
        _ => false,
    }
}

/// Both files that each `mod name;` may mean; the one that does not exist leads nowhere.
fn declared(source: &Source) -> Vec<Declared> {
    let mut found = Vec::new();
    for at in words(&source.code, "mod") {
        let Some((name, _)) = source.code[at + 3..].trim_start().split_once(';') else { continue };
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let mut folder = module_folder(&source.path);
        for around in inline_modules(&source.code, at) {
            folder = format!("{folder}/{around}");
        }
        let test_only = source.is_test_at(at);
        found.push(Declared { path: format!("{folder}/{name}.rs"), test_only });
        found.push(Declared { path: format!("{folder}/{name}/mod.rs"), test_only });
    }
    found
}

/// The folder in which a file's own modules stand.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_head = matches!(name, "lib.rs" | "main.rs" | "mod.rs") || folder == "tests";
    if is_head { folder.to_owned() } else { path.trim_end_matches(".rs").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_mod_is_dead() {
        let files = [
            ("src/lib.rs", "mod a;\nmod b;"),
            ("src/a.rs", "mod c;"),
            ("src/a/c.rs", ""),
            ("src/a/d.rs", ""),
            ("src/b/mod.rs", "// mod e;"),
            ("src/b/e.rs", ""),
            ("tests/t.rs", "mod inner { mod f; }"),
            ("tests/inner/f.rs", ""),
        ];
        let dead: Vec<String> = check(&Tree::sample(&files)).into_iter().map(|finding| finding.path).collect();
        assert_eq!(dead, ["src/a/d.rs", "src/b/e.rs"]);
    }

    #[test]
    fn files_for_tests_only_are_known() {
        let files = [
            Source::new("src/lib.rs", "mod a;\n#[cfg(test)]\nmod tests;\n"),
            Source::new("src/a.rs", ""),
            Source::new("src/tests.rs", "mod deep;"),
            Source::new("src/tests/deep.rs", ""),
        ];
        assert_eq!(test_only_files(&files).into_iter().collect::<Vec<_>>(), ["src/tests.rs", "src/tests/deep.rs"]);
    }
}

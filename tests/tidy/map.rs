//! T9: the map of the house shows every room, and leads nowhere that is not there.

use super::tree::{Finding, Tree};

const MAP: &str = "ARCHITECTURE.md";
/// Longer, and it is no longer read.
const MAP_LINES_MAX: usize = 400;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(map) = tree.pages.iter().find(|page| page.path == MAP) else {
        return vec![Finding::new(MAP, 1, "T9", "missing")];
    };
    let mut findings = Vec::new();
    let named: Vec<(usize, &str)> = code_spans(&map.text).collect();
    for room in tree.paths.iter().filter(|path| is_room(path)) {
        let is_named = |span: &str| span.trim_end_matches('/') == room || room.strip_prefix("src/") == Some(span);
        if !named.iter().any(|(_, span)| is_named(span) || is_named(&format!("src/{}", span.trim_end_matches('/')))) {
            findings.push(Finding::new(MAP, 1, "T9", format!("`{room}` is not on the map")));
        }
    }
    for (line, span) in named.into_iter().filter(|(_, span)| is_path(tree, span)) {
        let path = span.trim_end_matches('/');
        if !tree.paths.iter().any(|known| known == path || known.strip_prefix("src/") == Some(path)) {
            findings.push(Finding::new(MAP, line, "T9", format!("`{span}` does not exist")));
        }
    }
    let lines = map.text.lines().count();
    if lines > MAP_LINES_MAX {
        findings.push(Finding::new(MAP, lines, "T9", format!("{lines} lines, at most {MAP_LINES_MAX}")));
    }
    findings
}

/// A file or folder that stands in `src/` itself.
fn is_room(path: &str) -> bool {
    path.strip_prefix("src/").is_some_and(|rest| !rest.contains('/'))
}

/// Whether a span is a path in the repository: it has a slash, no blanks, and begins with something that exists.
fn is_path(tree: &Tree, span: &str) -> bool {
    let (first, _) = span.split_once('/').unwrap_or(("", ""));
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let begins = |known: &String| known == first || known.strip_prefix("src/") == Some(first);
    !first.is_empty() && span.chars().all(is_word) && tree.paths.iter().any(begins)
}

/// What stands between backticks, with its line from 1; fenced code is left out.
fn code_spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    text.lines().enumerate().flat_map(move |(index, line)| {
        is_fenced ^= line.trim_start().starts_with("```");
        let spans = if is_fenced { "" } else { line };
        spans.split('`').skip(1).step_by(2).map(move |span| (index + 1, span))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(map: &str) -> Vec<String> {
        let mut tree = Tree::sample(&[(MAP, map), ("src/lib.rs", ""), ("src/cache/mod.rs", ""), ("tests/a.rs", "")]);
        tree.paths.extend(["src", "src/cache", "tests"].map(str::to_owned));
        check(&tree).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn a_whole_map_passes() {
        assert_eq!(findings("`src/lib.rs` and `src/cache/`, see `tests/a.rs`, `a/b`, `GET /x`"), [""; 0]);
        assert_eq!(findings("`lib.rs` and `cache/` and `cache/mod.rs`"), [""; 0]);
    }

    #[test]
    fn missing_rooms_and_dead_paths_are_found() {
        assert_eq!(findings("`src/lib.rs`"), ["`src/cache` is not on the map"]);
        assert_eq!(findings("`lib.rs` `cache/` `src/cache/disk.rs`"), ["`src/cache/disk.rs` does not exist"]);
        assert_eq!(findings("`lib.rs` `cache/` `cache/disk.rs`"), ["`cache/disk.rs` does not exist"]);
        assert_eq!(check(&Tree::default()).len(), 1);
    }
}

//! T2, T3, T4: how long files and functions are, and how a file begins.

use super::rust::functions;
use super::tree::{Finding, Source, Tree};

/// Lines before the tests. A longer file holds two ideas; the median aimed at is under 200.
const FILE_LINES_MAX: usize = 500;
/// A function fits on one screen.
const FUNCTION_LINES_MAX: usize = 70;
/// Files that may be longer: path, lines, and a reason of at least five words.
const LONGER_FILES: [(&str, usize, &str); 0] = [];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(check_source).collect()
}

/// What the shape is today, for people who run the test with `--nocapture`.
pub(crate) fn summary(tree: &Tree) -> String {
    let mut lengths: Vec<usize> = tree.rooms().map(ordinary_lines).collect();
    lengths.sort_unstable();
    let at = |part: usize| lengths.get(lengths.len() * part / 10).copied().unwrap_or(0);
    let longest = lengths.last().copied().unwrap_or(0);
    format!("src: {} files, lines median {}, 90th percentile {}, longest {longest}", lengths.len(), at(5), at(9))
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.text.starts_with("//!") {
        findings.push(Finding::new(&source.path, 1, "T4", "begin with `//!`: what this file is for and its contract"));
    }
    let lines = ordinary_lines(source);
    let max = lines_max(&source.path);
    if lines > max {
        findings.push(Finding::new(&source.path, max, "T2", format!("{lines} lines before the tests, at most {max}")));
    }
    for function in functions(&source.code) {
        let lines = function.last - function.first + 1;
        if lines > FUNCTION_LINES_MAX {
            let text = format!("`{}` has {lines} lines, at most {FUNCTION_LINES_MAX}", function.name);
            findings.push(Finding::new(&source.path, function.first, "T3", text));
        }
    }
    findings
}

fn lines_max(path: &str) -> usize {
    LONGER_FILES.iter().find(|(longer, ..)| *longer == path).map_or(FILE_LINES_MAX, |(_, max, _)| *max)
}

/// Lines outside `#[cfg(test)]`; a file that is all tests is measured whole.
fn ordinary_lines(source: &Source) -> usize {
    let ordinary = source.in_test.iter().filter(|in_test| !**in_test).count();
    if ordinary == 0 { source.in_test.len() } else { ordinary }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        check_source(&Source::new("src/a/b.rs", text)).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_file_at_the_limits_passes() {
        let body = "    let a = 1;\n".repeat(FUNCTION_LINES_MAX - 2);
        assert!(rules(&format!("//! A.\nfn a() {{\n{body}}}\n")).is_empty());
        assert!(rules(&format!("//! A.\n{}", "\n".repeat(FILE_LINES_MAX - 1))).is_empty());
    }

    #[test]
    fn one_line_more_is_found() {
        let body = "    let a = 1;\n".repeat(FUNCTION_LINES_MAX - 1);
        assert_eq!(rules(&format!("//! A.\nfn a() {{\n{body}}}\n")), ["T3"]);
        assert_eq!(rules(&format!("//! A.\n{}", "\n".repeat(FILE_LINES_MAX))), ["T2"]);
        assert_eq!(rules("fn a() {}\n"), ["T4"]);
    }

    #[test]
    fn tests_do_not_count_for_the_length_of_a_file() {
        let tests = "    // a\n".repeat(FILE_LINES_MAX);
        assert!(rules(&format!("//! A.\n#[cfg(test)]\nmod tests {{\n{tests}}}\n")).is_empty());
    }

    #[test]
    fn longer_files_have_reasons() {
        assert!(LONGER_FILES.iter().all(|(.., reason)| reason.split_whitespace().count() >= 5));
    }
}

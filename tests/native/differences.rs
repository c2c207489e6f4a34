//! The differences that are meant: which rows of the table, and for which reason. Contract: `differences.tsv` has one
//! row of the table a line, and the reasons are those of `docs/differences.md`, whose counts are the list's.

use std::collections::BTreeMap;

const LIST: &str = include_str!("differences.tsv");
const PAGE: &str = include_str!("../../docs/differences.md");

/// Why rows differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    pub slug: &'static str,
    /// Rows that differ for it.
    pub rows: usize,
}

/// Every row that differs on purpose, by its path.
pub fn list() -> BTreeMap<&'static str, Reason> {
    let reasons = reasons();
    let listed = LIST.lines().skip(1).map(|line| {
        let (slug, path) = line.split_once('\t').unwrap_or_else(|| panic!("not a reason and a path: {line}"));
        let reason = reasons.iter().find(|reason| reason.slug == slug);
        (path, *reason.unwrap_or_else(|| panic!("no row of docs/differences.md begins with `{slug}`")))
    });
    listed.collect()
}

/// The rows of the page's first table: a slug in backticks, and a number.
fn reasons() -> Vec<Reason> {
    let cells = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let reason = |(slug, rest): (&'static str, &'static str)| {
        let rows = rest.split(' ').next()?.parse().ok()?;
        Some(Reason { slug, rows })
    };
    cells.filter_map(reason).collect()
}

/// Whether the page says this in its text, wherever its lines break.
pub fn page_says(text: &str) -> bool {
    PAGE.split_whitespace().collect::<Vec<_>>().join(" ").contains(text)
}

#[test]
fn the_page_counts_what_is_listed() {
    let list = list();
    assert_eq!(list.len(), LIST.lines().skip(1).count(), "a path is listed twice");
    for reason in reasons() {
        let listed = list.values().filter(|listed| listed.slug == reason.slug).count();
        assert_eq!(listed, reason.rows, "docs/differences.md says {} for {}", reason.rows, reason.slug);
    }
}

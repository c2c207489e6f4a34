//! T12: text that reads without stumbling: no tabs, no trailing blanks, lines that fit, links that lead somewhere.

use std::collections::BTreeSet;

use super::tree::{Finding, Page, Tree};

const COLUMNS_MAX: usize = 120;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let known: BTreeSet<&str> = tree.paths.iter().map(String::as_str).collect();
    let marked = tree.pages.iter().filter(|page| page.path.ends_with(".md"));
    let prose = marked.flat_map(|page| [check_title(page), check_links(page, &known)].concat());
    tree.pages.iter().flat_map(check_lines).chain(prose).collect()
}

fn check_lines(page: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line: usize, text: &str| findings.push(Finding::new(&page.path, line, "T12", text));
    // A makefile's recipes begin with a tab.
    let has_tabs = page.path.ends_with("Makefile");
    for (index, line) in page.text.split('\n').enumerate() {
        if line.ends_with('\r') {
            find(index + 1, "a carriage return ends the line");
        } else if line.ends_with([' ', '\t']) {
            find(index + 1, "blanks end the line");
        }
        let recipe = if has_tabs { line.trim_start_matches('\t') } else { line };
        if recipe.contains('\t') {
            find(index + 1, "a tab");
        }
        if line.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r')) {
            find(index + 1, "a control character");
        }
        if line.chars().count() > COLUMNS_MAX && !may_be_long(&page.path, line) {
            find(index + 1, "longer than 120 columns");
        }
    }
    if !page.text.is_empty() && (!page.text.ends_with('\n') || page.text.ends_with("\n\n")) {
        find(page.text.lines().count(), "end the file with one newline");
    }
    findings
}

/// A table's row, of a page or of a test's vectors, is read as one line, and a URL should not be broken.
fn may_be_long(path: &str, line: &str) -> bool {
    let line = line.trim();
    let is_row = path.ends_with(".md") && line.starts_with('|');
    let is_vector = path.ends_with(".rs") && line.starts_with('(') && line.ends_with("),");
    is_row || is_vector || line.split_whitespace().any(|word| word.contains("://") && word.len() > COLUMNS_MAX / 2)
}

fn check_title(page: &Page) -> Vec<Finding> {
    let titles = prose_lines(&page.text).filter(|(_, line)| line.starts_with("# ")).count();
    if titles == 1 {
        return Vec::new();
    }
    vec![Finding::new(&page.path, 1, "T12", format!("{titles} titles (`# …`), wanted one"))]
}

fn check_links(page: &Page, known: &BTreeSet<&str>) -> Vec<Finding> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (index, line) in prose_lines(&page.text) {
        for target in targets(line) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if target.contains(':') {
                continue;
            }
            let path = if file.is_empty() { page.path.clone() } else { resolve(folder, file) };
            if !known.contains(path.as_str()) && !path.is_empty() {
                findings.push(Finding::new(
                    &page.path,
                    index + 1,
                    "T12",
                    format!("the link to `{target}` leads nowhere"),
                ));
            } else if file.is_empty() && !anchors(&page.text).contains(anchor) {
                findings.push(Finding::new(&page.path, index + 1, "T12", format!("no heading gives `#{anchor}`")));
            }
        }
    }
    findings
}

/// Lines from 0 outside fenced code.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What stands in `](…)`, a title behind a space cut off.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let rest = &line[at + 2..];
        let (target, _) = rest.split_once(')')?;
        target.split_whitespace().next()
    })
}

fn resolve(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors that a page's headings give: lower case, blanks as hyphens, punctuation dropped.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose_lines(text).filter(|(_, line)| line.starts_with('#'));
    let slug = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(|(_, line)| slug(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Tree::sample(&[(path, text), ("docs/b.md", "# B\n")])).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn clean_text_passes() {
        let row = format!("# A\n\n| {} |\n", "a".repeat(200));
        assert_eq!(findings("docs/a.md", &row), [""; 0]);
        assert_eq!(findings("docs/a.md", "# A\n\n[b](b.md) [c](../docs/b.md#b) [d](https://d) [a](#a)\n"), [""; 0]);
        assert_eq!(findings("src/a.rs", &format!("    ({}),\n", "a".repeat(COLUMNS_MAX))), [""; 0]);
        assert_eq!(findings("Makefile", "a:\n\tb\n"), [""; 0]);
        assert_eq!(findings("src/a.rs", &format!("{}\n", "é".repeat(COLUMNS_MAX))), [""; 0]);
    }

    #[test]
    fn dirt_is_found() {
        for dirt in ["a \n", "a\tb\n", "a\r\n", "a", "a\n\n", "a\u{7}\n"] {
            assert_eq!(findings("src/a.rs", dirt).len(), 1, "{dirt:?}");
        }
        assert_eq!(findings("src/a.rs", &format!("{}\n", "a".repeat(COLUMNS_MAX + 1))).len(), 1);
        assert_eq!(findings("Makefile", "a: b\tc\n").len(), 1);
    }

    #[test]
    fn links_lead_somewhere() {
        assert_eq!(findings("docs/a.md", "# A\n[c](c.md)\n"), ["the link to `c.md` leads nowhere"]);
        assert_eq!(findings("docs/a.md", "# A\n[c](#c)\n"), ["no heading gives `#c`"]);
        assert_eq!(findings("docs/a.md", "# A\n```\n# no title, [no](link)\n```\n"), [""; 0]);
        assert_eq!(findings("docs/a.md", "# A\n# B\n"), ["2 titles (`# …`), wanted one"]);
    }
}

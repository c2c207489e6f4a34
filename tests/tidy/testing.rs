//! T13: tests that do not sleep, skip in silence, or know the machine they were written on.

use super::tree::{Finding, Page, Source, Tree};

/// A machine's folders and package registries, spelled in halves so that this file does not find itself.
const PLACES: [(&str, &str); 13] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/t", "mp/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("../sha", "red"), "a path outside the repository"),
    (concat!("crates", ".io"), "a host of a package registry"),
    (concat!("docs", ".rs/"), "a host of a package registry"),
    (concat!("lib", ".rs/"), "a host of a package registry"),
    (concat!("npmjs", "."), "a host of a package registry"),
    (concat!("pypi", ".org"), "a host of a package registry"),
    (concat!("rubygems", ".org"), "a host of a package registry"),
    (concat!("proxy.golang", ".org"), "a host of a package registry"),
];
const SLEEPS: [&str; 3] = ["thread::sleep(", "time::sleep(", "time::sleep_until("];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let code = tree.sources.iter().flat_map(|source| [check_ignores(source), check_sleeps(source)].concat());
    let names = tree.sources.iter().flat_map(check_names);
    let text = tree.pages.iter().flat_map(|page| [check_places(page), check_issue_numbers(page)].concat());
    code.chain(names).chain(text).collect()
}

fn check_ignores(source: &Source) -> Vec<Finding> {
    let bare = source.occurrences("#[ignore]");
    bare.map(|at| Finding::new(&source.path, source.line_of(at), "T13", "`#[ignore = \"reason\"]`")).collect()
}

/// A test may sleep where nothing can be awaited, and says so in `// sleep: reason` on the line or the one above.
fn check_sleeps(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.comments.lines().collect();
    let has_reason = |line: usize| {
        let near = [line.checked_sub(1), Some(line)].into_iter().flatten().filter_map(|index| lines.get(index));
        near.copied().any(|text| text.split_once("// sleep:").is_some_and(|(_, reason)| !reason.trim().is_empty()))
    };
    let mut findings = Vec::new();
    for at in SLEEPS.iter().flat_map(|sleep| source.occurrences(sleep)).filter(|at| source.is_test_at(*at)) {
        let line = source.line_of(at);
        if !has_reason(line - 1) {
            findings.push(Finding::new(&source.path, line, "T13", "await an event, or say why in `// sleep: reason`"));
        }
    }
    findings
}

fn check_names(source: &Source) -> Vec<Finding> {
    let named = source.occurrences("fn").filter(|at| {
        let is_test = source.code[..*at].trim_end().trim_end_matches("async").trim_end().ends_with("test]");
        is_test && source.code[at + 2..].trim_start().starts_with("test_")
    });
    let text = "a test is named by what holds, without `test_`";
    named.map(|at| Finding::new(&source.path, source.line_of(at), "T13", text)).collect()
}

fn check_places(page: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        for (place, what) in PLACES {
            // Part of a longer path or name is another place: `/srv/work/` is somebody's own folder.
            let mut hits = line.match_indices(place).map(|(at, _)| line[..at].chars().last());
            if hits.any(|before| before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '}'))) {
                findings.push(Finding::new(&page.path, index + 1, "T13", format!("`{place}`: {what}")));
            }
        }
    }
    findings
}

/// A comment tells the story itself; a number tells it only to those who can open the tracker.
fn check_issue_numbers(page: &Page) -> Vec<Finding> {
    let text =
        if page.path.ends_with(".rs") { Source::new(&page.path, &page.text).comments } else { page.text.clone() };
    let has_number = |rest: &str| {
        let rest = rest.trim_start_matches('s').trim_start_matches([' ', '/', '#']);
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    let mut findings = Vec::new();
    for (index, line) in text.to_lowercase().lines().enumerate() {
        if line.match_indices("issue").any(|(at, _)| has_number(&line[at + "issue".len()..])) {
            findings.push(Finding::new(&page.path, index + 1, "T13", "an issue number: tell the story instead"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Tree::sample(&[(path, text)])).len()
    }

    #[test]
    fn reasons_are_wanted() {
        assert_eq!(findings("tests/a.rs", "#[test]\n#[ignore]\nfn a() {}"), 1);
        assert_eq!(findings("tests/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}"), 0);
        for sleep in SLEEPS {
            assert_eq!(findings("tests/a.rs", &format!("fn a() {{ x::{sleep}d); }}")), 1);
            assert_eq!(findings("tests/a.rs", &format!("// sleep: the kernel has no event\nx::{sleep}d);")), 0);
            assert_eq!(findings("tests/a.rs", &format!("x::{sleep}d); // sleep:")), 1);
            assert_eq!(findings("src/a.rs", &format!("x::{sleep}d);")), 0);
        }
    }

    #[test]
    fn names_say_what_holds() {
        assert_eq!(findings("src/a.rs", "#[test]\nfn test_a() {}\n#[tokio::test]\nasync fn test_b() {}"), 2);
        assert_eq!(findings("src/a.rs", "#[test]\nfn a_holds() {}\nfn test_server() {}"), 0);
    }

    #[test]
    fn machines_and_registries_are_not_named() {
        for (place, _) in PLACES {
            assert_eq!(findings("docs/a.md", &format!("in {place}a")), 1, "{place}");
            assert_eq!(findings("docs/a.md", &format!("in a{place}a")), 0, "{place}");
        }
    }

    #[test]
    fn issues_are_not_numbered() {
        for text in ["issue 12", "Issues/7", "issue #3"] {
            assert_eq!(findings("src/a.rs", &format!("// see {text}")), 1);
            assert_eq!(findings("src/a.rs", &format!("let a = \"{text}\";")), 0);
        }
        assert_eq!(findings("docs/a.md", "issues of 3 kinds"), 0);
    }
}

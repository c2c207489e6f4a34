//! T8, T10: pages that tables write are what the tables write today, and metrics are named by one rule.
//!
//! `TINTYPE_BLESS=1 cargo test --test tidy` writes the pages anew; `make docs` does the same.

use std::fs;
use std::path::Path;

use tintype::config::{example_toml, settings_markdown};
use tintype::telemetry::metrics::{Counter, Definition, Gauge, Histogram, metrics_markdown};
use tintype::url::options_markdown;

use super::tree::{Finding, Tree};

const BLESS: &str = "TINTYPE_BLESS";
const METRICS_PAGE: &str = "docs/metrics.md";

/// A page, and what its table makes of it.
struct Generated {
    path: &'static str,
    text: String,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let stale = generated().into_iter().filter_map(|page| check_page(tree, &page));
    let definitions = Counter::ALL.iter().map(|metric| ("counter", metric.definition()));
    let definitions = definitions.chain(Gauge::ALL.iter().map(|metric| ("gauge", metric.definition())));
    let definitions = definitions.chain(Histogram::ALL.iter().map(|metric| ("histogram", metric.definition())));
    stale.chain(definitions.flat_map(|(kind, definition)| check_metric(tree, kind, &definition))).collect()
}

/// Writes the pages anew where that is asked for.
pub(crate) fn bless(root: &Path) {
    if std::env::var(BLESS).is_ok_and(|value| value == "1") {
        for page in generated() {
            let path = root.join(page.path);
            let folder = path.parent().expect("a page is in a folder");
            fs::create_dir_all(folder).and_then(|()| fs::write(&path, page.text)).expect("a writable page");
        }
    }
}

fn generated() -> [Generated; 4] {
    [
        Generated { path: "docs/options.md", text: options_markdown() },
        Generated { path: "docs/settings.md", text: settings_markdown() },
        Generated { path: "docs/tintype.example.toml", text: example_toml() },
        Generated { path: METRICS_PAGE, text: metrics_markdown() },
    ]
}

fn check_page(tree: &Tree, page: &Generated) -> Option<Finding> {
    let Some(found) = tree.pages.iter().find(|found| found.path == page.path) else {
        return Some(Finding::new(
            page.path,
            1,
            "T10",
            format!("missing: `{BLESS}=1 cargo test --test tidy` writes it"),
        ));
    };
    if found.text == page.text {
        return None;
    }
    let same = found.text.lines().zip(page.text.lines()).take_while(|(found, wanted)| found == wanted).count();
    let wanted = page.text.lines().nth(same).unwrap_or("(the end)");
    let text = format!("not what the table says, which is `{wanted}`; `make docs` writes the page anew");
    Some(Finding::new(page.path, same + 1, "T10", text))
}

fn check_metric(tree: &Tree, kind: &str, definition: &Definition) -> Vec<Finding> {
    let Definition { name, unit, help, .. } = *definition;
    let mut findings = Vec::new();
    let mut find = |text: String| findings.push(Finding::new(METRICS_PAGE, 1, "T8", text));
    let stem = name.strip_suffix("_total").unwrap_or(name);
    if !name.starts_with("tintype_") {
        find(format!("`{name}` does not begin with `tintype_`"));
    }
    if name.ends_with("_total") != (kind == "counter") {
        find(format!("`{name}` is a {kind}: `_total` ends counters, and only them"));
    }
    if matches!(unit, "seconds" | "bytes") && !stem.ends_with(unit) {
        find(format!("`{name}` counts {unit} and does not end with its unit"));
    }
    if !help.ends_with('.') {
        find(format!("`{name}`: its meaning is no sentence"));
    }
    let row = format!("| `{name}` | {kind} |");
    if !tree.pages.iter().any(|page| page.path == METRICS_PAGE && page.text.contains(&row)) {
        find(format!("`{name}` has no row"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &'static str, unit: &'static str) -> Definition {
        Definition { name, unit, labels: &[], help: "What it is." }
    }

    #[test]
    fn a_page_that_differs_is_found_where_it_begins_to() {
        let page = Generated { path: "docs/a.md", text: "# A\nb\nc\n".to_owned() };
        let found = |text: &str| check_page(&Tree::sample(&[("docs/a.md", text)]), &page).map(|finding| finding.line);
        assert_eq!(found("# A\nb\nc\n"), None);
        assert_eq!(found("# A\nx\nc\n"), Some(2));
        assert_eq!(found("# A\nb\n"), Some(3));
        assert_eq!(check_page(&Tree::default(), &page).map(|finding| finding.line), Some(1));
    }

    #[test]
    fn metrics_are_named_by_the_rule() {
        let row = "| `tintype_a_total` | counter |\n| `tintype_b_seconds` | histogram |\n";
        let tree = Tree::sample(&[(METRICS_PAGE, row)]);
        let faults = |kind: &str, name, unit| check_metric(&tree, kind, &definition(name, unit)).len();
        assert_eq!(faults("counter", "tintype_a_total", "requests"), 0);
        assert_eq!(faults("histogram", "tintype_b_seconds", "seconds"), 0);
        assert_eq!(faults("counter", "tintype_a_total", "bytes"), 1);
        assert_eq!(faults("gauge", "tintype_a_total", "requests"), 2);
        assert_eq!(faults("counter", "a_total", "requests"), 2);
        assert_eq!(faults("counter", "tintype_c_total", "requests"), 1);
    }
}

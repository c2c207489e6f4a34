//! T14: dependencies with their reasons: a comment above each group, in order, from the registry, with a version.

use super::tree::{Finding, Page, Tree};

const SECTIONS: [&str; 4] = ["[dependencies]", "[dev-dependencies]", "[build-dependencies]", "[features]"];

/// The fuzz targets are a workspace of their own, and what they try is this crate as it is.
const FUZZ: &str = "fuzz/Cargo.toml";
const THIS_CRATE: &str = r#"{ path = ".." }"#;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.pages.iter().filter(|page| page.path.ends_with("Cargo.toml")).flat_map(check_page).collect()
}

fn check_page(page: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut section = "";
    // A comment speaks for the entries below it, up to the next empty line or header.
    let mut has_reason = false;
    let mut last = String::new();
    for (index, line) in page.text.lines().enumerate() {
        let mut find = |text: String| findings.push(Finding::new(&page.path, index + 1, "T14", text));
        if line.starts_with('[') {
            section = line.trim();
        }
        if line.starts_with('[') || line.trim().is_empty() {
            has_reason = false;
            last.clear();
        } else if line.starts_with('#') {
            has_reason = true;
        } else if let Some((name, value)) = entry(line).filter(|_| SECTIONS.contains(&section)) {
            if !has_reason {
                find(format!("`{name}`: say in a comment above what it is for"));
            }
            if name < last.as_str() {
                find(format!("`{name}` stands after `{last}`"));
            }
            let is_exempt = section == "[features]" || page.path == FUZZ && value == THIS_CRATE;
            if let Some(wrong) = wrong_source(value).filter(|_| !is_exempt) {
                find(format!("`{name}`: {wrong}"));
            }
            name.clone_into(&mut last);
        }
    }
    findings
}

fn entry(line: &str) -> Option<(&str, &str)> {
    if line.starts_with([' ', ']', '}']) {
        return None;
    }
    line.split_once('=').map(|(name, value)| (name.trim(), value.trim()))
}

fn wrong_source(value: &str) -> Option<&'static str> {
    let has_key = |key: &str| value.split([',', '{']).any(|part| part.trim_start().starts_with(key));
    if value.contains("\"*\"") {
        return Some("any version is no version");
    }
    (has_key("git ") || has_key("git=") || has_key("path ") || has_key("path="))
        .then_some("a dependency comes from the registry, neither from git nor from a path")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        check(&Tree::sample(&[("Cargo.toml", text)])).len()
    }

    #[test]
    fn reasoned_dependencies_pass() {
        let reasoned = "# Reason.\na = \"1\"\nb = { version = \"2\" }\n# Another.\nc = \"3\"\n";
        assert_eq!(findings(&format!("[package]\nname = \"a\"\n\n[dependencies]\n{reasoned}")), 0);
        assert_eq!(findings("[profile.dev]\ndebug = 1\n"), 0);
    }

    #[test]
    fn each_fault_is_found() {
        assert_eq!(findings("[dependencies]\na = \"1\"\n"), 1);
        assert_eq!(findings("[dependencies]\n# A.\nb = \"1\"\na = \"1\"\n"), 1);
        assert_eq!(findings("[dependencies]\n# A.\na = \"1\"\n\nb = \"1\"\n"), 1);
        for value in ["\"*\"", "{ git = \"x\" }", "{ version = \"1\", path = \"x\" }"] {
            assert_eq!(findings(&format!("[dev-dependencies]\n# A.\na = {value}\n")), 1, "{value}");
        }
    }

    #[test]
    fn the_fuzz_targets_may_name_this_crate_and_no_other_place() {
        let of = |path: &str, place: &str| {
            let text = format!("[dependencies]\n# What is tried.\ntintype = {{ path = \"{place}\" }}\n");
            check(&Tree::sample(&[(path, &text)])).len()
        };
        assert_eq!((of("fuzz/Cargo.toml", ".."), of("fuzz/Cargo.toml", "../a"), of("Cargo.toml", "..")), (0, 1, 1));
    }
}

//! T1: which room may use which. The table is that of the design; an edge that it does not list is a finding.

use std::collections::BTreeSet;

use super::rust::inline_modules;
use super::tree::{Finding, Source, Tree, words};

/// A room, and the rooms it may use. A room may always use itself; `telemetry` is used by all.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("http", &["flow", "url", "policy", "transform", "cache", "origin", "engine", "semantics", "config"]),
    ("flow", &["url", "policy", "transform", "cache", "origin", "engine", "engine::vips", "semantics", "config"]),
    ("url", &["transform"]),
    ("policy", &["transform", "config"]),
    ("transform", &[]),
    ("cache", &["semantics"]),
    ("origin", &["semantics"]),
    ("engine", &["transform", "engine::vips"]),
    ("engine::vips", &["transform"]),
    ("semantics", &[]),
    ("telemetry", &[]),
    ("config", &[]),
    ("cli", &EVERY_ROOM),
];
const EVERY_ROOM: [&str; 12] = [
    "http",
    "flow",
    "url",
    "policy",
    "transform",
    "cache",
    "origin",
    "engine",
    "engine::vips",
    "semantics",
    "telemetry",
    "config",
];
const USED_BY_ALL: &str = "telemetry";
/// Pure rooms do not even count or log, and what all use must not use itself in a circle.
const USES_NOTHING: [&str; 2] = ["transform", "semantics"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rooms().filter(|source| !is_crate_root(&source.path)).flat_map(check_source).collect()
}

fn is_crate_root(path: &str) -> bool {
    matches!(path, "src/lib.rs" | "src/main.rs")
}

fn check_source(source: &Source) -> Vec<Finding> {
    let module = module_of(&source.path);
    let from = room_of(&module);
    let mut findings = Vec::new();
    if ALLOWED.iter().all(|(room, _)| *room != from) {
        findings.push(Finding::new(&source.path, 1, "T1", format!("`{from}` is not a room of the table")));
        return findings;
    }
    for (at, path) in uses(source, &module) {
        let to = room_of(&path);
        if to.is_empty() || is_allowed(&from, &to) {
            continue;
        }
        let text = format!("`{from}` may not use `{to}`");
        findings.push(Finding::new(&source.path, source.line_of(at), "T1", text));
    }
    findings
}

fn is_allowed(from: &str, to: &str) -> bool {
    let listed = ALLOWED.iter().any(|(room, may_use)| *room == from && may_use.contains(&to));
    from == to || listed || (to == USED_BY_ALL && !USES_NOTHING.contains(&from))
}

/// `src/engine/vips/image.rs` is `["engine", "vips", "image"]`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn room_of(module: &[String]) -> String {
    match module {
        [engine, vips, ..] if engine == "engine" && vips == "vips" => "engine::vips".to_owned(),
        [room, ..] => room.clone(),
        [] => String::new(),
    }
}

/// Every path in the crate that the code names, as offsets and modules from the crate's root.
fn uses(source: &Source, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let code = &source.code;
    let mut found = Vec::new();
    let is_visibility = |at: usize| code[..at].ends_with("(in ");
    for at in words(code, "crate::").filter(|at| !is_visibility(*at)) {
        found.extend(leaves(&code[at + "crate::".len()..]).into_iter().map(|path| (at, path)));
    }
    // `super::super::x` is met once, at its first `super`.
    for at in words(code, "super::").filter(|at| !code[..*at].ends_with("super::") && !is_visibility(*at)) {
        let climbs = code[at..].split("super::").take_while(|part| part.is_empty()).count();
        let mut base: Vec<String> = module.to_vec();
        base.extend(inline_modules(code, at));
        if climbs > base.len() {
            continue;
        }
        base.truncate(base.len() - climbs);
        for path in leaves(&code[at + climbs * "super::".len()..]) {
            found.push((at, base.iter().cloned().chain(path).collect()));
        }
    }
    found
}

/// The paths that begin here: one, or those in the braces, each cut after two words as no room is named deeper.
fn leaves(rest: &str) -> BTreeSet<Vec<String>> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    if let Some(group) = rest.strip_prefix('{') {
        return group_items(group).into_iter().flat_map(|item| leaves(item.trim_start())).collect();
    }
    let first = word(rest);
    let tail = rest[first.len()..].strip_prefix("::");
    let seconds: Vec<String> = match tail {
        Some(tail) => match tail.strip_prefix('{') {
            Some(group) => group_items(group).into_iter().map(|item| word(item.trim_start())).collect(),
            None => vec![word(tail)],
        },
        None => vec![String::new()],
    };
    let path = |second: String| [first.clone(), second].into_iter().filter(|part| !part.is_empty()).collect();
    seconds.into_iter().map(path).collect()
}

/// What stands between commas up to the closing brace, nested braces kept whole.
fn group_items(group: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut from) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[from..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check_source(&Source::new(path, text)).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn listed_edges_pass() {
        assert!(findings("src/url/mod.rs", "use crate::transform::Asked;\nuse crate::telemetry::clock;").is_empty());
        assert!(findings("src/flow/variant.rs", "use crate::{url, cache::Memory};\nuse super::Ask;").is_empty());
        assert!(
            findings("src/engine/steps/blur.rs", "use crate::engine::vips::Image;\nuse super::super::x;").is_empty()
        );
        assert!(findings("src/cli/mod.rs", "use crate::engine::vips;").is_empty());
    }

    #[test]
    fn other_edges_are_findings() {
        assert_eq!(findings("src/url/a.rs", "use crate::config::X;"), ["`url` may not use `config`"]);
        assert_eq!(
            findings("src/transform/a.rs", "fn f() { crate::telemetry::x() }"),
            ["`transform` may not use `telemetry`"]
        );
        assert_eq!(
            findings("src/cache/a.rs", "use crate::{semantics::x, origin::{y, z}};"),
            ["`cache` may not use `origin`"; 2]
        );
        assert_eq!(
            findings("src/http/a.rs", "use crate::engine::{Pool, vips};"),
            ["`http` may not use `engine::vips`"]
        );
        assert_eq!(
            findings("src/engine/vips/a.rs", "use super::super::Pool;"),
            ["`engine::vips` may not use `engine`"]
        );
        assert_eq!(findings("src/cache/a.rs", "use super::super::http::X;"), ["`cache` may not use `http`"]);
        assert_eq!(findings("src/attic/a.rs", ""), ["`attic` is not a room of the table"]);
    }

    #[test]
    fn words_in_comments_and_inner_modules_are_no_edges() {
        assert!(findings("src/url/a.rs", "// crate::config::X\nconst A: &str = \"crate::config\";").is_empty());
        assert!(findings("src/url/a.rs", "mod tests { use super::super::b; mod c { use super::*; } }").is_empty());
    }
}

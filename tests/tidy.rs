//! The tidy test: the rules of the house that neither compiler nor clippy can hold.
//!
//! Standard library and our own tables only; no network, no other program. Every rule is a pure function from texts to
//! findings with tests of its own beside it; this file reads the tree once, asks all of them and prints everything they
//! found as `path:line: rule: text`. An exception is an entry in a rule's own table, with its reason.

mod tidy {
    pub(crate) mod arrows;
    pub(crate) mod banned;
    pub(crate) mod danger;
    pub(crate) mod docs;
    pub(crate) mod hygiene;
    pub(crate) mod manifest;
    pub(crate) mod map;
    pub(crate) mod modules;
    pub(crate) mod rust;
    pub(crate) mod shape;
    pub(crate) mod testing;
    pub(crate) mod tree;
}

use tidy::tree::{Finding, Tree};

#[test]
fn the_house_is_tidy() {
    let root = env!("CARGO_MANIFEST_DIR").as_ref();
    tidy::docs::bless(root);
    let tree = Tree::read(root);
    let checks = [
        tidy::arrows::check,
        tidy::shape::check,
        tidy::danger::check,
        tidy::banned::check,
        tidy::hygiene::check,
        tidy::testing::check,
        tidy::manifest::check,
        tidy::modules::check,
        tidy::map::check,
        tidy::docs::check,
    ];
    let mut findings: Vec<Finding> = checks.iter().flat_map(|check| check(&tree)).collect();
    findings.sort();
    findings.dedup();
    println!("{}", tidy::shape::summary(&tree));
    let report: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "{} findings\n{}\n", report.len(), report.join("\n"));
}

//! Pages: options, settings, completions, the manual, and readers that leave early.

use std::fs;
use std::process::Stdio;

use crate::support::{command, run, text};

/// Every command but `help`.
const COMMANDS: [&str; 12] = [
    "serve",
    "demo",
    "url",
    "keygen",
    "check",
    "transform",
    "purge",
    "doctor",
    "options",
    "settings",
    "completions",
    "man",
];

#[test]
fn every_option_has_a_page_of_its_own() {
    let all = run(&["options"]).text();
    for option in run(&["options", "--format", "json"]).json().as_array().unwrap() {
        let name = option["name"].as_str().unwrap();
        assert!(all.contains(&format!("  {name}")), "{name}");
        let page = run(&["options", name]).text();
        assert!(page.starts_with(name) && page.contains(option["form"].as_str().unwrap()), "{page}");
        for example in option["examples"].as_array().unwrap() {
            assert!(page.contains(example.as_str().unwrap()), "{page}");
        }
    }
    let page = run(&["options", "rs:fill:300:200"]).text();
    assert!(page.starts_with("resize, rs (Size)\n"), "{page}");
    assert_eq!(run(&["options", "q", "--format", "json"]).json()["name"], "quality");
    let section = run(&["options", "quality", "--format", "markdown"]).text();
    assert!(section.starts_with("### quality\n\n") && !section.contains("format_quality\n"), "{section}");
    assert!(run(&["options", "--format", "markdown"]).text().starts_with("# Options\n"));
    assert_eq!(run(&["options", "widht"]).refused(), "tintype: unknown option `widht`; did you mean `width`?\n");
}

#[test]
fn settings_are_a_page_and_a_file() {
    assert!(run(&["settings", "--format", "markdown"]).text().contains("| `TINTYPE_LISTEN` |"));
    assert!(run(&["settings", "--format", "toml"]).text().contains("\n#listen = \"0.0.0.0:8080\"\n"));
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]).text();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("srcset") && !script.contains("admin-token"), "{shell}: flags, and no secrets");
    }
    assert_eq!(run(&["completions", "smash"]).code, 2);
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let page = run(&["man"]).text();
    assert!(page.contains(".TH tintype 1") && page.contains("tintype\\-url(1)"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    assert_eq!(run(&["man", "--out", text(&pages)]).text(), "");
    for command in COMMANDS {
        let page = fs::read_to_string(pages.join(format!("tintype-{command}.1"))).unwrap();
        assert!(page.contains(".SH EXAMPLES"), "{command}");
        assert_eq!(page, run(&["man", command]).text());
        assert_eq!(page.contains("frames\\-max"), command == "serve", "{command}: settings stand on one page");
    }
    assert_eq!(fs::read_dir(&pages).unwrap().count(), COMMANDS.len() + 1);
    assert!(run(&["man", "nothing"]).refused().contains("there is no command `nothing`"));
}

#[test]
fn help_teaches_by_examples_and_keeps_settings_for_those_who_ask() {
    for command in COMMANDS {
        let brief = run(&[command, "-h"]).text();
        assert!(brief.contains("\nExamples:\n  tintype "), "{command}");
        assert!(!brief.contains("--frames-max"), "{command}");
    }
    for command in ["serve", "url", "check", "transform", "doctor"] {
        let full = run(&[command, "--help"]).text();
        assert!(full.contains("--frames-max") && full.contains("[environment: TINTYPE_FRAMES_MAX]"), "{command}");
    }
    assert_eq!(run(&["--version"]).text(), concat!("tintype ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(run(&[]).code, 2);
}

#[test]
fn a_reader_that_left_is_no_error() {
    for args in [&["settings"][..], &["check"], &["man"], &["completions", "bash"], &["options"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = command(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}

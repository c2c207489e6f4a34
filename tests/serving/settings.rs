//! A start with a mistake is no start: the process ends with a reason that names what was wrong and where.

use std::net::TcpListener;

use crate::support::folder;
use crate::support::server::Launch;

/// The text of a failed start, which ends with code 1.
fn reason(launch: &Launch) -> String {
    let (code, text) = launch.fail();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("tintype: ") && !text.contains("panicked"), "{text}");
    text
}

#[test]
fn a_bad_value_is_told_with_its_place_and_the_accepted_form() {
    let text = reason(&Launch::new().set("WORKERS", "many"));
    assert!(text.contains("TINTYPE_WORKERS") && text.contains("many") && text.contains("whole number"), "{text}");
    let text = reason(&Launch::new().set("QUALITY", "101"));
    assert!(text.contains("TINTYPE_QUALITY") && text.contains("100"), "{text}");
}

#[test]
fn an_unknown_name_is_told_with_the_nearest_known_one() {
    let text = reason(&Launch::new().set("WORKRES", "2"));
    assert!(text.contains("TINTYPE_WORKRES") && text.contains("TINTYPE_WORKERS"), "{text}");
}

#[test]
fn every_mistake_of_a_file_is_told_with_its_line() {
    let folder = folder(&[("tintype.toml", b"quality = 0\n\nttl = \"soon\"\nqualty = 1\n")]);
    let file = folder.path().join("tintype.toml").display().to_string();
    let text = reason(&Launch::new().set("CONFIG", &file));
    for place in ["tintype.toml:1", "tintype.toml:3", "tintype.toml:4"] {
        assert!(text.contains(place), "{place} in {text}");
    }
    let text = reason(&Launch::new().set("CONFIG", "/no/such/file.toml"));
    assert!(text.contains("/no/such/file.toml"), "{text}");
}

#[test]
fn secrets_are_not_told() {
    let text = reason(&Launch::new().set("KEY", "not-hex-but-secret").set("SALT", "00"));
    assert!(text.contains("TINTYPE_KEY") && !text.contains("not-hex-but-secret"), "{text}");
    let text = reason(&Launch::new().set("KEY", "00ff,11ee").set("SALT", "00"));
    assert!(text.contains("salt") && !text.contains("11ee"), "{text}");
}

#[test]
fn what_cannot_be_had_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket").to_string();
    let text = reason(&Launch::new().set("LISTEN", &address));
    assert!(text.contains(&address), "{text}");
    let text = reason(&Launch::new().set("LOCAL_ROOT", "/no/such/folder"));
    assert!(text.contains("/no/such/folder"), "{text}");
    let presets = folder(&[("a.toml", b"options = \"w:abc\"\n")]);
    let text = reason(&Launch::new().set("PRESETS_PATH", &presets.path().display().to_string()));
    assert!(text.contains("presets") && text.contains("abc"), "{text}");
}

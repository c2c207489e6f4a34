//! Whole headers: what is hop by hop goes, what varies matches itself, what changes names its own origin only.
//!
//! An input is a file name, a `Location` and two headers, with an empty line between them.

#![no_main]

use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HOST, LOCATION, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use tintype::semantics::disposition::{Disposition, content_disposition};
use tintype::semantics::fields::lines;
use tintype::semantics::invalidation::invalidated;
use tintype::semantics::loops::{Identity, Loop, Passed};
use tintype::semantics::vary::VaryKey;
use tintype::semantics::{hop_by_hop, request_id, update};

const LINES_MAX: usize = 40;
const NOW_S: u64 = 1_794_700_800;

fuzz_target!(|text: &str| {
    let mut sections = text.split("\n\n");
    let mut section = || sections.next().unwrap_or_default();
    let (name, location) = (section(), section());
    let (one, two) = (headers(section().as_bytes()), headers(section().as_bytes()));
    names(name);
    let mut stripped = one.clone();
    hop_by_hop::strip(&mut stripped);
    assert!(stripped.keys().all(|name| !hop_by_hop::is_hop_by_hop(name)));
    for name in [AUTHORIZATION, CACHE_CONTROL, COOKIE, HOST, VARY] {
        assert_eq!(stripped.contains_key(&name), one.contains_key(&name), "{name} cannot be named away");
    }
    if let Some(key) = VaryKey::of(lines(&one, VARY), &two) {
        assert!(key.matches(&two, None), "a request does not select what it got");
        assert_eq!(VaryKey::of(lines(&one, VARY), &two).as_ref(), Some(&key));
    }
    let here = Identity::new("here", 8);
    let passed = Passed::of(&one);
    let sent = Passed::of(&here.fields(&passed));
    assert_eq!(here.judge(&sent), Some(Loop::Own), "a request in a circle is not known again");
    let mut updated = one.clone();
    update::update(&mut updated, &two, NOW_S);
    let mut twice = updated.clone();
    update::update(&mut twice, &two, NOW_S);
    assert_eq!(twice, updated, "the same news twice");
    let _ = update::validated(&one, &two);
    elsewhere(location);
});

/// Lines `name: value`; what is no line is passed over.
fn headers(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n').take(LINES_MAX) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// A file name of strangers ends in one field that no client can misread.
fn names(name: &str) {
    for disposition in [Disposition::Inline, Disposition::Attachment] {
        let field = content_disposition(disposition, Some(name));
        assert!(field.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{field}");
        let quoted: Vec<&str> = field.split('"').collect();
        assert!(matches!(quoted.len(), 1 | 3), "{field}");
        assert!(!quoted.get(1).is_some_and(|name| name.contains(['/', '\\'])), "{field}");
    }
    if request_id::is_valid_request_id(name) {
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name}");
    }
}

fn elsewhere(location: &str) {
    let Ok(value) = HeaderValue::from_str(location) else { return };
    let target: url::Url = "https://origin.example:8443/a/b?c".parse().expect("a URL");
    for found in invalidated(&Method::POST, &target, 201, &[(LOCATION, value)].into_iter().collect()) {
        assert_eq!(found.origin(), target.origin(), "{found}");
        assert_eq!(found.fragment(), None);
    }
}

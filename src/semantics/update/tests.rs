//! What validation asks and changes.

use proptest::prelude::*;

use super::*;

const NOW_S: u64 = 1_794_700_800;
const NOW: &str = "Sun, 15 Nov 2026 00:00:00 GMT";
const MODIFIED: &str = "Sat, 14 Nov 2026 00:00:00 GMT";

type Fields<'a> = &'a [(&'static str, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().expect("a value"));
    }
    headers
}

fn updated(stored: Fields<'_>, newer: Fields<'_>) -> Vec<(String, String)> {
    let mut stored = headers(stored);
    update(&mut stored, &headers(newer), NOW_S);
    let mut all: Vec<(String, String)> =
        stored.iter().map(|(name, value)| (name.to_string(), text_of(value).into_owned())).collect();
    all.sort();
    all
}

#[test]
fn questions_repeat_the_stored_values() {
    let asked = |stored| {
        let fields = validation_fields(&headers(stored));
        fields.into_iter().map(|(name, value)| format!("{name}: {}", text_of(&value))).collect::<Vec<_>>()
    };
    assert_eq!(asked(&[]), [""; 0]);
    assert_eq!(asked(&[("etag", "W/\"a\"")]), ["if-none-match: W/\"a\""]);
    assert_eq!(asked(&[("etag", "abc")]), ["if-none-match: abc"]);
    let both = asked(&[("last-modified", MODIFIED), ("etag", "\"a\"")]);
    assert_eq!(both, ["if-none-match: \"a\"", "if-modified-since: Sat, 14 Nov 2026 00:00:00 GMT"]);
    assert!(if_range_field(&headers(&[("etag", "\"a\"")])).is_some());
    for stored in [&[("etag", "W/\"a\"")][..], &[("etag", "a")], &[("last-modified", MODIFIED)]] {
        assert_eq!(if_range_field(&headers(stored)), None, "{stored:?}");
    }
}

#[test]
fn a_304_selects_by_its_validators() {
    let (strong, weak, other) = (("etag", "\"a\""), ("etag", "W/\"a\""), ("etag", "\"b\""));
    let (modified, changed) = (("last-modified", MODIFIED), ("last-modified", NOW));
    let vectors: [(Fields<'_>, Fields<'_>, Validated); 17] = [
        (&[strong], &[], Validated::Same),
        (&[strong], &[strong], Validated::Same),
        (&[strong], &[other], Validated::Other),
        (&[strong], &[weak], Validated::Same),
        (&[weak], &[weak], Validated::Same),
        (&[weak], &[strong], Validated::Other),
        (&[weak], &[("etag", "W/\"b\"")], Validated::Other),
        (&[("etag", "abc")], &[("etag", "abc")], Validated::Same),
        (&[("etag", "abc")], &[("etag", "abd")], Validated::Other),
        (&[modified], &[strong], Validated::Other),
        (&[modified], &[weak], Validated::Same),
        (&[modified], &[modified], Validated::Same),
        (&[modified], &[changed], Validated::Other),
        (&[modified], &[], Validated::Same),
        (&[], &[modified], Validated::Same),
        (&[strong, modified], &[strong, changed], Validated::Same),
        (&[strong, modified], &[changed], Validated::Same),
    ];
    for (stored, not_modified, expected) in vectors {
        assert_eq!(validated(&headers(stored), &headers(not_modified)), expected, "{stored:?} {not_modified:?}");
    }
}

#[test]
fn an_update_replaces_what_it_names_and_keeps_the_rest() {
    let stored = &[("test", "1"), ("test", "2"), ("kept", "a"), ("date", MODIFIED), ("age", "100")];
    let newer = &[("test", "3"), ("new", "x"), ("new", "y"), ("date", NOW)];
    let expected = [("date", NOW), ("kept", "a"), ("new", "x"), ("new", "y"), ("test", "3")];
    assert_eq!(updated(stored, newer), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn these_fields_are_updated() {
    for name in [
        "cache-control",
        "cdn-cache-control",
        "content-location",
        "content-security-policy",
        "expires",
        "set-cookie",
        "x-content-foo",
        "content-foo",
        "vary",
        "etag",
        "last-modified",
        "content-type",
        "content-language",
    ] {
        let new = updated(&[(name, "a"), ("date", NOW)], &[(name, "b"), ("date", NOW)]);
        assert!(new.contains(&(name.to_owned(), "b".to_owned())), "{name}");
    }
}

#[test]
fn the_body_and_the_connection_are_not_updated() {
    for name in ["content-length", "content-encoding", "content-range", "content-md5", "repr-digest"] {
        let kept = updated(&[(name, "a")], &[(name, "b"), ("date", NOW)]);
        assert!(kept.contains(&(name.to_owned(), "a".to_owned())), "{name}");
        assert_eq!(updated(&[], &[(name, "b"), ("date", NOW)]).len(), 1, "{name}");
    }
    for name in ["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "proxy-connection"] {
        assert_eq!(updated(&[], &[(name, "b"), ("date", NOW)]).len(), 1, "{name}");
    }
    let named = updated(&[("a", "1")], &[("connection", "a"), ("a", "2"), ("date", NOW)]);
    assert!(named.contains(&("a".to_owned(), "1".to_owned())));
}

#[test]
fn age_and_date_start_anew() {
    let stored = &[("age", "100"), ("date", MODIFIED)];
    assert_eq!(updated(stored, &[]), [("date".to_owned(), NOW.to_owned())]);
    let both = updated(stored, &[("age", "3"), ("date", MODIFIED)]);
    assert_eq!(both, [("age".to_owned(), "3".to_owned()), ("date".to_owned(), MODIFIED.to_owned())]);
    let mut dated = headers(&[("date", "odd")]);
    date(&mut dated, NOW_S);
    assert_eq!(dated, headers(&[("date", "odd")]));
}

#[test]
fn head_updates_what_has_its_validators_and_length() {
    let stored: Fields<'_> = &[("etag", "\"a\""), ("last-modified", MODIFIED), ("content-length", "10")];
    let is_updated = |status, head: Fields<'_>| is_updated_by_head(&headers(stored), status, &headers(head));
    assert!(is_updated(200, stored));
    assert!(is_updated(200, &[("etag", "\"a\""), ("last-modified", MODIFIED)]));
    assert!(!is_updated(200, &[("etag", "\"a\""), ("last-modified", MODIFIED), ("content-length", "9")]));
    assert!(!is_updated(200, &[("etag", "\"b\""), ("last-modified", MODIFIED)]));
    assert!(!is_updated(200, &[("etag", "\"a\""), ("last-modified", NOW)]));
    assert!(is_updated(200, &[("etag", "\"a\"")]));
    assert!(is_updated(200, &[("content-length", "10")]));
    assert!(!is_updated(410, stored));
    assert!(!is_updated_by_head(&headers(&[]), 200, &headers(&[("content-length", "9")])));
    assert!(!is_updated_by_head(&headers(&[]), 200, &headers(&[("etag", "\"a\"")])));
    assert!(is_updated_by_head(&headers(&[]), 200, &headers(&[])));
}

proptest! {
    #[test]
    fn twice_is_as_once(stored in any::<[bool; 6]>(), newer in any::<[bool; 6]>()) {
        let fields = [("a", "1"), ("age", "5"), ("date", NOW), ("content-type", "x"), ("connection", "a"), ("b", "2")];
        let some = |chosen: [bool; 6]| {
            let pairs = fields.into_iter().zip(chosen).filter(|(_, is_in)| *is_in);
            let picked: Vec<_> = pairs.map(|(field, _)| field).collect();
            headers(&picked)
        };
        let mut once = some(stored);
        update(&mut once, &some(newer), NOW_S);
        let mut twice = once.clone();
        update(&mut twice, &some(newer), NOW_S);
        prop_assert_eq!(once, twice);
    }
}

//! Which requests select the same stored response.

use proptest::prelude::*;

use super::*;

type Fields<'a> = &'a [(&'static str, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().expect("a value"));
    }
    headers
}

fn key(vary: &[&str], request: Fields<'_>) -> Option<VaryKey> {
    VaryKey::of(vary.iter().copied(), &headers(request))
}

fn is_match(vary: &[&str], stored: Fields<'_>, presented: Fields<'_>) -> bool {
    let stored = key(vary, stored).expect("a key");
    let is_match = stored.matches(&headers(presented), None);
    assert_eq!(Some(&stored) == key(vary, presented).as_ref(), is_match, "equal keys match and no others");
    is_match
}

#[test]
fn a_star_anywhere_matches_nothing() {
    let vectors: [&[&str]; 8] =
        [&["*"], &["*, *"], &["*", "*"], &[", *"], &["", "*"], &["*, Foo"], &["Foo, *"], &["Foo", "Bar,,*"]];
    for vary in vectors {
        assert_eq!(key(vary, &[("foo", "1")]), None, "{vary:?}");
    }
    assert_eq!(key(&["a b"], &[]), None);
    assert_eq!(key(&["é"], &[]), None);
}

#[test]
fn fields_are_compared_by_value() {
    let (foo, bar, baz) = (("foo", "1"), ("bar", "abc"), ("baz", "789"));
    assert!(is_match(&[], &[foo], &[bar]));
    assert!(is_match(&["Foo"], &[foo], &[foo]));
    assert!(!is_match(&["Foo"], &[foo], &[("foo", "2")]));
    assert!(!is_match(&["Foo"], &[foo], &[]));
    assert!(!is_match(&["Foo"], &[], &[foo]));
    assert!(is_match(&["Foo"], &[foo, ("other", "2")], &[foo, ("other", "3")]));
    assert!(is_match(&["Foo, Bar"], &[foo, bar], &[bar, foo]));
    assert!(!is_match(&["Foo, Bar"], &[foo, bar], &[("foo", "2"), bar]));
    assert!(!is_match(&["Foo, Bar"], &[foo], &[]));
    assert!(is_match(&["Foo", "Bar, Baz"], &[foo, bar, baz], &[foo, bar, baz]));
    assert!(!is_match(&["Foo, Bar, Baz"], &[foo, ("bar", "abc4"), baz], &[foo, bar, baz]));
    assert!(is_match(&["Foo, Bar, Baz"], &[foo, baz], &[foo, baz]));
    assert!(!is_match(&["Foo"], &[("foo", "a")], &[("foo", "A")]));
}

#[test]
fn absent_is_not_empty() {
    assert!(!is_match(&["Foo"], &[], &[("foo", "")]));
    assert!(is_match(&["Foo"], &[], &[]));
    assert!(is_match(&["Foo"], &[("foo", "")], &[("foo", " ")]));
}

#[test]
fn lines_and_white_space_mean_nothing() {
    let one = &[("foo", "1, 2")];
    for same in [&[("foo", "1"), ("foo", "2")][..], &[("foo", " 1,2 ")], &[("foo", "1\t,  2")]] {
        assert!(is_match(&["foo"], one, same), "{same:?}");
    }
    for other in ["1 2", "2, 1", "1,,2", "1, 2,", "\"1, 2\""] {
        assert!(!is_match(&["foo"], one, &[("foo", other)]), "{other}");
    }
    assert!(!is_match(&["foo"], &[("foo", "\"1, 2\"")], &[("foo", "\"1,2\"")]));
    assert!(!is_match(&["foo"], &[("foo", "a b")], &[("foo", "a  b")]));
}

#[test]
fn bytes_outside_ascii_stay_apart() {
    let of = |bytes: &[u8]| {
        let mut request = HeaderMap::new();
        request.append("foo", http::HeaderValue::from_bytes(bytes).expect("a value"));
        VaryKey::of(["foo"], &request)
    };
    assert_ne!(of(b"\xe9"), of(b"\xe8"));
    assert_eq!(of(b"\xe9"), of(b"\xe9"));
}

#[test]
fn languages_by_liking_then_name() {
    let languages = |value: &str| {
        let key = key(&["Accept-Language"], &[("accept-language", value)]).expect("a key");
        key.fields().next().and_then(|(_, value)| value.map(str::to_owned)).expect("a value")
    };
    let vectors = [
        ("en, de", "de,en"),
        ("de, en", "de,en"),
        (" eN ,   De", "de,en"),
        ("de;q=1.0, en;q=1", "de,en"),
        ("fr;q=0.5, de", "de,fr;q=500"),
        ("fr ; Q=0.50,de;q=1.000, de", "de,fr;q=500"),
        ("en, de;q=0", "en,de;q=0"),
        ("*", "*"),
        ("", ""),
        ("en;q=2, de", "de,en;q=2;q=0"),
        ("en;level=1", "en;level=1;q=0"),
    ];
    for (value, expected) in vectors {
        assert_eq!(languages(value), expected, "{value}");
    }
    assert_ne!(languages("en, de"), languages("en, de;q=0.9"));
}

#[test]
fn the_favourite_language_selects_what_is_in_it() {
    let stored = key(&["Accept-Language, Foo"], &[("accept-language", "en, de")]).expect("a key");
    let with = |value: &str, language| stored.matches(&headers(&[("accept-language", value)]), language);
    for value in ["fr;q=0.5, de;q=1.0", "de", "DE, fr;q=0.9", "de;q=0.4, fr;q=0.3"] {
        assert!(with(value, Some("de")), "{value}");
        assert!(with(value, Some(" De ")), "{value}");
        assert!(!with(value, Some("en")), "{value}");
        assert!(!with(value, Some("de, en")), "{value}");
        assert!(!with(value, None), "{value}");
    }
    for value in ["de, fr", "fr, de;q=0.5", "*", "de;q=0", "de-at", "", "de;q=x"] {
        assert!(!with(value, Some("de")), "{value}");
    }
    assert!(!with("*", Some("*")));
    let other = headers(&[("accept-language", "de"), ("foo", "1")]);
    assert!(!stored.matches(&other, Some("de")));
    assert!(!stored.matches(&HeaderMap::new(), Some("de")));
}

#[test]
fn names_have_a_limit() {
    let list = |count: usize| (0..count).map(|index| format!("a{index}")).collect::<Vec<_>>().join(",");
    assert!(VaryKey::of([list(VARY_NAMES_MAX)], &HeaderMap::new()).is_some());
    assert!(VaryKey::of([list(VARY_NAMES_MAX + 1)], &HeaderMap::new()).is_none());
    let same = "a,".repeat(VARY_NAMES_MAX + 1);
    assert_eq!(VaryKey::of([same], &HeaderMap::new()).expect("a key").fields().count(), 1);
}

#[test]
fn keys_are_read_back() {
    let key = key(&["b, a"], &[("a", "1")]).expect("a key");
    assert_eq!(key.fields().collect::<Vec<_>>(), [("a", Some("1")), ("b", None)]);
    let text = serde_json::to_string(&key).expect("text");
    assert_eq!(serde_json::from_str::<VaryKey>(&text).expect("a key"), key);
    assert!(!key.is_empty() && VaryKey::default().is_empty());
}

proptest! {
    #[test]
    fn never_panics_and_a_key_matches_its_request(
        vary in "(foo|accept-language|[*, ]){0,6}",
        foo in r#"[a,"\\ ]{0,12}"#,
        languages in "(en|de|;q=|0\\.|[0-9,; *]){0,16}",
    ) {
        let request = headers(&[("foo", &foo), ("accept-language", &languages)]);
        if let Some(key) = VaryKey::of([&vary], &request) {
            prop_assert!(key.matches(&request, None));
        }
    }

    #[test]
    fn normalising_twice_is_as_once(languages in "(en|de|;q=|0\\.|[0-9,; *]){0,16}", foo in r#"[a,"\\ ]{0,12}"#) {
        let tight = normalised(&HeaderName::from_static("foo"), &headers(&[("foo", &foo)])).expect("a value");
        let again = normalised(&HeaderName::from_static("foo"), &headers(&[("foo", &tight)]));
        prop_assert_eq!(again, Some(tight));
        let order = |text: &str| normalised(&ACCEPT_LANGUAGE, &headers(&[("accept-language", text)]));
        let mut members: Vec<&str> = languages.split(',').collect();
        members.reverse();
        prop_assert_eq!(order(&languages), order(&members.join(",")));
    }
}

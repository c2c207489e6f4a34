//! The vectors for conditions; the current entity tag is `"abc"` unless a test says otherwise.

use proptest::prelude::*;

use super::*;

const NOW_S: u64 = 1_794_700_800;
const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const MODIFIED_S: u64 = 784_111_777;
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const FUTURE: &str = "Wed, 20 Nov 2286 17:46:40 GMT";
const CURRENT: Validators<'static> = Validators { etag: Some("\"abc\""), last_modified_s: Some(MODIFIED_S) };

fn get(conditions: Conditions<'_>) -> Verdict {
    evaluate(&conditions, &CURRENT, Method::Get, NOW_S)
}

fn none_match(list: &str) -> Conditions<'_> {
    Conditions { if_none_match: Some(list), ..Conditions::default() }
}

fn matching(list: &str) -> Conditions<'_> {
    Conditions { if_match: Some(list), ..Conditions::default() }
}

fn modified_since(date: &str) -> Conditions<'_> {
    Conditions { if_modified_since: Some(date), ..Conditions::default() }
}

#[test]
fn if_none_match_by_the_table() {
    for list in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\", \"y\"", "\"x\",W/\"abc\"", "*", " \"abc\"\t", ",, \"abc\" ,"]
    {
        assert_eq!(get(none_match(list)), Verdict::NotModified, "{list}");
        assert_eq!(evaluate(&none_match(list), &CURRENT, Method::Head, NOW_S), Verdict::NotModified, "{list}");
        assert_eq!(evaluate(&none_match(list), &CURRENT, Method::Other, NOW_S), Verdict::PreconditionFailed, "{list}");
    }
    for list in [
        "",
        ",",
        "abc",
        "w/\"abc\"",
        "W/ \"abc\"",
        "\"ABC\"",
        "\"abc",
        "abc\"",
        "\"abc-gzip\"",
        "\"abc\" \"x\"",
        "\"abc\"x",
        "\"abc\", x",
        "\"x\", *",
        "'abc'",
        "\"x,abc\"",
    ] {
        assert_eq!(get(none_match(list)), Verdict::Proceed, "{list}");
    }
}

#[test]
fn two_lines_are_one_list() {
    let joined = crate::semantics::fields::joined(["\"x\"", "\"abc\""]);
    assert_eq!(get(none_match(joined.as_deref().expect("two lines"))), Verdict::NotModified);
}

#[test]
fn lists_over_a_limit_do_not_match() {
    let with_tags = |count: usize| format!("{}\"abc\"", "\"x\",".repeat(count - 1));
    assert_eq!(get(none_match(&with_tags(ETAG_LIST_TAGS_MAX))), Verdict::NotModified);
    assert_eq!(get(none_match(&with_tags(ETAG_LIST_TAGS_MAX + 1))), Verdict::Proceed);
    let with_bytes = |len: usize| format!("\"abc\",\"{}\"", "x".repeat(len - 8));
    assert_eq!(with_bytes(ETAG_LIST_BYTES_MAX).len(), ETAG_LIST_BYTES_MAX);
    assert_eq!(get(none_match(&with_bytes(ETAG_LIST_BYTES_MAX))), Verdict::NotModified);
    assert_eq!(get(none_match(&with_bytes(ETAG_LIST_BYTES_MAX + 1))), Verdict::Proceed);
    assert_eq!(get(matching(&with_bytes(ETAG_LIST_BYTES_MAX + 1))), Verdict::PreconditionFailed);
}

#[test]
fn if_none_match_wins_over_if_modified_since() {
    let both = Conditions { if_none_match: Some("\"x\""), if_modified_since: Some(FUTURE), ..Conditions::default() };
    assert_eq!(get(both), Verdict::Proceed);
    let malformed = Conditions { if_none_match: Some("abc"), ..both };
    assert_eq!(get(malformed), Verdict::Proceed);
    let same = Conditions { if_none_match: Some("\"abc\""), if_modified_since: Some(BEFORE), ..both };
    assert_eq!(get(same), Verdict::NotModified);
}

#[test]
fn if_match_compares_strongly() {
    for list in ["\"abc\"", "*", "\"x\", \"abc\""] {
        assert_eq!(get(matching(list)), Verdict::Proceed, "{list}");
    }
    for list in ["W/\"abc\"", "\"x\"", "abc", "", "\"abc"] {
        assert_eq!(get(matching(list)), Verdict::PreconditionFailed, "{list}");
    }
    let weak = Validators { etag: Some("W/\"abc\""), ..CURRENT };
    assert_eq!(evaluate(&matching("W/\"abc\""), &weak, Method::Get, NOW_S), Verdict::PreconditionFailed);
    assert_eq!(evaluate(&none_match("\"abc\""), &weak, Method::Get, NOW_S), Verdict::NotModified);
}

#[test]
fn without_an_entity_tag_only_the_star_matches() {
    for etag in [None, Some("abc"), Some("\"abc")] {
        let validators = Validators { etag, last_modified_s: None };
        for (conditions, expected) in [
            (none_match("\"abc\""), Verdict::Proceed),
            (none_match("*"), Verdict::NotModified),
            (matching("\"abc\""), Verdict::PreconditionFailed),
            (matching("*"), Verdict::Proceed),
        ] {
            assert_eq!(evaluate(&conditions, &validators, Method::Get, NOW_S), expected, "{conditions:?}");
        }
    }
}

#[test]
fn if_modified_since_by_the_table() {
    let vectors = [
        (MODIFIED, Verdict::NotModified),
        (AFTER, Verdict::NotModified),
        (FUTURE, Verdict::NotModified),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Verdict::NotModified),
        (BEFORE, Verdict::Proceed),
        ("yesterday", Verdict::Proceed),
        ("", Verdict::Proceed),
        ("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", Verdict::Proceed),
    ];
    for (date, expected) in vectors {
        assert_eq!(get(modified_since(date)), expected, "{date}");
        assert_eq!(evaluate(&modified_since(date), &CURRENT, Method::Other, NOW_S), Verdict::Proceed, "{date}");
        let undated = Validators { last_modified_s: None, ..CURRENT };
        assert_eq!(evaluate(&modified_since(date), &undated, Method::Get, NOW_S), Verdict::Proceed, "{date}");
    }
}

#[test]
fn if_unmodified_since_counts_without_if_match() {
    let since = |date| Conditions { if_unmodified_since: Some(date), ..Conditions::default() };
    assert_eq!(get(since(BEFORE)), Verdict::PreconditionFailed);
    for date in [MODIFIED, AFTER, "yesterday"] {
        assert_eq!(get(since(date)), Verdict::Proceed, "{date}");
    }
    assert_eq!(get(Conditions { if_match: Some("\"abc\""), ..since(BEFORE) }), Verdict::Proceed);
    let undated = Validators { last_modified_s: None, ..CURRENT };
    assert_eq!(evaluate(&since(BEFORE), &undated, Method::Get, NOW_S), Verdict::Proceed);
}

#[test]
fn a_failed_precondition_comes_before_not_modified() {
    let both = Conditions { if_match: Some("\"x\""), if_none_match: Some("\"abc\""), ..Conditions::default() };
    assert_eq!(get(both), Verdict::PreconditionFailed);
    let passed = Conditions { if_match: Some("\"abc\""), ..both };
    assert_eq!(get(passed), Verdict::NotModified);
}

#[test]
fn if_range_wants_the_same_strong_tag() {
    let wanted = |if_range, method| {
        let conditions = Conditions { if_range, ..Conditions::default() };
        is_range_wanted(&conditions, &CURRENT, method)
    };
    assert!(wanted(None, Method::Get));
    assert!(wanted(Some("\"abc\""), Method::Get));
    for other in ["W/\"abc\"", "\"x\"", MODIFIED, "abc", "", "*", "\"abc\", \"abc\""] {
        assert!(!wanted(Some(other), Method::Get), "{other}");
    }
    assert!(!wanted(None, Method::Head));
    assert!(!wanted(None, Method::Other));
    let conditions = Conditions { if_range: Some("W/\"abc\""), ..Conditions::default() };
    let weak = Validators { etag: Some("W/\"abc\""), ..CURRENT };
    assert!(!is_range_wanted(&conditions, &weak, Method::Get));
}

#[test]
fn tags_by_both_comparisons() {
    let vectors = [
        ("W/\"1\"", "W/\"1\"", false, true),
        ("W/\"1\"", "W/\"2\"", false, false),
        ("W/\"1\"", "\"1\"", false, true),
        ("\"1\"", "\"1\"", true, true),
        ("\"1\"", " \"1\"\t", true, true),
        ("\"1\"", "\"2\"", false, false),
        ("1", "1", false, false),
        ("w/\"1\"", "w/\"1\"", false, false),
        ("\"1\"", "\"1\", \"1\"", false, false),
        ("*", "*", false, false),
    ];
    for (one, other, strongly, weakly) in vectors {
        assert_eq!(is_same_strongly(one, other), strongly, "{one} {other}");
        assert_eq!(is_same_strongly(other, one), strongly, "{other} {one}");
        assert_eq!(is_same_weakly(one, other), weakly, "{one} {other}");
    }
    assert!(is_strong("\"\"") && is_strong("\"a,b\""));
    assert!(!is_strong("W/\"1\"") && !is_strong("1") && !is_strong("\"1"));
}

#[test]
fn a_stored_response_without_last_modified_has_its_date() {
    assert_eq!(stored_modified_s(Some(1), Some(2), 3), 1);
    assert_eq!(stored_modified_s(None, Some(2), 3), 2);
    assert_eq!(stored_modified_s(None, None, 3), 3);
}

proptest! {
    #[test]
    fn never_panics(list in r#"(W/|"|abc|[ ,\t*é\\]){0,30}"#) {
        get(none_match(&list));
        get(matching(&list));
        get(modified_since(&list));
        is_range_wanted(&Conditions { if_range: Some(&list), ..Conditions::default() }, &CURRENT, Method::Get);
    }
}

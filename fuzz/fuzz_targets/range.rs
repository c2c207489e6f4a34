//! Ranges, conditions and dates: nothing outside the body is ever promised, and the client's own validator matches.
//!
//! An input is lines: `Range`, `Content-Range`, an entity tag, a list of them, a date, and numbers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype::semantics::conditional::{Conditions, Method, Validators, Verdict, evaluate, is_range_wanted};
use tintype::semantics::conditional::{is_same_strongly, is_same_weakly, is_strong};
use tintype::semantics::dates::{format_http_date, parse_http_date};
use tintype::semantics::partial::{ContentRange, Need, Part};
use tintype::semantics::range::{RangeAnswer, parse_range};

#[derive(Debug, Default)]
struct Input<'a> {
    range: &'a str,
    content_range: &'a str,
    etag: &'a str,
    list: &'a str,
    date: &'a str,
    len_bytes: u64,
    now_s: u64,
    modified_s: u64,
    part: (u64, u64),
}

/// The last second that a date can say.
const WRITABLE_S_MAX: u64 = 253_402_300_799;

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (range, content_range, etag, list, date) = (line(), line(), line(), line(), line());
    let mut numbers = line().split(' ').map(|number| number.parse().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    let (len_bytes, now_s, modified_s, part) = (number(), number(), number(), (number(), number()));
    let input = Input { range, content_range, etag, list, date, len_bytes, now_s, modified_s, part };
    ranges(&input);
    conditions(&input);
    if let Some(unix_s) = parse_http_date(input.date, input.now_s) {
        let written = format_http_date(unix_s);
        assert_eq!(parse_http_date(&written, input.now_s), Some(unix_s.min(WRITABLE_S_MAX)), "{written}");
    }
});

fn ranges(input: &Input) {
    let len_bytes = input.len_bytes;
    match parse_range(input.range, len_bytes) {
        RangeAnswer::Whole => {}
        RangeAnswer::Unsatisfiable => assert!(input.range.contains('=')),
        part @ RangeAnswer::Part { first, last } => {
            assert!(first <= last && last < len_bytes);
            let field = part.content_range(len_bytes).expect("a part has the field");
            let back = ContentRange::parse(&field).expect("the field is one");
            assert_eq!((back.first, back.last, back.complete_bytes), (first, last, Some(len_bytes)));
        }
    }
    if let Some(range) = ContentRange::parse(input.content_range) {
        assert!(range.first <= range.last);
        assert!(range.complete_bytes.is_none_or(|complete| range.last < complete));
    }
    let (first, len) = (input.part.0 % 10_000, input.part.1 % 10_000 + 1);
    let complete = (len_bytes % 3 > 0).then_some(first + len + len_bytes % 100);
    let part = Part { first, len_bytes: len, complete_bytes: complete, is_exact: true };
    match part.need(Some(input.range)) {
        Need::Held { first, last } => assert!(part.first <= first && first <= last && last < part.first + len),
        Need::Whole => assert!(part.is_complete()),
        Need::Unsatisfiable | Need::Rest { .. } | Need::Forward => {}
    }
}

fn conditions(input: &Input) {
    let validators = Validators { etag: Some(input.etag), last_modified_s: Some(input.modified_s) };
    let any = Conditions {
        if_match: Some(input.list),
        if_unmodified_since: Some(input.date),
        if_none_match: Some(input.list),
        if_modified_since: Some(input.date),
        if_range: Some(input.list),
    };
    for method in [Method::Get, Method::Head, Method::Other] {
        let verdict = evaluate(&any, &validators, method, input.now_s);
        assert!(method != Method::Other || verdict != Verdict::NotModified, "a change is never answered by 304");
        assert!(!is_range_wanted(&any, &validators, method) || is_same_strongly(input.list, input.etag));
    }
    assert_eq!(is_same_strongly(input.list, input.etag), is_same_strongly(input.etag, input.list));
    assert!(!is_same_strongly(input.list, input.etag) || is_same_weakly(input.list, input.etag));
    if is_strong(input.etag) {
        let own = Conditions { if_none_match: Some(input.etag), if_range: Some(input.etag), ..Conditions::default() };
        assert!(is_same_strongly(input.etag, input.etag));
        assert!(is_range_wanted(&own, &validators, Method::Get));
        if input.etag.len() < 1000 {
            assert_eq!(evaluate(&own, &validators, Method::Get, input.now_s), Verdict::NotModified);
        }
    }
}

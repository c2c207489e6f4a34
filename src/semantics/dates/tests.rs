//! The vectors for dates, and a comparison with the calendar of another crate.

use proptest::prelude::*;

use super::*;

/// 2026-11-15 00:00:00.
const NOW_S: u64 = 1_794_700_800;
const FIXED_S: u64 = 784_111_777;

fn parse(text: &str) -> Option<u64> {
    parse_http_date(text, NOW_S)
}

#[test]
fn the_three_forms_and_their_lenient_spellings() {
    for text in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun Nov 06 08:49:37 1994",
        "sUN, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nOV 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "SUNDAY, 06-NOV-94 08:49:37 GMT",
        "sun nov  6 08:49:37 1994",
        "Tue, 06 Nov 1994 08:49:37 GMT",
        "Tuesday, 06-Nov-94 08:49:37 GMT",
        "Tue Nov  6 08:49:37 1994",
    ] {
        assert_eq!(parse(text), Some(FIXED_S), "{text}");
    }
}

#[test]
fn what_is_no_date() {
    for text in [
        "",
        "0",
        "-1",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 AEST",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun,  06 Nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun, 06  Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994  08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 08:49:37:00 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 2025 08:49:37 GMT",
        "Sun, 29 Feb 2100 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Son, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06-Nov-94-1 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sunday Nov  6 08:49:37 1994",
        "02.01.18",
        "Sun, 06 Növ 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn two_digit_years_are_at_most_fifty_ahead() {
    let year = |text: &str, now_s| parse_http_date(text, now_s).map(year_of);
    assert_eq!(year("Thursday, 18-Aug-50 02:01:18 GMT", NOW_S), Some(2050));
    assert_eq!(year("Thursday, 18-Aug-76 02:01:18 GMT", NOW_S), Some(2076));
    assert_eq!(year("Thursday, 18-Aug-77 02:01:18 GMT", NOW_S), Some(1977));
    assert_eq!(year("Thursday, 18-Aug-00 02:01:18 GMT", NOW_S), Some(2000));
    let late_s = parse("Sun, 06 Nov 2097 08:49:37 GMT").expect("a date");
    assert_eq!(year("Thursday, 18-Aug-05 02:01:18 GMT", late_s), Some(2105));
    assert_eq!(year("Thursday, 18-Aug-96 02:01:18 GMT", late_s), Some(2096));
}

#[test]
fn far_dates_and_edges() {
    assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    assert_eq!(parse("Wed, 31 Dec 1969 23:59:59 GMT"), Some(0));
    assert_eq!(parse("Mon, 01 Jan 0000 00:00:00 GMT"), Some(0));
    assert_eq!(parse("Wed, 20 Nov 2286 17:46:41 GMT"), Some(10_000_000_001));
    assert_eq!(parse("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
    assert_eq!(parse("Sat, 31 Dec 2016 23:59:60 GMT"), Some(1_483_228_800));
    assert_eq!(parse("Fri, 31 Dec 9999 23:59:59 GMT"), Some(WRITABLE_S_MAX));
}

#[test]
fn writing_stops_at_four_digits() {
    assert_eq!(format_http_date(FIXED_S), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(format_http_date(WRITABLE_S_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_eq!(format_http_date(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
}

proptest! {
    #[test]
    fn written_dates_are_read_back(unix_s in 0..=WRITABLE_S_MAX) {
        let text = format_http_date(unix_s);
        prop_assert_eq!(parse(&text), Some(unix_s));
        let year: u64 = text[12..16].parse().expect("four digits");
        prop_assert_eq!(year_of(unix_s), year);
    }

    #[test]
    fn never_panics(text in "(Sun|Sunday|Nov|GMT|19|[0-9]|[ ,:é-]){0,16}", now_s in any::<u64>()) {
        parse_http_date(&text, now_s);
    }
}

//! Parts of a body of ten bytes.

use proptest::prelude::*;

use super::*;

fn part(first: u64, end: u64, complete_bytes: Option<u64>) -> Part {
    Part { first, len_bytes: end - first, complete_bytes, is_exact: true }
}

fn of_206(field: &str, body_bytes: u64) -> Option<Part> {
    Part::of_206(ContentRange::parse(field)?, body_bytes)
}

fn rest(range: &str) -> Need {
    Need::Rest { range: range.to_owned() }
}

#[test]
fn content_range_by_its_grammar() {
    let range = |first, last, complete_bytes| Some(ContentRange { first, last, complete_bytes });
    let vectors = [
        ("bytes 0-4/10", range(0, 4, Some(10))),
        ("bytes 9-9/10", range(9, 9, Some(10))),
        ("Bytes 000-004/*", range(0, 4, None)),
        (" bytes 0-0/1\t", range(0, 0, Some(1))),
        ("bytes 0-10/10", None),
        ("bytes 5-4/10", None),
        ("bytes */10", None),
        ("bytes 0-4", None),
        ("bytes 0-4/", None),
        ("bytes -4/10", None),
        ("bytes 0-/10", None),
        ("bytes  0-4/10", None),
        ("bytes=0-4/10", None),
        ("bytes 0-4/10, bytes 5-9/10", None),
        ("items 0-4/10", None),
        ("bytes 0-18446744073709551615/*", None),
        ("bytes 0-99999999999999999999999/*", None),
        ("", None),
    ];
    for (field, expected) in vectors {
        assert_eq!(ContentRange::parse(field), expected, "{field}");
    }
}

#[test]
fn a_part_is_the_bytes_that_came() {
    assert_eq!(of_206("bytes 0-4/10", 5), Some(part(0, 5, Some(10))));
    assert_eq!(of_206("bytes 0-4/*", 5), Some(part(0, 5, None)));
    assert_eq!(of_206("bytes 0-9/10", 10), Some(part(0, 10, Some(10))));
    assert_eq!(of_206("bytes 0-4/10", 0), None);
    assert_eq!(of_206("bytes 0-4/10", 6), None);
    // The count at the end of the body is wrong: the body is taken to end where the bytes do.
    assert_eq!(of_206("bytes 4-9/10", 5), Some(Part { is_exact: false, ..part(4, 9, Some(9)) }));
    assert_eq!(of_206("bytes 4-8/10", 4), Some(Part { is_exact: false, ..part(4, 8, Some(10)) }));
    assert!(part(0, 10, Some(10)).is_complete());
    for incomplete in [part(0, 9, Some(10)), part(1, 10, Some(10)), part(0, 10, None)] {
        assert!(!incomplete.is_complete());
    }
}

#[test]
fn ranges_are_served_from_a_part() {
    let held = |first, last| Need::Held { first, last };
    let end = part(4, 9, Some(9));
    let vectors = [
        (end, "bytes=-5", held(4, 8)),
        (end, "bytes=6-8", held(6, 8)),
        (end, "bytes=6-", held(6, 8)),
        (end, "bytes=-1", held(8, 8)),
        (end, "bytes=4-99", held(4, 8)),
        (end, "bytes=3-5", Need::Forward),
        (end, "bytes=-6", Need::Forward),
        (end, "bytes=9-", Need::Unsatisfiable),
        (Part { is_exact: false, ..end }, "bytes=-5", held(4, 8)),
        (Part { is_exact: false, ..end }, "bytes=9-", Need::Forward),
        (part(0, 5, None), "bytes=0-4", held(0, 4)),
        (part(0, 5, None), "bytes=2-3", held(2, 3)),
        (part(0, 5, None), "bytes=2-5", Need::Forward),
        (part(0, 5, None), "bytes=2-", Need::Forward),
        (part(0, 5, None), "bytes=-2", Need::Forward),
        (part(0, 10, Some(10)), "bytes=0-1", held(0, 1)),
        (part(0, 10, Some(10)), "bytes=1-", held(1, 9)),
        (part(0, 10, Some(10)), "bytes=0-1,3-4", Need::Whole),
        (part(0, 10, Some(10)), "items=0-1", Need::Whole),
        (part(0, 5, Some(10)), "bytes=0-1,3-4", rest("bytes=5-")),
    ];
    for (part, range, expected) in vectors {
        assert_eq!(part.need(Some(range)), expected, "{part:?} {range}");
    }
}

#[test]
fn the_whole_needs_what_is_missing() {
    assert_eq!(part(0, 10, Some(10)).need(None), Need::Whole);
    assert_eq!(part(0, 5, Some(10)).need(None), rest("bytes=5-"));
    assert_eq!(part(0, 5, None).need(None), rest("bytes=5-"));
    assert_eq!(part(4, 10, Some(10)).need(None), rest("bytes=0-3"));
    assert_eq!(part(4, 9, Some(10)).need(None), Need::Forward);
    assert_eq!(part(4, 9, None).need(None), Need::Forward);
    assert_eq!(Part { is_exact: false, ..part(4, 9, Some(9)) }.need(None), Need::Forward);
}

#[test]
fn content_range_is_of_what_is_known() {
    assert_eq!(part(0, 5, Some(10)).content_range(1, 2), "bytes 1-2/10");
    assert_eq!(part(0, 5, None).content_range(1, 2), "bytes 1-2/*");
}

#[test]
fn parts_that_touch_are_joined() {
    let joined = |part, before_bytes, after_bytes| Some(Joined { part, before_bytes, after_bytes });
    let ten = Some(10);
    let vectors = [
        (part(0, 5, ten), part(5, 10, ten), joined(part(0, 10, ten), 5, 0)),
        (part(5, 10, ten), part(0, 5, ten), joined(part(0, 10, ten), 0, 5)),
        (part(0, 6, ten), part(4, 10, ten), joined(part(0, 10, ten), 4, 0)),
        (part(0, 10, ten), part(3, 5, ten), joined(part(0, 10, ten), 3, 5)),
        (part(3, 5, ten), part(0, 10, ten), joined(part(0, 10, ten), 0, 0)),
        (part(0, 5, None), part(5, 10, ten), joined(part(0, 10, ten), 5, 0)),
        (part(0, 5, None), part(5, 8, None), joined(part(0, 8, None), 5, 0)),
        (part(0, 4, ten), part(5, 10, ten), None),
        (part(6, 10, ten), part(0, 5, ten), None),
        (part(0, 5, Some(11)), part(5, 10, ten), None),
        (part(0, 11, None), part(5, 10, ten), None),
        (Part { is_exact: false, ..part(0, 5, ten) }, part(5, 10, ten), None),
        (part(0, 5, ten), Part { is_exact: false, ..part(5, 10, ten) }, None),
    ];
    for (stored, newer, expected) in vectors {
        assert_eq!(stored.join(&newer), expected, "{stored:?} {newer:?}");
    }
}

#[test]
fn only_a_strong_tag_makes_parts_of_one_body() {
    let may = |stored: Option<&str>, newer: Option<&str>| {
        let headers = |etag: Option<&str>| {
            let modified = ("last-modified", "Sat, 14 Nov 2026 00:00:00 GMT");
            let fields = [Some(modified), etag.map(|etag| ("etag", etag))];
            let pairs = fields.into_iter().flatten();
            pairs.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
        };
        may_join(&headers(stored), &headers(newer))
    };
    assert!(may(Some("\"a\""), Some("\"a\"")));
    for (stored, newer) in [
        (Some("\"a\""), Some("\"b\"")),
        (Some("W/\"a\""), Some("W/\"a\"")),
        (Some("W/\"a\""), Some("\"a\"")),
        (Some("a"), Some("a")),
        (Some("\"a\""), None),
        (None, Some("\"a\"")),
        (None, None),
    ] {
        assert!(!may(stored, newer), "{stored:?} {newer:?}");
    }
}

proptest! {
    #[test]
    fn never_panics(field in "(bytes )?[0-9*/ -]{0,24}", body_bytes in 0_u64..20, range in "bytes=[0-9,-]{0,24}") {
        if let Some(part) = of_206(&field, body_bytes) {
            part.need(Some(&range));
            part.need(None);
            part.join(&part);
        }
    }

    #[test]
    fn what_is_held_lies_inside(
        first in 0_u64..50,
        len in 1_u64..50,
        known in any::<bool>(),
        range in "bytes=[0-9]{0,2}-[0-9]{0,2}",
    ) {
        let part = part(first, first + len, known.then_some(80));
        if let Need::Held { first, last } = part.need(Some(&range)) {
            prop_assert!(part.first <= first && first <= last && last < part.end());
        }
    }

    #[test]
    fn a_joined_body_is_the_body(a in 0_usize..20, b in 0_usize..20, c in 0_usize..20, d in 0_usize..20) {
        let body: Vec<u8> = (0..20).collect();
        let (first, last) = (a.min(b), a.max(b));
        let (newer_first, newer_last) = (c.min(d), c.max(d));
        let of = |first: usize, last: usize| part(first as u64, last as u64 + 1, Some(20));
        let (old, new) = (&body[first..=last], &body[newer_first..=newer_last]);
        if let Some(joined) = of(first, last).join(&of(newer_first, newer_last)) {
            let before = &old[..joined.before_bytes as usize];
            let after = &old[old.len() - joined.after_bytes as usize..];
            let whole = [before, new, after].concat();
            let start = joined.part.first as usize;
            prop_assert_eq!(&whole[..], &body[start..start + joined.part.len_bytes as usize]);
        } else {
            prop_assert!(newer_first > last + 1 || first > newer_last + 1);
        }
    }
}

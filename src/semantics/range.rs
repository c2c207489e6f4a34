//! The `Range` field (RFC 9110 §14): one range of bytes, and everything odd means the whole body.

use super::fields::{digits, members};

/// What to send of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeAnswer {
    /// 200: no range, several, another unit, or no range by the grammar.
    Whole,
    /// 206: the bytes from `first` to `last`, both included and both inside the body.
    Part { first: u64, last: u64 },
    /// 416: a range by the grammar, but none of its bytes exists.
    Unsatisfiable,
}

// === impl RangeAnswer ===

impl RangeAnswer {
    /// The `Content-Range` of the answer for a body of `len_bytes`; `None` for a whole one.
    pub fn content_range(self, len_bytes: u64) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Part { first, last } => Some(format!("bytes {first}-{last}/{len_bytes}")),
            Self::Unsatisfiable => Some(format!("bytes */{len_bytes}")),
        }
    }
}

/// Reads the field for a body of `len_bytes`. The caller has seen that the method is GET and what `If-Range` says.
pub fn parse_range(header: &str, len_bytes: u64) -> RangeAnswer {
    one_range(header).map_or(RangeAnswer::Whole, |(first, last)| place(first, last, len_bytes))
}

/// The two sides of the only range in the field; at least one is there.
pub(super) fn one_range(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, set) = header.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") || set.starts_with([' ', '\t']) {
        return None;
    }
    let mut ranges = members(set);
    let (first, last) = ranges.next()?.split_once('-')?;
    if ranges.next().is_some() {
        return None;
    }
    let side = |text: &str| if text.is_empty() { Some(None) } else { digits(text).map(Some) };
    match (side(first)?, side(last)?) {
        (None, None) => None,
        (Some(first), Some(last)) if last < first => None,
        sides => Some(sides),
    }
}

fn place(first: Option<u64>, last: Option<u64>, len_bytes: u64) -> RangeAnswer {
    let Some(end) = len_bytes.checked_sub(1) else {
        return RangeAnswer::Unsatisfiable;
    };
    match (first, last) {
        (Some(first), last) if first <= end => {
            RangeAnswer::Part { first, last: last.map_or(end, |last| last.min(end)) }
        }
        (None, Some(suffix)) if suffix > 0 => RangeAnswer::Part { first: len_bytes.saturating_sub(suffix), last: end },
        _ => RangeAnswer::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_by_the_table() {
        const fn part(first: u64, last: u64) -> RangeAnswer {
            RangeAnswer::Part { first, last }
        }
        let vectors = [
            ("bytes=0-499", part(0, 499)),
            ("bytes=500-", part(500, 999)),
            ("bytes=-200", part(800, 999)),
            ("bytes=-1", part(999, 999)),
            ("bytes=-2000", part(0, 999)),
            ("bytes=999-5000", part(999, 999)),
            ("bytes=0-99999999999999999999", part(0, 999)),
            ("bytes=-99999999999999999999", part(0, 999)),
            ("bytes=000-001", part(0, 1)),
            ("BYTES=0-1", part(0, 1)),
            ("bytes=0-0,", part(0, 0)),
            ("bytes=,0-0 ,", part(0, 0)),
            ("bytes=1000-", RangeAnswer::Unsatisfiable),
            ("bytes=1000-1001", RangeAnswer::Unsatisfiable),
            ("bytes=99999999999999999999-", RangeAnswer::Unsatisfiable),
            ("bytes=-0", RangeAnswer::Unsatisfiable),
            ("bytes=500-400", RangeAnswer::Whole),
            ("bytes=abc", RangeAnswer::Whole),
            ("bytes = 0-1", RangeAnswer::Whole),
            ("bytes= 0-1", RangeAnswer::Whole),
            ("bytes=0 - 1", RangeAnswer::Whole),
            ("bytes=+0-1", RangeAnswer::Whole),
            ("bytes=0-1x", RangeAnswer::Whole),
            ("bytes=0--1", RangeAnswer::Whole),
            ("bytes=-", RangeAnswer::Whole),
            ("bytes=", RangeAnswer::Whole),
            ("bytes=,", RangeAnswer::Whole),
            ("bytes", RangeAnswer::Whole),
            ("", RangeAnswer::Whole),
            ("items=0-1", RangeAnswer::Whole),
            ("bytes=0-0,-1", RangeAnswer::Whole),
            ("bytes=0-0,abc", RangeAnswer::Whole),
            ("bytes=1000-,1001-", RangeAnswer::Whole),
        ];
        for (header, expected) in vectors {
            assert_eq!(parse_range(header, 1000), expected, "{header}");
        }
    }

    #[test]
    fn an_empty_body_has_no_part() {
        for header in ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"] {
            assert_eq!(parse_range(header, 0), RangeAnswer::Unsatisfiable, "{header}");
        }
        assert_eq!(parse_range("bytes=1-0", 0), RangeAnswer::Whole);
    }

    #[test]
    fn content_range_names_the_part_and_the_length() {
        let content_range = |header, len| parse_range(header, len).content_range(len);
        assert_eq!(content_range("bytes=0-499", 1000).as_deref(), Some("bytes 0-499/1000"));
        assert_eq!(content_range("bytes=-0", 1000).as_deref(), Some("bytes */1000"));
        assert_eq!(content_range("items=0-1", 1000), None);
    }

    proptest! {
        #[test]
        fn a_part_lies_inside_the_body(header in "bytes=([0-9]{0,21}-[0-9]{0,21}|[-,0-9 ]*)", len in any::<u64>()) {
            if let RangeAnswer::Part { first, last } = parse_range(&header, len) {
                prop_assert!(first <= last && last < len);
            }
        }

        #[test]
        fn never_panics(header in "(bytes|=|-|,|[0-9 é]){0,30}", len in 0_u64..5) {
            parse_range(&header, len);
        }
    }
}

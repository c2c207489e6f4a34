//! Sizes and durations as people write them: `512MiB`, `64KB`, `10s`, `30d`.
//!
//! Whole numbers only, the unit in any case for sizes and in lower case for durations. What [`bytes_text`] and
//! [`duration_text`] write, [`parse_bytes`] and [`parse_duration`] read back as the same value. Nothing overflows: what
//! does not fit is not accepted.

use std::time::Duration;

/// Units of a size, largest first; a bare number is bytes.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// Units of a duration in milliseconds, largest first; a bare number is not accepted, 0 excepted.
const DURATIONS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Bytes of a size such as `512MiB`, `64KB` or `1048576`.
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    if unit.is_empty() {
        return Some(number);
    }
    let (_, factor) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.checked_mul(*factor)
}

/// A size in the largest binary unit that holds it without a fraction.
pub(super) fn bytes_text(bytes: u64) -> String {
    let unit = SIZES.iter().find(|(name, factor)| name.ends_with("iB") && bytes > 0 && bytes.is_multiple_of(*factor));
    unit.map_or_else(|| bytes.to_string(), |(name, factor)| format!("{}{name}", bytes / factor))
}

/// A duration such as `250ms`, `10s`, `5m`, `1h` or `30d`; the unit may be left out of 0 only, because a bare number
/// is seconds to one reader and milliseconds to the next.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    if unit.is_empty() {
        return (number == 0).then_some(Duration::ZERO);
    }
    let (_, factor) = DURATIONS.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor).map(Duration::from_millis)
}

/// A duration in the largest unit that holds it without a fraction; parts of a millisecond are dropped.
pub(super) fn duration_text(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let unit = DURATIONS.iter().find(|(_, factor)| ms > 0 && ms.is_multiple_of(*factor));
    unit.map_or_else(|| "0s".to_owned(), |(name, factor)| format!("{}{name}", ms / factor))
}

/// The leading digits as a number, and what follows them.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    digits.parse().ok().map(|number| (number, unit.trim_start_matches(' ')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        let known = [
            ("0", 0),
            ("1048576", 1_048_576),
            ("1B", 1),
            ("64KB", 64_000),
            ("64KiB", 65_536),
            ("64 kib", 65_536),
            ("512MiB", 536_870_912),
            ("2GB", 2_000_000_000),
            ("1TiB", 1_099_511_627_776),
        ];
        for (text, bytes) in known {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in
            ["", "MiB", "-1", "+1", "1.5GiB", "64K", "64Ki", "1 MiB ", " 1", "16777216TiB", "18446744073709551616"]
        {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        let known =
            [("0", 0), ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000), ("30d", 2_592_000_000)];
        for (text, ms) in known {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1.5s", "1h30m", "10S", "1M", "10 sec", "18446744073709551615d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_size_is_read_back_as_written(bytes: u64, unit in 0_u32..5) {
            let bytes = bytes >> (unit * 10) << (unit * 10);
            prop_assert_eq!(parse_bytes(&bytes_text(bytes)), Some(bytes));
        }

        #[test]
        fn a_duration_is_read_back_as_written(number in 0_u64..1_000_000, unit in 0_usize..5) {
            let duration = Duration::from_millis(number * DURATIONS[unit].1);
            prop_assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
        }

        #[test]
        fn any_text_is_a_value_or_refused(text in "\\PC{0,24}") {
            if let Some(bytes) = parse_bytes(&text) {
                prop_assert_eq!(parse_bytes(&bytes_text(bytes)), Some(bytes));
            }
            if let Some(duration) = parse_duration(&text) {
                prop_assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
            }
        }

        #[test]
        fn a_number_with_each_unit_is_that_many_of_it(number in 0_u64..1_000_000, unit in 0_usize..9) {
            let (name, factor) = SIZES[unit];
            let text = format!("{number}{name}");
            prop_assert_eq!(parse_bytes(&text), Some(number * factor));
            prop_assert_eq!(parse_bytes(&text.to_lowercase()), Some(number * factor));
        }
    }
}

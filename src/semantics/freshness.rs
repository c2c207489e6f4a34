//! How long a response stays fresh and how old it is (RFC 9111 §4.2). Times are seconds since 1970.
//!
//! The explicit lifetime and the guess stand apart, so that a caller who wants no guesses makes none.

use serde::{Deserialize, Serialize};

use super::cache_control::{CacheControl, Flag};
use super::dates::parse_http_date;
use super::fields::{delta_s, members};

/// The longest guess: nobody who says nothing means more than a day (RFC 9111 §4.2.2).
pub const HEURISTIC_S_MAX: u64 = 24 * 3600;
/// A guess is this part of the time since the last change.
const HEURISTIC_DIVISOR: u64 = 10;

/// What the `Expires` lines say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expires {
    Absent,
    /// No HTTP date, or more than one line: stale already (RFC 9111 §5.3).
    Invalid,
    At(u64),
}

/// When a response came, and how old it said it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The `Date` field, when it could be read.
    pub date_s: Option<u64>,
    /// The `Age` field by [`age_field_s`].
    pub age_s: u64,
    /// When the request for it was sent.
    pub requested_s: u64,
    /// When its header came.
    pub received_s: u64,
}

// === impl Expires ===

impl Expires {
    /// Reads all lines of the field; `now_s` as in [`parse_http_date`].
    pub fn parse(lines: impl IntoIterator<Item: AsRef<str>>, now_s: u64) -> Self {
        let mut lines = lines.into_iter();
        match (lines.next(), lines.next()) {
            (None, _) => Self::Absent,
            (Some(line), None) => parse_http_date(line.as_ref(), now_s).map_or(Self::Invalid, Self::At),
            (Some(_), Some(_)) => Self::Invalid,
        }
    }
}

// === impl Arrival ===

impl Arrival {
    /// The age at `now_s` (RFC 9111 §4.2.3). A clock that went backwards makes nothing younger than it came.
    pub fn current_age_s(&self, now_s: u64) -> u64 {
        let apparent_s = self.date_s.map_or(0, |date_s| self.received_s.saturating_sub(date_s));
        let delay_s = self.received_s.saturating_sub(self.requested_s);
        let resident_s = now_s.saturating_sub(self.received_s);
        apparent_s.max(self.age_s.saturating_add(delay_s)).saturating_add(resident_s)
    }
}

/// The explicit lifetime in seconds: `s-maxage`, else `max-age`, else `Expires` minus `Date` (or minus the arrival when
/// there is no usable `Date`); `None` when the response says nothing. An invalid one is 0, and no other is asked.
///
/// The response is fresh while its age is less than this.
pub fn lifetime_s(control: &CacheControl, expires: Expires, arrival: &Arrival) -> Option<u64> {
    let from_expires = match expires {
        Expires::Absent => None,
        Expires::Invalid => Some(0),
        Expires::At(at_s) => Some(at_s.saturating_sub(arrival.date_s.unwrap_or(arrival.received_s))),
    };
    control.s_maxage_s.or(control.max_age_s).or(from_expires)
}

/// A guess for a response without explicit freshness (RFC 9111 §4.2.2): a tenth of the time between `Last-Modified` and
/// `Date` (or the arrival), at most [`HEURISTIC_S_MAX`]; `None` without `Last-Modified`, or when neither the status nor
/// `public` allows a guess.
pub fn heuristic_s(
    status: u16,
    control: &CacheControl,
    last_modified_s: Option<u64>,
    arrival: &Arrival,
) -> Option<u64> {
    let is_allowed = is_heuristically_cacheable(status) || control.has(Flag::Public);
    let unchanged_s = arrival.date_s.unwrap_or(arrival.received_s).saturating_sub(last_modified_s?);
    is_allowed.then(|| (unchanged_s / HEURISTIC_DIVISOR).min(HEURISTIC_S_MAX))
}

/// Whether a status may be stored and reused by a guess (RFC 9110 §15.1). 206 is among them too.
pub const fn is_heuristically_cacheable(status: u16) -> bool {
    matches!(status, 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The `Age` field in seconds, at most `fields::DELTA_S_MAX`: the first value of the first line that has one counts;
/// 0 when it is absent or no number (RFC 9111 §5.1).
pub fn age_field_s(lines: impl IntoIterator<Item: AsRef<str>>) -> u64 {
    let first_of = |line: &str| members(line).next().map(|first| delta_s(first).unwrap_or(0));
    lines.into_iter().find_map(|line| first_of(line.as_ref())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semantics::fields::DELTA_S_MAX;

    const NOW_S: u64 = 1_794_700_800;
    const ARRIVAL: Arrival = Arrival { date_s: Some(NOW_S), age_s: 0, requested_s: NOW_S, received_s: NOW_S };

    fn lifetime(control: &[&str], expires: &[&str]) -> Option<u64> {
        let control = CacheControl::parse(control.iter().copied());
        lifetime_s(&control, Expires::parse(expires.iter().copied(), NOW_S), &ARRIVAL)
    }

    #[test]
    fn the_first_source_that_is_present_counts() {
        let past = "Sun, 06 Nov 1994 08:49:37 GMT";
        let next_day = "Mon, 16 Nov 2026 00:00:00 GMT";
        let vectors: [(&[&str], &[&str], Option<u64>); 15] = [
            (&[], &[], None),
            (&["public"], &[], None),
            (&["max-age=3600"], &[], Some(3600)),
            (&["s-maxage=1, max-age=3600"], &[], Some(1)),
            (&["max-age=3600, s-maxage=1"], &[], Some(1)),
            (&["max-age=3600", "s-maxage=1"], &[], Some(1)),
            (&["s-maxage=x, max-age=3600"], &[next_day], Some(0)),
            (&["max-age=x"], &[next_day], Some(0)),
            (&["max-age=3600"], &[past], Some(3600)),
            (&["max-age =3600"], &[next_day], Some(86_400)),
            (&[], &[next_day], Some(86_400)),
            (&[], &[past], Some(0)),
            (&[], &["0"], Some(0)),
            (&[], &[next_day, next_day], Some(0)),
            (&[], &["Wed, 20 Nov 2286 17:46:40 GMT"], Some(10_000_000_000 - NOW_S)),
        ];
        for (control, expires, expected) in vectors {
            assert_eq!(lifetime(control, expires), expected, "{control:?} {expires:?}");
        }
    }

    #[test]
    fn expires_is_counted_from_date_else_from_the_arrival() {
        let control = CacheControl::default();
        let expires = Expires::At(NOW_S + 100);
        let arrival = Arrival { date_s: Some(NOW_S - 10), ..ARRIVAL };
        assert_eq!(lifetime_s(&control, expires, &arrival), Some(110));
        let arrival = Arrival { date_s: None, received_s: NOW_S + 30, ..ARRIVAL };
        assert_eq!(lifetime_s(&control, expires, &arrival), Some(70));
    }

    #[test]
    fn expires_by_the_table() {
        let ahead = Expires::At(784_111_777);
        let vectors: [(&[&str], Expires); 18] = [
            (&[], Expires::Absent),
            (&["Sun, 06 Nov 1994 08:49:37 GMT"], ahead),
            (&["Sunday, 06-Nov-94 08:49:37 GMT"], ahead),
            (&["Sun Nov  6 08:49:37 1994"], ahead),
            (&["sun, 06 NOV 1994 08:49:37 gMT"], ahead),
            (&["Fri, 06 Nov 1994 08:49:37 GMT"], ahead),
            (&["Sun, 06 Nov 1994 08:49:37 UTC"], Expires::Invalid),
            (&["Sun, 06 Nov 1994 08:49:37 AEST"], Expires::Invalid),
            (&["Sun, 06 Nov 94 08:49:37 GMT"], Expires::Invalid),
            (&["Sun 06 Nov 1994 08:49:37 GMT"], Expires::Invalid),
            (&["Sun, 06  Nov  1994 08:49:37 GMT"], Expires::Invalid),
            (&["Sun, 06-Nov-1994 08:49:37 GMT"], Expires::Invalid),
            (&["02.01.18"], Expires::Invalid),
            (&["Sun, 06 Nov 1994 8:49:37 GMT"], Expires::Invalid),
            (&["0"], Expires::Invalid),
            (&[""], Expires::Invalid),
            (&["Sun, 06 Nov 1994 08:49:37 GMT", "0"], Expires::Invalid),
            (&["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"], Expires::Invalid),
        ];
        for (lines, expected) in vectors {
            assert_eq!(Expires::parse(lines.iter().copied(), NOW_S), expected, "{lines:?}");
        }
        let fifty = Expires::parse(["Thursday, 18-Aug-50 02:01:18 GMT"], NOW_S);
        assert!(matches!(fifty, Expires::At(at_s) if at_s > NOW_S));
    }

    #[test]
    fn a_guess_is_a_tenth_and_at_most_a_day() {
        let guess = |status, control: &str, modified_s| {
            heuristic_s(status, &CacheControl::parse([control]), modified_s, &ARRIVAL)
        };
        let day_ago = Some(NOW_S - 86_400);
        for status in [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501] {
            assert_eq!(guess(status, "", day_ago), Some(8640), "{status}");
            assert_eq!(guess(status, "", None), None, "{status}");
        }
        for status in [201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599] {
            assert_eq!(guess(status, "", day_ago), None, "{status}");
            assert_eq!(guess(status, "public", day_ago), Some(8640), "{status}");
        }
        assert_eq!(guess(200, "", Some(NOW_S - 9)), Some(0));
        assert_eq!(guess(200, "", Some(NOW_S - 864_000)), Some(HEURISTIC_S_MAX));
        assert_eq!(guess(200, "", Some(NOW_S - 864_010)), Some(HEURISTIC_S_MAX));
        assert_eq!(guess(200, "", Some(NOW_S + 100)), Some(0));
        let undated = Arrival { date_s: None, ..ARRIVAL };
        assert_eq!(heuristic_s(200, &CacheControl::default(), Some(NOW_S - 100), &undated), Some(10));
    }

    #[test]
    fn age_by_the_table() {
        let vectors: [(&[&str], u64); 13] = [
            (&[], 0),
            (&["abc"], 0),
            (&["-100"], 0),
            (&["7200.5"], 0),
            (&["100"], 100),
            (&["2147483647"], 2_147_483_647),
            (&["2147483648"], DELTA_S_MAX),
            (&["99999999999999999999"], DELTA_S_MAX),
            (&["7200, 0"], 7200),
            (&["7200", "0"], 7200),
            (&["0, 7200"], 0),
            (&["0", "7200"], 0),
            (&["0, 0"], 0),
        ];
        for (lines, expected) in vectors {
            assert_eq!(age_field_s(lines.iter().copied()), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_very_old_age_outlives_every_lifetime() {
        let arrival = Arrival { age_s: age_field_s(["2147483648"]), ..ARRIVAL };
        let lifetime_s = lifetime(&["max-age=99999999999"], &[]).expect("explicit");
        assert!(arrival.current_age_s(NOW_S) >= lifetime_s);
    }

    #[test]
    fn age_grows_from_the_worse_of_date_and_age() {
        let arrival = Arrival { date_s: Some(NOW_S - 50), age_s: 20, requested_s: NOW_S - 5, received_s: NOW_S };
        assert_eq!(arrival.current_age_s(NOW_S), 50);
        assert_eq!(arrival.current_age_s(NOW_S + 7), 57);
        let arrival = Arrival { age_s: 60, ..arrival };
        assert_eq!(arrival.current_age_s(NOW_S), 65);
        assert_eq!(arrival.current_age_s(NOW_S - 1000), 65);
        let ahead = Arrival { date_s: Some(NOW_S + 1000), ..ARRIVAL };
        assert_eq!(ahead.current_age_s(NOW_S + 1), 1);
        let undated = Arrival { date_s: None, age_s: 3, ..ARRIVAL };
        assert_eq!(undated.current_age_s(NOW_S + 1), 4);
        let extreme = Arrival { date_s: None, age_s: u64::MAX, requested_s: 0, received_s: u64::MAX };
        assert_eq!(extreme.current_age_s(u64::MAX), u64::MAX);
    }
}

//! HTTP dates (RFC 9110 §5.6.7): all three forms read, one form written. Times are seconds since 1970.
//!
//! Reading is as lenient as caches need it: any case of names, and a weekday that does not fit the date. It is as
//! strict as the grammar in everything else, because a date that is read wrongly makes a stale answer fresh.

use std::time::{Duration, UNIX_EPOCH};

use super::fields::digits;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_S: u64 = 86_400;
/// 9999-12-31 23:59:59, the last second that four digits of a year can say.
const WRITABLE_S_MAX: u64 = 253_402_300_799;
/// Years between 1 January of year 0 and of 1970, in days of the Gregorian calendar.
const DAYS_TO_1970: u64 = 719_528;

/// Reads an HTTP date; `None` when it is none. A date before 1970 is 0.
///
/// `now_s` places the two-digit years of RFC 850: such a date is never more than 50 years ahead.
pub fn parse_http_date(text: &str, now_s: u64) -> Option<u64> {
    // The grammar is ASCII; from here on every byte is a character and may be sliced.
    if !text.is_ascii() {
        return None;
    }
    let Some((weekday, rest)) = text.split_once(',') else {
        return parse_asctime(text);
    };
    let rest = rest.strip_prefix(' ')?;
    if is_short_weekday(weekday) {
        parse_imf(rest)
    } else if WEEKDAYS.iter().any(|name| name.eq_ignore_ascii_case(weekday)) {
        parse_rfc850(rest, now_s)
    } else {
        None
    }
}

/// Writes a date in the one form that is still produced, `Sun, 06 Nov 1994 08:49:37 GMT`; times after the year 9999
/// are written as its last second.
pub fn format_http_date(unix_s: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix_s.min(WRITABLE_S_MAX)))
}

/// `06 Nov 1994 08:49:37 GMT`
fn parse_imf(text: &str) -> Option<u64> {
    let [day, month, year, time, zone] = words(text)?;
    is_gmt(zone)?;
    unix_s(fixed(year, 4)?, month_of(month)?, fixed(day, 2)?, time)
}

/// `06-Nov-94 08:49:37 GMT`
fn parse_rfc850(text: &str, now_s: u64) -> Option<u64> {
    let [date, time, zone] = words(text)?;
    is_gmt(zone)?;
    let mut parts = date.split('-');
    let (day, month, year) = (fixed(parts.next()?, 2)?, month_of(parts.next()?)?, fixed(parts.next()?, 2)?);
    if parts.next().is_some() {
        return None;
    }
    let this_year = year_of(now_s);
    let in_this_century = this_year - this_year % 100 + year;
    // Nearest reading that is at most 50 years ahead: next century's when this one's is long gone, or last century's.
    let full_year = match in_this_century {
        ahead if ahead > this_year + 50 => ahead - 100,
        behind if behind + 100 <= this_year + 50 => behind + 100,
        near => near,
    };
    unix_s(full_year, month, day, time)
}

/// `Sun Nov  6 08:49:37 1994`
fn parse_asctime(text: &str) -> Option<u64> {
    let (weekday, rest) = text.split_once(' ')?;
    let (month, rest) = rest.split_once(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let [time, year] = words(rest.strip_prefix(' ')?)?;
    let day = match day.strip_prefix(' ') {
        Some(one) => fixed(one, 1)?,
        None => fixed(day, 2)?,
    };
    if !is_short_weekday(weekday) {
        return None;
    }
    unix_s(fixed(year, 4)?, month_of(month)?, day, time)
}

/// Exactly `N` words with single spaces between them.
fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut found = [""; N];
    let mut parts = text.split(' ');
    for word in &mut found {
        *word = parts.next()?;
    }
    parts.next().is_none().then_some(found)
}

/// A number of exactly `len` digits.
fn fixed(text: &str, len: usize) -> Option<u64> {
    if text.len() == len { digits(text) } else { None }
}

fn is_short_weekday(text: &str) -> bool {
    WEEKDAYS.iter().any(|name| name[..3].eq_ignore_ascii_case(text))
}

fn is_gmt(zone: &str) -> Option<()> {
    zone.eq_ignore_ascii_case("GMT").then_some(())
}

/// The month by its number from 1.
fn month_of(text: &str) -> Option<u64> {
    (1..).zip(MONTHS).find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(number, _)| number)
}

/// A checked calendar date and a time `08:49:37` as seconds since 1970, 0 before that. A leap second is allowed.
fn unix_s(year: u64, month: u64, day: u64, time: &str) -> Option<u64> {
    let mut parts = time.split(':').map(|part| fixed(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let is_time = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    if !is_time || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let days = days_before_year(year) + (1..month).map(|earlier| days_in_month(year, earlier)).sum::<u64>() + day - 1;
    let seconds = days * DAY_S + hour * 3600 + minute * 60 + second;
    Some(seconds.saturating_sub(DAYS_TO_1970 * DAY_S))
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1 January of year 0 to 1 January of `year`; every leap year before it adds one, year 0 among them.
const fn days_before_year(year: u64) -> u64 {
    year * 365 + year.div_ceil(4) - year.div_ceil(100) + year.div_ceil(400)
}

fn year_of(unix_s: u64) -> u64 {
    let days = unix_s.min(WRITABLE_S_MAX) / DAY_S + DAYS_TO_1970;
    // 365.25 days is never less than a mean year, so the estimate is this year or the one before.
    let estimate = days * 100 / 36_525;
    if days_before_year(estimate + 1) <= days { estimate + 1 } else { estimate }
}

#[cfg(test)]
mod tests;

//! Targeted cache control (RFC 9213): directives that a response addresses to caches like this one.
//!
//! Such a field is a dictionary of structured fields, or it does not exist. When there is one, `Cache-Control` and
//! `Expires` say nothing to this cache.

use http::header::{CACHE_CONTROL, EXPIRES};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};

use super::cache_control::{CacheControl, Flag};
use super::fields::{DELTA_S_MAX, joined, lines};
use super::freshness::Expires;
use super::structured::{Value, dictionary};

/// What governs the storing and reuse of a response in this cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directives {
    pub control: CacheControl,
    /// Absent when a targeted field governs.
    pub expires: Expires,
    /// Whether the directives come from a targeted field.
    pub is_targeted: bool,
}

// === impl Directives ===

impl Directives {
    /// The first field of `targets` (in the order of preference) that exists, else `Cache-Control` and `Expires`
    /// (RFC 9213 §2.2). `now_s` as in [`super::dates::parse_http_date`].
    pub fn of(headers: &HeaderMap, targets: &[HeaderName], now_s: u64) -> Self {
        let targeted = targets.iter().find_map(|name| targeted(lines(headers, name)));
        match targeted {
            Some(control) => Self { control, expires: Expires::Absent, is_targeted: true },
            None => Self {
                control: CacheControl::parse(lines(headers, CACHE_CONTROL)),
                expires: Expires::parse(lines(headers, EXPIRES), now_s),
                is_targeted: false,
            },
        }
    }
}

/// The directives of one targeted field from all its lines; `None` when it does not exist: absent, empty, no
/// dictionary, or a directive that we know has a value of the wrong type (RFC 9213 §2.1).
///
/// The last rule keeps a mistake from making things looser: otherwise `max-age="60"` would leave a field without
/// freshness that still silences the `no-store` beside it.
pub fn targeted(lines: impl IntoIterator<Item: AsRef<str>>) -> Option<CacheControl> {
    let field = joined(lines.into_iter().map(|line| line.as_ref().to_owned()))?;
    let members = dictionary(&field)?;
    if members.is_empty() {
        return None;
    }
    let mut control = CacheControl::default();
    for (name, value) in members {
        if let Some(flag) = Flag::named(name) {
            match value {
                Value::Boolean(false) => {}
                Value::Boolean(true) => control.set(flag),
                // A list of field names; here as in `Cache-Control` it is taken for the whole response.
                Value::Text if matches!(flag, Flag::Private | Flag::NoCache) => control.set(flag),
                Value::Text | Value::Integer(_) | Value::Other => return None,
            }
        } else if let Some(slot) = control.duration_named(name) {
            let Value::Integer(seconds) = value else { return None };
            *slot = Some(u64::try_from(seconds).unwrap_or(0).min(DELTA_S_MAX));
        }
    }
    Some(control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::semantics::freshness::Arrival;
    use crate::semantics::freshness::lifetime_s;

    const NOW_S: u64 = 1_794_700_800;

    fn made(change: impl FnOnce(&mut CacheControl)) -> CacheControl {
        let mut control = CacheControl::default();
        change(&mut control);
        control
    }

    fn max_age(seconds: u64) -> CacheControl {
        made(|control| control.max_age_s = Some(seconds))
    }

    fn flagged(flag: Flag) -> CacheControl {
        made(|control| control.set(flag))
    }

    #[test]
    fn fields_by_the_table() {
        let vectors = [
            ("max-age=3600", Some(max_age(3600))),
            ("max-age=1", Some(max_age(1))),
            ("max-age=0", Some(max_age(0))),
            ("max-age=-1", Some(max_age(0))),
            ("foobar, max-age=3600", Some(max_age(3600))),
            ("foobar=\"x\";y=1, max-age=3600;z", Some(max_age(3600))),
            ("max-age=1, max-age=2", Some(max_age(2))),
            ("max-age=99999999999", Some(max_age(DELTA_S_MAX))),
            ("max-age=999999999999999", Some(max_age(DELTA_S_MAX))),
            ("private", Some(flagged(Flag::Private))),
            ("no-store", Some(flagged(Flag::NoStore))),
            ("no-cache", Some(flagged(Flag::NoCache))),
            ("private=\"set-cookie\"", Some(flagged(Flag::Private))),
            ("no-cache=etag", Some(flagged(Flag::NoCache))),
            ("foobar", Some(CacheControl::default())),
            ("no-store=?0", Some(CacheControl::default())),
            ("", None),
            ("  ", None),
            ("max-age=10000, &&&&&", None),
            ("max-age=\"10000\"", None),
            ("max-age=10000.0", None),
            ("max-age", None),
            ("max-age=9999999999999999", None),
            ("no-store=1", None),
            ("must-revalidate=\"x\"", None),
            ("MaX-aGe=3600", None),
            ("max-age =100", None),
            ("max-age= 100", None),
            ("max-age=100,", None),
        ];
        for (field, expected) in vectors {
            assert_eq!(targeted([field]), expected, "{field}");
        }
        assert_eq!(targeted(["foobar", "max-age=5"]), Some(max_age(5)));
        assert_eq!(targeted([""; 0]), None);
    }

    #[test]
    fn the_first_target_that_exists_governs_alone() {
        let targets = ["tintype-cache-control", "cdn-cache-control"].map(HeaderName::from_static);
        let of = |fields: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, value.parse().expect("a value"));
            }
            let directives = Directives::of(&headers, &targets, NOW_S);
            let arrival = Arrival { date_s: None, age_s: 0, requested_s: NOW_S, received_s: NOW_S };
            let has_no_store = directives.control.has(Flag::NoStore);
            (lifetime_s(&directives.control, directives.expires, &arrival), has_no_store, directives.is_targeted)
        };
        let past = ("expires", "Sun, 06 Nov 1994 08:49:37 GMT");
        let no_store = ("cache-control", "no-store");
        assert_eq!(of(&[("cdn-cache-control", "max-age=3600"), no_store]), (Some(3600), false, true));
        assert_eq!(of(&[("cdn-cache-control", "max-age=1"), ("cache-control", "max-age=3600")]).0, Some(1));
        assert_eq!(of(&[("cdn-cache-control", "max-age=3600"), past]).0, Some(3600));
        assert_eq!(of(&[("cdn-cache-control", "foobar"), past]), (None, false, true));
        assert_eq!(of(&[("tintype-cache-control", "max-age=1"), ("cdn-cache-control", "max-age=2")]).0, Some(1));
        assert_eq!(of(&[("tintype-cache-control", "&"), ("cdn-cache-control", "max-age=2")]).0, Some(2));
        for ignored in ["max-age=10000, &&&&&", "max-age=\"10000\"", "MaX-aGe=3600", ""] {
            assert_eq!(of(&[("cdn-cache-control", ignored), no_store]), (None, true, false), "{ignored}");
        }
        assert_eq!(of(&[past]), (Some(0), false, false));
        assert_eq!(of(&[]), (None, false, false));
    }

    proptest! {
        #[test]
        fn never_panics(field in r#"(max-age|no-store|private|s-maxage|[=;, ?"()é]|[0-9]){0,20}"#) {
            targeted([field.as_str()]);
        }
    }
}

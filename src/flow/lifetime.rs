//! How long something kept may be used: what its origin says where that counts, else what the settings say
//! (RFC 9111 §4.2, RFC 5861). Pure.

use serde::{Deserialize, Serialize};

use crate::config::Freshness;
use crate::origin::OriginFreshness;
use crate::semantics::cache_control::{CacheControl, Flag};
use crate::semantics::dates::parse_http_date;
use crate::semantics::freshness::{Arrival, Expires, age_field_s, lifetime_s};

/// The uses of a kept thing over time, decided when it came or was confirmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifetime {
    /// Unix seconds until which the origin is not asked.
    pub fresh_until_s: u64,
    /// Seconds after that in which it is served at once while the origin is asked behind.
    pub stale_while_revalidate_s: u64,
    /// Seconds after that in which it is served when the origin fails.
    pub stale_if_error_s: u64,
    /// The origin itself said how long; answers promise no more than that.
    pub is_explicit: bool,
    /// The origin wants it kept by nobody who shares.
    pub is_private: bool,
}

/// What may be done with a kept thing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Serve it; so many seconds of freshness are left.
    Fresh { ttl_s: u64 },
    /// Serve it, and have the origin asked behind; it is stale for so many seconds.
    Refresh { stale_s: u64 },
    /// Ask the origin first; should that fail, it may be served if `is_rescue`.
    Stale { stale_s: u64, is_rescue: bool },
}

// === impl Lifetime ===

impl Lifetime {
    /// The lifetime of what came between these times (Unix seconds) with these fields.
    pub fn of(said: &OriginFreshness, rules: &Freshness, requested_s: u64, received_s: u64) -> Self {
        let own = Self {
            fresh_until_s: received_s.saturating_add(rules.origin_ttl.as_secs()),
            stale_while_revalidate_s: if rules.origin_ttl.is_zero() {
                0
            } else {
                rules.stale_while_revalidate.as_secs()
            },
            stale_if_error_s: rules.stale_if_error.as_secs(),
            is_explicit: false,
            is_private: false,
        };
        if !rules.honours_origin {
            return own;
        }
        let control = CacheControl::parse(said.cache_control.as_deref());
        let arrival = Arrival {
            date_s: said.date.as_deref().and_then(|date| parse_http_date(date, received_s)),
            age_s: age_field_s(said.age.as_deref()),
            requested_s,
            received_s,
        };
        let lifetime_s = lifetime_s(&control, Expires::parse(said.expires.as_deref(), received_s), &arrival);
        let left_s = lifetime_s.map(|lifetime_s| lifetime_s.saturating_sub(arrival.current_age_s(received_s)));
        let is_asked_always = control.has(Flag::NoCache);
        let is_strict = is_asked_always
            || control.has(Flag::MustRevalidate)
            || control.has(Flag::ProxyRevalidate)
            || control.s_maxage_s.is_some();
        let window_s = |said_s: Option<u64>, own_s: u64| if is_strict { 0 } else { said_s.unwrap_or(own_s) };
        let fresh_until_s = match left_s {
            _ if is_asked_always => received_s,
            Some(left_s) => received_s.saturating_add(left_s),
            None => own.fresh_until_s,
        };
        Self {
            fresh_until_s,
            stale_while_revalidate_s: window_s(control.stale_while_revalidate_s, own.stale_while_revalidate_s),
            stale_if_error_s: window_s(control.stale_if_error_s, own.stale_if_error_s),
            is_explicit: left_s.is_some() || is_asked_always,
            is_private: control.has(Flag::NoStore) || control.has(Flag::Private),
        }
    }

    /// Good for a moment only, whatever was said: for what is used although its origin fails.
    #[must_use]
    pub fn until(self, end_s: u64) -> Self {
        Self { fresh_until_s: self.fresh_until_s.min(end_s), ..self }
    }

    /// What may be done at `now_s`. `stale_since_s` is when something else than time made it stale: a soft purge, or a
    /// new version of the original that another variant found.
    pub fn standing(&self, stale_since_s: Option<u64>, now_s: u64) -> Standing {
        let end_s = stale_since_s.unwrap_or(u64::MAX).min(self.fresh_until_s);
        if now_s < end_s {
            return Standing::Fresh { ttl_s: end_s - now_s };
        }
        let stale_s = now_s - end_s;
        if stale_s < self.stale_while_revalidate_s {
            return Standing::Refresh { stale_s };
        }
        Standing::Stale { stale_s, is_rescue: stale_s < self.stale_if_error_s }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW_S: u64 = 1_794_700_800;

    fn rules() -> Freshness {
        let seconds = Duration::from_secs;
        Freshness {
            ttl: seconds(1000),
            ttl_truncated: seconds(10),
            origin_ttl: seconds(100),
            honours_origin: true,
            stale_while_revalidate: seconds(20),
            stale_if_error: seconds(500),
            ttl_cdn: seconds(0),
            not_found: seconds(3),
            refused: seconds(3),
            origin_error: seconds(1),
            undecodable: seconds(2),
        }
    }

    fn of(cache_control: &str) -> Lifetime {
        let said = OriginFreshness { cache_control: Some(cache_control.to_owned()), ..OriginFreshness::default() };
        Lifetime::of(&said, &rules(), NOW_S, NOW_S)
    }

    /// Seconds of freshness and of both windows, whether the origin said it, whether it is private.
    fn told(lifetime: Lifetime) -> (u64, u64, u64, bool, bool) {
        let Lifetime { fresh_until_s, stale_while_revalidate_s, stale_if_error_s, is_explicit, is_private } = lifetime;
        (fresh_until_s - NOW_S, stale_while_revalidate_s, stale_if_error_s, is_explicit, is_private)
    }

    #[test]
    fn the_origin_decides_where_it_says_something() {
        for (said, expected) in [
            ("", (100, 20, 500, false, false)),
            ("public", (100, 20, 500, false, false)),
            ("max-age=7", (7, 20, 500, true, false)),
            ("max-age=7, s-maxage=9", (9, 0, 0, true, false)),
            ("max-age=7, must-revalidate", (7, 0, 0, true, false)),
            ("max-age=7, proxy-revalidate", (7, 0, 0, true, false)),
            ("max-age=7, stale-while-revalidate=3, stale-if-error=4", (7, 3, 4, true, false)),
            ("max-age=0, stale-while-revalidate=3", (0, 3, 500, true, false)),
            ("no-cache", (0, 0, 0, true, false)),
            ("no-cache, max-age=60", (0, 0, 0, true, false)),
            ("no-store", (100, 20, 500, false, true)),
            ("private, max-age=60", (60, 20, 500, true, true)),
        ] {
            assert_eq!(told(of(said)), expected, "{said}");
        }
    }

    #[test]
    fn age_and_expires_count() {
        let said = OriginFreshness {
            cache_control: Some("max-age=60".to_owned()),
            age: Some("50".to_owned()),
            ..OriginFreshness::default()
        };
        assert_eq!(told(Lifetime::of(&said, &rules(), NOW_S, NOW_S)).0, 10);
        assert_eq!(told(Lifetime::of(&said, &rules(), NOW_S - 4, NOW_S)).0, 6);
        let said = OriginFreshness { expires: Some("0".to_owned()), ..OriginFreshness::default() };
        assert_eq!(told(Lifetime::of(&said, &rules(), NOW_S, NOW_S)), (0, 20, 500, true, false));
    }

    #[test]
    fn an_origin_may_be_told_nothing() {
        let rules = Freshness { honours_origin: false, ..rules() };
        let said =
            OriginFreshness { cache_control: Some("no-store, max-age=1".to_owned()), ..OriginFreshness::default() };
        assert_eq!(told(Lifetime::of(&said, &rules, NOW_S, NOW_S)), (100, 20, 500, false, false));
        let always = Freshness { origin_ttl: Duration::ZERO, ..rules };
        assert_eq!(told(Lifetime::of(&said, &always, NOW_S, NOW_S)), (0, 0, 500, false, false));
    }

    #[test]
    fn fresh_then_refreshed_behind_then_asked_for_first() {
        let lifetime = of("max-age=10, stale-while-revalidate=5, stale-if-error=30");
        for (at_s, since_s, expected) in [
            (0, None, Standing::Fresh { ttl_s: 10 }),
            (9, None, Standing::Fresh { ttl_s: 1 }),
            (10, None, Standing::Refresh { stale_s: 0 }),
            (14, None, Standing::Refresh { stale_s: 4 }),
            (15, None, Standing::Stale { stale_s: 5, is_rescue: true }),
            (39, None, Standing::Stale { stale_s: 29, is_rescue: true }),
            (40, None, Standing::Stale { stale_s: 30, is_rescue: false }),
            (3, Some(4), Standing::Fresh { ttl_s: 1 }),
            (3, Some(3), Standing::Refresh { stale_s: 0 }),
            (3, Some(0), Standing::Refresh { stale_s: 3 }),
            (12, Some(20), Standing::Refresh { stale_s: 2 }),
        ] {
            let since_s = since_s.map(|since_s| NOW_S + since_s);
            assert_eq!(lifetime.standing(since_s, NOW_S + at_s), expected, "{at_s} {since_s:?}");
        }
    }
}

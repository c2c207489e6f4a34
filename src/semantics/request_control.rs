//! The `Cache-Control` field of a request (RFC 9111 §5.2.1): what a client wants of caches.
//!
//! Honouring it is the caller's choice: a client that may force misses can force work.

use super::cache_control::unquoted;
use super::fields::{delta_s, is_token_byte, members};
use super::reuse::Reuse;

/// The wishes of a request. Durations in seconds, at most `fields::DELTA_S_MAX`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestControl {
    /// Neither answer nor request are to be kept.
    pub no_store: bool,
    /// Nothing stored without asking the origin.
    pub no_cache: bool,
    /// Nothing but what is stored; without it the answer is 504.
    pub only_if_cached: bool,
    /// The highest age; a malformed one is 0.
    pub max_age_s: Option<u64>,
    /// The least freshness that must be left.
    pub min_fresh_s: Option<u64>,
    pub max_stale: Option<MaxStale>,
}

/// How stale an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxStale {
    Any,
    /// At most so many seconds over its lifetime.
    Seconds(u64),
}

// === impl RequestControl ===

impl RequestControl {
    /// Reads all lines of `Cache-Control`; without any, `Pragma: no-cache` counts as `no-cache` (RFC 9111 §5.4).
    /// Unknown and malformed directives are left out; nothing is an error.
    pub fn parse(
        cache_control: impl IntoIterator<Item: AsRef<str>>,
        pragma: impl IntoIterator<Item: AsRef<str>>,
    ) -> Self {
        let mut control = Self::default();
        let mut is_absent = true;
        for line in cache_control {
            is_absent = false;
            for member in members(line.as_ref()) {
                control.take(member);
            }
        }
        let is_no_cache = |line: &str| members(line).any(|member| member.eq_ignore_ascii_case("no-cache"));
        control.no_cache |= is_absent && pragma.into_iter().any(|line| is_no_cache(line.as_ref()));
        control
    }

    /// Whether a stored response may be used for this request without asking the origin (RFC 9111 §4.2, §5.2.1).
    ///
    /// Rights to serve stale by RFC 5861 are the caller's next question; `no-cache` and a too high age end them.
    pub fn accepts(&self, reuse: &Reuse) -> bool {
        if self.no_cache || self.max_age_s.is_some_and(|max_s| reuse.age_s > max_s) {
            return false;
        }
        let left_s = reuse.lifetime_s.saturating_sub(reuse.age_s);
        if reuse.is_fresh && self.min_fresh_s.is_none_or(|min_s| left_s >= min_s) {
            return true;
        }
        match self.max_stale {
            None => false,
            // A wish for freshness to be left is no wish for something stale.
            Some(_) if reuse.must_revalidate || self.min_fresh_s.is_some() => false,
            Some(MaxStale::Any) => true,
            Some(MaxStale::Seconds(max_s)) => reuse.stale_for_s() <= max_s,
        }
    }

    fn take(&mut self, member: &str) {
        let (name, argument) = member.split_once('=').map_or((member, None), |(name, text)| (name, Some(text)));
        // White space beside the equals sign: no directive by the grammar.
        if !name.bytes().all(is_token_byte) || argument.is_some_and(|text| text.starts_with([' ', '\t'])) {
            return;
        }
        let seconds = argument.and_then(|text| delta_s(unquoted(text)));
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("no-store") {
            self.no_store = true;
        } else if is("no-cache") {
            self.no_cache = true;
        } else if is("only-if-cached") {
            self.only_if_cached = true;
        } else if is("max-age") {
            let seconds = seconds.unwrap_or(0);
            self.max_age_s = Some(self.max_age_s.map_or(seconds, |other| other.min(seconds)));
        } else if is("min-fresh") {
            // `Option` orders an absent one first.
            self.min_fresh_s = self.min_fresh_s.max(seconds);
        } else if is("max-stale") {
            let asked = match argument {
                None => Some(MaxStale::Any),
                Some(_) => seconds.map(MaxStale::Seconds),
            };
            self.max_stale = stricter(self.max_stale, asked);
        }
    }
}

fn stricter(one: Option<MaxStale>, other: Option<MaxStale>) -> Option<MaxStale> {
    match (one, other) {
        (Some(MaxStale::Seconds(one)), Some(MaxStale::Seconds(other))) => Some(MaxStale::Seconds(one.min(other))),
        (Some(MaxStale::Any) | None, found @ Some(_)) | (found @ Some(_), Some(MaxStale::Any) | None) => found,
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::semantics::fields::DELTA_S_MAX;
    use crate::semantics::reuse::LifetimeSource;

    const NONE: [&str; 0] = [];

    fn parse(line: &str) -> RequestControl {
        RequestControl::parse([line], NONE)
    }

    fn of_age(age_s: u64) -> Reuse {
        Reuse {
            age_s,
            lifetime_s: 1500,
            source: LifetimeSource::Explicit,
            is_fresh: age_s < 1500,
            stale_while_revalidate_until_s: 0,
            stale_if_error_until_s: 0,
            must_revalidate: false,
        }
    }

    #[test]
    fn directives_are_read() {
        let empty = RequestControl::default();
        let vectors = [
            ("", empty),
            ("no-store", RequestControl { no_store: true, ..empty }),
            ("No-Cache, only-if-cached", RequestControl { no_cache: true, only_if_cached: true, ..empty }),
            ("max-age=60", RequestControl { max_age_s: Some(60), ..empty }),
            ("max-age=\"60\", max-age=5", RequestControl { max_age_s: Some(5), ..empty }),
            ("max-age=x", RequestControl { max_age_s: Some(0), ..empty }),
            ("max-age", RequestControl { max_age_s: Some(0), ..empty }),
            ("max-age=99999999999", RequestControl { max_age_s: Some(DELTA_S_MAX), ..empty }),
            ("max-age =60, max-stale= 5", empty),
            ("min-fresh=5, min-fresh=9, min-fresh=x", RequestControl { min_fresh_s: Some(9), ..empty }),
            ("max-stale", RequestControl { max_stale: Some(MaxStale::Any), ..empty }),
            ("max-stale=7", RequestControl { max_stale: Some(MaxStale::Seconds(7)), ..empty }),
            ("max-stale, max-stale=7", RequestControl { max_stale: Some(MaxStale::Seconds(7)), ..empty }),
            ("max-stale=7, max-stale", RequestControl { max_stale: Some(MaxStale::Seconds(7)), ..empty }),
            ("max-stale=7, max-stale=3", RequestControl { max_stale: Some(MaxStale::Seconds(3)), ..empty }),
            ("max-stale=x", empty),
            ("ext=\"no-cache, max-age=1\", nothing-to-see-here", empty),
        ];
        for (line, expected) in vectors {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn pragma_counts_only_alone() {
        let with = |cache_control: &[&str], pragma: &[&str]| {
            RequestControl::parse(cache_control.iter().copied(), pragma.iter().copied()).no_cache
        };
        assert!(with(&[], &["no-cache"]));
        assert!(with(&[], &["foo", "x, No-Cache"]));
        assert!(!with(&[], &["foo"]));
        assert!(!with(&["max-age=5"], &["no-cache"]));
        assert!(!with(&[""], &["no-cache"]));
    }

    #[test]
    fn stored_responses_by_the_wishes() {
        let vectors = [
            ("", 1499, true),
            ("", 1500, false),
            ("no-cache", 0, false),
            ("max-age=0", 0, true),
            ("max-age=0", 1, false),
            ("max-age=600", 600, true),
            ("max-age=600", 601, false),
            ("min-fresh=1000", 500, true),
            ("min-fresh=1000", 501, false),
            ("min-fresh=2000", 0, false),
            ("max-stale", 999_999, true),
            ("max-stale=1000", 2000, true),
            ("max-stale=1000", 2500, true),
            ("max-stale=1000", 2501, false),
            ("max-stale=1000, max-age=2000", 2001, false),
            ("max-stale=1000, min-fresh=1", 1500, false),
            ("max-stale=1000, no-cache", 0, false),
        ];
        for (line, age_s, expected) in vectors {
            assert_eq!(parse(line).accepts(&of_age(age_s)), expected, "{line} at {age_s}");
        }
        let strict = Reuse { must_revalidate: true, ..of_age(1501) };
        assert!(!parse("max-stale").accepts(&strict));
    }

    proptest! {
        #[test]
        fn never_panics(line in r#"(max-age|min-fresh|max-stale|no-cache|[=,"\\ 09a'é-]){0,30}"#) {
            parse(&line).accepts(&of_age(3));
            RequestControl::parse(NONE, [line]);
        }
    }
}

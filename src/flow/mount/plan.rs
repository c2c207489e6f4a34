//! What to do with a request that reads, from what is kept. Contract: pure; nothing is asked and nothing is changed.

use std::sync::Arc;

use http::header::{IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE};
use http::{HeaderMap, Method};

use super::answer::is_range_wanted;
use super::shelf::Found;
use super::stored::Stored;
use crate::semantics::cache_status::Forward;
use crate::semantics::fields::text_of;
use crate::semantics::partial::Need;
use crate::semantics::request_control::RequestControl;
use crate::semantics::reuse::Reuse;

/// What to do.
#[derive(Debug)]
pub(super) enum Plan {
    /// Answer with it.
    Serve(Arc<Stored>, Reuse),
    /// Answer with it though it is stale, and refresh it behind (RFC 5861 §3).
    ServeStale(Arc<Stored>, Reuse),
    /// Ask for the missing range of a stored part.
    Complete(Arc<Stored>, String),
    /// Ask the origin; `known` is a stored response that it may confirm.
    Ask { known: Option<Arc<Stored>>, why: Forward },
    /// The client wants nothing but what is kept, and there is nothing.
    NothingKept,
}

impl Plan {
    /// The plan for a request of this method and header. `reuse` tells what may be done with a stored response now.
    pub(super) fn decide(
        found: Found,
        method: &Method,
        request: &HeaderMap,
        wishes: &RequestControl,
        now_s: u64,
        reuse: impl Fn(&Stored) -> Reuse,
    ) -> Self {
        let ask = |known, why| if wishes.only_if_cached { Self::NothingKept } else { Self::Ask { known, why } };
        // Those conditions are about what the origin has, which no cache can say (RFC 9111 §4.3.2).
        if request.contains_key(IF_MATCH) || request.contains_key(IF_UNMODIFIED_SINCE) {
            return ask(None, Forward::Request);
        }
        let stored = match found {
            Found::Nothing => return ask(None, Forward::UriMiss),
            Found::OtherVariants => return ask(None, Forward::VaryMiss),
            Found::Stored(stored) => stored,
        };
        let reuse = reuse(&stored);
        let need = need(&stored, method, request);
        if matches!(need, Need::Whole | Need::Held { .. } | Need::Unsatisfiable) {
            if wishes.accepts(&reuse) {
                return Self::Serve(stored, reuse);
            }
            let is_too_old = wishes.no_cache || wishes.max_age_s.is_some_and(|max_s| reuse.age_s > max_s);
            let is_too_stale = is_too_old || wishes.min_fresh_s.is_some();
            if !reuse.is_fresh && !is_too_stale && reuse.may_serve_while_revalidating(now_s) {
                return Self::ServeStale(stored, reuse);
            }
            let why = if reuse.is_fresh { Forward::Request } else { Forward::Stale };
            // A part that is stale is asked for anew: a 304 to a question about a part is rarely what it seems.
            let known = Some(stored).filter(|stored| stored.part.is_none());
            return ask(known, why);
        }
        match need {
            Need::Rest { range } if reuse.is_fresh && !wishes.only_if_cached => Self::Complete(stored, range),
            _ => ask(None, Forward::Partial),
        }
    }
}

/// What a request needs of a stored response.
fn need(stored: &Stored, method: &Method, request: &HeaderMap) -> Need {
    let Some(part) = &stored.part else { return Need::Whole };
    if *method == Method::HEAD {
        // The head of a part is not the head of the whole.
        return Need::Forward;
    }
    let range = request.get(RANGE).filter(|_| !request.contains_key(IF_RANGE) || is_range_wanted(stored, request));
    part.need(range.map(text_of).as_deref())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderValue, StatusCode};

    use super::*;
    use crate::cache::{Labels, Stamp};
    use crate::semantics::partial::Part;
    use crate::semantics::reuse::LifetimeSource;
    use crate::semantics::vary::VaryKey;

    const NOW_S: u64 = 1_000;

    fn stored(part: Option<Part>) -> Arc<Stored> {
        Arc::new(Stored {
            status: if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK },
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"01234"),
            part,
            requested_s: 0,
            received_s: 0,
            vary: VaryKey::default(),
            stamp: Stamp::default(),
            labels: Arc::new(Labels::default()),
        })
    }

    fn aged(age_s: u64, window_s: u64) -> Reuse {
        Reuse {
            age_s,
            lifetime_s: 10,
            source: LifetimeSource::Explicit,
            is_fresh: age_s < 10,
            stale_while_revalidate_until_s: NOW_S + window_s,
            stale_if_error_until_s: 0,
            must_revalidate: false,
        }
    }

    fn plan(found: Found, method: &Method, range: Option<&'static str>, control: &str, reuse: Reuse) -> String {
        let request: HeaderMap = range.map(|range| (RANGE, HeaderValue::from_static(range))).into_iter().collect();
        let wishes = RequestControl::parse([control], [""; 0]);
        match Plan::decide(found, method, &request, &wishes, NOW_S, |_| reuse) {
            Plan::Serve(..) => "serve".to_owned(),
            Plan::ServeStale(..) => "serve stale".to_owned(),
            Plan::Complete(_, range) => format!("complete {range}"),
            Plan::Ask { known, why } => format!("ask {why:?}{}", if known.is_some() { " known" } else { "" }),
            Plan::NothingKept => "nothing".to_owned(),
        }
    }

    #[test]
    fn whole_responses_by_age_and_wishes() {
        for (age_s, window_s, control, expected) in [
            (9, 0, "", "serve"),
            (10, 0, "", "ask Stale known"),
            (10, 5, "", "serve stale"),
            (9, 0, "no-cache", "ask Request known"),
            (10, 5, "no-cache", "ask Stale known"),
            (9, 0, "max-age=5", "ask Request known"),
            (10, 5, "max-age=5", "ask Stale known"),
            (10, 5, "max-age=10", "serve stale"),
            (9, 0, "min-fresh=5", "ask Request known"),
            (12, 0, "max-stale=5", "serve"),
            (9, 0, "only-if-cached", "serve"),
            (10, 0, "only-if-cached", "nothing"),
        ] {
            let found = Found::Stored(stored(None));
            assert_eq!(plan(found, &Method::GET, None, control, aged(age_s, window_s)), expected, "{age_s} {control}");
        }
        assert_eq!(plan(Found::Nothing, &Method::GET, None, "", aged(0, 0)), "ask UriMiss");
        assert_eq!(plan(Found::OtherVariants, &Method::GET, None, "", aged(0, 0)), "ask VaryMiss");
        assert_eq!(plan(Found::Nothing, &Method::GET, None, "only-if-cached", aged(0, 0)), "nothing");
    }

    #[test]
    fn parts_by_what_is_asked_of_them() {
        let part = Part { first: 0, len_bytes: 5, complete_bytes: Some(10), is_exact: true };
        for (method, range, age_s, expected) in [
            (Method::GET, Some("bytes=1-4"), 0, "serve"),
            (Method::GET, Some("bytes=1-4"), 10, "ask Stale"),
            (Method::GET, Some("bytes=4-5"), 0, "ask Partial"),
            (Method::GET, Some("bytes=10-"), 0, "serve"),
            (Method::GET, None, 0, "complete bytes=5-"),
            (Method::GET, None, 10, "ask Partial"),
            (Method::HEAD, None, 0, "ask Partial"),
        ] {
            let found = Found::Stored(stored(Some(part)));
            assert_eq!(plan(found, &method, range, "", aged(age_s, 0)), expected, "{method} {range:?} at {age_s}");
        }
    }
}

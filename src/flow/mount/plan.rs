//! What to do with a request that reads, from what is kept. Contract: pure; nothing is asked and nothing is changed.

use std::sync::Arc;

use http::header::{IF_RANGE, RANGE};
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

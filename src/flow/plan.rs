//! What to do with a request, decided from what is kept; only then is it done. Pure.

use super::lifetime::Standing;
use super::{Failure, Variant};
use crate::cache::Found;

/// What is to be done.
#[derive(Debug)]
pub enum Plan {
    /// Serve what is kept, fresh for so many seconds.
    Fresh(Found<Variant>, u64),
    /// Serve what is kept, stale for so many seconds, and have the origin asked behind.
    Refresh(Found<Variant>, u64),
    /// Serve what is kept, stale for so many seconds: making a new one failed a moment ago.
    Rescue(Found<Variant>, u64),
    /// Ask the origin whether what is kept is still right.
    Revalidate(Found<Variant>),
    /// Make it.
    Miss,
    /// It failed a moment ago and would fail again.
    Negative(Failure),
}

// === impl Plan ===

impl Plan {
    /// The plan for a kept variant and a kept failure; `now_s` in Unix seconds.
    pub fn decide(kept: Option<Found<Variant>>, failed: Option<Failure>, now_s: u64) -> Self {
        let standing = kept.map(|found| (found.value.lifetime.standing(found.stale_since_s, now_s), found));
        match (standing, failed) {
            (Some((Standing::Fresh { ttl_s }, found)), _) => Self::Fresh(found, ttl_s),
            (Some((Standing::Refresh { stale_s }, found)), None) => Self::Refresh(found, stale_s),
            (
                Some((Standing::Refresh { stale_s } | Standing::Stale { stale_s, is_rescue: true }, found)),
                Some(failure),
            ) if failure.allows_stale() => Self::Rescue(found, stale_s),
            (_, Some(failure)) => Self::Negative(failure),
            (Some((Standing::Stale { .. }, found)), None) => Self::Revalidate(found),
            (None, None) => Self::Miss,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::Place;
    use crate::flow::lifetime::Lifetime;

    /// Fresh until 100, refreshed behind until 110, of use in need until 150.
    fn kept() -> Found<Variant> {
        let lifetime =
            Lifetime { fresh_until_s: 100, stale_while_revalidate_s: 10, stale_if_error_s: 50, ..Lifetime::default() };
        let value = Arc::new(Variant { lifetime, ..Variant::default() });
        Found { value, place: Place::Memory, stale_since_s: None }
    }

    fn failed(status: u16) -> Failure {
        Failure::new(status, "kind", "t", "")
    }

    #[test]
    fn by_age_and_by_recent_failures() {
        let decide = |status: u16, now_s| Plan::decide(Some(kept()), (status > 0).then(|| failed(status)), now_s);
        assert!(matches!(decide(404, 99), Plan::Fresh(_, 1)));
        assert!(matches!(decide(0, 100), Plan::Refresh(_, 0)));
        assert!(matches!(decide(422, 109), Plan::Rescue(_, 9)));
        assert!(matches!(decide(0, 110), Plan::Revalidate(_)));
        assert!(matches!(decide(502, 149), Plan::Rescue(_, 49)));
        assert!(matches!(decide(502, 150), Plan::Negative(_)));
        assert!(matches!(decide(0, 150), Plan::Revalidate(_)));
        assert!(matches!(decide(404, 100), Plan::Negative(_)));
        assert!(matches!(Plan::decide(None, Some(failed(502)), 0), Plan::Negative(_)));
        assert!(matches!(Plan::decide(None, None, 0), Plan::Miss));
    }
}

//! What to do with a request, decided from what is kept; only then is it done. Pure.

use std::sync::Arc;

use super::{Failure, Variant};

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Serve what is kept.
    Fresh(Arc<Variant>),
    /// Ask the origin whether what is kept is still right.
    Revalidate(Arc<Variant>),
    /// Make it.
    Miss,
    /// It failed a moment ago and would fail again.
    Negative(Failure),
}

// === impl Plan ===

impl Plan {
    /// The plan for a kept variant and a kept failure; `now_s` in Unix seconds.
    pub fn decide(kept: Option<Arc<Variant>>, failed: Option<Failure>, now_s: u64) -> Self {
        match (kept, failed) {
            (Some(variant), _) if now_s < variant.fresh_until_s => Self::Fresh(variant),
            (_, Some(failure)) => Self::Negative(failure),
            (Some(variant), None) => Self::Revalidate(variant),
            (None, None) => Self::Miss,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_wins_then_a_recent_failure_then_the_origin_is_asked() {
        let variant = || Some(Arc::new(Variant { fresh_until_s: 100, ..Variant::default() }));
        let failure = || Some(Failure::new(404, "not-found", "t", ""));
        assert!(matches!(Plan::decide(variant(), failure(), 99), Plan::Fresh(_)));
        assert!(matches!(Plan::decide(variant(), None, 100), Plan::Revalidate(_)));
        assert!(matches!(Plan::decide(variant(), failure(), 100), Plan::Negative(_)));
        assert!(matches!(Plan::decide(None, failure(), 0), Plan::Negative(_)));
        assert!(matches!(Plan::decide(None, None, 0), Plan::Miss));
    }
}

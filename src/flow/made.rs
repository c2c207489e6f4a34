//! What a request for a picture carries while it is worked on, and what it gets.

use std::sync::Arc;
use std::time::Duration;

use super::counted;
use super::lifetime::Lifetime;
use super::variant::Variant;
use super::{CacheOutcome, Picture, Rules, StaleWhy, Wanted};
use crate::cache::Found;

/// What a flight or a tier brought.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) variant: Arc<Variant>,
    pub(super) outcome: CacheOutcome,
    pub(super) stages: Vec<(&'static str, Duration)>,
}

/// A request for a picture with everything that work on it needs after the request is gone.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    pub(super) wanted: Arc<Wanted>,
    pub(super) rules: Arc<Rules>,
    pub(super) picture: Arc<Picture>,
}

/// For whom a flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Someone waits: what is kept and may be served ends the flight.
    Request,
    /// Nobody waits: what is kept is served meanwhile and is to be renewed.
    Renewal,
}

// === impl Made ===

impl Made {
    pub(super) fn kept(found: &Found<Variant>, outcome: CacheOutcome) -> Self {
        Self { variant: Arc::clone(&found.value), outcome, stages: Vec::new() }
    }

    pub(super) fn stale(found: &Found<Variant>, stale_s: u64, why: StaleWhy) -> Self {
        counted::stale(why);
        Self::kept(found, CacheOutcome::Stale { stale_s, why })
    }

    /// As it is when it was purged meanwhile.
    pub(super) fn kept_by_nobody(self) -> Self {
        let lifetime = Lifetime { is_private: true, ..self.variant.lifetime };
        let outcome = match self.outcome {
            CacheOutcome::Miss { .. } => CacheOutcome::Miss { stored: false },
            outcome => outcome,
        };
        Self { variant: Arc::new(Variant { lifetime, ..Variant::clone(&self.variant) }), outcome, ..self }
    }

    /// As it is for those who waited for another one's flight.
    pub(super) fn collapsed(self) -> Self {
        let outcome = match self.outcome {
            CacheOutcome::Miss { .. } | CacheOutcome::Revalidated => CacheOutcome::Collapsed,
            outcome => outcome,
        };
        Self { outcome, ..self }
    }
}

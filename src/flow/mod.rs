//! The way of a request, from top to bottom: understood, looked up, and if it must be, fetched and made once.
//!
//! This is the one room that joins the others. What to do is decided by a pure function ([`plan`]) from what is kept,
//! and only then done. A request that misses waits for a flight: one for each original, one for each variant, run as
//! tasks of their own, so that a client that hangs up neither ends nor repeats the work of others.

mod admission;
mod ask;
mod behind;
mod confirm;
mod counted;
mod failure;
mod known;
mod labels;
pub mod lifetime;
mod looped;
mod made;
mod misses;
pub mod mount;
mod original;
mod picture;
pub mod plan;
mod poison;
mod purge;
mod raw;
mod refusal;
mod setup;
mod shared;
mod state;
mod variant;
mod wanted;
mod words;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::{DiskTier, Flights, Found, Key, Marks, Negative, SharedTier, Stamp, Tiers};
use crate::config::Config;
use crate::engine::{Limits, Patience, Pool};
use crate::semantics::loops::Identity;
use crate::telemetry::clock;

pub use ask::{Answer, Ask, CacheOutcome, Face, Keeping, StaleWhy, Written};
pub use failure::Failure;
use known::Recalled;
use mount::Mounts;
pub use original::{KeptOriginal, Known, Originals};
pub use purge::{PURGE_FORM, PurgeOrder, PurgeReport};
pub use setup::{SetupError, dialect, engine_limits, isolation, origins_spec};
pub use shared::shared_spec;
pub use variant::Variant;
pub use wanted::{LiveRules, Picture, Rules, Wanted, What, negotiated};

/// Everything that a request may need on its way.
pub struct Flow {
    /// As it was at the start; what can change since then is in the rules.
    config: Config,
    /// How requests are understood; swapped on reload.
    rules: Arc<LiveRules>,
    /// What URLs mean that were hit lately.
    known: known::KnownUrls,
    originals: Originals,
    variants: Tiers<Variant>,
    /// The tiers below memory, where there are any.
    disk: Option<DiskTier>,
    shared: Option<SharedTier>,
    /// What was purged, and what a changed original made stale.
    marks: Arc<Marks>,
    /// The journal of purges could not be written when it was last tried.
    is_journal_behind: Arc<AtomicBool>,
    /// Pictures that could not be made a moment ago.
    failed: Negative<Failure>,
    /// Originals that brought down workers a moment ago.
    poison: poison::Poison,
    /// By key and by the last purge of what is made.
    flights: Flights<(Key, Stamp), made::Made, Failure>,
    /// Looks into the tiers below memory that are no part of a flight.
    looks: Flights<(Key, Stamp), Option<Found<Variant>>, Infallible>,
    /// Places for renewals that nobody waits for.
    behind: Arc<Semaphore>,
    outdated: behind::Outdated,
    mounts: Arc<Mounts>,
    /// Requests that wait, and whose.
    misses: Arc<misses::Misses>,
    /// What is known of the work to come.
    admission: admission::Admission,
    pool: Pool,
    /// This server in what it sends, so that it knows its own requests when they come back.
    identity: Identity,
    /// What makes pixels here; part of every entity tag.
    fingerprint: String,
    tracker: TaskTracker,
    /// Ends what goes on for as long as the flow does.
    stop: CancellationToken,
}

/// Bounds of one request.
#[derive(Debug, Clone, Copy)]
pub struct FlowLimits {
    /// From reading the request to its answer.
    pub request_timeout: Duration,
    pub patience: Patience,
    pub engine: Limits,
}

// === impl Flow ===

impl Flow {
    /// Answers one request.
    ///
    /// # Errors
    /// [`Failure`] says what the client is told.
    pub async fn answer(self: &Arc<Self>, ask: Ask) -> Result<Answer, Failure> {
        let (errand, is_new) = match self.recall(&ask) {
            Recalled::Hit(answer) => return Ok(answer),
            Recalled::Meaning(errand) => (errand, false),
            Recalled::Nothing => {
                let rules = self.rules.load_full();
                let wanted = rules.understand(&ask, self.originals.origins())?;
                let What::Picture(picture) = wanted.what.clone() else {
                    return self.raw(&wanted, &rules, ask.client).await;
                };
                (made::Errand { wanted: Arc::new(wanted), rules, picture }, true)
            }
        };
        let until = clock::instant() + errand.rules.limits.request_timeout;
        let asker = admission::Asker { if_none_match: ask.if_none_match.as_deref(), client: ask.client, until };
        let answer = self.picture(&errand, asker).await;
        if is_new
            && let Ok(Answer { face, .. }) = &answer
            && let CacheOutcome::Hit { .. } = face.cache
        {
            self.known.note(&ask, &errand);
        }
        let negotiated = errand.picture.negotiated;
        answer.map_err(|failure| Failure { negotiated, ..failure })
    }
}

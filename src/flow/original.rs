//! Originals: fetched once however many variants want them, kept in tiers of their own, revalidated when stale.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio_util::task::TaskTracker;

use super::lifetime::{Lifetime, Standing};
use super::{Wanted, counted};
use crate::cache::{FlightError, FlightLimits, Flights, Found, Key, Labels, Marks, Negative, Place, Stamp, Tiers};
use crate::config::Freshness;
use crate::origin::{Fetched, OriginError, Origins};
use crate::semantics::loops::Passed;
use crate::telemetry::clock;

pub use kept::{KeptOriginal, Known};

mod kept;

/// What a request for an original brought.
#[derive(Debug, Clone)]
pub enum Got {
    /// With where it was found; nothing where its origin was asked.
    Original(Arc<KeptOriginal>, Option<Place>),
    /// The origin failed in this way; a kept original is stale and may still be used.
    Stale(Arc<KeptOriginal>, OriginError),
    /// The origin says that nothing changed since what the asker knows; there are no bytes at hand.
    Unchanged(Arc<Known>, Lifetime),
}

/// All originals of a server.
pub struct Originals {
    origins: Arc<Origins>,
    tiers: Tiers<KeptOriginal>,
    /// By key and by the last purge of what is fetched.
    flights: Flights<(Key, Stamp), Got, OriginError>,
    refused: Arc<Negative<OriginError>>,
    generations: Generations,
    marks: Arc<Marks>,
    tracker: TaskTracker,
}

/// The tag by which each original was last known, so that a new one is noticed although its bytes are long gone.
type Generations = Cache<Key, Arc<str>>;

/// Origins that refused a moment ago, at most.
const REFUSED_MAX: usize = 10_000;
/// Originals whose tag is remembered, at most: about 20 MB.
const GENERATIONS_MAX: u64 = 100_000;

/// How often one request asks for an original that is purged while it comes.
const TRIES_MAX: u32 = 3;

// === impl Originals ===

impl Originals {
    pub fn new(origins: Arc<Origins>, tiers: Tiers<KeptOriginal>, marks: Arc<Marks>, tracker: TaskTracker) -> Self {
        Self {
            origins,
            tiers,
            flights: Flights::new(FlightLimits::of("original")),
            refused: Arc::new(Negative::new(REFUSED_MAX)),
            generations: Cache::new(GENERATIONS_MAX),
            marks,
            tracker,
        }
    }

    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The tiers, for their numbers and for purges.
    pub const fn tiers(&self) -> &Tiers<KeptOriginal> {
        &self.tiers
    }

    /// Fetches under way.
    pub fn flights(&self) -> usize {
        self.flights.len()
    }

    /// Forgets what origins refused: a purge asks for another try.
    pub fn forget_refusals(&self) {
        self.refused.purge_all();
    }

    /// The original if memory has it fresh; and for how many seconds it stays so.
    pub fn fresh(&self, key: &Key, now_s: u64) -> Option<(Arc<KeptOriginal>, u64)> {
        let found = self.tiers.peek(key)?;
        match found.value.lifetime.standing(found.stale_since_s, now_s) {
            Standing::Fresh { ttl_s } => Some((found.value, ttl_s)),
            Standing::Refresh { .. } | Standing::Stale { .. } => None,
        }
    }

    /// The original if any tier has it fresh.
    pub async fn kept_fresh(&self, key: &Key) -> Option<Got> {
        let found = self.tiers.find(key).await?;
        let standing = found.value.lifetime.standing(found.stale_since_s, clock::now_unix_s());
        matches!(standing, Standing::Fresh { .. }).then(|| Got::Original(found.value, Some(found.place)))
    }

    /// The original, fetched if it must be. `known` is what the caller would rather not have again. One fetch serves
    /// everyone who asks at the same time. What was purged again each time it came is given all the same: its fetch
    /// began after this call, and the caller sees to it that nobody keeps it.
    pub async fn get(
        &self,
        wanted: &Wanted,
        known: Option<&Arc<Known>>,
        freshness: &Freshness,
    ) -> Result<Got, OriginError> {
        let now_s = clock::now_unix_s();
        if let Some((kept, _)) = self.fresh(&wanted.original_key, now_s) {
            return Ok(Got::Original(kept, Some(Place::Memory)));
        }
        if let Some(error) = self.refused.get(&wanted.original_key, now_s) {
            counted::remembered("original");
            return self.rescued(wanted, error).await;
        }
        let (mut known, mut is_plain, mut purged) = (known, false, None);
        for _ in 0..TRIES_MAX {
            let got = self.fetch(wanted, known, freshness).await?;
            match &got {
                // Another one's fetch was conditional on bytes that this caller does not have.
                Got::Unchanged(unchanged, _) if Some(unchanged) != known && !is_plain => {
                    (known, is_plain) = (None, true);
                }
                // A purge came while it was on its way.
                Got::Original(kept, _) | Got::Stale(kept, _) if self.tiers.is_gone(kept) => purged = Some(got),
                _ => return Ok(got),
            }
        }
        purged.ok_or(OriginError::Unreachable(None))
    }

    /// Takes back that an original is fresh for long: its bytes end too early, or nothing could be made of them, so
    /// that they are probably an error page that came as a success.
    pub fn distrust(&self, wanted: &Wanted, kept: &KeptOriginal, time: Duration) {
        let end_s = clock::now_unix_s() + time.as_secs();
        if end_s < kept.lifetime.fresh_until_s {
            let lifetime = Lifetime { stale_while_revalidate_s: 0, ..kept.lifetime.until(end_s) };
            self.tiers.keep(wanted.original_key, &Arc::new(KeptOriginal { lifetime, ..kept.clone() }));
        }
    }

    /// After a refusal that is remembered: a stale original where there is one that may be used.
    async fn rescued(&self, wanted: &Wanted, error: OriginError) -> Result<Got, OriginError> {
        let found = if counts_as_failure(&error) { self.tiers.find(&wanted.original_key).await } else { None };
        rescue(found.as_ref(), error)
    }

    async fn fetch(
        &self,
        wanted: &Wanted,
        known: Option<&Arc<Known>>,
        freshness: &Freshness,
    ) -> Result<Got, OriginError> {
        let fetch = Fetch {
            origins: Arc::clone(&self.origins),
            tiers: self.tiers.clone(),
            refused: Arc::clone(&self.refused),
            marks: Arc::clone(&self.marks),
            key: wanted.original_key,
            source: wanted.source.clone(),
            passed: wanted.passed.clone(),
            labels: Arc::clone(&wanted.labels),
            known: known.cloned(),
            generations: self.generations.clone(),
            freshness: freshness.clone(),
        };
        // Who comes after a purge does not board what began before it.
        let flight = (wanted.original_key, self.marks.last(&wanted.labels));
        let mut ticket = self.flights.join(flight, &self.tracker, move |cancelled| async move {
            tokio::select! {
                got = fetch.run() => got,
                () = cancelled.cancelled() => Err(OriginError::Unreachable(None)),
            }
        });
        counted::boarded("original", ticket.role());
        ticket.wait().await.map_err(|error| match error {
            FlightError::Failed(error) => error,
            FlightError::Lost => OriginError::Unreachable(None),
        })
    }
}

/// One fetch with everything that it needs, since it may outlive who asked for it.
struct Fetch {
    origins: Arc<Origins>,
    tiers: Tiers<KeptOriginal>,
    refused: Arc<Negative<OriginError>>,
    marks: Arc<Marks>,
    key: Key,
    source: String,
    passed: Passed,
    labels: Arc<Labels>,
    known: Option<Arc<Known>>,
    generations: Generations,
    freshness: Freshness,
}

// === impl Fetch ===

impl Fetch {
    /// Looks into the tiers again, then asks the origin.
    async fn run(self) -> Result<Got, OriginError> {
        // Before anything is read: a purge from here on holds for what comes.
        let stamp = self.marks.stamps().now();
        let requested_s = clock::now_unix_s();
        let found = self.tiers.find(&self.key).await;
        if let Some(found) = &found
            && let Standing::Fresh { .. } = found.value.lifetime.standing(found.stale_since_s, requested_s)
        {
            return Ok(Got::Original(Arc::clone(&found.value), Some(found.place)));
        }
        let kept = found.as_ref().map(|found| &found.value);
        let known = kept.map(|kept| Arc::new(kept.known())).or_else(|| self.known.clone());
        let validators = known.as_ref().map(|known| &known.validators);
        let fetched = self.origins.fetch_for(&self.passed, &self.source, validators).await;
        counted::fetched(&self.source, &fetched);
        let received_s = clock::now_unix_s();
        let lived = |said| Lifetime::of(said, &self.freshness, requested_s, received_s);
        let is_another = self.is_another(&fetched, kept.map(Arc::as_ref));
        let fresh = match fetched {
            Ok(Fetched::Body(original)) => {
                let lifetime = lived(&original.freshness);
                Arc::new(KeptOriginal::new(original, lifetime, stamp, Arc::clone(&self.labels)))
            }
            Ok(Fetched::NotModified { freshness }) => {
                let known = known.unwrap_or_default();
                let said = known.freshness.updated(freshness);
                let lifetime = lived(&said);
                let Some(kept) = kept else {
                    return Ok(Got::Unchanged(known, lifetime));
                };
                Arc::new(kept.confirmed(said, lifetime, stamp))
            }
            Err(error) => {
                self.refuse(&error, stamp, received_s);
                self.outdate(is_another, stamp);
                return rescue(found.as_ref(), error);
            }
        };
        if !fresh.lifetime.is_private {
            self.tiers.keep(self.key, &fresh);
        }
        // Only now: who finds older things stale finds what came in their place.
        self.outdate(is_another, stamp);
        Ok(Got::Original(fresh, None))
    }

    /// Remembers that the origin refused, unless a purge came meanwhile.
    fn refuse(&self, error: &OriginError, stamp: Stamp, now_s: u64) {
        // A circle is one of this request's way here; who comes by another way may get an answer.
        if matches!(error, OriginError::Loop) || !self.passed.is_empty() {
            return;
        }
        self.refused.insert(self.key, error.clone(), negative_ttl_s(error, &self.freshness), now_s);
        // A purge marks first and forgets then, so that one of both sees the other.
        if self.marks.last(&self.labels) >= stamp {
            self.refused.purge(&self.key);
        }
    }

    fn outdate(&self, is_another: bool, stamp: Stamp) {
        if let Some(source) = self.labels.tags.first().filter(|_| is_another) {
            self.marks.outdate(source, stamp);
        }
    }

    /// Whether this is another original than the one that was here before, or none any more: then what was made of it
    /// is no longer fresh.
    fn is_another(&self, fetched: &Result<Fetched, OriginError>, kept: Option<&KeptOriginal>) -> bool {
        let tag = match fetched {
            Ok(Fetched::Body(original)) => Some(Arc::<str>::from(kept::tag(original))),
            Err(error) if matches!(error.status(), 404 | 410) => None,
            Ok(Fetched::NotModified { .. }) | Err(_) => return false,
        };
        let before = self.generations.get(&self.key).or_else(|| kept.map(|kept| Arc::from(kept.tag.as_str())));
        match &tag {
            Some(tag) => self.generations.insert(self.key, Arc::clone(tag)),
            None => self.generations.invalidate(&self.key),
        }
        before.is_some_and(|before| Some(before) != tag)
    }
}

/// What is left when the origin fails: a stale original within its window, or the error.
fn rescue(found: Option<&Found<KeptOriginal>>, error: OriginError) -> Result<Got, OriginError> {
    let now_s = clock::now_unix_s();
    let usable = found.filter(|found| {
        let standing = found.value.lifetime.standing(found.stale_since_s, now_s);
        !matches!(standing, Standing::Stale { is_rescue: false, .. }) && counts_as_failure(&error)
    });
    usable.map(|found| Got::Stale(Arc::clone(&found.value), error.clone())).ok_or(error)
}

/// Whether the origin failed, as opposed to saying something about the original (RFC 5861, section 4).
fn counts_as_failure(error: &OriginError) -> bool {
    error.status() >= 500
}

fn negative_ttl_s(error: &OriginError, freshness: &Freshness) -> u64 {
    match error.status() {
        404 | 410 => freshness.not_found.as_secs(),
        400..=499 => freshness.refused.as_secs(),
        // A crowded server is no fact about the original.
        503 => 0,
        _ => freshness.origin_error.as_secs(),
    }
}

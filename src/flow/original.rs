//! Originals: fetched once however many variants want them, kept for a while, revalidated after it.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::{Wanted, counted};
use crate::cache::{ENTRY_OVERHEAD_BYTES, FlightError, FlightLimits, Flights, Key, MemoryTier, Negative, Weigh};
use crate::config::Freshness;
use crate::origin::{Fetched, OriginError, Original, Origins, Validators};
use crate::telemetry::clock;

/// An original as it is kept.
#[derive(Debug)]
pub struct KeptOriginal {
    pub original: Original,
    /// The same for the same bytes: made of the origin's validators, or of the bytes where it gave none.
    pub tag: String,
    /// Unix seconds until which the origin is not asked again.
    pub fresh_until_s: u64,
}

/// What a fetch brought.
#[derive(Debug, Clone)]
pub enum Got {
    Original(Arc<KeptOriginal>),
    /// The origin says that nothing changed since these validators; there are no bytes at hand.
    Unchanged(Validators),
}

/// All originals of a server.
pub struct Originals {
    origins: Arc<Origins>,
    tier: MemoryTier<KeptOriginal>,
    flights: Flights<Key, Got, OriginError>,
    refused: Arc<Negative<OriginError>>,
    tracker: TaskTracker,
}

/// Origins that refused a moment ago, at most.
const REFUSED_MAX: usize = 10_000;

// === impl Originals ===

impl Originals {
    pub fn new(origins: Arc<Origins>, budget_bytes: u64, tracker: TaskTracker) -> Self {
        Self {
            origins,
            tier: MemoryTier::new(budget_bytes),
            flights: Flights::new(FlightLimits::default()),
            refused: Arc::new(Negative::new(REFUSED_MAX)),
            tracker,
        }
    }

    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The tier, for its numbers.
    pub const fn tier(&self) -> &MemoryTier<KeptOriginal> {
        &self.tier
    }

    /// Forgets what origins refused: a purge asks for another try.
    pub fn forget_refusals(&self) {
        self.refused.purge_all();
    }

    /// Fetches under way.
    pub fn flights(&self) -> usize {
        self.flights.len()
    }

    /// The original if it is kept and fresh.
    pub fn fresh(&self, key: &Key, now_s: u64) -> Option<Arc<KeptOriginal>> {
        self.tier.get(key).filter(|kept| now_s < kept.fresh_until_s)
    }

    /// The original, fetched if it must be. `known` are validators of bytes that the caller would rather not have
    /// again. One fetch serves everyone who asks at the same time.
    pub async fn get(
        &self,
        wanted: &Wanted,
        known: Option<&Validators>,
        freshness: &Freshness,
    ) -> Result<Got, OriginError> {
        let now_s = clock::now_unix_s();
        let fresh = self.fresh(&wanted.original_key, now_s);
        counted::asked("originals_memory", fresh.is_some());
        if let Some(kept) = fresh {
            return Ok(Got::Original(kept));
        }
        if let Some(error) = self.refused.get(&wanted.original_key, now_s) {
            return Err(error);
        }
        let got = self.fetch(wanted, known, freshness).await?;
        match &got {
            // Another one's fetch was conditional on bytes that this caller does not have.
            Got::Unchanged(validators) if Some(validators) != known => self.fetch(wanted, None, freshness).await,
            _ => Ok(got),
        }
    }

    async fn fetch(
        &self,
        wanted: &Wanted,
        known: Option<&Validators>,
        freshness: &Freshness,
    ) -> Result<Got, OriginError> {
        let key = wanted.original_key;
        let kept = self.tier.get(&key);
        let known = kept.as_ref().map(|kept| kept.original.validators.clone()).or_else(|| known.cloned());
        let (origins, source) = (Arc::clone(&self.origins), wanted.source.clone());
        let (tier, refused, freshness) = (self.tier.clone(), Arc::clone(&self.refused), freshness.clone());
        let mut ticket = self.flights.join(key, &self.tracker, move |cancelled| async move {
            let fetched = tokio::select! {
                fetched = origins.fetch(&source, known.as_ref()) => fetched,
                () = cancelled.cancelled() => return Err(OriginError::Unreachable(None)),
            };
            counted::fetched(&source, &fetched);
            let now_s = clock::now_unix_s();
            let got = match fetched {
                Ok(fetched) => landed(fetched, kept, known, now_s + freshness.origin_ttl.as_secs()),
                Err(error) => {
                    refused.insert(key, error.clone(), negative_ttl_s(&error, &freshness), now_s);
                    return Err(error);
                }
            };
            if let Got::Original(kept) = &got {
                counted::kept("originals_memory");
                tier.insert(key, Arc::clone(kept));
            }
            Ok(got)
        });
        counted::boarded("original", ticket.role());
        ticket.wait().await.map_err(|error| match error {
            FlightError::Failed(error) => error,
            FlightError::Lost => OriginError::Unreachable(None),
        })
    }
}

/// What a fetch amounts to, given what was kept and what was known before it.
fn landed(fetched: Fetched, kept: Option<Arc<KeptOriginal>>, known: Option<Validators>, fresh_until_s: u64) -> Got {
    match (fetched, kept) {
        (Fetched::Body(original), _) => {
            let tag = tag(&original);
            Got::Original(Arc::new(KeptOriginal { original, tag, fresh_until_s }))
        }
        (Fetched::NotModified { .. }, Some(kept)) => Got::Original(Arc::new(KeptOriginal {
            original: kept.original.clone(),
            tag: kept.tag.clone(),
            fresh_until_s,
        })),
        (Fetched::NotModified { .. }, None) => Got::Unchanged(known.unwrap_or_default()),
    }
}

/// Names the bytes: by the origin's own validators, so that two nodes agree without comparing bytes.
fn tag(original: &Original) -> String {
    let validators = &original.validators;
    let digest = if validators.can_revalidate() {
        blake3::hash(format!("{:?}", (&validators.etag, &validators.last_modified, validators.size)).as_bytes())
    } else {
        blake3::hash(&original.bytes)
    };
    digest.to_hex().to_string()
}

fn negative_ttl_s(error: &OriginError, freshness: &Freshness) -> u64 {
    match error.status() {
        400..=499 => freshness.not_found.as_secs(),
        // A crowded server is no fact about the original.
        503 => 0,
        _ => freshness.origin_error.as_secs(),
    }
}

// === impl KeptOriginal ===

impl Weigh for KeptOriginal {
    fn weight_bytes(&self) -> u64 {
        let texts = self.tag.len() + self.original.validators.weight_bytes();
        (self.original.bytes.len() + texts + size_of::<Self>()) as u64 + ENTRY_OVERHEAD_BYTES
    }
}

//! Pictures: found in a tier, or made once in a flight for everyone who wants them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::admission::{Approach, Asker};
use super::counted;
use super::lifetime::{Lifetime, Standing};
use super::made::{Errand, Made, Purpose};
use super::original::{Got, KeptOriginal};
use super::plan::Plan;
use super::variant::{Variant, etag};
use super::{Answer, CacheOutcome, Face, Failure, Flow, FlowLimits, Picture, StaleWhy};
use crate::cache::{FlightError, Found, Role, Stamp};
use crate::engine::{EngineError, Job, Output, Rendered};
use crate::telemetry::clock;
use crate::transform::Format;

/// How often a request is tried because a purge took away what it had just got. More would mean that somebody purges
/// all the time.
const PURGED_TRIES_MAX: u32 = 2;

// === impl Flow ===

impl Flow {
    /// Answers with a picture.
    pub(super) async fn picture(self: &Arc<Self>, errand: &Errand, asker: Asker<'_>) -> Result<Answer, Failure> {
        let mut made = self.found_or_made(errand, asker).await?;
        for _ in 1..PURGED_TRIES_MAX {
            // A flight that was under way when a purge came brings what it purged.
            if !self.variants.is_gone(&made.variant) {
                break;
            }
            made = self.found_or_made(errand, asker).await?;
        }
        // Purged again: it was begun after this request came, so this one may have it, and nobody may keep it.
        let made = if self.variants.is_gone(&made.variant) { made.kept_by_nobody() } else { made };
        Ok(answer(made, errand))
    }

    async fn found_or_made(self: &Arc<Self>, errand: &Errand, asker: Asker<'_>) -> Result<Made, Failure> {
        let key = errand.picture.key;
        let now_s = clock::now_unix_s();
        let failed = self.failed.get(&key, now_s);
        let mut found = self.variants.peek(&key);
        // What another tier has answers a condition better than an origin.
        if found.is_none() && failed.is_none() && asker.if_none_match.is_some() {
            found = timeout_at(asker.until, self.look(&errand.picture)).await.ok().flatten();
        }
        match Plan::decide(found, failed, now_s) {
            Plan::Fresh(found, ttl_s) => {
                self.note_epoch(errand, &found.value);
                Ok(Made::kept(&found, CacheOutcome::Hit { ttl_s, place: found.place }))
            }
            Plan::Refresh(found, stale_s) => {
                self.renew_behind(errand);
                Ok(Made::stale(&found, stale_s, StaleWhy::Revalidating))
            }
            Plan::Rescue(found, stale_s) => Ok(Made::stale(&found, stale_s, StaleWhy::Error)),
            Plan::Negative(failure) => {
                counted::remembered("variant");
                Err(failure)
            }
            Plan::Revalidate(found) => self.miss(errand, asker, Some(&found)).await,
            Plan::Miss => self.miss(errand, asker, None).await,
        }
    }

    /// Waits for the flight of this picture; `kept` is a stale one that may help where the flight takes too long.
    pub(super) async fn board(
        self: &Arc<Self>,
        errand: &Errand,
        kept: Option<&Found<Variant>>,
        until: Instant,
    ) -> Result<Made, Failure> {
        let mut ticket = self.join(errand, Purpose::Request);
        let role = ticket.role();
        counted::boarded("variant", role);
        let landed = timeout_at(until, ticket.wait()).await;
        let made = match landed {
            Ok(Ok(made)) => made,
            Ok(Err(FlightError::Failed(failure))) => return Err(failure),
            Ok(Err(FlightError::Lost)) => return Err(Failure::from(EngineError::Panicked)),
            Err(_) => {
                let failure = Failure::request_timeout(errand.rules.limits.request_timeout);
                return rescued(kept, failure).inspect_err(|_| counted::shed("deadline"));
            }
        };
        if let CacheOutcome::Stale { why: StaleWhy::Revalidating, .. } = made.outcome {
            self.renew_behind(errand);
        }
        self.note_epoch(errand, &made.variant);
        Ok(if role == Role::Follower { made.collapsed() } else { made })
    }

    /// The flight itself: looks into all tiers, and makes what it must.
    pub(super) async fn fly(
        &self,
        errand: &Errand,
        purpose: Purpose,
        cancelled: CancellationToken,
    ) -> Result<Made, Failure> {
        // Before anything is looked at: a purge from here on holds for what comes.
        let stamp = self.marks.stamps().now();
        let now_s = clock::now_unix_s();
        let found = self.variants.find(&errand.picture.key).await;
        let old = match Plan::decide(found, None, now_s) {
            Plan::Fresh(found, ttl_s)
                if purpose == Purpose::Request || found.value.pixel_epoch == errand.rules.pixel_epoch =>
            {
                return Ok(Made::kept(&found, CacheOutcome::Hit { ttl_s, place: found.place }));
            }
            Plan::Refresh(found, stale_s) if purpose == Purpose::Request => {
                return Ok(Made::stale(&found, stale_s, StaleWhy::Revalidating));
            }
            Plan::Fresh(found, _) | Plan::Refresh(found, _) | Plan::Rescue(found, _) | Plan::Revalidate(found) => {
                Some(found)
            }
            Plan::Miss | Plan::Negative(_) => None,
        };
        let renewed = match self.admit(errand, old.as_ref()) {
            Ok(approach) => self.renew(errand, old.as_ref(), stamp, cancelled, approach).await,
            Err(failure) => Err(failure),
        };
        renewed.or_else(|failure| rescued(old.as_ref(), failure))
    }

    /// Gets the original, compares, makes, keeps.
    async fn renew(
        &self,
        errand: &Errand,
        old: Option<&Found<Variant>>,
        stamp: Stamp,
        cancelled: CancellationToken,
        approach: Approach,
    ) -> Result<Made, Failure> {
        let Errand { wanted, rules, picture } = errand;
        let freshness = &rules.policy.freshness;
        let old = old.map(|found| &found.value).filter(|old| old.pixel_epoch == rules.pixel_epoch);
        if self.poison.is_refused(&wanted.original_key, clock::now_unix_s()) {
            return Err(Failure::poisoned());
        }
        let started = clock::instant();
        let got = self.approached(approach, errand, old.map(|old| &old.known), &cancelled).await?;
        let mut stages = vec![("origin", started.elapsed())];
        let (kept, lifetime) = match (got, old) {
            (Got::Original(kept, _), Some(old)) if kept.tag == old.original_tag => {
                return Ok(self.still_right(errand, old, kept.lifetime, stamp.max(kept.stamp), stages));
            }
            (Got::Unchanged(_, lifetime), Some(old)) => {
                return Ok(self.still_right(errand, old, lifetime, stamp, stages));
            }
            (Got::Stale(kept, error), Some(old)) if kept.tag == old.original_tag => return Err(error.into()),
            (Got::Original(kept, _), _) => (Arc::clone(&kept), kept.lifetime),
            // Better a picture of an original that is stale than none, but not for long.
            (Got::Stale(kept, _), _) => {
                let end_s = clock::now_unix_s() + freshness.origin_error.as_secs();
                (Arc::clone(&kept), Lifetime { fresh_until_s: end_s, ..kept.lifetime })
            }
            // An origin that says "unchanged" to a question without a condition is broken.
            (Got::Unchanged(..), None) => return Err(crate::origin::OriginError::Upstream { code: 304 }.into()),
        };
        let rendered = self.render(&kept, picture, rules.limits, cancelled, &mut stages).await;
        counted::rendered(picture.transform.format, &rendered);
        counted::stages(&stages);
        let rendered = rendered
            .inspect_err(|error| self.remember(errand, &kept, stamp, error))
            .map_err(|error| Failure::unmade(error, rules.limits.patience))?;
        // The rest of a truncated original may come soon; nobody should go without it for long.
        let lifetime = if rendered.truncated {
            let end_s = clock::now_unix_s() + freshness.ttl_truncated.as_secs();
            self.originals.distrust(wanted, &kept, freshness.ttl_truncated);
            Lifetime { stale_while_revalidate_s: 0, stale_if_error_s: 0, ..lifetime.until(end_s) }
        } else {
            lifetime
        };
        let variant = Variant {
            body: rendered.bytes,
            format: Some(rendered.format),
            etag: etag(&picture.key, &kept.tag, &self.fingerprint, rules.pixel_epoch),
            last_modified_s: kept.original.last_modified_s,
            truncated: rendered.truncated,
            original_tag: kept.tag.clone(),
            known: Arc::new(kept.known()),
            lifetime,
            pixel_epoch: rules.pixel_epoch,
            stamp: stamp.max(kept.stamp),
            labels: Arc::clone(&picture.labels),
        };
        let outcome = CacheOutcome::Miss { stored: !lifetime.is_private };
        Ok(Made { variant: self.keep(errand, variant), outcome, stages })
    }

    /// A picture that would fail again is not tried for a while.
    fn remember(&self, errand: &Errand, kept: &KeptOriginal, stamp: Stamp, error: &EngineError) {
        let Errand { wanted, rules, picture } = errand;
        let (keep, now_s) = (rules.policy.freshness.undecodable, clock::now_unix_s());
        if matches!(error, EngineError::Crashed) {
            self.poison.note(wanted.original_key, picture.key, keep, now_s);
        }
        if !error.is_lasting() {
            return;
        }
        self.originals.distrust(wanted, kept, keep);
        self.failed.insert(picture.key, Failure::from(error.clone()), keep.as_secs(), now_s);
        // A purge marks first and forgets then, so that one of both sees the other.
        if self.marks.last(&picture.labels) >= stamp.max(kept.stamp) {
            self.failed.purge(&picture.key);
        }
    }

    async fn render(
        &self,
        kept: &KeptOriginal,
        picture: &Picture,
        limits: FlowLimits,
        cancelled: CancellationToken,
        stages: &mut Vec<(&'static str, Duration)>,
    ) -> Result<Rendered, EngineError> {
        let output = Output { transform: picture.transform.clone(), candidates: picture.candidates.clone() };
        let job = Job { inputs: vec![kept.original.bytes.clone()], outputs: vec![output], limits: limits.engine };
        // The original is here: only now is a place in the engine taken, never while a slow origin talks.
        let submitted = clock::instant();
        let mut results = self.pool.submit(job, limits.patience)?;
        let outcome = tokio::select! {
            outcome = results.next() => outcome,
            () = cancelled.cancelled() => return Err(EngineError::Cancelled),
        };
        let (_, rendered) = outcome.ok_or(EngineError::Panicked)?;
        stages.push(("queue", results.waited()));
        if !matches!(rendered, Err(EngineError::QueueTimeout)) {
            self.admission.note(submitted.elapsed().saturating_sub(results.waited()));
        }
        let rendered = rendered?;
        let timings = rendered.timings;
        stages.extend([("decode", timings.decode), ("transform", timings.transform), ("encode", timings.encode)]);
        Ok(rendered)
    }

    /// The origin has nothing new: the same variant is good for another while.
    fn still_right(
        &self,
        errand: &Errand,
        old: &Variant,
        lifetime: Lifetime,
        stamp: Stamp,
        stages: Vec<(&'static str, Duration)>,
    ) -> Made {
        let variant = self.keep(errand, Variant { lifetime, stamp, ..old.clone() });
        Made { variant, outcome: CacheOutcome::Revalidated, stages }
    }

    fn keep(&self, errand: &Errand, variant: Variant) -> Arc<Variant> {
        let variant = Arc::new(variant);
        if !variant.lifetime.is_private {
            self.variants.keep(errand.picture.key, &variant);
        }
        variant
    }
}

/// What is left when a picture cannot be renewed: a stale one within its window (RFC 5861, section 4), or the failure.
pub(super) fn rescued(old: Option<&Found<Variant>>, failure: Failure) -> Result<Made, Failure> {
    let Some(found) = old.filter(|_| failure.allows_stale()) else {
        return Err(failure);
    };
    let why = if matches!(failure.status, 429 | 503) { StaleWhy::Busy } else { StaleWhy::Error };
    match found.value.lifetime.standing(found.stale_since_s, clock::now_unix_s()) {
        Standing::Stale { is_rescue: false, .. } => Err(failure),
        Standing::Stale { stale_s, .. } | Standing::Refresh { stale_s } => Ok(Made::stale(found, stale_s, why)),
        Standing::Fresh { ttl_s } => Ok(Made::kept(found, CacheOutcome::Hit { ttl_s, place: found.place })),
    }
}

fn answer(made: Made, errand: &Errand) -> Answer {
    let face = face(&made.variant, made.outcome, errand);
    Answer { face: Arc::new(face), body: made.variant.body.clone(), stages: made.stages }
}

/// What is said of a picture to who asked for it by this URL.
pub(super) fn face(variant: &Variant, cache: CacheOutcome, errand: &Errand) -> Face {
    let Errand { wanted, rules, .. } = errand;
    let freshness = &rules.policy.freshness;
    let own = if variant.truncated { Some(freshness.ttl_truncated) } else { wanted.ttl };
    let format = variant.format.unwrap_or(Format::Jpeg);
    Face {
        content_type: format.media_type().to_owned(),
        etag: variant.etag.clone(),
        last_modified_s: variant.last_modified_s,
        keeping: wanted.keeping(freshness, own, &variant.lifetime, cache),
        // Those of this URL: another one, with other presets, may have had the same picture made.
        labels: Arc::clone(&errand.picture.labels),
        negotiated: wanted.is_negotiated(),
        filename: wanted.filename(format.name()),
        attachment: wanted.attachment,
        cache,
        ..Face::default()
    }
}

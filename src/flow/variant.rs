//! Variants: made once however many ask, kept, and found again.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::counted;
use super::original::{Got, KeptOriginal};
use super::plan::Plan;
use super::{Answer, CacheOutcome, Failure, Flow, FlowLimits, Picture, Rules, Wanted};
use crate::cache::{ENTRY_OVERHEAD_BYTES, FlightError, Key, Role, Weigh};
use crate::engine::{EngineError, Job, Output, Rendered};
use crate::origin::Validators;
use crate::telemetry::clock;
use crate::transform::Format;

/// A finished picture with what is needed to answer with it.
#[derive(Debug, Clone, Default)]
pub struct Variant {
    pub body: Bytes,
    pub format: Option<Format>,
    /// Strong entity tag with its quotes.
    pub etag: String,
    /// The original's own date in Unix seconds.
    pub last_modified_s: Option<u64>,
    /// The original ended too early: kept for a short time only.
    pub truncated: bool,
    /// Names the original's bytes that this was made of.
    pub original_tag: String,
    /// By which the origin recognises them.
    pub validators: Validators,
    /// Unix seconds until which the origin is not asked.
    pub fresh_until_s: u64,
}

/// A variant with what it took to get it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    variant: Arc<Variant>,
    stages: Vec<(&'static str, Duration)>,
    /// The origin was asked and nothing had to be made.
    revalidated: bool,
}

/// First finished encoding, as opposed to a later one of higher effort.
const PASS: u8 = 0;

// === impl Flow ===

impl Flow {
    /// Answers with a picture: kept, or made in one flight for everyone who wants it.
    pub(super) async fn picture(
        self: &Arc<Self>,
        wanted: Wanted,
        rules: &Arc<Rules>,
        picture: Picture,
    ) -> Result<Answer, Failure> {
        let key = picture.key;
        let now_s = clock::now_unix_s();
        let plan = Plan::decide(self.variants.get(&key), self.failed.get(&key, now_s), now_s);
        counted::asked("memory", matches!(plan, Plan::Fresh(_)));
        match plan {
            Plan::Fresh(variant) => {
                let ttl_s = i64::try_from(variant.fresh_until_s - now_s).unwrap_or(i64::MAX);
                return Ok(answer(&variant, &wanted, rules, CacheOutcome::Hit { ttl_s }, Vec::new()));
            }
            Plan::Negative(failure) => return Err(failure),
            Plan::Revalidate(_) | Plan::Miss => {}
        }
        let wanted = Arc::new(wanted);
        let (flow, flying, with) = (Arc::clone(self), Arc::clone(&wanted), Arc::clone(rules));
        let mut ticket = self.flights.join(key, &self.tracker, move |cancelled| async move {
            flow.fly(&flying, &with, picture, cancelled).await
        });
        let role = ticket.role();
        counted::boarded("variant", role);
        let landed = tokio::time::timeout(rules.limits.request_timeout, ticket.wait()).await;
        let made = match landed {
            Ok(Ok(made)) => made,
            Ok(Err(FlightError::Failed(failure))) => return Err(failure),
            Ok(Err(FlightError::Lost)) => return Err(Failure::from(EngineError::Panicked)),
            Err(_) => return Err(Failure::request_timeout()),
        };
        let outcome = match role {
            Role::Follower => CacheOutcome::Collapsed,
            Role::Leader | Role::Alone if made.revalidated => CacheOutcome::Revalidated,
            Role::Leader | Role::Alone => CacheOutcome::Miss { stored: true },
        };
        Ok(answer(&made.variant, &wanted, rules, outcome, made.stages))
    }

    /// The flight itself: looks again, gets the original, compares, makes, keeps.
    async fn fly(
        &self,
        wanted: &Wanted,
        rules: &Rules,
        picture: Picture,
        cancelled: CancellationToken,
    ) -> Result<Made, Failure> {
        let key = picture.key;
        let now_s = clock::now_unix_s();
        let old = match Plan::decide(self.variants.get(&key), None, now_s) {
            Plan::Fresh(variant) => return Ok(Made { variant, stages: Vec::new(), revalidated: false }),
            Plan::Revalidate(variant) => Some(variant),
            Plan::Miss | Plan::Negative(_) => None,
        };
        let freshness = &rules.policy.freshness;
        let started = clock::instant();
        let known = old.as_ref().map(|variant| &variant.validators);
        let got = self.originals.get(wanted, known, freshness).await?;
        let mut stages = vec![("origin", started.elapsed())];
        let fresh_until_s = clock::now_unix_s() + freshness.origin_ttl.as_secs();
        let kept = match (got, old) {
            (Got::Original(kept), Some(old)) if kept.tag == old.original_tag => {
                return Ok(self.still_right(key, &old, fresh_until_s, stages));
            }
            (Got::Original(kept), _) => kept,
            (Got::Unchanged(_), Some(old)) => return Ok(self.still_right(key, &old, fresh_until_s, stages)),
            // An origin that says "unchanged" to a question without a condition is broken.
            (Got::Unchanged(_), None) => return Err(Failure::from(crate::origin::OriginError::Upstream { code: 304 })),
        };
        let rendered = self.render(&kept, &picture, rules.limits, cancelled, &mut stages).await;
        counted::rendered(picture.transform.format, &rendered);
        for (name, took) in &stages {
            counted::stage(name, *took);
        }
        let rendered = rendered.inspect_err(|error| {
            if error.is_lasting() {
                let ttl_s = freshness.undecodable.as_secs();
                self.failed.insert(key, Failure::from(error.clone()), ttl_s, clock::now_unix_s());
            }
        })?;
        let variant = Arc::new(self.variant(key, &kept, rendered, fresh_until_s));
        self.variants.insert(key, Arc::clone(&variant));
        counted::kept("memory");
        Ok(Made { variant, stages, revalidated: false })
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
        let mut results = self.pool.submit(job, limits.patience)?;
        let outcome = tokio::select! {
            outcome = results.next() => outcome,
            () = cancelled.cancelled() => return Err(EngineError::Cancelled),
        };
        let (_, rendered) = outcome.ok_or(EngineError::Panicked)?;
        stages.push(("queue", results.waited()));
        let rendered = rendered?;
        let timings = rendered.timings;
        stages.extend([("decode", timings.decode), ("transform", timings.transform), ("encode", timings.encode)]);
        Ok(rendered)
    }

    fn variant(&self, key: Key, kept: &KeptOriginal, rendered: Rendered, fresh_until_s: u64) -> Variant {
        let digest = Key::of("etag", &[key.as_bytes(), kept.tag.as_bytes(), self.fingerprint.as_bytes(), &[PASS]]);
        Variant {
            body: rendered.bytes,
            format: Some(rendered.format),
            etag: format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_bytes()[..16])),
            last_modified_s: kept.original.last_modified_s,
            truncated: rendered.truncated,
            original_tag: kept.tag.clone(),
            validators: kept.original.validators.clone(),
            fresh_until_s,
        }
    }

    /// The origin has nothing new: the same variant is good for another while.
    fn still_right(&self, key: Key, old: &Variant, fresh_until_s: u64, stages: Vec<(&'static str, Duration)>) -> Made {
        let variant = Arc::new(Variant { fresh_until_s, ..old.clone() });
        self.variants.insert(key, Arc::clone(&variant));
        Made { variant, stages, revalidated: true }
    }
}

fn answer(
    variant: &Variant,
    wanted: &Wanted,
    rules: &Rules,
    cache: CacheOutcome,
    stages: Vec<(&'static str, Duration)>,
) -> Answer {
    let freshness = &rules.policy.freshness;
    let ttl = if variant.truncated { freshness.ttl_truncated } else { freshness.ttl };
    let format = variant.format.unwrap_or(Format::Jpeg);
    Answer {
        body: variant.body.clone(),
        content_type: format.media_type().to_owned(),
        etag: variant.etag.clone(),
        last_modified_s: variant.last_modified_s,
        max_age_s: wanted.max_age_s(ttl.as_secs(), clock::now_unix_s()),
        negotiated: wanted.is_negotiated(),
        filename: wanted.filename(format.name()),
        attachment: wanted.attachment,
        cache,
        stages,
    }
}

// === impl Variant ===

impl Weigh for Variant {
    fn weight_bytes(&self) -> u64 {
        let texts = self.etag.len() + self.original_tag.len() + self.validators.weight_bytes();
        (self.body.len() + texts + size_of::<Self>()) as u64 + ENTRY_OVERHEAD_BYTES
    }
}

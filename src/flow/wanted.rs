//! From a path to what is wanted: signature, words, meaning, and the key under which it would be kept. No I/O.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq;

use super::lifetime::Lifetime;
use super::{Ask, CacheOutcome, Failure, FlowLimits, Keeping, labels};
use crate::cache::{Key, Labels};
use crate::config::{Freshness, Secret};
use crate::origin::{OriginalId, Origins};
use crate::policy::Policy;
use crate::semantics::accept::{Accepted, accepted};
use crate::semantics::loops::Passed;
use crate::telemetry::clock;
use crate::telemetry::metrics::Counter;
use crate::transform::{Asked, Candidates, Format, Transform};
use crate::url::{DialectSpec, parse, source_matches};

/// Everything that steers how a request is understood; swapped whole on reload.
#[derive(Debug)]
pub struct Rules {
    pub dialect: DialectSpec,
    pub policy: Policy,
    /// The token that every request must carry, where one is set.
    pub bearer: Option<Secret>,
    /// Raised by operators who want new pixels.
    pub pixel_epoch: u32,
    pub limits: FlowLimits,
    /// Names the mount in keys; one mount so far.
    pub mount: &'static str,
    /// Presets that say how long their pictures may be kept.
    pub preset_ttls: BTreeMap<String, Duration>,
}

/// The rules in force.
pub type LiveRules = ArcSwap<Rules>;

/// A request that is understood and allowed.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub source: String,
    /// The servers of this kind that the request came through, for a fetch on its behalf.
    pub passed: Passed,
    pub original: OriginalId,
    pub original_key: Key,
    /// The labels of the original.
    pub labels: Arc<Labels>,
    pub what: What,
    /// How long the presets of the URL let its answer be kept, where they say so.
    pub ttl: Option<Duration>,
    /// Unix seconds after which the URL is refused, 0 for never.
    pub expires_s: u64,
    /// The file name's stem, where the URL gives one.
    pub filename: Option<String>,
    pub attachment: bool,
}

/// The picture that a request wants.
#[derive(Debug, Clone)]
pub struct Picture {
    pub transform: Transform,
    pub candidates: Candidates,
    pub key: Key,
    pub labels: Arc<Labels>,
    /// Whether another `Accept` field could lead to another picture.
    pub negotiated: bool,
}

/// The original itself, or a picture made of it.
#[derive(Debug, Clone)]
pub enum What {
    Raw,
    Picture(Arc<Picture>),
}

/// Whoever got something stale should ask again soon.
const STALE_MAX_AGE_S: u64 = 5;
/// And may go on serving it while it does.
const STALE_WINDOW_S: u64 = 60;

// === impl Rules ===

impl Rules {
    /// Understands a request, or says why not. Nothing is parsed before the signature has passed.
    pub fn understand(&self, ask: &Ask, origins: &Origins) -> Result<Wanted, Failure> {
        self.check_bearer(ask)?;
        if ask.path.len() > self.policy.url_bytes_max {
            return Err(Failure::url_too_long(ask.path.len(), self.policy.url_bytes_max));
        }
        let parsed = parse(&ask.path, &self.dialect, clock::now_unix_s())?;
        if parsed.dubious_booleans > 0 {
            Counter::DubiousBooleans.add(u64::from(parsed.dubious_booleans), &[]);
        }
        let asked = parsed.asked;
        if !self.allows(&parsed.source) {
            return Err(Failure::source_not_allowed());
        }
        let original = origins.identify(&parsed.source)?;
        let original_key = Key::of("original", &[self.mount.as_bytes(), original.as_str().as_bytes()]);
        let what = if asked.raw == Some(true) { What::Raw } else { self.picture(&asked, &original, &ask.accept) };
        let ttls = asked.presets.iter().filter_map(|name| self.preset_ttls.get(name));
        Ok(Wanted {
            source: parsed.source,
            passed: ask.passed.clone(),
            labels: Arc::new(labels::original_labels(&original)),
            original,
            original_key,
            what,
            ttl: ttls.min().copied(),
            expires_s: asked.expires.unwrap_or(0),
            filename: asked.filename,
            attachment: asked.attachment.unwrap_or(false),
        })
    }

    /// The original that a path names and what it wants made of it, for whoever may know it: nobody's signature is
    /// asked, and no time is over. Nothing is to be made where the original itself is asked for.
    pub fn meant(&self, path: &str, origins: &Origins) -> Result<(OriginalId, Option<Transform>), Failure> {
        // Where the signature is right it says how the path was meant; see the native dialect.
        let parsed = parse(path, &self.dialect, 0).or_else(|_| parse(path, &self.dialect.unsigned(), 0))?;
        let original = origins.identify(&parsed.source)?;
        let is_raw = parsed.asked.raw == Some(true);
        Ok((original, (!is_raw).then(|| self.policy.transform(&parsed.asked))))
    }

    fn picture(&self, asked: &Asked, original: &OriginalId, accept: &str) -> What {
        let transform = self.policy.transform(asked);
        let candidates = negotiated(&self.policy, &transform, accept);
        let canonical = transform.canonical();
        let accept_set: Vec<&str> = candidates.accepted.iter().map(|format| format.name()).collect();
        let key = Key::of(
            "variant",
            &[
                self.mount.as_bytes(),
                original.as_str().as_bytes(),
                canonical.as_bytes(),
                accept_set.join(",").as_bytes(),
            ],
        );
        let labels = Arc::new(labels::picture_labels(self.mount, original, &canonical, &asked.presets));
        let negotiated = transform.format.is_none() && self.policy.negotiates();
        What::Picture(Arc::new(Picture { transform, candidates, key, labels, negotiated }))
    }

    /// Whether the source is among the allowed ones; asked again for every redirect.
    pub fn allows(&self, source: &str) -> bool {
        let patterns = &self.policy.allowed_sources;
        patterns.is_empty() || patterns.iter().any(|pattern| source_matches(pattern, source))
    }

    pub(super) fn check_bearer(&self, ask: &Ask) -> Result<(), Failure> {
        let Some(secret) = &self.bearer else {
            return Ok(());
        };
        let given = ask.bearer.as_deref().unwrap_or_default();
        if bool::from(secret.expose().ct_eq(given.as_bytes())) { Ok(()) } else { Err(Failure::bearer_refused()) }
    }
}

// === impl Wanted ===

impl Wanted {
    /// Whether another `Accept` field could lead to another answer.
    pub fn is_negotiated(&self) -> bool {
        matches!(&self.what, What::Picture(picture) if picture.negotiated)
    }

    /// How long others may keep an answer: no longer than the settings let them, than the origin promises, and than the
    /// URL is good.
    ///
    /// `own` is a time of this picture's own, which holds for everyone: a preset's, or that of a truncated original.
    pub fn keeping(
        &self,
        rules: &Freshness,
        own: Option<Duration>,
        lifetime: &Lifetime,
        outcome: CacheOutcome,
    ) -> Keeping {
        let now_s = clock::now_unix_s();
        let url_s = if self.expires_s == 0 { u64::MAX } else { self.expires_s.saturating_sub(now_s) };
        let origin_s = if lifetime.is_explicit { lifetime.fresh_until_s.saturating_sub(now_s) } else { u64::MAX };
        let is_stale = matches!(outcome, CacheOutcome::Stale { .. });
        let most_s = if is_stale { STALE_MAX_AGE_S.min(url_s) } else { origin_s.min(url_s) };
        let windows =
            if is_stale { (STALE_WINDOW_S, 0) } else { (lifetime.stale_while_revalidate_s, lifetime.stale_if_error_s) };
        // Behind its end a URL is refused, so that nothing may be promised beyond it.
        let (while_s, if_s) = if self.expires_s == 0 { windows } else { (0, 0) };
        Keeping {
            max_age_s: own.unwrap_or(rules.ttl).as_secs().min(most_s),
            stale_while_revalidate_s: while_s,
            stale_if_error_s: if_s,
            cdn_max_age_s: (!rules.ttl_cdn.is_zero()).then(|| own.unwrap_or(rules.ttl_cdn).as_secs().min(most_s)),
            is_private: lifetime.is_private,
        }
    }

    /// The file name for `Content-Disposition`, with this extension.
    pub fn filename(&self, extension: &str) -> String {
        let source = self.original.redacted();
        let last = source.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
        let stem = self.filename.as_deref().unwrap_or(stem);
        let stem = if stem.is_empty() { "image" } else { stem };
        if extension.is_empty() { stem.to_owned() } else { format!("{stem}.{extension}") }
    }
}

/// The formats that may answer a client with this `Accept` field, best first.
pub fn negotiated(policy: &Policy, transform: &Transform, accept: &str) -> Candidates {
    let named = accepted(accept);
    policy.candidates(transform, |format| weight(named, format))
}

const fn weight(accepted: Accepted, format: Format) -> u16 {
    match format {
        Format::Avif => accepted.avif_permille,
        Format::Webp => accepted.webp_permille,
        Format::Jxl => accepted.jxl_permille,
        _ => 0,
    }
}

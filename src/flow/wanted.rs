//! From a path to what is wanted: signature, words, meaning, and the key under which it would be kept. No I/O.

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq;

use super::{Ask, Failure, FlowLimits};
use crate::cache::Key;
use crate::config::Secret;
use crate::origin::{OriginalId, Origins};
use crate::policy::Policy;
use crate::semantics::accept::{Accepted, accepted};
use crate::telemetry::clock;
use crate::telemetry::metrics::Counter;
use crate::transform::{Candidates, Format, Transform};
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
}

/// The rules in force.
pub type LiveRules = ArcSwap<Rules>;

/// A request that is understood and allowed.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub source: String,
    pub original: OriginalId,
    pub original_key: Key,
    pub what: What,
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
    /// Whether another `Accept` field could lead to another picture.
    pub negotiated: bool,
}

/// The original itself, or a picture made of it.
#[derive(Debug, Clone)]
pub enum What {
    Raw,
    Picture(Box<Picture>),
}

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
        let what = if asked.raw == Some(true) {
            What::Raw
        } else {
            self.picture(self.policy.transform(&asked), &original, &ask.accept)
        };
        Ok(Wanted {
            source: parsed.source,
            original,
            original_key,
            what,
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

    fn picture(&self, transform: Transform, original: &OriginalId, accept: &str) -> What {
        let candidates = negotiated(&self.policy, &transform, accept);
        let accept_set: Vec<&str> = candidates.accepted.iter().map(|format| format.name()).collect();
        let key = Key::of(
            "variant",
            &[
                self.mount.as_bytes(),
                original.as_str().as_bytes(),
                transform.canonical().as_bytes(),
                accept_set.join(",").as_bytes(),
                &self.pixel_epoch.to_be_bytes(),
            ],
        );
        let negotiated = transform.format.is_none() && self.policy.negotiates();
        What::Picture(Box::new(Picture { transform, candidates, key, negotiated }))
    }

    /// Whether the source is among the allowed ones; asked again for every redirect.
    pub fn allows(&self, source: &str) -> bool {
        let patterns = &self.policy.allowed_sources;
        patterns.is_empty() || patterns.iter().any(|pattern| source_matches(pattern, source))
    }

    fn check_bearer(&self, ask: &Ask) -> Result<(), Failure> {
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

    /// How long the answer may be kept: no longer than the URL is good.
    pub fn max_age_s(&self, ttl_s: u64, now_s: u64) -> u64 {
        if self.expires_s == 0 { ttl_s } else { ttl_s.min(self.expires_s.saturating_sub(now_s)) }
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

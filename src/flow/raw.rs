//! The original's own bytes, untouched: kept like any original, never decoded.

use std::net::IpAddr;
use std::sync::Arc;

use super::lifetime::Lifetime;
use super::original::Got;
use super::{Answer, CacheOutcome, Face, Failure, Flow, Rules, StaleWhy, Wanted, counted};
use crate::cache::Place;
use crate::config::Freshness;
use crate::origin::OriginError;
use crate::telemetry::clock;
use crate::transform::Format;

/// What is said of bytes that nobody has named.
const UNKNOWN_TYPE: &str = "application/octet-stream";

// === impl Flow ===

impl Flow {
    /// Answers with the original itself.
    pub(super) async fn raw(&self, wanted: &Wanted, rules: &Rules, client: Option<IpAddr>) -> Result<Answer, Failure> {
        let freshness = &rules.policy.freshness;
        let now_s = clock::now_unix_s();
        let started = clock::instant();
        let (kept, cache, stages) = if let Some((kept, ttl_s)) = self.originals.fresh(&wanted.original_key, now_s) {
            (kept, CacheOutcome::Hit { ttl_s, place: Place::Memory }, Vec::new())
        } else {
            let fetched = self.fetched_in_turn(wanted, freshness, client);
            let limit = rules.limits.request_timeout;
            let got = tokio::time::timeout(limit, fetched).await;
            let got = got.map_err(|_| Failure::request_timeout(limit)).inspect_err(|_| counted::shed("deadline"));
            let stages = vec![("origin", started.elapsed())];
            match got?? {
                Got::Original(kept, Some(place)) => {
                    let ttl_s = kept.lifetime.fresh_until_s.saturating_sub(now_s);
                    (kept, CacheOutcome::Hit { ttl_s, place }, stages)
                }
                Got::Original(kept, None) => {
                    let stored = !kept.lifetime.is_private && !self.originals.tiers().is_gone(&kept);
                    (kept, CacheOutcome::Miss { stored }, stages)
                }
                Got::Stale(kept, _) => {
                    counted::stale(StaleWhy::Error);
                    let stale_s = now_s.saturating_sub(kept.lifetime.fresh_until_s);
                    (kept, CacheOutcome::Stale { stale_s, why: StaleWhy::Error }, stages)
                }
                Got::Unchanged(..) => return Err(Failure::from(OriginError::Upstream { code: 304 })),
            }
        };
        // What was purged on its way is for this request alone.
        let is_private = kept.lifetime.is_private || self.originals.tiers().is_gone(&kept);
        let lifetime = Lifetime { is_private, ..kept.lifetime };
        let original = &kept.original;
        let source = wanted.original.redacted();
        let extension = extension(source);
        let face = Face {
            content_type: original.content_type.clone().unwrap_or_else(|| media_type(extension).to_owned()),
            etag: format!("\"{}\"", &kept.tag[..32]),
            last_modified_s: original.last_modified_s,
            keeping: wanted.keeping(freshness, wanted.ttl, &lifetime, cache),
            labels: Arc::clone(&kept.labels),
            negotiated: false,
            filename: wanted.filename(extension),
            attachment: wanted.attachment,
            cache,
            ..Face::default()
        };
        Ok(Answer { face: Arc::new(face), body: original.bytes.clone(), stages })
    }

    /// The original in its turn among all misses and those of its client; one that a tier has fresh is no miss.
    async fn fetched_in_turn(
        &self,
        wanted: &Wanted,
        freshness: &Freshness,
        client: Option<IpAddr>,
    ) -> Result<Got, Failure> {
        let Some(_seat) = self.misses.seat() else {
            counted::shed("misses_full");
            return Err(Failure::misses_full(self.misses.misses_max()));
        };
        let Some(_turn) = self.misses.turn(client) else {
            let kept = self.originals.kept_fresh(&wanted.original_key).await;
            return kept.ok_or_else(|| self.misses.client_full()).inspect_err(|_| counted::shed("client_full"));
        };
        Ok(self.originals.get(wanted, None, freshness).await?)
    }
}

/// By the extension, for origins that name no type (local files).
fn media_type(extension: &str) -> &'static str {
    match extension {
        "txt" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        name => Format::from_name(name).map_or(UNKNOWN_TYPE, Format::media_type),
    }
}

/// The source's own extension, if it looks like one.
fn extension(source: &str) -> &str {
    let last = source.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let extension = last.rsplit_once('.').map_or("", |(_, extension)| extension);
    let plain = extension.len() <= 8 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { extension } else { "" }
}

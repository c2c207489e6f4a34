//! The original's own bytes, untouched: kept like any original, never decoded.

use super::original::Got;
use super::{Answer, CacheOutcome, Failure, Flow, Rules, Wanted};
use crate::origin::OriginError;
use crate::telemetry::clock;
use crate::transform::Format;

/// What is said of bytes that nobody has named.
const UNKNOWN_TYPE: &str = "application/octet-stream";

// === impl Flow ===

impl Flow {
    /// Answers with the original itself.
    pub(super) async fn raw(&self, wanted: &Wanted, rules: &Rules) -> Result<Answer, Failure> {
        let freshness = &rules.policy.freshness;
        let now_s = clock::now_unix_s();
        let hit = self.originals.fresh(&wanted.original_key, now_s);
        let started = clock::instant();
        let (kept, cache, stages) = if let Some(kept) = hit {
            let ttl_s = i64::try_from(kept.fresh_until_s - now_s).unwrap_or(i64::MAX);
            (kept, CacheOutcome::Hit { ttl_s }, Vec::new())
        } else {
            let fetched = self.originals.get(wanted, None, freshness);
            let got = tokio::time::timeout(rules.limits.request_timeout, fetched).await;
            let Got::Original(kept) = got.map_err(|_| Failure::request_timeout())?? else {
                return Err(Failure::from(OriginError::Upstream { code: 304 }));
            };
            (kept, CacheOutcome::Miss { stored: true }, vec![("origin", started.elapsed())])
        };
        let original = &kept.original;
        let source = wanted.original.redacted();
        let extension = extension(source);
        Ok(Answer {
            body: original.bytes.clone(),
            content_type: original.content_type.clone().unwrap_or_else(|| media_type(extension).to_owned()),
            etag: format!("\"{}\"", &kept.tag[..32]),
            last_modified_s: original.last_modified_s,
            max_age_s: wanted.max_age_s(freshness.ttl.as_secs(), now_s),
            negotiated: false,
            filename: wanted.filename(extension),
            attachment: wanted.attachment,
            cache,
            stages,
        })
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

//! What an answer tells the caches behind this server: how long to keep it, by which words to purge it, and what this
//! cache did. Contract: the same fields on 200, 206 and 304.

use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, InvalidHeaderValue, VARY};
use http::{HeaderMap, StatusCode};

use super::spec::ResponseSpec;
use crate::cache::Labels;
use crate::flow::{Answer, CacheOutcome, Keeping, StaleWhy};
use crate::semantics::cache_status::{CacheStatus, Forward, Handling};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Writes all of these fields.
pub(super) fn write(fields: &mut HeaderMap, found: &Answer, spec: &ResponseSpec) -> Result<(), InvalidHeaderValue> {
    fields.insert(CACHE_CONTROL, HeaderValue::try_from(cache_control(&found.face.keeping))?);
    if let Some(control) = cdn_cache_control(&found.face.keeping) {
        fields.insert(CDN_CACHE_CONTROL, HeaderValue::try_from(control)?);
    }
    if found.face.negotiated {
        fields.insert(VARY, HeaderValue::from_static("Accept"));
    }
    for name in &spec.tag_headers {
        if let Some(tags) = tags(name, &found.face.labels) {
            fields.insert(HeaderName::from_static(name), HeaderValue::try_from(tags)?);
        }
    }
    fields.insert(CACHE_STATUS, HeaderValue::try_from(cache_status(found.face.cache, &spec.cache_name))?);
    Ok(())
}

/// The outcome as one word, for `Server-Timing`, the log and the metrics.
pub(super) fn word(outcome: CacheOutcome) -> &'static str {
    match outcome {
        CacheOutcome::Hit { .. } => "hit",
        CacheOutcome::Stale { .. } => "stale",
        CacheOutcome::Confirmed => "confirmed",
        CacheOutcome::Miss { .. } => "miss",
        CacheOutcome::Revalidated => "revalidated",
        CacheOutcome::Collapsed => "collapsed",
        CacheOutcome::Bypass => "bypass",
    }
}

/// RFC 9111 §5.2.2, RFC 5861. Fields of other caches say `private`; a shared one that must not keep says `no-store`.
fn cache_control(keeping: &Keeping) -> String {
    if keeping.is_private {
        return "no-store".to_owned();
    }
    format!("public, max-age={}{}", keeping.max_age_s, windows(keeping))
}

/// RFC 9213: for CDNs alone, where they are to keep it for another time than browsers.
fn cdn_cache_control(keeping: &Keeping) -> Option<String> {
    let max_age_s = keeping.cdn_max_age_s.filter(|_| !keeping.is_private)?;
    Some(format!("max-age={max_age_s}{}", windows(keeping)))
}

fn windows(keeping: &Keeping) -> String {
    let said = |name: &str, seconds: u64| if seconds == 0 { String::new() } else { format!(", {name}={seconds}") };
    said("stale-while-revalidate", keeping.stale_while_revalidate_s) + &said("stale-if-error", keeping.stale_if_error_s)
}

/// The tags as this field writes them: with spaces for Fastly, with commas and no space for the others.
fn tags(name: &str, labels: &Labels) -> Option<String> {
    let separator = if name == "surrogate-key" { " " } else { "," };
    let tags: Vec<&str> = labels.tags.iter().map(crate::cache::Tag::as_str).collect();
    (!tags.is_empty()).then(|| tags.join(separator))
}

fn cache_status(outcome: CacheOutcome, name: &str) -> String {
    let forwarded = |why, status| CacheStatus::new(name, Handling::Forwarded { why, status });
    let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let hit = |ttl_s, detail| CacheStatus { ttl_s, detail: Some(detail), ..CacheStatus::new(name, Handling::Hit) };
    let status = match outcome {
        CacheOutcome::Hit { ttl_s, place } => hit(Some(seconds(ttl_s)), place.detail()),
        CacheOutcome::Stale { stale_s, why } => hit(Some(-seconds(stale_s)), StaleWhy::name(why)),
        CacheOutcome::Confirmed => hit(None, "validator"),
        CacheOutcome::Miss { stored } => {
            CacheStatus { is_stored: stored, ..forwarded(Forward::UriMiss, Some(StatusCode::OK.as_u16())) }
        }
        CacheOutcome::Revalidated => {
            CacheStatus { is_stored: true, ..forwarded(Forward::Stale, Some(StatusCode::NOT_MODIFIED.as_u16())) }
        }
        CacheOutcome::Collapsed => CacheStatus { is_collapsed: true, ..forwarded(Forward::UriMiss, None) },
        CacheOutcome::Bypass => forwarded(Forward::Bypass, None),
    };
    status.member()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Place, Tag};

    const KEEPING: Keeping = Keeping {
        max_age_s: 60,
        stale_while_revalidate_s: 30,
        stale_if_error_s: 0,
        cdn_max_age_s: None,
        is_private: false,
    };

    #[test]
    fn caches_are_told_what_they_may_do() {
        assert_eq!(cache_control(&KEEPING), "public, max-age=60, stale-while-revalidate=30");
        assert_eq!(cache_control(&Keeping::default()), "public, max-age=0");
        assert_eq!(cdn_cache_control(&KEEPING), None);
        let cdn = Keeping { cdn_max_age_s: Some(600), stale_if_error_s: 9, ..KEEPING };
        let told = "max-age=600, stale-while-revalidate=30, stale-if-error=9";
        assert_eq!(cdn_cache_control(&cdn).as_deref(), Some(told));
        let private = Keeping { is_private: true, ..cdn };
        assert_eq!((cache_control(&private).as_str(), cdn_cache_control(&private)), ("no-store", None));
    }

    #[test]
    fn tags_are_separated_as_each_cdn_wants_it() {
        let labels = Labels { source: String::new(), tags: ["a", "b"].map(|tag| Tag::new(tag).unwrap()).to_vec() };
        assert_eq!(tags("surrogate-key", &labels).as_deref(), Some("a b"));
        assert_eq!(tags("cache-tag", &labels).as_deref(), Some("a,b"));
        assert_eq!(tags("edge-cache-tag", &labels).as_deref(), Some("a,b"));
        assert_eq!(tags("cache-tag", &Labels::default()), None);
    }

    #[test]
    fn a_hit_names_its_tier_and_what_is_stale_why() {
        for (outcome, expected) in [
            (CacheOutcome::Hit { ttl_s: 5, place: Place::Memory }, "t; hit; ttl=5; detail=mem"),
            (CacheOutcome::Hit { ttl_s: 0, place: Place::Disk }, "t; hit; ttl=0; detail=disk"),
            (CacheOutcome::Hit { ttl_s: 5, place: Place::Shared }, "t; hit; ttl=5; detail=shared"),
            (CacheOutcome::Stale { stale_s: 37, why: StaleWhy::Revalidating }, "t; hit; ttl=-37; detail=swr"),
            (CacheOutcome::Stale { stale_s: 0, why: StaleWhy::Error }, "t; hit; ttl=0; detail=sie"),
            (CacheOutcome::Confirmed, "t; hit; detail=validator"),
            (CacheOutcome::Miss { stored: true }, "t; fwd=uri-miss; fwd-status=200; stored"),
            (CacheOutcome::Miss { stored: false }, "t; fwd=uri-miss; fwd-status=200"),
            (CacheOutcome::Revalidated, "t; fwd=stale; fwd-status=304; stored"),
            (CacheOutcome::Collapsed, "t; fwd=uri-miss; collapsed"),
        ] {
            assert_eq!(cache_status(outcome, "t"), expected);
        }
    }
}

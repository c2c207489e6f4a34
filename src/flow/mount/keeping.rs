//! What an answer of the origin does to what is kept: it is stored, joined to a part, or confirms what there is.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{AGE, CONTENT_LENGTH, CONTENT_RANGE, HeaderName, HeaderValue, VARY};
use http::{HeaderMap, Method, StatusCode};

use super::Mounts;
use super::ask::{Body, Request};
use super::site::{Site, Target};
use super::stored::Stored;
use super::upstream::Came;
use crate::cache::{Stamp, Tag, Verdict};
use crate::semantics::fields::{lines, text_of};
use crate::semantics::partial::{ContentRange, Part, may_join};
use crate::semantics::reuse::Reuse;
use crate::semantics::storing::{Exchange, NotStored, is_whole};
use crate::semantics::update;
use crate::semantics::vary::{VaryKey, vary_names};
use crate::telemetry::clock;

/// By which origins name what their responses are made of, and what stands between two names.
const TAG_FIELDS: [(HeaderName, char); 2] =
    [(HeaderName::from_static("surrogate-key"), ' '), (HeaderName::from_static("cache-tag"), ',')];
/// Tags that an origin may give to one response.
const ORIGIN_TAGS_MAX: usize = 16;

// === impl Mounts ===

impl Mounts {
    /// Keeps an answer where the rules allow it. `part` is a stored part of the same URI, which a 206 may be joined to;
    /// `own` is when this exchange made what was kept of the URI untrue.
    pub(super) async fn keep(
        &self,
        site: &Site,
        target: &Target,
        request: &Request,
        came: &Came,
        part: Option<&Stored>,
        own: Option<Stamp>,
    ) -> Result<Arc<Stored>, NotStored> {
        let Body::Whole(body) = &came.body else { return Err(NotStored::Incomplete) };
        // A body on a GET means nothing (RFC 9110 §9.3.1), so that it is in no key; an origin that reads it all the
        // same would have its answer given to everyone.
        if request.method == Method::GET && !request.body.is_empty() {
            return Err(NotStored::Method);
        }
        let meta = site.meta(came.status.as_u16(), &came.headers, came.requested_s, came.received_s);
        let (method, uri) = (&request.method, &target.url);
        let exchange =
            Exchange { method, target: uri, request: &request.headers, response: &came.headers, meta: &meta };
        site.may_store(&exchange)?;
        if !is_whole(&came.headers, body.len() as u64, true) {
            return Err(NotStored::Incomplete);
        }
        let vary = VaryKey::of(lines(&came.headers, VARY), &request.headers).ok_or(NotStored::Vary)?;
        let mut stored = Stored {
            status: came.status,
            headers: came.headers.clone(),
            body: body.clone(),
            part: None,
            requested_s: came.requested_s,
            received_s: came.received_s,
            vary,
            stamp: came.stamp,
            labels: Arc::new(self.labels(target, origin_tags(&came.headers))),
        };
        if stored.status == StatusCode::PARTIAL_CONTENT {
            stored.part = Some(part_of(&stored).ok_or(NotStored::Partial)?);
            stored = part.and_then(|part| joined(part, &stored)).unwrap_or(stored);
        }
        let stored = Arc::new(stored);
        self.put(target, &stored, own).await;
        Ok(stored)
    }

    /// The stored response with what a 304, or the answer to a HEAD, says of it anew.
    pub(super) fn freshened(&self, target: &Target, request: &Request, stored: &Stored, came: &Came) -> Stored {
        let mut headers = stored.headers.clone();
        update::update(&mut headers, &came.headers, came.received_s);
        // What it varies by can have changed. A `*` is no key; whether it may be kept so is the next question.
        let names = vary_names(lines(&headers, VARY)).filter(|names| !is_keyed_by(&stored.vary, names));
        let vary = names.and_then(|_| VaryKey::of(lines(&headers, VARY), &request.headers));
        let vary = vary.unwrap_or_else(|| stored.vary.clone());
        Stored {
            labels: Arc::new(self.labels(target, origin_tags(&headers))),
            headers,
            requested_s: came.requested_s,
            received_s: came.received_s,
            vary,
            stamp: came.stamp,
            ..stored.clone()
        }
    }

    pub(super) async fn put(&self, target: &Target, stored: &Arc<Stored>, own: Option<Stamp>) {
        // Its directory is that of all variants, whatever tags the origin gives to one.
        let common = Arc::new(self.labels(target, Vec::new()));
        self.shelf.put(&target.key, &common, stored, own, clock::now_unix_s()).await;
    }

    /// What may be done with a stored response now, by its age and by soft purges.
    pub(super) fn reuse(&self, site: &Site, stored: &Stored, now_s: u64) -> Reuse {
        let reuse = site.reuse(stored, now_s);
        match self.marks.judge(stored.stamp, &stored.labels) {
            Verdict::Stale { since } => reuse.stale_since(since.unix_s(), now_s),
            // What is gone is not found; see `is_gone` for what was found before.
            Verdict::Good | Verdict::Gone => reuse,
        }
    }

    /// Whether a purge has taken away a response that is at hand.
    pub(super) fn is_gone(&self, stored: &Stored) -> bool {
        self.marks.is_gone(stored.stamp, &stored.labels)
    }
}

/// Whether these are the fields of a key.
fn is_keyed_by(vary: &VaryKey, names: &[HeaderName]) -> bool {
    vary.fields().map(|(name, _)| name).eq(names.iter().map(HeaderName::as_str))
}

/// Which bytes a 206 brought.
fn part_of(stored: &Stored) -> Option<Part> {
    let range = stored.headers.get(CONTENT_RANGE).and_then(|value| ContentRange::parse(&text_of(value)))?;
    Part::of_206(range, stored.body.len() as u64)
}

/// Two parts of the same representation as one, which may be the whole. The header is that of the newer one, with the
/// fields that only the older one has (RFC 9111 §3.4).
fn joined(older: &Stored, newer: &Stored) -> Option<Stored> {
    let (older_part, newer_part) = (older.part?, newer.part?);
    if !may_join(&older.headers, &newer.headers) {
        return None;
    }
    let joined = older_part.join(&newer_part)?;
    let (before, after) = (usize::try_from(joined.before_bytes).ok()?, usize::try_from(joined.after_bytes).ok()?);
    let after_from = older.body.len().checked_sub(after)?;
    let mut body = BytesMut::with_capacity(before + newer.body.len() + after);
    body.extend_from_slice(older.body.get(..before)?);
    body.extend_from_slice(&newer.body);
    body.extend_from_slice(older.body.get(after_from..)?);
    let mut headers = newer.headers.clone();
    // The age is that of the newer one, also where it names none.
    for name in older.headers.keys().filter(|name| **name != AGE && !newer.headers.contains_key(*name)) {
        for value in older.headers.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    // A purge between the two takes the older one's bytes with it.
    let stamp = older.stamp.min(newer.stamp);
    let mut whole = Stored { headers, body: body.freeze(), part: Some(joined.part), stamp, ..newer.clone() };
    if joined.part.is_complete() {
        whole.status = StatusCode::OK;
        whole.part = None;
        whole.headers.remove(CONTENT_RANGE);
        whole.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.body.len()));
    }
    Some(whole)
}

/// The tags that an origin gives to a response; what is no tag is left out.
fn origin_tags(headers: &HeaderMap) -> Vec<Tag> {
    let mut tags = Vec::new();
    for (name, separator) in TAG_FIELDS {
        for line in lines(headers, name) {
            tags.extend(line.split(separator).filter_map(|text| Tag::new(text.trim()).ok()));
        }
    }
    tags.truncate(ORIGIN_TAGS_MAX);
    tags
}

/// An empty body, for answers that have none.
pub(super) const NO_BODY: Body = Body::Whole(Bytes::new());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_the_origin_are_taken_as_they_are_or_not_at_all() {
        let mut headers = HeaderMap::new();
        headers.append("surrogate-key", HeaderValue::from_static("news page-1  BAD"));
        headers.append("cache-tag", HeaderValue::from_static("a, b c ,d"));
        let tags: Vec<_> = origin_tags(&headers).iter().map(ToString::to_string).collect();
        assert_eq!(tags, ["news", "page-1", "a", "d"]);
        let many = (0..40).map(|number| format!("t{number}")).collect::<Vec<_>>().join(" ");
        headers.insert("surrogate-key", HeaderValue::try_from(many).unwrap());
        assert_eq!(origin_tags(&headers).len(), ORIGIN_TAGS_MAX);
    }
}

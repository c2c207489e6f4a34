//! Where the responses of mounts are: under the key of their URI, and for a response that varies under one of its own,
//! which a directory under the URI's key leads to.
//!
//! Contract: what is not to be served any more is not found. [`Shelf::take`] is the one place where something kept is
//! taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::CONTENT_LANGUAGE;

use super::stored::{Directory, Kept, Place, Stored};
use crate::cache::{Key, MemoryTier, Negative, Stamp};
use crate::semantics::vary::VaryKey;

/// All kept responses of all mounts.
pub(super) struct Shelf {
    tier: MemoryTier<Kept>,
    /// URIs that were made untrue a moment ago, and when: what was fetched before that is not kept.
    dropped: Negative<Stamp>,
    /// Counts requests, for the order in which places were used.
    clock: AtomicU64,
    /// Held while the responses of a URI are rearranged.
    writing: [Mutex<()>; STRIPES],
}

/// What there is for a request.
#[derive(Debug, Clone)]
pub(super) enum Found {
    Stored(Arc<Stored>),
    /// Responses of the URI are kept, and none is for this request.
    OtherVariants,
    Nothing,
}

/// Responses of one URI at most; the one that was asked for longest ago makes room.
const VARIANTS_MAX: usize = 16;
/// How many URIs can be rearranged at once.
const STRIPES: usize = 64;
/// URIs made untrue that are remembered, and for how long: longer than any fetch takes.
const DROPPED_MAX: usize = 10_000;
const DROPPED_S: u64 = 15 * 60;

// === impl Shelf ===

impl Shelf {
    pub(super) fn new(budget_bytes: u64) -> Self {
        Self {
            tier: MemoryTier::new(budget_bytes, "mount_memory"),
            dropped: Negative::new(DROPPED_MAX),
            clock: AtomicU64::new(0),
            writing: [const { Mutex::new(()) }; STRIPES],
        }
    }

    /// The tier, for its numbers.
    pub(super) const fn tier(&self) -> &MemoryTier<Kept> {
        &self.tier
    }

    /// The response of a URI that a request selects, fresh or not (RFC 9111 §4.1).
    pub(super) fn find(&self, uri: &Key, request: &HeaderMap) -> Found {
        let Some(kept) = self.take(uri) else { return Found::Nothing };
        let directory = match &*kept {
            Kept::Response(stored) if stored.vary.is_empty() => return Found::Stored(Arc::clone(stored)),
            Kept::Response(_) => return Found::OtherVariants,
            Kept::Directory(directory) => directory,
        };
        // The newest first, as the RFC wants it where several match.
        for place in directory.places.iter().filter(|place| place.vary.matches(request, place.language.as_deref())) {
            if let Some(Kept::Response(stored)) = self.take(&place.key).as_deref() {
                place.touch(self.clock.fetch_add(1, Ordering::Relaxed));
                return Found::Stored(Arc::clone(stored));
            }
        }
        Found::OtherVariants
    }

    /// Keeps a response of a URI in the place of the one with the same secondary key, unless the URI was made untrue
    /// since its exchange began; `own` is when this very exchange did so.
    pub(super) fn put(&self, uri: &Key, stored: &Arc<Stored>, own: Option<Stamp>, now_s: u64) {
        let _writing = self.lock(uri);
        let dropped = self.dropped.get(uri, now_s).filter(|dropped| own != Some(*dropped));
        if dropped.is_some_and(|dropped| dropped > stored.stamp) {
            return;
        }
        let old = self.tier.get(uri);
        let places = match old.as_deref() {
            Some(Kept::Directory(directory)) => directory.places.clone(),
            Some(Kept::Response(_)) | None => Vec::new(),
        };
        if stored.vary.is_empty() {
            // The origin varies no more: what it said before is over.
            self.forget(&places);
            self.tier.insert(*uri, Arc::new(Kept::Response(Arc::clone(stored))));
            return;
        }
        let key = variant_key(uri, &stored.vary);
        let mut places: Vec<Place> = places.into_iter().filter(|place| place.key != key).collect();
        if places.len() >= VARIANTS_MAX {
            let oldest = (0..places.len()).min_by_key(|at| places[*at].last_used());
            let removed: Vec<Place> = oldest.map(|at| places.remove(at)).into_iter().collect();
            self.forget(&removed);
        }
        let language = stored.field(CONTENT_LANGUAGE).map(std::borrow::Cow::into_owned);
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        places.insert(0, Place::new(stored.vary.clone(), language, key, now));
        self.tier.insert(key, Arc::new(Kept::Response(Arc::clone(stored))));
        let directory = Directory::new(places, stored.stamp, Arc::clone(&stored.labels));
        self.tier.insert(*uri, Arc::new(Kept::Directory(directory)));
    }

    /// Drops everything kept of a URI, and what of it is being fetched now.
    pub(super) fn drop_all(&self, uri: &Key, stamp: Stamp, now_s: u64) {
        let _writing = self.lock(uri);
        self.dropped.insert(*uri, stamp, DROPPED_S, now_s);
        if let Some(Kept::Directory(directory)) = self.tier.get(uri).as_deref() {
            self.forget(&directory.places);
        }
        self.tier.remove(uri);
    }

    /// Drops one response, unless a newer one has taken its place.
    pub(super) fn drop_one(&self, uri: &Key, stored: &Stored) {
        let _writing = self.lock(uri);
        let key = if stored.vary.is_empty() { *uri } else { variant_key(uri, &stored.vary) };
        if matches!(self.tier.get(&key).as_deref(), Some(Kept::Response(held)) if held.stamp == stored.stamp) {
            self.tier.remove(&key);
        }
    }

    /// A key that requests share when one response is probably right for all of them: as far as it is known how the
    /// responses of the URI vary.
    pub(super) fn flight_key(&self, uri: &Key, request: &HeaderMap) -> Key {
        let Some(kept) = self.take(uri) else { return *uri };
        let Kept::Directory(directory) = &*kept else { return *uri };
        let names = directory.places.first().map(|place| place.vary.fields().map(|(name, _)| name));
        let vary = names.and_then(|names| VaryKey::of(names, request));
        vary.map_or(*uri, |vary| variant_key(uri, &vary))
    }

    /// What is kept under a key.
    fn take(&self, key: &Key) -> Option<Arc<Kept>> {
        self.tier.get(key)
    }

    fn forget(&self, places: &[Place]) {
        for place in places {
            self.tier.remove(&place.key);
        }
    }

    fn lock(&self, uri: &Key) -> std::sync::MutexGuard<'_, ()> {
        let stripe = usize::from(uri.as_bytes()[0]) % STRIPES;
        self.writing[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn variant_key(uri: &Key, vary: &VaryKey) -> Key {
    let mut parts: Vec<&[u8]> = vec![uri.as_bytes()];
    for (name, value) in vary.fields() {
        // An absent field is not an empty one.
        let presence: &[u8] = if value.is_some() { b"=" } else { b"" };
        parts.extend([name.as_bytes(), presence, value.unwrap_or_default().as_bytes()]);
    }
    Key::of("mount-variant", &parts)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderValue, StatusCode};

    use super::*;
    use crate::cache::{Labels, Stamps};

    const NOW_S: u64 = 1_794_700_800;

    fn request(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static("foo"), HeaderValue::from_str(value).unwrap())])
    }

    fn stored(vary: Option<&str>, body: &'static str, stamp: Stamp) -> Arc<Stored> {
        let vary = vary.map_or_else(VaryKey::default, |value| VaryKey::of(["foo"], &request(value)).unwrap());
        Arc::new(Stored {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            part: None,
            requested_s: NOW_S,
            received_s: NOW_S,
            vary,
            stamp,
            labels: Arc::new(Labels::default()),
        })
    }

    fn found(shelf: &Shelf, uri: &Key, value: &str) -> String {
        match shelf.find(uri, &request(value)) {
            Found::Stored(stored) => String::from_utf8(stored.body.to_vec()).unwrap(),
            Found::OtherVariants => "other".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn variants_are_kept_beside_each_other_until_the_origin_varies_no_more() {
        let (shelf, stamps, uri) = (Shelf::new(1 << 20), Stamps::default(), Key::of("test", &[]));
        assert_eq!(found(&shelf, &uri, "1"), "nothing");
        shelf.put(&uri, &stored(Some("1"), "one", stamps.now()), None, NOW_S);
        assert_eq!(found(&shelf, &uri, "2"), "other");
        shelf.put(&uri, &stored(Some("2"), "two", stamps.now()), None, NOW_S);
        shelf.put(&uri, &stored(Some("1"), "uno", stamps.now()), None, NOW_S);
        assert_eq!((found(&shelf, &uri, "1"), found(&shelf, &uri, "2")), ("uno".to_owned(), "two".to_owned()));
        shelf.put(&uri, &stored(None, "all", stamps.now()), None, NOW_S);
        assert_eq!((found(&shelf, &uri, "1"), found(&shelf, &uri, "3")), ("all".to_owned(), "all".to_owned()));
    }

    #[test]
    fn the_variant_asked_for_longest_ago_makes_room() {
        let (shelf, stamps, uri) = (Shelf::new(1 << 20), Stamps::default(), Key::of("test", &[]));
        for value in 0..VARIANTS_MAX {
            shelf.put(&uri, &stored(Some(&value.to_string()), "x", stamps.now()), None, NOW_S);
        }
        assert_eq!(found(&shelf, &uri, "0"), "x");
        shelf.put(&uri, &stored(Some("new"), "x", stamps.now()), None, NOW_S);
        assert_eq!((found(&shelf, &uri, "0"), found(&shelf, &uri, "1")), ("x".to_owned(), "other".to_owned()));
    }

    #[test]
    fn what_was_fetched_before_a_drop_is_not_kept_after_it() {
        let (shelf, stamps, uri) = (Shelf::new(1 << 20), Stamps::default(), Key::of("test", &[]));
        let before = stamps.now();
        shelf.put(&uri, &stored(Some("1"), "one", before), None, NOW_S);
        shelf.drop_all(&uri, stamps.now(), NOW_S);
        assert_eq!(found(&shelf, &uri, "1"), "nothing");
        shelf.put(&uri, &stored(None, "late", before), None, NOW_S);
        assert_eq!(found(&shelf, &uri, "1"), "nothing");
        shelf.put(&uri, &stored(None, "new", stamps.now()), None, NOW_S);
        assert_eq!(found(&shelf, &uri, "1"), "new");
        let (posted, drop) = (stamps.now(), stamps.now());
        shelf.drop_all(&uri, drop, NOW_S);
        shelf.put(&uri, &stored(None, "posted", posted), Some(drop), NOW_S);
        assert_eq!(found(&shelf, &uri, "1"), "posted", "an exchange does not undo itself");
    }

    #[test]
    fn one_response_is_dropped_alone() {
        let (shelf, stamps, uri) = (Shelf::new(1 << 20), Stamps::default(), Key::of("test", &[]));
        let one = stored(Some("1"), "one", stamps.now());
        shelf.put(&uri, &one, None, NOW_S);
        shelf.put(&uri, &stored(Some("2"), "two", stamps.now()), None, NOW_S);
        shelf.drop_one(&uri, &one);
        assert_eq!((found(&shelf, &uri, "1"), found(&shelf, &uri, "2")), ("other".to_owned(), "two".to_owned()));
    }
}

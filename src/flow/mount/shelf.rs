//! Where the responses of mounts are: under the key of their URI, and for a response that varies under one of its own,
//! which a directory under the URI's key leads to.
//!
//! Contract: what is not to be served any more is not found: the tiers judge by the marks of purges, and what a
//! request to change something made untrue is not kept again by an exchange that began before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::CONTENT_LANGUAGE;

use super::stored::{Directory, Kept, Place, Stored};
use crate::cache::{Keep, Key, Labels, Negative, Stamp, Tiers};
use crate::semantics::vary::VaryKey;

/// All kept responses of all mounts.
pub(super) struct Shelf {
    tiers: Tiers<Kept>,
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
    pub(super) fn new(tiers: Tiers<Kept>) -> Self {
        Self {
            tiers,
            dropped: Negative::new(DROPPED_MAX),
            clock: AtomicU64::new(0),
            writing: [const { Mutex::new(()) }; STRIPES],
        }
    }

    pub(super) const fn tiers(&self) -> &Tiers<Kept> {
        &self.tiers
    }

    /// The response of a URI that a request selects, fresh or not (RFC 9111 §4.1), as far as memory has it.
    pub(super) fn find(&self, uri: &Key, request: &HeaderMap) -> Found {
        let Some(kept) = self.take(uri) else { return Found::Nothing };
        let directory = match &*kept {
            Kept::Response(stored) => return alone(stored),
            Kept::Directory(directory) => directory,
        };
        for place in directory.matching(request) {
            if let Some(Kept::Response(stored)) = self.take(&place.key).as_deref() {
                return self.found(place, stored);
            }
        }
        Found::OtherVariants
    }

    /// The same from all tiers. What memory has not is brought there.
    pub(super) async fn find_below(&self, uri: &Key, request: &HeaderMap, now_s: u64) -> Found {
        let Some(kept) = self.take_below(uri, uri, now_s).await else { return Found::Nothing };
        let directory = match &*kept {
            Kept::Response(stored) => return alone(stored),
            Kept::Directory(directory) => directory,
        };
        for place in directory.matching(request) {
            if let Some(Kept::Response(stored)) = self.take_below(uri, &place.key, now_s).await.as_deref() {
                return self.found(place, stored);
            }
        }
        Found::OtherVariants
    }

    /// Keeps a response of a URI in the place of the one with the same secondary key, unless the URI was made untrue
    /// since its exchange began; `own` is when this very exchange did so. `common` are the labels of all that the URI
    /// can have.
    pub(super) async fn put(
        &self,
        uri: &Key,
        common: &Arc<Labels>,
        stored: &Arc<Stored>,
        own: Option<Stamp>,
        now_s: u64,
    ) {
        let kept = Arc::new(Kept::Response(Arc::clone(stored)));
        if self.tiers.is_gone(&kept) {
            return;
        }
        // Places that a tier below leads to are not to be lost.
        let below = if stored.vary.is_empty() { None } else { self.take_below(uri, uri, now_s).await };
        let _writing = self.lock(uri);
        let dropped = self.dropped.get(uri, now_s).filter(|dropped| own != Some(*dropped));
        if dropped.is_some_and(|dropped| dropped > stored.stamp) {
            return;
        }
        let old = self.take(uri).or(below);
        let places = match old.as_deref() {
            Some(Kept::Directory(directory)) => directory.places.clone(),
            Some(Kept::Response(_)) | None => Vec::new(),
        };
        if stored.vary.is_empty() {
            // The origin varies no more: what it said before is over.
            self.forget(&places);
            self.tiers.keep(*uri, &kept);
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
        self.tiers.keep(key, &kept);
        let directory = Directory::new(places, stored.stamp, Arc::clone(common));
        self.tiers.keep(*uri, &Arc::new(Kept::Directory(directory)));
    }

    /// Drops everything kept of a URI, and what of it is being fetched now.
    pub(super) fn drop_all(&self, uri: &Key, stamp: Stamp, now_s: u64) {
        let _writing = self.lock(uri);
        self.dropped.insert(*uri, stamp, DROPPED_S, now_s);
        // Where memory has no directory its places may stay on disk, and nothing leads to them any more.
        if let Some(Kept::Directory(directory)) = self.take(uri).as_deref() {
            self.forget(&directory.places);
        }
        self.tiers.remove(uri);
    }

    /// Drops one response, unless a newer one has taken its place.
    pub(super) fn drop_one(&self, uri: &Key, stored: &Stored) {
        let _writing = self.lock(uri);
        let key = if stored.vary.is_empty() { *uri } else { variant_key(uri, &stored.vary) };
        let is_replaced = match self.take(&key).as_deref() {
            Some(Kept::Response(held)) => held.stamp != stored.stamp,
            Some(Kept::Directory(_)) => true,
            None => false,
        };
        if !is_replaced {
            self.tiers.remove(&key);
        }
    }

    /// When a URI was last made untrue, as far as that is remembered; zero for never.
    pub(super) fn dropped_at(&self, uri: &Key, now_s: u64) -> Stamp {
        self.dropped.get(uri, now_s).unwrap_or_default()
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

    /// What memory has under a key.
    fn take(&self, key: &Key) -> Option<Arc<Kept>> {
        self.tiers.look(key).map(|found| found.value)
    }

    /// What any tier has under a key that belongs to a URI.
    async fn take_below(&self, uri: &Key, key: &Key, now_s: u64) -> Option<Arc<Kept>> {
        let kept = self.tiers.find(key).await?.value;
        // It may have been read while it was being dropped.
        let _writing = self.lock(uri);
        if self.dropped_at(uri, now_s) > kept.stamp() {
            self.tiers.remove(key);
            return None;
        }
        Some(kept)
    }

    fn found(&self, place: &Place, stored: &Arc<Stored>) -> Found {
        place.touch(self.clock.fetch_add(1, Ordering::Relaxed));
        Found::Stored(Arc::clone(stored))
    }

    fn forget(&self, places: &[Place]) {
        for place in places {
            self.tiers.remove(&place.key);
        }
    }

    fn lock(&self, uri: &Key) -> std::sync::MutexGuard<'_, ()> {
        let stripe = usize::from(uri.as_bytes()[0]) % STRIPES;
        self.writing[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response that stands under the key of its URI, which one that varies does not.
fn alone(stored: &Arc<Stored>) -> Found {
    if stored.vary.is_empty() { Found::Stored(Arc::clone(stored)) } else { Found::OtherVariants }
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
mod tests;

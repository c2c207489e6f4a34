//! What URLs mean, remembered: a hit of a URL that was hit before is neither verified, parsed nor keyed again, and in
//! the same second its answer is not described again. Contract: answers the same as the long way would, or not at all.
//!
//! Most of the long way is HMAC, options, canonical text and digests (`benches/hits.md`). What is remembered holds for
//! the rules it was understood by and for as long as the URL is good. Whether the picture is still kept, fresh and not
//! purged is asked each time.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ptr;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;

use super::lifetime::Standing;
use super::made::Errand;
use super::picture::face;
use super::{Answer, Ask, CacheOutcome, Face, Flow, Rules, Variant, counted};
use crate::cache::Found;
use crate::telemetry::clock;
use crate::url::parse;

/// URLs that were hit, a place for each; a later one takes the place of an earlier one.
pub(super) struct KnownUrls {
    places: Box<[ArcSwapOption<Known>]>,
    /// With secrets of its own, so that nobody can choose URLs that push out others.
    hasher: RandomState,
}

/// What is known of a URL.
pub(super) enum Recalled {
    /// All of it.
    Hit(Answer),
    /// What it means, whoever has the picture.
    Meaning(Errand),
    Nothing,
}

/// A URL and what it means.
#[derive(Debug)]
struct Known {
    path: Box<str>,
    accept: Box<str>,
    /// The last Unix second in which it is good.
    until_s: u64,
    errand: Errand,
    shown: ArcSwapOption<Shown>,
}

/// How a variant was shown in some second.
#[derive(Debug)]
struct Shown {
    /// Not kept alive by this: the memory tier decides how long.
    variant: Weak<Variant>,
    stale_since_s: Option<u64>,
    now_s: u64,
    face: Arc<Face>,
}

/// Places. With a few kilobytes each it is some 15 MB, once all are taken.
const URLS_MAX: usize = 4096;
/// Longer ones (path and `Accept` together) go the long way.
const URL_BYTES_MAX: usize = 1024;

// === impl Flow ===

impl Flow {
    /// What is known of the URL of a request that was answered before.
    pub(super) fn recall(&self, ask: &Ask) -> Recalled {
        let (rules, now_s) = (self.rules.load(), clock::now_unix_s());
        // The long way says why not.
        if rules.check_bearer(ask).is_err() {
            return Recalled::Nothing;
        }
        let place = self.known.place(ask).load();
        let Some(known) = place.as_deref().filter(|known| known.is(ask, &rules, now_s)) else {
            return Recalled::Nothing;
        };
        self.hit_again(known, now_s).map_or_else(|| Recalled::Meaning(known.errand.clone()), Recalled::Hit)
    }

    fn hit_again(&self, known: &Known, now_s: u64) -> Option<Answer> {
        let found = self.variants.look(&known.errand.picture.key)?;
        let Standing::Fresh { ttl_s } = found.value.lifetime.standing(found.stale_since_s, now_s) else {
            return None;
        };
        counted::asked("memory", true);
        self.note_epoch(&known.errand, &found.value);
        let cache = CacheOutcome::Hit { ttl_s, place: found.place };
        let face = known.face(&found, now_s, || face(&found.value, cache, &known.errand));
        Some(Answer { face, body: found.value.body.clone(), stages: Vec::new() })
    }
}

// === impl KnownUrls ===

impl KnownUrls {
    pub(super) fn new() -> Self {
        Self { places: (0..URLS_MAX).map(|_| ArcSwapOption::empty()).collect(), hasher: RandomState::new() }
    }

    /// Notes what a URL means that was just hit, unless it might mean something else at another time.
    pub(super) fn note(&self, ask: &Ask, errand: &Errand) {
        let is_short = ask.path.len() + ask.accept.len() <= URL_BYTES_MAX;
        if !is_short || !ask.passed.is_empty() {
            return;
        }
        let until_s = if errand.wanted.expires_s == 0 { u64::MAX } else { errand.wanted.expires_s };
        // A URL may name several times at which it ends, and the first one counts. What is dubious is counted by each
        // request.
        let at_its_end = parse(&ask.path, &errand.rules.dialect, until_s);
        if !at_its_end.is_ok_and(|parsed| parsed.dubious_booleans == 0) {
            return;
        }
        let known = Known {
            path: ask.path.as_str().into(),
            accept: ask.accept.as_str().into(),
            until_s,
            errand: errand.clone(),
            shown: ArcSwapOption::empty(),
        };
        self.place(ask).store(Some(Arc::new(known)));
    }

    fn place(&self, ask: &Ask) -> &ArcSwapOption<Known> {
        let hash = self.hasher.hash_one((&*ask.path, &*ask.accept));
        &self.places[hash as usize % URLS_MAX]
    }
}

impl fmt::Debug for KnownUrls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KnownUrls").finish_non_exhaustive()
    }
}

// === impl Known ===

impl Known {
    /// Whether this is what the URL of `ask` means under these rules.
    fn is(&self, ask: &Ask, rules: &Arc<Rules>, now_s: u64) -> bool {
        // What came through servers of our kind is fetched on their behalf, should it be fetched.
        ask.passed.is_empty()
            && *self.path == *ask.path
            && *self.accept == *ask.accept
            && Arc::ptr_eq(&self.errand.rules, rules)
            && now_s <= self.until_s
    }

    /// How a variant is shown in this second, described by `describe` where that was not done yet.
    fn face(&self, found: &Found<Variant>, now_s: u64, describe: impl FnOnce() -> Face) -> Arc<Face> {
        let shown = self.shown.load();
        let is_it = |shown: &&Arc<Shown>| {
            ptr::eq(shown.variant.as_ptr(), Arc::as_ptr(&found.value))
                && (shown.stale_since_s, shown.now_s) == (found.stale_since_s, now_s)
        };
        if let Some(shown) = shown.as_ref().filter(is_it) {
            return Arc::clone(&shown.face);
        }
        let (variant, face) = (Arc::downgrade(&found.value), Arc::new(describe()));
        let shown = Shown { variant, stale_since_s: found.stale_since_s, now_s, face: Arc::clone(&face) };
        self.shown.store(Some(Arc::new(shown)));
        face
    }
}

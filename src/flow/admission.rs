//! Whether a miss is worth beginning: asked before its original is fetched, so that what would be refused in the end is
//! refused at its beginning, while it costs nothing.
//!
//! A flight is let through when its job will get a worker within the time that it may wait for one. That is estimated:
//! the jobs that wait, and those whose originals are on their way from the same place, each as long as jobs took
//! lately, over all workers. What comes from elsewhere does not count, or a slow origin would have all others refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::lifetime::Standing;
use super::made::{Errand, Made};
use super::original::{Got, Known};
use super::picture::rescued;
use super::plan::Plan;
use super::variant::Variant;
use super::{CacheOutcome, Failure, Flow, StaleWhy, counted};
use crate::cache::Found;
use crate::engine::{EngineError, PoolState};
use crate::telemetry::clock;

/// What is known of the work to come.
#[derive(Debug)]
pub(super) struct Admission {
    queue_jobs_max: usize,
    /// Flights that were let through and whose jobs are not in the queue yet, by where their originals come from; only
    /// places with some.
    approaching: Approaching,
    /// Moving mean of what jobs take on a worker, in microseconds; 0 before the first.
    mean_us: AtomicU64,
}

/// A flight on its way to the engine; counted until it is dropped.
#[derive(Debug)]
pub(super) struct Approach {
    approaching: Approaching,
    place: String,
}

/// Numbers of flights by place.
type Approaching = Arc<Mutex<HashMap<String, usize>>>;

/// Who asks for a picture, as far as the way of the request depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    /// The client's condition, where it is the only one.
    pub(super) if_none_match: Option<&'a str>,
    /// Whose request it is; nothing where nobody can say.
    pub(super) client: Option<IpAddr>,
    /// When an answer comes too late.
    pub(super) until: Instant,
}

/// Why a flight is not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crowded {
    /// As many jobs wait as may.
    Full,
    /// Its job would wait so long.
    TooLong(Duration),
}

/// One part in so many of the mean is the last job.
const MEAN_JOBS: u64 = 16;

// === impl Admission ===

impl Admission {
    pub(super) fn new(queue_jobs_max: usize) -> Self {
        Self { queue_jobs_max, approaching: Arc::default(), mean_us: AtomicU64::new(0) }
    }

    /// A job took this long on its worker.
    pub(super) fn note(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let next = |mean_us: u64| match mean_us {
            0 => Some(took_us),
            _ => Some((mean_us - mean_us / MEAN_JOBS).saturating_add(took_us / MEAN_JOBS).max(1)),
        };
        // Never refused, as `next` always has a value.
        let _ = self.mean_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// What jobs take on a worker, lately.
    pub(super) fn mean(&self) -> Duration {
        Duration::from_micros(self.mean_us.load(Ordering::Relaxed))
    }

    /// Lets a flight through whose job will have a worker within `patience`; its original comes from `place`.
    fn admit(&self, pool: PoolState, place: &str, patience: Duration) -> Result<Approach, Crowded> {
        let approaching = lock(&self.approaching).get(place).copied().unwrap_or(0);
        if let Some(crowded) = crowded(pool, approaching, self.mean(), self.queue_jobs_max, patience) {
            return Err(crowded);
        }
        Ok(self.approach(place))
    }

    fn approach(&self, place: &str) -> Approach {
        let place = place.to_owned();
        *lock(&self.approaching).entry(place.clone()).or_default() += 1;
        Approach { approaching: Arc::clone(&self.approaching), place }
    }
}

// === impl Approach ===

impl Drop for Approach {
    fn drop(&mut self) {
        let mut approaching = lock(&self.approaching);
        if let Some(flights) = approaching.get_mut(&self.place) {
            *flights -= 1;
            if *flights == 0 {
                approaching.remove(&self.place);
            }
        }
    }
}

// === impl Crowded ===

impl Crowded {
    const fn reason(self) -> &'static str {
        match self {
            Self::Full => "queue_full",
            Self::TooLong(_) => "queue_estimate",
        }
    }
}

// === impl Flow ===

impl Flow {
    /// A picture that memory does not have, or not fresh (`kept`): in its turn among all misses and those of its
    /// client.
    pub(super) async fn miss(
        self: &Arc<Self>,
        errand: &Errand,
        asker: Asker<'_>,
        kept: Option<&Found<Variant>>,
    ) -> Result<Made, Failure> {
        let Some(_seat) = self.misses.seat() else {
            let failure = Failure::misses_full(self.misses.misses_max());
            return rescued(kept, failure).inspect_err(|_| counted::shed("misses_full"));
        };
        let Some(_turn) = self.misses.turn(asker.client) else {
            return self.spared(errand, asker, kept).await;
        };
        let until = asker.until;
        if kept.is_none() {
            match timeout_at(until, self.confirmed(errand, asker.if_none_match)).await {
                Ok(Some(made)) => return Ok(made),
                Ok(None) => {}
                Err(_) => {
                    let failure = Failure::request_timeout(errand.rules.limits.request_timeout);
                    return Err(failure).inspect_err(|_| counted::shed("deadline"));
                }
            }
        }
        self.board(errand, kept, until).await
    }

    /// What a client gets that has as many misses under way as it may: whatever any tier has, as that costs neither a
    /// fetch nor a transformation.
    async fn spared(
        self: &Arc<Self>,
        errand: &Errand,
        asker: Asker<'_>,
        kept: Option<&Found<Variant>>,
    ) -> Result<Made, Failure> {
        let has_lower_tiers = self.disk.is_some() || self.shared.is_some();
        let found = match kept {
            None if has_lower_tiers => timeout_at(asker.until, self.look(&errand.picture)).await.ok().flatten(),
            _ => kept.cloned(),
        };
        match Plan::decide(found, None, clock::now_unix_s()) {
            Plan::Fresh(found, ttl_s) => Ok(Made::kept(&found, CacheOutcome::Hit { ttl_s, place: found.place })),
            Plan::Refresh(found, stale_s) => Ok(Made::stale(&found, stale_s, StaleWhy::Busy)),
            Plan::Revalidate(found) | Plan::Rescue(found, _) => rescued(Some(&found), self.misses.client_full()),
            Plan::Miss | Plan::Negative(_) => Err(self.misses.client_full()),
        }
        .inspect_err(|_| counted::shed("client_full"))
    }

    /// The original that a flight is on its way to; from then on it is the queue that counts the flight.
    pub(super) async fn approached(
        &self,
        _approach: Approach,
        errand: &Errand,
        known: Option<&Arc<Known>>,
        cancelled: &CancellationToken,
    ) -> Result<Got, Failure> {
        tokio::select! {
            got = self.originals.get(&errand.wanted, known, &errand.rules.policy.freshness) => Ok(got?),
            // Nobody waits for the picture, so that nobody here waits for its original either.
            () = cancelled.cancelled() => Err(EngineError::Cancelled.into()),
        }
    }

    /// Whether the flight of this picture goes on to its original; `old` is what there is of it.
    ///
    /// # Errors
    /// There is too much to do to make a picture in time.
    pub(super) fn admit(&self, errand: &Errand, old: Option<&Found<Variant>>) -> Result<Approach, Failure> {
        let patience = errand.rules.limits.patience.queue;
        let place = place(errand.wanted.original.as_str());
        let crowded = match self.admission.admit(self.pool.state(), place, patience) {
            Ok(approach) => return Ok(approach),
            Err(crowded) => crowded,
        };
        let now_s = clock::now_unix_s();
        let is_useless = |found: &Found<Variant>| {
            let standing = found.value.lifetime.standing(found.stale_since_s, now_s);
            matches!(standing, Standing::Stale { is_rescue: false, .. })
        };
        if old.is_none_or(is_useless) {
            // Its origin will most often say that nothing changed, and then there is nothing to make.
            if old.is_some_and(|found| found.value.pixel_epoch == errand.rules.pixel_epoch) {
                return Ok(self.admission.approach(place));
            }
            counted::shed(crowded.reason());
        }
        Err(match crowded {
            Crowded::Full => Failure::queue_full(self.config.engine.queue_jobs_max),
            Crowded::TooLong(wait) => Failure::queue_too_long(wait, patience),
        })
    }
}

fn lock(approaching: &Approaching) -> MutexGuard<'_, HashMap<String, usize>> {
    // Nothing in here panics between two changes; a poisoned table is a whole one.
    approaching.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where an original comes from: its scheme and its host or bucket.
fn place(original: &str) -> &str {
    let host = original.find("://").map_or(0, |at| at + 3);
    let end = original[host..].find('/').map_or(original.len(), |at| host + at);
    &original[..end]
}

/// Why a job that joins the others now would not be worked on within `patience`.
fn crowded(
    pool: PoolState,
    approaching: usize,
    mean: Duration,
    queue_jobs_max: usize,
    patience: Duration,
) -> Option<Crowded> {
    if pool.waiting >= queue_jobs_max {
        return Some(Crowded::Full);
    }
    // A worker without a job takes one at once; those that have one are, on average, half through it.
    let idle = pool.workers.saturating_sub(pool.busy);
    let ahead = pool.waiting + approaching;
    let half_jobs = if ahead < idle { 0 } else { 2 * (ahead - idle) + 1 };
    let half_jobs = u32::try_from(half_jobs).unwrap_or(u32::MAX);
    let wait = (mean / 2).saturating_mul(half_jobs) / u32::try_from(pool.workers.max(1)).unwrap_or(u32::MAX);
    (wait > patience).then_some(Crowded::TooLong(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEAN: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_secs(1);

    fn decide(busy: usize, waiting: usize, approaching: usize, mean: Duration) -> Option<Crowded> {
        crowded(PoolState { workers: 2, busy, waiting }, approaching, mean, 64, PATIENCE)
    }

    #[test]
    fn a_job_is_let_in_while_its_turn_comes_in_time() {
        assert_eq!(decide(0, 0, 0, MEAN), None);
        assert_eq!(decide(2, 19, 0, MEAN), None, "20 jobs of 100 ms on two workers are a second");
        assert_eq!(decide(2, 20, 0, MEAN), Some(Crowded::TooLong(Duration::from_millis(1025))));
        assert_eq!(decide(2, 0, 20, MEAN), Some(Crowded::TooLong(Duration::from_millis(1025))), "on their way");
        assert_eq!(decide(0, 0, 21, MEAN), None, "two of them find a worker idle");
        assert_eq!(decide(2, 0, 0, PATIENCE * 5), Some(Crowded::TooLong(PATIENCE * 5 / 4)), "both have just begun");
    }

    #[test]
    fn a_full_queue_is_full_however_short_its_jobs_are() {
        assert_eq!(decide(2, 63, 0, Duration::ZERO), None);
        assert_eq!(decide(2, 64, 0, Duration::ZERO), Some(Crowded::Full));
    }

    #[test]
    fn an_idle_engine_takes_a_job_whatever_the_last_ones_took() {
        assert_eq!(decide(1, 0, 0, Duration::from_hours(1)), None);
    }

    #[test]
    fn the_mean_follows_what_jobs_take() {
        let admission = Admission::new(1);
        assert_eq!(admission.mean(), Duration::ZERO);
        admission.note(MEAN);
        assert_eq!(admission.mean(), MEAN, "the first one is all there is to know");
        for _ in 0..200 {
            admission.note(MEAN * 3);
        }
        let mean = admission.mean();
        assert!(mean > MEAN * 29 / 10 && mean <= MEAN * 3, "{mean:?}");
        admission.note(Duration::MAX);
        admission.note(Duration::ZERO);
        assert!(admission.mean() > Duration::ZERO);
    }

    #[test]
    fn a_flight_counts_until_it_has_arrived() {
        let admission = Admission::new(8);
        let pool = PoolState { workers: 1, busy: 1, waiting: 0 };
        admission.note(PATIENCE / 2);
        let first = admission.admit(pool, "http://slow", PATIENCE);
        let second = admission.admit(pool, "http://slow", PATIENCE);
        assert!(first.is_ok() && second.is_ok());
        let third = admission.admit(pool, "http://slow", PATIENCE);
        assert_eq!(third.err(), Some(Crowded::TooLong(PATIENCE * 5 / 4)));
        assert!(admission.admit(pool, "http://quick", PATIENCE).is_ok(), "a slow origin stops nobody else");
        drop(first);
        assert!(admission.admit(pool, "http://slow", PATIENCE).is_ok());
        drop(second);
        assert!(lock(&admission.approaching).is_empty());
    }

    #[test]
    fn a_place_is_a_host_or_a_bucket() {
        for (original, wanted) in [
            ("http://a.example:8080/b/c.jpg", "http://a.example:8080"),
            ("https://a.example", "https://a.example"),
            ("s3://bucket/key/of/it", "s3://bucket"),
            ("local:///a.jpg", "local://"),
            ("", ""),
        ] {
            assert_eq!(place(original), wanted);
        }
    }
}

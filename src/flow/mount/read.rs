//! Requests that read: from what is kept where the rules allow it, else from the origin, once for all who want the
//! same.

use std::sync::Arc;

use http::Method;
use http::header::{AUTHORIZATION, CACHE_CONTROL, IF_MATCH, IF_UNMODIFIED_SINCE, PRAGMA, RANGE};

use super::ask::{Answer, Request};
use super::exchange::{How, Landed, Question, Visit};
use super::plan::Plan;
use super::shelf::Found;
use super::site::{Site, Target};
use super::stored::Stored;
use super::{Mounts, answer};
use crate::cache::{FlightError, Key, Place, Role, Stamp};
use crate::flow::{CacheOutcome, Failure, StaleWhy, counted};
use crate::origin::OriginError;
use crate::semantics::cache_status::{CacheStatus, Forward, Handling};
use crate::semantics::fields::lines;
use crate::semantics::request_control::RequestControl;
use crate::semantics::reuse::Reuse;
use crate::telemetry::clock;

/// How often a request asks again because a purge took away what it had just got.
const PURGED_TRIES_MAX: u32 = 4;

// === impl Mounts ===

impl Mounts {
    pub(super) async fn read(
        self: &Arc<Self>,
        site: Arc<Site>,
        target: Target,
        request: Request,
    ) -> Result<Answer, Failure> {
        let wishes = if site.obeys_requests {
            RequestControl::parse(lines(&request.headers, CACHE_CONTROL), lines(&request.headers, PRAGMA))
        } else {
            RequestControl::default()
        };
        let visit = Arc::new(Visit { site, target, request, wishes });
        let now_s = clock::now_unix_s();
        let (found, place) = self.found(&visit, now_s).await;
        let plan = Plan::decide(found, &visit.request.method, &visit.request.headers, &visit.wishes, now_s, |stored| {
            self.reuse(&visit.site, stored, now_s)
        });
        let is_hit = matches!(plan, Plan::Serve(..) | Plan::ServeStale(..));
        counted::asked("mount_memory", is_hit && place == Place::Memory);
        match plan {
            Plan::Serve(stored, reuse) => {
                let detail = (place != Place::Memory).then(|| place.detail());
                Ok(self.hit(&visit, &stored, &reuse, place, detail))
            }
            Plan::ServeStale(stored, reuse) => {
                let answer = self.hit(&visit, &stored, &reuse, place, Some("swr"));
                self.refresh(&visit, stored);
                Ok(answer)
            }
            Plan::NothingKept => Err(Failure::mount_only_if_cached()),
            Plan::Complete(part, range) => {
                let _turn = self.misses.both(visit.request.client)?;
                let landed = self.exchange(&visit, Question::Complete(part, range)).await;
                self.landed(&visit, landed.map(Arc::new), Forward::Partial, Role::Alone).await
            }
            Plan::Ask { known, why } => {
                let _turn = self.misses.both(visit.request.client)?;
                self.ask(&visit, known, why).await
            }
        }
    }

    /// What is kept for a request, and where it was.
    async fn found(&self, visit: &Visit, now_s: u64) -> (Found, Place) {
        let (uri, headers) = (&visit.target.key, &visit.request.headers);
        match self.shelf.find(uri, headers) {
            found @ Found::Stored(_) => (found, Place::Memory),
            Found::OtherVariants | Found::Nothing => (self.shelf.find_below(uri, headers, now_s).await, Place::Disk),
        }
    }

    /// Asks the origin: in one flight with others where one answer may do for all, else alone.
    async fn ask(
        self: &Arc<Self>,
        visit: &Arc<Visit>,
        known: Option<Arc<Stored>>,
        why: Forward,
    ) -> Result<Answer, Failure> {
        let question = match known {
            Some(known) => Question::Validate(known),
            None if self.is_for_all(visit) => Question::Whole,
            None => Question::Verbatim,
        };
        if matches!(question, Question::Verbatim) || !self.is_for_all(visit) {
            let landed = self.exchange(visit, question).await;
            return self.landed(visit, landed.map(Arc::new), why, Role::Alone).await;
        }
        let mut question = question;
        for _ in 0..PURGED_TRIES_MAX {
            let (landed, role) = self.board(visit, question).await;
            if !landed.as_ref().is_ok_and(|landed| self.is_purged(landed)) {
                return self.landed(visit, landed, why, role).await;
            }
            // What it was about is as gone as what it brought.
            question = Question::Whole;
        }
        Err(Failure::purged())
    }

    async fn board(
        self: &Arc<Self>,
        visit: &Arc<Visit>,
        question: Question,
    ) -> (Result<Arc<Landed>, OriginError>, Role) {
        let key = self.flight_key(visit, question.known().map(|known| &**known));
        let (mounts, flying) = (Arc::clone(self), Arc::clone(visit));
        let mut ticket =
            self.flights.join(key, &self.tracker, move |_| async move { mounts.fly(&flying, question).await });
        let role = ticket.role();
        counted::boarded("mount", role);
        let landed = ticket.wait().await.map_err(|error| match error {
            FlightError::Failed(error) => error,
            FlightError::Lost => OriginError::Unreachable(None),
        });
        (landed, role)
    }

    /// Whether a purge came while a response was on its way here; nobody gets it any more.
    fn is_purged(&self, landed: &Landed) -> bool {
        match landed {
            Landed::Kept { stored, .. } | Landed::Failed { stale: stored, .. } => self.is_gone(stored),
            Landed::Passing { .. } => false,
        }
    }

    /// The flight itself; the one before may have landed between the plan and this.
    async fn fly(&self, visit: &Visit, question: Question) -> Result<Arc<Landed>, OriginError> {
        if let Found::Stored(stored) = self.shelf.find(&visit.target.key, &visit.request.headers) {
            let is_newer = match &question {
                Question::Validate(known) => stored.stamp > known.stamp,
                _ => true,
            };
            if is_newer && stored.part.is_none() && self.reuse(&visit.site, &stored, clock::now_unix_s()).is_fresh {
                return Ok(Arc::new(Landed::Kept { stored, how: How::Found }));
            }
        }
        self.exchange(visit, question).await.map(Arc::new)
    }

    /// Whether one answer may do for this request and others: nothing in it is for this client alone.
    fn is_for_all(&self, visit: &Visit) -> bool {
        let Visit { request, target, wishes, .. } = visit;
        let particular = [AUTHORIZATION, RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];
        request.method == Method::GET
            && request.body.is_empty()
            && !particular.iter().any(|name| request.headers.contains_key(name))
            && *wishes == RequestControl::default()
            // Whether it is obeyed or not, its answer is not kept.
            && !RequestControl::parse(lines(&request.headers, CACHE_CONTROL), [""; 0]).no_store
            && self.passing.get(&target.key, clock::now_unix_s()).is_none()
    }

    /// Who comes after something was taken away does not board what began before.
    fn flight_key(&self, visit: &Visit, known: Option<&Stored>) -> (Key, Stamp) {
        let uri = &visit.target.key;
        let purged = match known {
            Some(known) => self.marks.last_hard(&known.labels),
            None => self.marks.last_hard(&self.labels(&visit.target, Vec::new())),
        };
        let dropped = self.shelf.dropped_at(uri, clock::now_unix_s());
        (self.shelf.flight_key(uri, &visit.request.headers), purged.max(dropped))
    }

    /// Asks the origin about a stale response while it is being served; once, however many serve it. It asks for all,
    /// so what one client wants or is allowed has no part in it.
    fn refresh(self: &Arc<Self>, visit: &Arc<Visit>, stored: Arc<Stored>) {
        if visit.request.headers.contains_key(AUTHORIZATION) {
            return;
        }
        let (mounts, flying) = (Arc::clone(self), Arc::clone(visit));
        let mut request = Request { method: Method::GET, ..visit.request.clone() };
        for name in [CACHE_CONTROL, PRAGMA] {
            request.headers.remove(name);
        }
        let background = Visit {
            site: Arc::clone(&flying.site),
            target: flying.target.clone(),
            request,
            wishes: RequestControl::default(),
        };
        let key = self.flight_key(visit, Some(&stored));
        let mut ticket = self.flights.join(key, &self.tracker, move |_| async move {
            mounts.fly(&background, Question::Validate(stored)).await
        });
        if ticket.is_leader() {
            // Someone must wait for it, or it would be given up.
            self.tracker.spawn(async move {
                let _ = ticket.wait().await;
            });
        }
    }

    /// The answer to a request whose exchange, or that of another one, has ended.
    async fn landed(
        self: &Arc<Self>,
        visit: &Visit,
        landed: Result<Arc<Landed>, OriginError>,
        why: Forward,
        role: Role,
    ) -> Result<Answer, Failure> {
        let is_mine = role != Role::Follower;
        let landed = match landed {
            Ok(landed) => landed,
            Err(error) => return Err(Failure::from_mount(&error)),
        };
        match &*landed {
            Landed::Kept { stored, how } if is_mine || self.takes(visit, stored) => {
                return Ok(self.fetched(visit, stored, *how, why, is_mine));
            }
            Landed::Failed { stale, status } if is_mine || visit.selects(stale) => {
                return Ok(self.stale(visit, stale, status.map(|status| status.as_u16())));
            }
            Landed::Passing { status, not_kept, is_verbatim, .. } if is_mine => {
                if let Some(came) = landed.take() {
                    let is_stored = not_kept.is_none();
                    let forwarded = self.forwarded(why, Some(status.as_u16()));
                    let note = CacheStatus { is_stored, detail: *not_kept, ..forwarded };
                    let request = Some(&visit.request).filter(|_| !is_verbatim);
                    return Ok(answer::from_came(came, request, &note, CacheOutcome::Miss { stored: is_stored }));
                }
            }
            Landed::Kept { .. } | Landed::Failed { .. } | Landed::Passing { .. } => {}
        }
        // Another one's answer is not for this request.
        let landed = self.exchange(visit, Question::Verbatim).await;
        Box::pin(self.landed(visit, landed.map(Arc::new), why, Role::Alone)).await
    }

    fn hit(&self, visit: &Visit, stored: &Stored, reuse: &Reuse, place: Place, detail: Option<&'static str>) -> Answer {
        let ttl_s = reuse.ttl_s();
        let note = CacheStatus { ttl_s: Some(ttl_s), detail, ..CacheStatus::new(&self.name, Handling::Hit) };
        let (method, headers) = (&visit.request.method, &visit.request.headers);
        answer::from_stored(stored, method, headers, Some(reuse.age_s), &note, outcome(ttl_s, place))
    }

    /// An answer with what an exchange has just brought or confirmed.
    fn fetched(&self, visit: &Visit, stored: &Stored, how: How, why: Forward, is_mine: bool) -> Answer {
        let status = match how {
            How::Stored(status) => Some(status.as_u16()),
            How::Validated => Some(http::StatusCode::NOT_MODIFIED.as_u16()),
            How::Found => None,
        };
        let note = CacheStatus {
            is_stored: is_mine && how != How::Found,
            is_collapsed: !is_mine || how == How::Found,
            ..self.forwarded(why, status.filter(|_| is_mine))
        };
        let outcome = match how {
            _ if note.is_collapsed => CacheOutcome::Collapsed,
            How::Validated => CacheOutcome::Revalidated,
            How::Stored(_) | How::Found => CacheOutcome::Miss { stored: true },
        };
        // What has just come is as the origin wrote it; everything else is a reuse and says how old it is.
        let is_reuse = !is_mine || !matches!(how, How::Stored(_));
        let age_s = is_reuse.then(|| self.reuse(&visit.site, stored, clock::now_unix_s()).age_s);
        let (method, headers) = (&visit.request.method, &visit.request.headers);
        answer::from_stored(stored, method, headers, age_s, &note, outcome)
    }

    /// An answer with what is kept, because the origin failed.
    fn stale(&self, visit: &Visit, stored: &Stored, status: Option<u16>) -> Answer {
        let reuse = self.reuse(&visit.site, stored, clock::now_unix_s());
        let ttl_s = reuse.ttl_s();
        let note = CacheStatus { ttl_s: Some(ttl_s), detail: Some("sie"), ..self.forwarded(Forward::Stale, status) };
        let (method, headers) = (&visit.request.method, &visit.request.headers);
        let outcome = CacheOutcome::Stale { stale_s: ttl_s.unsigned_abs(), why: StaleWhy::Error };
        answer::from_stored(stored, method, headers, Some(reuse.age_s), &note, outcome)
    }

    fn forwarded(&self, why: Forward, status: Option<u16>) -> CacheStatus<'_> {
        CacheStatus::new(&self.name, Handling::Forwarded { why, status })
    }
}

/// How the cache took part, for metrics and the log.
fn outcome(ttl_s: i64, place: Place) -> CacheOutcome {
    match u64::try_from(ttl_s) {
        Ok(ttl_s) => CacheOutcome::Hit { ttl_s, place },
        Err(_) => CacheOutcome::Stale { stale_s: ttl_s.unsigned_abs(), why: StaleWhy::Revalidating },
    }
}

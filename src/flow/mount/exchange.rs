//! One exchange with the origin on behalf of a request that reads: what is asked, what its answer does to what is kept,
//! and what is served when the origin fails.

use std::sync::Arc;

use http::header::{CONTENT_LANGUAGE, HeaderName, HeaderValue, RANGE};
use http::{Method, StatusCode};

use super::ask::{Body, Request};
use super::site::{Site, Target};
use super::stored::Stored;
use super::upstream::{Came, Conditions};
use super::{Mounts, PASSING_S};
use crate::origin::OriginError;
use crate::semantics::request_control::RequestControl;
use crate::semantics::reuse::{is_failure, is_missing};
use crate::semantics::storing::NotStored;
use crate::semantics::update::{Validated, if_range_field, is_updated_by_head, validated, validation_fields};
use crate::telemetry::clock;

/// A request that reads, with everything needed to answer it.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) site: Arc<Site>,
    pub(super) target: Target,
    pub(super) request: Request,
    pub(super) wishes: RequestControl,
}

/// How an exchange ended.
#[derive(Debug)]
pub(super) enum Landed {
    /// With a response that is kept now.
    Kept { stored: Arc<Stored>, how: How },
    /// With an answer that is only passed on. The first who takes it has it.
    Passing {
        came: std::sync::Mutex<Option<Came>>,
        status: StatusCode,
        /// Why it is not kept; `None` where it is, beside being passed on.
        not_kept: Option<&'static str>,
        /// Whether the conditions of the client have had their say at the origin.
        is_verbatim: bool,
    },
    /// With the origin's failure, which a stale response is to cover (RFC 5861 §4).
    Failed { stale: Arc<Stored>, status: Option<StatusCode> },
}

/// How a kept response came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It is the answer, with its status.
    Stored(StatusCode),
    /// The origin confirmed it.
    Validated,
    /// Someone else's exchange had just brought it.
    Found,
}

/// What is asked of the origin.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// Whether this is still right.
    Validate(Arc<Stored>),
    /// The rest of this part, by this range.
    Complete(Arc<Stored>, String),
    /// The whole response, so that it can be kept for all.
    Whole,
    /// What the client asks, word for word.
    Verbatim,
}

// === impl Visit ===

impl Visit {
    /// Whether a response is one of those that this request selects.
    pub(super) fn selects(&self, stored: &Stored) -> bool {
        let language = stored.field(CONTENT_LANGUAGE);
        stored.vary.matches(&self.request.headers, language.as_deref())
    }
}

// === impl Question ===

impl Question {
    fn conditions(&self) -> Conditions {
        match self {
            Self::Verbatim => Conditions::Verbatim,
            Self::Whole => Conditions::Dropped,
            Self::Validate(known) => Conditions::Replaced(validation_fields(&known.headers)),
            Self::Complete(part, range) => {
                let range: Option<(HeaderName, HeaderValue)> =
                    HeaderValue::from_str(range).ok().map(|value| (RANGE, value));
                Conditions::Replaced(range.into_iter().chain(if_range_field(&part.headers)).collect())
            }
        }
    }

    /// The stored response that the question is about.
    pub(super) fn known(&self) -> Option<&Arc<Stored>> {
        match self {
            Self::Validate(stored) | Self::Complete(stored, _) => Some(stored),
            Self::Whole | Self::Verbatim => None,
        }
    }
}

// === impl Landed ===

impl Landed {
    /// The answer that is only passed on, if nobody has taken it yet.
    pub(super) fn take(&self) -> Option<Came> {
        match self {
            Self::Passing { came, .. } => came.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take(),
            Self::Kept { .. } | Self::Failed { .. } => None,
        }
    }
}

// === impl Mounts ===

impl Mounts {
    /// Asks the origin, and once more without conditions where its answer is about something else than what is kept.
    pub(super) async fn exchange(&self, visit: &Visit, question: Question) -> Result<Landed, OriginError> {
        match self.ask_once(visit, &question).await? {
            Some(landed) => Ok(landed),
            None => match self.ask_once(visit, &Question::Whole).await? {
                Some(landed) => Ok(landed),
                // An origin that says "unchanged" to a question without a condition is broken.
                None => Err(OriginError::Upstream { code: StatusCode::NOT_MODIFIED.as_u16() }),
            },
        }
    }

    /// `None` for an answer that is of no use to this question.
    async fn ask_once(&self, visit: &Visit, question: &Question) -> Result<Option<Landed>, OriginError> {
        let Visit { site, target, request, .. } = visit;
        let known = question.known();
        let came = match self.send(target, request, question.conditions()).await {
            Ok(came) if is_failure(came.status.as_u16()) => match self.covered(visit, known) {
                Some(stale) => return Ok(Some(Landed::Failed { stale, status: Some(came.status) })),
                None => came,
            },
            Ok(came) => came,
            Err(error) => {
                return match self.covered(visit, known) {
                    Some(stale) => Ok(Some(Landed::Failed { stale, status: None })),
                    None => Err(error),
                };
            }
        };
        if request.method == Method::HEAD && target.source.is_none() {
            return Ok(self.head_landed(visit, known, came).await);
        }
        match (question, came.status) {
            (Question::Validate(known), StatusCode::NOT_MODIFIED) => {
                return Ok(self.confirmed(visit, known, &came).await);
            }
            (Question::Whole | Question::Complete(..), StatusCode::NOT_MODIFIED) => return Ok(None),
            // Whatever it has against the range, it may have nothing against the whole.
            (Question::Complete(..), status) if status.is_client_error() => return Ok(None),
            _ => {}
        }
        let part = self.part_beside(visit, question, &came);
        let kept = self.keep(site, target, request, &came, part.as_deref(), None).await;
        let is_part = came.status == StatusCode::PARTIAL_CONTENT;
        match kept {
            // The part did not fit what is here, so that the whole is still missing.
            Ok(stored) if stored.part.is_some() && matches!(question, Question::Complete(..)) => Ok(None),
            Err(_) if is_part && matches!(question, Question::Complete(..)) => Ok(None),
            Ok(stored) if is_part && matches!(question, Question::Verbatim) => {
                // The client gets the bytes that it asked for, whatever is kept beside them.
                drop(stored);
                Ok(Some(passing(came, None, true)))
            }
            Ok(stored) => {
                self.passing.purge(&target.key);
                Ok(Some(Landed::Kept { stored, how: How::Stored(came.status) }))
            }
            Err(why) => {
                let is_verbatim = matches!(question, Question::Verbatim);
                // What is the client's doing says nothing about what others would get.
                if !is_of_request(why) {
                    if let Some(known) = known.filter(|_| is_instead(came.status)) {
                        self.shelf.drop_one(&target.key, known);
                    }
                    if matches!(question, Question::Whole | Question::Validate(_)) {
                        self.passing.insert(target.key, (), PASSING_S, clock::now_unix_s());
                    }
                }
                Ok(Some(passing(came, Some(why.detail()), is_verbatim)))
            }
        }
    }

    /// What a 304 does to the stored response that was asked about; `None` where it is about something else.
    async fn confirmed(&self, visit: &Visit, known: &Arc<Stored>, came: &Came) -> Option<Landed> {
        let Visit { site, target, request, .. } = visit;
        // Nothing was asked that a 304 could answer, or what it answers was purged meanwhile.
        if validation_fields(&known.headers).is_empty() || self.is_gone(known) {
            return None;
        }
        if validated(&known.headers, &came.headers) == Validated::Other {
            self.shelf.drop_one(&target.key, known);
            return None;
        }
        let fresh = self.freshened(target, request, known, came);
        match site.may_keep(target, &request.headers, &fresh) {
            Ok(()) => {
                let stored = Arc::new(fresh);
                self.put(target, &stored, None).await;
                Some(Landed::Kept { stored, how: How::Validated })
            }
            Err(why) => {
                if !is_of_request(why) {
                    self.shelf.drop_one(&target.key, known);
                }
                let Stored { status, headers, body, requested_s, received_s, stamp, .. } = fresh;
                let came = Came { status, headers, body: Body::Whole(body), requested_s, received_s, stamp };
                Some(passing(came, Some(why.detail()), false))
            }
        }
    }

    /// The stored response that may be served though the origin has failed.
    fn covered(&self, visit: &Visit, known: Option<&Arc<Stored>>) -> Option<Arc<Stored>> {
        let known = known.filter(|known| known.part.is_none() && !self.is_gone(known))?;
        let now_s = clock::now_unix_s();
        let reuse = self.reuse(&visit.site, known, now_s);
        (reuse.may_serve_on_error(now_s) && !visit.wishes.no_cache).then(|| Arc::clone(known))
    }

    /// Whether a response that another one's exchange brought may be used for this request.
    pub(super) fn takes(&self, visit: &Visit, stored: &Stored) -> bool {
        visit.selects(stored) && self.reuse(&visit.site, stored, clock::now_unix_s()).is_fresh
    }

    /// What the answer to a HEAD does to the response that GET would get (RFC 9111 §4.3.5).
    async fn head_landed(&self, visit: &Visit, known: Option<&Arc<Stored>>, came: Came) -> Option<Landed> {
        let Visit { site, target, request, .. } = visit;
        if let Some(known) = known {
            let status = came.status;
            if status == StatusCode::NOT_MODIFIED {
                return self.confirmed(visit, known, &came).await;
            }
            if is_updated_by_head(&known.headers, status.as_u16(), &came.headers) && !self.is_gone(known) {
                let fresh = self.freshened(target, request, known, &came);
                match site.may_keep(target, &request.headers, &fresh) {
                    Ok(()) => self.put(target, &Arc::new(fresh), None).await,
                    Err(why) if is_of_request(why) => {}
                    Err(_) => self.shelf.drop_one(&target.key, known),
                }
            } else if status == StatusCode::OK || is_missing(status.as_u16()) {
                self.shelf.drop_one(&target.key, known);
            }
        }
        Some(passing(came, Some("head"), known.is_none()))
    }

    /// The stored part that a 206 may be joined to.
    fn part_beside(&self, visit: &Visit, question: &Question, came: &Came) -> Option<Arc<Stored>> {
        if came.status != StatusCode::PARTIAL_CONTENT {
            return None;
        }
        if let Question::Complete(part, _) = question {
            return Some(Arc::clone(part));
        }
        match self.shelf.find(&visit.target.key, &visit.request.headers) {
            super::shelf::Found::Stored(stored) => Some(stored).filter(|stored| stored.part.is_some()),
            super::shelf::Found::OtherVariants | super::shelf::Found::Nothing => None,
        }
    }
}

/// Whether an answer is not kept for what the request was, so that another client's may be.
const fn is_of_request(why: NotStored) -> bool {
    matches!(why, NotStored::RequestNoStore | NotStored::Authorization | NotStored::Head | NotStored::Method)
}

/// Whether an answer of this status says that what is kept is no more what the origin has. A failure does not, nor does
/// a refusal that is for one client or for a moment.
fn is_instead(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection() || is_missing(status.as_u16())
}

fn passing(came: Came, not_kept: Option<&'static str>, is_verbatim: bool) -> Landed {
    let status = came.status;
    Landed::Passing { came: std::sync::Mutex::new(Some(came)), status, not_kept, is_verbatim }
}

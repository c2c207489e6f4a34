//! One exchange with the origin on behalf of a request that reads: what is asked, what its answer does to what is kept,
//! and what is served when the origin fails.

use std::sync::Arc;

use http::header::{CONTENT_LANGUAGE, HeaderName, HeaderValue, RANGE};
use http::{Method, StatusCode};

use super::ask::Request;
use super::site::{Site, Target};
use super::stored::Stored;
use super::upstream::{Came, Conditions};
use super::{Mounts, PASSING_S};
use crate::origin::OriginError;
use crate::semantics::request_control::RequestControl;
use crate::semantics::reuse::is_failure;
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
    /// The stored response that may be served though the origin has failed.
    fn covered(&self, known: Option<&Arc<Stored>>) -> Option<Arc<Stored>> {
        let known = known.filter(|known| known.part.is_none())?;
        let now_s = clock::now_unix_s();
        let reuse = self.site.reuse(known, now_s);
        (reuse.may_serve_on_error(now_s) && !self.wishes.no_cache).then(|| Arc::clone(known))
    }

    /// Whether a response is one of those that this request selects.
    pub(super) fn selects(&self, stored: &Stored) -> bool {
        let language = stored.field(CONTENT_LANGUAGE);
        stored.vary.matches(&self.request.headers, language.as_deref())
    }

    /// Whether a response that another one's exchange brought may be used for this request.
    pub(super) fn takes(&self, stored: &Stored) -> bool {
        self.selects(stored) && self.site.reuse(stored, clock::now_unix_s()).is_fresh
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
    fn known(&self) -> Option<&Arc<Stored>> {
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
            Ok(came) if is_failure(came.status.as_u16()) => match visit.covered(known) {
                Some(stale) => return Ok(Some(Landed::Failed { stale, status: Some(came.status) })),
                None => came,
            },
            Ok(came) => came,
            Err(error) => {
                return match visit.covered(known) {
                    Some(stale) => Ok(Some(Landed::Failed { stale, status: None })),
                    None => Err(error),
                };
            }
        };
        if request.method == Method::HEAD && target.source.is_none() {
            return Ok(self.head_landed(visit, known, came));
        }
        match (question, came.status) {
            (Question::Validate(known), StatusCode::NOT_MODIFIED) => {
                if validation_fields(&known.headers).is_empty() {
                    return Ok(None);
                }
                return Ok(match validated(&known.headers, &came.headers) {
                    Validated::Same => {
                        let stored = self.freshen(target, request, known, &came);
                        Some(Landed::Kept { stored, how: How::Validated })
                    }
                    Validated::Other => {
                        self.shelf.drop_one(&target.key, known);
                        None
                    }
                });
            }
            (Question::Whole | Question::Complete(..), StatusCode::NOT_MODIFIED) => return Ok(None),
            // Whatever it has against the range, it may have nothing against the whole.
            (Question::Complete(..), status) if status.is_client_error() => return Ok(None),
            _ => {}
        }
        let part = self.part_beside(visit, question, &came);
        let kept = self.keep(site, target, request, &came, part.as_deref(), None);
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
                if let Some(known) = known {
                    self.shelf.drop_one(&target.key, known);
                }
                if matches!(question, Question::Whole | Question::Validate(_)) {
                    self.passing.insert(target.key, (), PASSING_S, clock::now_unix_s());
                }
                Ok(Some(passing(came, Some(why.detail()), matches!(question, Question::Verbatim))))
            }
        }
    }

    /// What the answer to a HEAD does to the response that GET would get (RFC 9111 §4.3.5).
    fn head_landed(&self, visit: &Visit, known: Option<&Arc<Stored>>, came: Came) -> Option<Landed> {
        let Visit { target, request, .. } = visit;
        if let Some(known) = known {
            let status = came.status;
            if status == StatusCode::NOT_MODIFIED && validated(&known.headers, &came.headers) == Validated::Same {
                let stored = self.freshen(target, request, known, &came);
                return Some(Landed::Kept { stored, how: How::Validated });
            }
            if status == StatusCode::NOT_MODIFIED {
                self.shelf.drop_one(&target.key, known);
                return None;
            }
            if is_updated_by_head(&known.headers, status.as_u16(), &came.headers) {
                self.freshen(target, request, known, &came);
            } else if !status.is_server_error() {
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

fn passing(came: Came, not_kept: Option<&'static str>, is_verbatim: bool) -> Landed {
    let status = came.status;
    Landed::Passing { came: std::sync::Mutex::new(Some(came)), status, not_kept, is_verbatim }
}

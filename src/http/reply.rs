//! What a handler hands back, and the body that hyper sends of it. Contract: the bytes are sent by reference, in one
//! piece, and the exchange lasts until hyper lets go of the body. What is too long to be held follows as it comes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use http_body::{Body, Frame, SizeHint};

use super::access::{Notes, Record};
use super::pulse::Exchange;
use crate::origin::{Inbound, OriginError};

/// An answer and what the log should know about it.
#[derive(Debug)]
pub struct Reply {
    pub response: http::Response<Bytes>,
    /// Where the rest of the body comes from, when the bytes are only its beginning.
    pub rest: Option<Box<Inbound>>,
    pub notes: Notes,
}

/// The body of an answer on its way.
pub(super) struct ReplyBody {
    bytes: Bytes,
    rest: Option<Rest>,
    _record: Record,
    _exchange: Exchange,
}

/// The pieces of a body that is passed on. An error ends the connection, so that nobody takes a part for the whole.
type Rest = Pin<Box<dyn Stream<Item = Result<Bytes, OriginError>> + Send>>;

// === impl ReplyBody ===

impl ReplyBody {
    pub(super) fn new(bytes: Bytes, rest: Option<Box<Inbound>>, record: Record, exchange: Exchange) -> Self {
        Self { bytes, rest: rest.map(pieces), _record: record, _exchange: exchange }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = OriginError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OriginError>>> {
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let next = ready!(rest.as_mut().poll_next(cx));
        if !matches!(next, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let len = self.bytes.len() as u64;
        if self.rest.is_none() {
            return SizeHint::with_exact(len);
        }
        let mut hint = SizeHint::new();
        hint.set_lower(len);
        hint
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ReplyBody").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

fn pieces(rest: Box<Inbound>) -> Rest {
    Box::pin(unfold(Some(rest), |rest| async move {
        let mut rest = rest?;
        match rest.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(rest))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

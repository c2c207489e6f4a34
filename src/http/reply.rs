//! What a handler hands back, and the body that hyper sends of it. Contract: the bytes are sent by reference, in one
//! piece, and the exchange lasts until hyper lets go of the body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::access::{Notes, Record};
use super::pulse::Exchange;

/// An answer and what the log should know about it.
#[derive(Debug)]
pub struct Reply {
    pub response: http::Response<Bytes>,
    pub notes: Notes,
}

/// The body of an answer on its way.
#[derive(Debug)]
pub(super) struct ReplyBody {
    bytes: Bytes,
    _record: Record,
    _exchange: Exchange,
}

// === impl ReplyBody ===

impl ReplyBody {
    pub(super) fn new(bytes: Bytes, record: Record, exchange: Exchange) -> Self {
        Self { bytes, _record: record, _exchange: exchange }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

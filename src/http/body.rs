//! The body of a request, read whole or not at all. Contract: never more bytes than the caller allows, never longer
//! than the request's own deadline, and never a part of a body for the whole.

use std::error::Error;
use std::fmt;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

/// Why a request's body could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More bytes than allowed, announced or sent.
    #[error("request body has at least {got} bytes, limit {max}")]
    TooLarge { got: u64, max: u64 },
    /// The client ended or broke it before its end, or what came is no body.
    #[error("request body is incomplete, {got} bytes came")]
    Incomplete {
        got: u64,
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// It did not come in time.
    #[error("request body did not come in time, {got} bytes came")]
    Timeout { got: u64 },
}

/// A body that nobody has read yet. Unread, it is dropped with its request: hyper takes what is here already and closes
/// the connection where there is more.
pub(super) struct RequestBody {
    incoming: Option<Incoming>,
    deadline: Instant,
}

/// Room that is made at once for a body; more is made as it comes, so that an announcement costs nothing.
const START_BYTES_MAX: u64 = 64 * 1024;

// === impl RequestBody ===

impl RequestBody {
    /// A body that must be here, whole, before `deadline`.
    pub(super) fn new(incoming: Incoming, deadline: Instant) -> Self {
        Self { incoming: Some(incoming), deadline }
    }

    /// No body, as most requests have it.
    pub(super) fn empty(now: Instant) -> Self {
        Self { incoming: None, deadline: now }
    }

    /// All bytes; none for a body that was read before.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub(super) async fn read(&mut self, bytes_max: u64) -> Result<Bytes, BodyError> {
        match self.incoming.take() {
            Some(incoming) => collect(incoming, bytes_max, self.deadline).await,
            None => Ok(Bytes::new()),
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestBody").field("is_unread", &self.incoming.is_some()).finish_non_exhaustive()
    }
}

async fn collect<B>(body: B, max: u64, deadline: Instant) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    let announced = body.size_hint().lower();
    if announced > max {
        return Err(BodyError::TooLarge { got: announced, max });
    }
    let mut body = body;
    let mut bytes = BytesMut::with_capacity(usize::try_from(announced.min(START_BYTES_MAX)).unwrap_or_default());
    loop {
        let got = bytes.len() as u64;
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| BodyError::Timeout { got })?;
        let Some(frame) = frame else { return Ok(bytes.freeze()) };
        let frame = frame.map_err(|cause| BodyError::Incomplete { got, cause: cause.into() })?;
        // Trailers are of no use to anyone here and are left out.
        if let Some(piece) = frame.data_ref() {
            let got = got.saturating_add(piece.len() as u64);
            if got > max {
                return Err(BodyError::TooLarge { got, max });
            }
            bytes.extend_from_slice(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use futures_util::{StreamExt as _, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;
    use crate::telemetry::clock;

    const PIECES: [&str; 2] = ["abc", "de"];

    fn soon() -> Instant {
        clock::instant() + Duration::from_secs(10)
    }

    fn pieces(end: Option<io::Error>) -> impl Body<Data = Bytes, Error = io::Error> + Unpin {
        let data = PIECES.map(|piece| Ok(Frame::data(Bytes::from(piece))));
        StreamBody::new(stream::iter(data).chain(stream::iter(end.map(Err))))
    }

    #[tokio::test]
    async fn the_limit_itself_fits_and_one_more_does_not() {
        assert_eq!(collect(pieces(None), 5, soon()).await.unwrap(), "abcde");
        let error = collect(pieces(None), 4, soon()).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { got: 5, max: 4 }), "{error:?}");
        // Refused by its announcement, before anything of it is read.
        let error = collect(Full::new(Bytes::from_static(b"abcde")), 4, clock::instant()).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { got: 5, max: 4 }), "{error:?}");
        assert_eq!(collect(Full::new(Bytes::new()), 0, soon()).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_part_is_never_taken_for_the_whole() {
        let error = collect(pieces(Some(io::ErrorKind::UnexpectedEof.into())), 9, soon()).await.unwrap_err();
        assert!(matches!(error, BodyError::Incomplete { got: 5, .. }), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_has_a_deadline() {
        let endless = StreamBody::new(
            stream::iter([Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"a")))]).chain(stream::pending()),
        );
        let error = collect(endless, 9, soon()).await.unwrap_err();
        assert!(matches!(error, BodyError::Timeout { got: 1 }), "{error:?}");
    }
}

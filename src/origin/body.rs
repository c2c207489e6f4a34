//! A body as it comes in: counted against the limit while it is read, and against what was announced at its end.

use bytes::{Bytes, BytesMut};

use super::error::OriginError;

/// Room made at once where nothing was announced.
const START_BYTES: usize = 64 * 1024;

/// The bytes so far.
#[derive(Debug)]
pub(super) struct Body {
    bytes: BytesMut,
    announced: Option<u64>,
    max: u64,
}

// === impl Body ===

impl Body {
    /// A body of which nothing has come yet. Refuses one that is announced as too large, before reading any of it.
    pub(super) fn announced(announced: Option<u64>, max: u64) -> Result<Self, OriginError> {
        if let Some(got) = announced.filter(|length| *length > max) {
            return Err(OriginError::TooLarge { got, max });
        }
        // Untouched room costs address space only, so it is taken at once; a doubling buffer would cost copies.
        let room = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(START_BYTES);
        Ok(Self { bytes: BytesMut::with_capacity(room), announced, max })
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), OriginError> {
        let got = self.len().saturating_add(piece.len() as u64);
        if got > self.max {
            return Err(OriginError::TooLarge { got, max: self.max });
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The whole body, if it is the whole body.
    pub(super) fn finish(self) -> Result<Bytes, OriginError> {
        let got = self.len();
        match self.announced {
            Some(announced) if announced != got => Err(OriginError::Incomplete { got, cause: None }),
            _ => Ok(self.bytes.freeze()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_fits_and_one_more_does_not() {
        Body::announced(Some(4), 4).expect("at the limit");
        let error = Body::announced(Some(5), 4).expect_err("above");
        assert!(matches!(error, OriginError::TooLarge { got: 5, max: 4 }), "{error:?}");

        let mut body = Body::announced(None, 4).expect("unknown");
        body.push(b"ab").expect("below");
        body.push(b"cd").expect("at the limit");
        let error = body.push(b"e").expect_err("above");
        assert!(matches!(error, OriginError::TooLarge { got: 5, max: 4 }), "{error:?}");
    }

    #[test]
    fn what_was_announced_must_come() {
        for (announced, pieces, is_whole) in [
            (Some(2), "ab", true),
            (Some(3), "ab", false),
            (Some(1), "ab", false),
            (None, "", true),
            (Some(0), "", true),
        ] {
            let mut body = Body::announced(announced, 10).expect("fits");
            body.push(pieces.as_bytes()).expect("fits");
            assert_eq!(body.finish().is_ok(), is_whole, "{announced:?} {pieces}");
        }
    }
}

//! PNG: the sides, and texts that would cost more than they say. Source: PNG specification, sections 5 and 11.

use super::{Announced, u32_be};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Length, name and checksum of a chunk.
const FRAME_BYTES: usize = 12;

/// A compressed byte becomes so many at most (deflate's limit).
const INFLATE_RATIO_MAX: usize = 1032;

/// What all texts of a file may become in memory; enough for a compressed profile of 60 KiB whatever is in it.
pub(super) const TEXTS_BYTES_MAX: usize = 64 << 20;

/// What a text costs beside its bytes, as decoders keep each one.
const TEXT_BYTES: usize = 1 << 10;

pub(super) fn sides(bytes: &[u8]) -> Option<Announced> {
    let header = bytes.strip_prefix(SIGNATURE).filter(|header| header.get(4..8) == Some(b"IHDR"))?;
    Announced::sides(u32_be(header, 8)?, u32_be(header, 12)?)
}

/// The file without the texts that would become more than `texts_bytes_max`; nothing where none do.
pub(super) fn without_costly_texts(bytes: &[u8], texts_bytes_max: usize) -> Option<Vec<u8>> {
    let mut spent = 0_usize;
    let mut kept = Vec::new();
    let (mut at, mut copied) = (SIGNATURE.len(), 0);
    while let Some(len) = u32_be(bytes, at) {
        let len = len as usize;
        let Some(name) = bytes.get(at + 4..at + 8) else { break };
        let end = at.saturating_add(len).saturating_add(FRAME_BYTES).min(bytes.len());
        let cost = match name {
            b"tEXt" => len,
            b"zTXt" | b"iTXt" => len.saturating_mul(INFLATE_RATIO_MAX),
            _ => 0,
        };
        if cost > 0 {
            let total = spent.saturating_add(cost).saturating_add(TEXT_BYTES);
            if total > texts_bytes_max {
                kept.extend_from_slice(&bytes[copied..at]);
                copied = end;
            } else {
                spent = total;
            }
        }
        at = end;
    }
    (copied > 0).then(|| {
        kept.extend_from_slice(&bytes[copied..]);
        kept
    })
}

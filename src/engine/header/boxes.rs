//! AVIF and HEIC: the largest of the pictures in the file, by its `ispe` properties. Source: ISO/IEC 23008-12, 6.5.3.

use super::{Announced, u32_be};

/// The boxes that lead to properties, and the bytes before their own boxes: `meta` has a version.
const WAY: [(&[u8; 4], usize); 3] = [(b"meta", 4), (b"iprp", 0), (b"ipco", 0)];

pub(super) fn sides(bytes: &[u8]) -> Option<Announced> {
    let mut inside = bytes;
    for (name, skipped) in WAY {
        inside = children(inside).find(|(child, _)| child == name)?.1.get(skipped..)?;
    }
    let side = |body: &[u8]| Announced::sides(u32_be(body, 4)?, u32_be(body, 8)?);
    let properties = children(inside).filter(|(name, _)| name == b"ispe");
    properties.filter_map(|(_, body)| side(body)).max_by_key(Announced::pixels)
}

/// Names and bodies of boxes in a row; the last one may end with the file.
fn children(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let name: [u8; 4] = rest.get(4..8)?.try_into().ok()?;
        let (head, len) = match u32_be(rest, 0)? {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from(u32_be(rest, 8)?) << 32 | u64::from(u32_be(rest, 12)?)).ok()?),
            len => (8, len as usize),
        };
        let body = rest.get(head..len.min(rest.len()))?;
        rest = rest.get(len..).unwrap_or_default();
        Some((name, body))
    })
}

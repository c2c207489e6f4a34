//! AVIF and HEIC: the largest of the pictures in the file, by what their properties say and by what their streams say,
//! since decoders allocate by the stream. Source: ISO/IEC 14496-12, 8.11, and 23008-12, 6.5.3.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Announced, av1, hevc, u16_be, u32_be};

/// Before the boxes of one that has a version.
const VERSION_BYTES: usize = 4;

/// An item's place, in pieces of an offset and a length.
struct Place {
    /// In the box of data beside it, not in the file.
    is_inside: bool,
    /// In more pieces than anyone needs: they are not read, and what stands behind it is not either.
    is_hidden: bool,
    pieces: Vec<(usize, usize)>,
}

/// The box of places, read from its beginning to its end.
struct Places<'b> {
    rest: &'b [u8],
}

/// Pieces of one item; encoders write one.
const PIECES_MAX: u64 = 256;

/// All items together may be so many times as long as the file; only those that overlap for no good are longer.
const OVERLAP_MAX: usize = 4;

/// What counts as the sides of a file that hides them.
const HIDDEN: Option<Announced> =
    Some(Announced { width: u32::MAX, height: u32::MAX, pixel_bits: 0, frames: 0, scans: 0 });

pub(super) fn sides(bytes: &[u8]) -> Option<Announced> {
    let meta = find(bytes, b"meta")?.get(VERSION_BYTES..)?;
    let properties = find(find(meta, b"iprp")?, b"ipco")?;
    let said = children(properties).filter_map(|(name, body)| match &name {
        b"ispe" => Announced::sides(u32_be(body, 4)?, u32_be(body, 8)?),
        b"av1C" => av1::sides(body.get(4..)?),
        b"hvcC" => hevc::sides_of_configuration(body),
        _ => None,
    });
    said.chain(streamed(bytes, meta)).max_by_key(Announced::pixels)
}

/// The largest sides in the streams of the coded items.
fn streamed(bytes: &[u8], meta: &[u8]) -> Option<Announced> {
    let places = places(find(meta, b"iloc")?)?;
    let inside = find(meta, b"idat").unwrap_or_default();
    if places.values().any(|place| place.is_hidden) {
        return HIDDEN;
    }
    let mut left = bytes.len().saturating_mul(OVERLAP_MAX);
    let mut largest: Option<Announced> = None;
    for (number, kind) in kinds(find(meta, b"iinf")?)? {
        let Some(place) = places.get(&number) else { continue };
        let from = if place.is_inside { inside } else { bytes };
        let stream = place.stream(from, left);
        left -= stream.len();
        if left == 0 {
            return HIDDEN;
        }
        let found = if &kind == b"av01" { av1::sides(&stream) } else { hevc::sides_of_stream(&stream) };
        largest = largest.into_iter().chain(found).max_by_key(Announced::pixels);
    }
    largest
}

/// Numbers of the items that are coded pictures, with their codec.
fn kinds(info: &[u8]) -> Option<Vec<(u32, [u8; 4])>> {
    let entries = info.get(if info.first()? == &0 { 6 } else { 8 }..)?;
    let entry = |(name, body): ([u8; 4], &[u8])| {
        let (number, kind) = match (&name, body.first()?) {
            (b"infe", 2) => (u32::from(u16_be(body, 4)?), body.get(8..12)?),
            (b"infe", 3) => (u32_be(body, 4)?, body.get(10..14)?),
            _ => return None,
        };
        let kind: [u8; 4] = kind.try_into().ok()?;
        matches!(&kind, b"av01" | b"hvc1" | b"hev1").then_some((number, kind))
    };
    Some(children(entries).filter_map(entry).collect())
}

/// Every item's place by its number.
fn places(body: &[u8]) -> Option<HashMap<u32, Place>> {
    let version = *body.first()?;
    let (sizes, more) = (*body.get(4)?, *body.get(5)?);
    let sizes = [sizes >> 4, sizes & 15, more >> 4, if version > 0 { more & 15 } else { 0 }].map(usize::from);
    let [offset, length, base, index] = sizes;
    let mut places = Places { rest: body.get(6..)? };
    let wide = if version < 2 { 2 } else { 4 };
    let mut items = HashMap::new();
    for _ in 0..places.take(wide)? {
        let number = u32::try_from(places.take(wide)?).ok()?;
        let is_inside = version > 0 && places.take(2)? & 15 == 1;
        places.take(2)?;
        let start = places.take(base)?;
        let count = places.take(2)?;
        // Pieces without bytes would cost nothing to write and much to read.
        let is_hidden = count > PIECES_MAX || (count > 1 && index + offset + length == 0);
        let mut pieces = Vec::new();
        for _ in 0..if is_hidden { 0 } else { count } {
            places.take(index)?;
            let (at, len) = (start.saturating_add(places.take(offset)?), places.take(length)?);
            pieces.push((usize::try_from(at).ok()?, usize::try_from(len).ok()?));
        }
        items.insert(number, Place { is_inside, is_hidden, pieces });
        if is_hidden {
            break;
        }
    }
    Some(items)
}

// === impl Place ===

impl Place {
    /// The item's bytes, at most `bytes_max` of them.
    fn stream<'b>(&self, from: &'b [u8], bytes_max: usize) -> Cow<'b, [u8]> {
        let piece = |(at, len): &(usize, usize)| {
            let rest = from.get(*at..).unwrap_or_default();
            // No length is the rest of the file.
            if *len == 0 { rest } else { &rest[..rest.len().min(*len)] }
        };
        if let [one] = self.pieces.as_slice() {
            let one = piece(one);
            return Cow::Borrowed(&one[..one.len().min(bytes_max)]);
        }
        let mut joined = Vec::new();
        for piece in self.pieces.iter().map(piece) {
            joined.extend_from_slice(&piece[..piece.len().min(bytes_max - joined.len())]);
        }
        Cow::Owned(joined)
    }
}

// === impl Places ===

impl Places<'_> {
    /// A number of so many bytes, 0 of none.
    fn take(&mut self, len: usize) -> Option<u64> {
        let (number, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

fn find<'b>(within: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    children(within).find(|(child, _)| child == name).map(|(_, body)| body)
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

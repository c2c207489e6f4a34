//! AV1: the largest frame that a stream announces, in its sequence headers. Source: AV1 bitstream specification, 5.3
//! and 5.5.

use super::Announced;
use super::bits::Bits;

const SEQUENCE_HEADER: u8 = 1;

/// The largest sides in a row of units.
pub(super) fn sides(mut stream: &[u8]) -> Option<Announced> {
    let mut largest: Option<Announced> = None;
    while let Some(head) = stream.first() {
        let has_extension = head & 4 != 0;
        let body = stream.get(1 + usize::from(has_extension)..)?;
        let (len, body) = if head & 2 != 0 { leb128(body)? } else { (body.len(), body) };
        let unit = &body[..len.min(body.len())];
        if head >> 3 & 15 == SEQUENCE_HEADER {
            let found = sequence(unit);
            largest = largest.into_iter().chain(found).max_by_key(Announced::pixels);
        }
        stream = body.get(len..).unwrap_or_default();
    }
    largest
}

/// A number of seven bits a byte, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

fn sequence(unit: &[u8]) -> Option<Announced> {
    let mut bits = Bits::new(unit);
    bits.skip(4);
    let is_reduced = bits.flag()?;
    if is_reduced {
        bits.skip(5);
    } else {
        operating_points(&mut bits)?;
    }
    let (width_bits, height_bits) = (bits.take(4)? + 1, bits.take(4)? + 1);
    Announced::sides(bits.take(width_bits)? + 1, bits.take(height_bits)? + 1)
}

/// What stands before the sides in a header that is not reduced.
fn operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64);
        if bits.flag()? {
            bits.exponential()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? as usize + 1);
            bits.skip(32 + 5 + 5);
        }
    }
    let has_display_delay = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.skip(12);
        if bits.take(5)? > 7 {
            bits.skip(1);
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1);
        }
        if has_display_delay && bits.flag()? {
            bits.skip(4);
        }
    }
    Some(())
}

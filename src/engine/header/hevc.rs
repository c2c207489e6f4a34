//! HEVC: the largest frame that a stream announces, in its sequence parameter sets. Source: ITU-T H.265, 7.3; ISO/IEC
//! 14496-15, 8.3.3.

use super::bits::Bits;
use super::{Announced, u16_be, u32_be};

/// The kind of unit that holds a sequence parameter set.
const PARAMETERS: u8 = 33;
/// Where the units of a configuration begin.
const UNITS_AT: usize = 23;
/// What is read of a unit; the sides stand in the first hundred bytes.
const UNIT_BYTES_MAX: usize = 256;

/// The largest sides in a decoder configuration.
pub(super) fn sides_of_configuration(configuration: &[u8]) -> Option<Announced> {
    let mut rest = configuration.get(UNITS_AT..)?;
    let mut largest: Option<Announced> = None;
    while let Some(count) = u16_be(rest, 1) {
        rest = rest.get(3..)?;
        for _ in 0..count {
            let Some(len) = u16_be(rest, 0).map(usize::from) else { return largest };
            let unit = rest.get(2..)?;
            let found = sides(&unit[..len.min(unit.len())]);
            largest = largest.into_iter().chain(found).max_by_key(Announced::pixels);
            rest = unit.get(len..).unwrap_or_default();
        }
    }
    largest
}

/// The largest sides in units behind lengths of four bytes, as all encoders of pictures write them.
pub(super) fn sides_of_stream(mut stream: &[u8]) -> Option<Announced> {
    let mut largest: Option<Announced> = None;
    while let Some(len) = u32_be(stream, 0) {
        let unit = stream.get(4..)?;
        let len = len as usize;
        let found = sides(&unit[..len.min(unit.len())]);
        largest = largest.into_iter().chain(found).max_by_key(Announced::pixels);
        stream = unit.get(len..).unwrap_or_default();
    }
    largest
}

fn sides(unit: &[u8]) -> Option<Announced> {
    if unit.first()? >> 1 & 63 != PARAMETERS {
        return None;
    }
    let plain = without_emulation(unit.get(2..unit.len().min(UNIT_BYTES_MAX))?);
    let mut bits = Bits::new(&plain);
    bits.skip(4);
    let layers = bits.take(3)?;
    // Nesting, then profile, tier and level.
    bits.skip(1 + 88 + 8);
    let mut sub_layers_bits = 0;
    for _ in 0..layers {
        sub_layers_bits += if bits.flag()? { 88 } else { 0 };
        sub_layers_bits += if bits.flag()? { 8 } else { 0 };
    }
    if layers > 0 {
        bits.skip(2 * (8 - layers as usize));
    }
    bits.skip(sub_layers_bits);
    bits.exponential()?;
    if bits.exponential()? == 3 {
        bits.skip(1);
    }
    Announced::sides(bits.exponential()?, bits.exponential()?)
}

/// A unit without the bytes that keep it from looking like the start of another one.
fn without_emulation(unit: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(unit.len());
    for byte in unit {
        if *byte != 3 || !plain.ends_with(&[0, 0]) {
            plain.push(*byte);
        }
    }
    plain
}

//! Coefficients of AC in one block: all of them, or the first scan of a band.

use super::Unsupported;
use super::huffman::{Bits, END, Table};
use super::idct::{Block, PLACES};

/// Coefficients that a scan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Places in the zigzag, from 1 to 63.
    pub first: usize,
    pub last: usize,
    /// The bit that the scan ends with.
    pub low: u32,
}

/// Reads what is not zero into a block of zeros. Says how many blocks behind this one have nothing.
/// The places of what is found are marked in `found`, the first at the top.
#[inline(always)]
pub fn coefficients(
    bits: &mut Bits,
    table: &Table,
    band: Band,
    block: &mut Block,
    found: &mut u64,
) -> Result<u32, Unsupported> {
    let mut at = band.first - 1;
    let mut put = |at: usize, number: i16| {
        block.0[usize::from(PLACES[at & 127] & 63)] = number;
        *found |= (1 << 63) >> (at & 63);
    };
    loop {
        bits.refill();
        let mut special = None;
        // A refill is enough for two looks and any code with its number.
        for _ in 0..3 {
            let entry = bits.entry(table);
            if entry.is_special() {
                special = Some(entry);
                break;
            }
            at += entry.advance();
            put(at, entry.number());
            if at >= band.last {
                // What was looked up behind it is another block's.
                bits.give_back(entry);
                return if at == band.last { Ok(0) } else { Err(Unsupported::Damaged) };
            }
            at += entry.second_advance();
            put(at, entry.second_number());
            if at >= band.last {
                return if at == band.last || at >= END { Ok(0) } else { Err(Unsupported::Damaged) };
            }
        }
        let Some(entry) = special else { continue };
        let symbol = bits.symbol(entry, table)?;
        let (run, size) = (symbol >> 4, symbol & 15);
        if size == 0 && run < 15 {
            return Ok((1 << run) + bits.take(run) - 1);
        }
        at += run as usize + 1;
        if size + band.low > 15 || at > band.last || (size == 0 && at == band.last) {
            return Err(Unsupported::Damaged);
        }
        if size > 0 {
            put(at, (bits.number(size) << band.low) as i16);
            if at == band.last {
                return Ok(0);
            }
        }
    }
}

//! Bands of AC in progressive scans (T.81, G.1.2): first their high bits, then a bit at a time.

use super::Unsupported;
use super::band::{Band, coefficients};
use super::huffman::{Bits, Table};
use super::idct::{Block, PLACES};
use super::level::Level;
use super::scan::Scan;
use super::stuffing::Data;

/// Places from the first to the last, in a mask.
#[inline(always)]
const fn places(first: usize, last: usize) -> u64 {
    (u64::MAX >> first) & (u64::MAX << (63 - last))
}

/// The first scan of a band, for a row of blocks.
#[inline(always)]
pub fn first(
    scan: &mut Scan,
    band: Band,
    data: &Data,
    blocks: &mut [Block],
    masks: &mut [u64],
) -> Result<(), Unsupported> {
    let table = scan.parts[0].ac.clone();
    let mut x = 0;
    while x < blocks.len() {
        if scan.left == 0 {
            scan.restart()?;
        }
        let skipped = scan.empty_run.min(scan.left).min((blocks.len() - x) as u32);
        scan.empty_run -= skipped;
        scan.left -= skipped;
        x += skipped as usize;
        let mut bits = Bits::new(data.bytes(), scan.cursor);
        for (block, mask) in blocks[x..].iter_mut().zip(&mut masks[x..]) {
            if scan.left == 0 || scan.empty_run > 0 {
                break;
            }
            scan.left -= 1;
            x += 1;
            scan.empty_run = coefficients(&mut bits, &table, band, block, mask)?;
        }
        scan.cursor = bits.cursor();
    }
    Ok(())
}

/// A further scan of a band, for a row of blocks.
#[inline(always)]
pub fn more(
    level: impl Level,
    scan: &mut Scan,
    band: Band,
    data: &Data,
    blocks: &mut [Block],
    masks: &mut [u64],
) -> Result<(), Unsupported> {
    let table = scan.parts[0].ac.clone();
    let mut bits = Bits::new(data.bytes(), scan.cursor);
    let (mut left, mut empty_run) = (scan.left, scan.empty_run);
    for (block, mask) in blocks.iter_mut().zip(masks) {
        if left == 0 {
            (scan.cursor, scan.empty_run) = (bits.cursor(), empty_run);
            scan.restart()?;
            bits = Bits::new(data.bytes(), scan.cursor);
            left = scan.left;
        }
        left -= 1;
        let mut corrections = 0;
        let old = *mask;
        let mut at = band.first;
        if empty_run == 0 {
            (empty_run, at) = more_block(level, &mut bits, &table, band, block, mask, &mut corrections)?;
        }
        if empty_run > 0 {
            empty_run -= 1;
            if at <= band.last {
                bits.refill();
                corrections |= read_all(level, &mut bits, old & places(at, band.last));
            }
        }
        correct(block, corrections, band.low);
    }
    (scan.cursor, scan.empty_run, scan.left) = (bits.cursor(), empty_run, left);
    Ok(())
}

/// New coefficients of a block, and corrections of the old ones among them. Says how many blocks are empty from here
/// on, with this one, and where the rest of this one begins.
#[inline(always)]
fn more_block(
    level: impl Level,
    bits: &mut Bits,
    table: &Table,
    band: Band,
    block: &mut Block,
    mask: &mut u64,
    corrections: &mut u64,
) -> Result<(u32, usize), Unsupported> {
    let old = *mask;
    let mut at = band.first;
    while at <= band.last {
        bits.refill();
        let entry = bits.entry(table);
        let (mut number, mut run) = (entry.number(), entry.advance() as u32);
        if entry.is_special() {
            let symbol = bits.symbol(entry, table)?;
            run = (symbol >> 4) + 1;
            number = match symbol & 15 {
                0 if run < 16 => return Ok(((1 << (run - 1)) + bits.take(run - 1), at)),
                0 => 0,
                1 => (bits.number(1) << band.low) as i16,
                _ => return Err(Unsupported::Damaged),
            };
        }
        let zeros = !old & places(at, band.last);
        let Some(n) = zeros.count_ones().checked_sub(run) else { return Err(Unsupported::Damaged) };
        let place = level.nth(zeros, n);
        // What lies between are the zeros of the run, and coefficients to correct.
        let next = place.leading_zeros();
        let between = old & (u64::MAX >> at) & !(u64::MAX >> next);
        *corrections |= read(level, bits, between, (next + 1).wrapping_sub(at as u32 + run));
        at = next as usize;
        if number != 0 {
            block.0[usize::from(PLACES[at & 127] & 63)] = number;
            *mask |= place;
        }
        at += 1;
    }
    Ok((0, at))
}

/// Reads a bit for each of the ones, the highest first. At least 16 are ready.
#[inline(always)]
fn read_all(level: impl Level, bits: &mut Bits, ones: u64) -> u64 {
    read(level, bits, ones, ones.count_ones())
}

/// The same where it is known how many there are.
#[inline(always)]
fn read(level: impl Level, bits: &mut Bits, ones: u64, count: u32) -> u64 {
    if count > 16 {
        return read_many(level, bits, ones);
    }
    level.spread(bits.take(count).into(), ones)
}

#[inline(never)]
fn read_many(level: impl Level, bits: &mut Bits, ones: u64) -> u64 {
    let mut values = 0;
    let mut count = ones.count_ones();
    while count > 0 {
        let part = count.min(16);
        bits.refill();
        values = values << part | u64::from(bits.take(part));
        count -= part;
    }
    level.spread(values, ones)
}

/// Moves coefficients away from zero.
#[inline(always)]
fn correct(block: &mut Block, mut places: u64, low: u32) {
    let step = 1i16 << low;
    while places != 0 {
        let at = places.leading_zeros();
        places ^= (1 << 63) >> at;
        let coefficient = &mut block.0[usize::from(PLACES[at as usize & 127] & 63)];
        let sign = *coefficient >> 15;
        *coefficient = coefficient.wrapping_add((step ^ sign) - sign);
    }
}

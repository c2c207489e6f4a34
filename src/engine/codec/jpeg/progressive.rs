//! Bands of AC in progressive scans (T.81, G.1.2): first their high bits, then a bit at a time.

use super::Unsupported;
use super::huffman::Bits;
use super::idct::{Block, PLACES};
use super::scan::Scan;
use super::stuffing::Data;

/// Places from the first to the last, in a mask.
const fn band(first: usize, last: usize) -> u64 {
    (u64::MAX << first) & (u64::MAX >> (63 - last))
}

/// The first scan of a band, for a row of blocks.
#[inline(always)]
pub fn first(
    scan: &mut Scan,
    (first, last, low): (usize, usize, u32),
    data: &Data,
    blocks: &mut [Block],
    masks: &mut [u64],
) -> Result<(), Unsupported> {
    let mut x = 0;
    let table = scan.parts[0].ac.clone();
    while x < blocks.len() {
        if scan.left == 0 {
            scan.restart()?;
        }
        if scan.empty_run > 0 {
            let run = scan.empty_run.min(scan.left).min((blocks.len() - x) as u32);
            scan.empty_run -= run;
            scan.left -= run;
            x += run as usize;
            continue;
        }
        let mut bits = Bits::new(data.bytes(), scan.cursor);
        while scan.left > 0 && x < blocks.len() && scan.empty_run == 0 {
            let (block, mask) = (&mut blocks[x], &mut masks[x]);
            scan.left -= 1;
            x += 1;
            let mut at = first - 1;
            let mut found = 0;
            while at < last {
                bits.refill();
                let entry = bits.entry(&table);
                let number = if entry.is_special() {
                    let symbol = bits.symbol(entry, &table)?;
                    let (run, size) = (symbol >> 4, symbol & 15);
                    if size == 0 && run < 15 {
                        scan.empty_run = (1 << run) + bits.take(run) - 1;
                        break;
                    }
                    at += run as usize + 1;
                    if size == 0 {
                        continue;
                    }
                    if size + low > 15 {
                        return Err(Unsupported::Damaged);
                    }
                    (bits.number(size) << low) as i16
                } else {
                    at += entry.advance();
                    entry.number()
                };
                block.0[usize::from(PLACES[at & 127] & 63)] = number;
                found |= 1 << (at & 63);
            }
            if at > last {
                return Err(Unsupported::Damaged);
            }
            *mask |= found;
        }
        scan.cursor = bits.cursor();
    }
    Ok(())
}

/// A further scan of a band, for a row of blocks.
#[inline(always)]
pub fn more(
    scan: &mut Scan,
    (first, last, low): (usize, usize, u32),
    data: &Data,
    blocks: &mut [Block],
    masks: &mut [u64],
) -> Result<(), Unsupported> {
    let table = scan.parts[0].ac.clone();
    let mut bits = Bits::new(data.bytes(), scan.cursor);
    let mut left = scan.left;
    let mut empty_run = scan.empty_run;
    for (block, mask) in blocks.iter_mut().zip(masks) {
        if left == 0 {
            (scan.cursor, scan.empty_run) = (bits.cursor(), empty_run);
            scan.restart()?;
            bits = Bits::new(data.bytes(), scan.cursor);
            left = scan.left;
        }
        left -= 1;
        let mut at = first;
        while empty_run == 0 && at <= last {
            bits.refill();
            let entry = bits.entry(&table);
            let mut number = 0;
            let mut run = entry.advance() as u32;
            if entry.is_special() {
                let symbol = bits.symbol(entry, &table)?;
                run = (symbol >> 4) + 1;
                if symbol & 15 != 0 {
                    number = bits.number(symbol & 15);
                } else if run < 16 {
                    empty_run = (1 << (run - 1)) + bits.take(run - 1);
                    break;
                }
            } else {
                number = entry.number().into();
            }
            if !(-1..=1).contains(&number) {
                return Err(Unsupported::Damaged);
            }
            let mut zeros = !*mask & band(at, last);
            for _ in 1..run {
                zeros &= zeros.wrapping_sub(1);
            }
            if zeros == 0 {
                return Err(Unsupported::Damaged);
            }
            let place = zeros.trailing_zeros() as usize;
            correct(&mut bits, block, *mask & band(at, place), low);
            if number != 0 {
                block.0[usize::from(PLACES[place] & 63)] = (number << low) as i16;
                *mask |= 1 << place;
            }
            at = place + 1;
        }
        if empty_run > 0 {
            empty_run -= 1;
            if at <= last {
                correct(&mut bits, block, *mask & band(at, last), low);
            }
        }
    }
    (scan.cursor, scan.empty_run, scan.left) = (bits.cursor(), empty_run, left);
    Ok(())
}

/// Reads a bit for each of the coefficients, and moves those with 1 away from zero.
#[inline(always)]
fn correct(bits: &mut Bits, block: &mut Block, mut mask: u64, low: u32) {
    let mut count = 0u32;
    while mask != 0 {
        if count.is_multiple_of(32) {
            bits.refill();
        }
        count += 1;
        let coefficient = &mut block.0[usize::from(PLACES[mask.trailing_zeros() as usize] & 63)];
        mask &= mask - 1;
        let step = (bits.take(1) << low) as i16;
        let sign = *coefficient >> 15;
        *coefficient += (step ^ sign) - sign;
    }
}

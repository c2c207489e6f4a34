//! Huffman codes: tables that give a symbol together with the number that follows it where both are short, and the bits
//! they are looked up with.

use super::Unsupported;

/// Bits that one look answers.
pub const FAST: u32 = 10;
/// The longest code in bits.
const LONGEST: u32 = 16;
/// A [`Table`]'s entry that is not all there is to know.
const SPECIAL: u64 = 0x80;
/// The advance of an end of block: a multiple of 64.
pub const END: usize = 128;

/// A code as the file defines it.
pub struct Code {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

/// A code to decode with.
///
/// An entry: bits to take in 0..=5, [`SPECIAL`], run of zeros and 1 (or the symbol, of special entries) in 8..=15, the
/// number in 16..=31. A special entry takes only the code's bits; without a length the code is longer than a look or is
/// none. Where two fit, the second is in 32..=39 and 48..=63, and the bits that the first alone would take in 40..=47.
/// Where one fits, the second is the first once more, without an advance; where an end of block fits behind it, with
/// an advance of [`END`].
pub struct Table {
    fast: [u64; 1 << FAST],
    /// By code length: the end of its codes, as if all were [`LONGEST`] bits long.
    ends: [u32; LONGEST as usize + 1],
    /// By code length: what to add to a code for its symbol's place.
    places: [i32; LONGEST as usize + 1],
    symbols: [u8; 256],
}

/// Where a reader of bits stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    /// The next byte that is not in `bits` whole.
    at: usize,
    /// The next bits, the first on top.
    bits: u64,
    /// How many of them count.
    left: u32,
}

/// Reads bits of data without stuffing. Past the end it reads anything, and [`Cursor::position`] tells.
pub struct Bits<'a> {
    data: &'a [u8],
    cursor: Cursor,
}

/// What a look found.
#[derive(Clone, Copy)]
pub struct Entry(u64);

// === impl Code ===

impl Code {
    /// Checks that there are codes for all symbols.
    pub fn new(counts: [u8; 16], symbols: &[u8]) -> Result<Self, Unsupported> {
        let mut code = 0u32;
        for (count, length) in counts.iter().zip(1..) {
            code += u32::from(*count);
            // The code of ones alone is never given out.
            if *count > 0 && code >= 1 << length {
                return Err(Unsupported::Damaged);
            }
            code <<= 1;
        }
        if symbols.len() > 256 {
            return Err(Unsupported::Damaged);
        }
        Ok(Self { counts, symbols: symbols.to_vec() })
    }
}

// === impl Table ===

impl Table {
    /// A table without codes, for scans that need none.
    pub const fn empty() -> Self {
        Self { fast: [SPECIAL; 1 << FAST], ends: [0; 17], places: [0; 17], symbols: [0; 256] }
    }

    /// For differences of DC: symbols are lengths of the number that follows.
    pub fn dc(code: &Code) -> Result<Self, Unsupported> {
        if code.symbols.iter().any(|symbol| *symbol > 15) {
            return Err(Unsupported::Damaged);
        }
        Ok(Self::build(code, |symbol| Some(u32::from(symbol)), 0))
    }

    /// For AC: symbols are runs of zeros and lengths. The numbers of entries that are not special are shifted up.
    pub fn ac(code: &Code, shift: u32) -> Self {
        Self::build(code, |symbol| (symbol & 15 != 0).then_some(u32::from(symbol & 15)), shift)
    }

    /// The same with two numbers where two fit.
    pub fn pairs(code: &Code, shift: u32) -> Self {
        let mut table = Self::ac(code, shift);
        let single = table.fast;
        for (bits, entry) in (0usize..).zip(&mut table.fast) {
            let taken = *entry & 63;
            if *entry & SPECIAL != 0 {
                continue;
            }
            let next = single[bits << taken & ((1 << FAST) - 1)];
            let both = taken + (next & 63);
            let fits = next & 63 != 0 && both <= FAST.into();
            if fits && next & SPECIAL == 0 {
                let second = next >> 16 << 48 | taken << 40 | (next >> 8 & 255) << 32;
                *entry = *entry & 0xFFFF_FF00 | both | second;
            } else if fits && (next >> 8) as u8 == 0 {
                *entry = *entry & 0xFFFF_0000_FFFF_FF00 | both | taken << 40 | (END as u64) << 32;
            }
        }
        table
    }

    fn build(code: &Code, following: impl Fn(u8) -> Option<u32>, shift: u32) -> Self {
        let mut table = Self::empty();
        table.symbols[..code.symbols.len()].copy_from_slice(&code.symbols);
        let (mut next, mut place) = (0u32, 0usize);
        for (count, length) in code.counts.iter().zip(1..=LONGEST) {
            table.places[length as usize] = place as i32 - next as i32;
            for symbol in &code.symbols[place..place + usize::from(*count)] {
                if length <= FAST {
                    let start = (next << (FAST - length)) as usize;
                    let entries = &mut table.fast[start..start + (1 << (FAST - length))];
                    fill(entries, *symbol, length, following(*symbol), shift);
                }
                next += 1;
            }
            place += usize::from(*count);
            table.ends[length as usize] = next << (LONGEST - length);
            next <<= 1;
        }
        table
    }

    /// The special entry of a code longer than a look, from 16 bits.
    #[inline(always)]
    fn long(&self, bits: u32) -> Option<Entry> {
        let length = (FAST + 1..=LONGEST).find(|length| bits < self.ends[*length as usize])?;
        let place = (bits >> (LONGEST - length)) as i32 + self.places[length as usize];
        let symbol = self.symbols.get(place as usize)?;
        Some(Entry(u64::from(length) | SPECIAL | u64::from(*symbol) << 8))
    }
}

/// All entries that begin with one code.
fn fill(entries: &mut [u64], symbol: u8, length: u32, following: Option<u32>, shift: u32) {
    let rest = FAST - length;
    for (bits, entry) in (0..).zip(entries) {
        *entry = match following {
            Some(size) if size <= rest && size + shift <= 15 => {
                let number = extended(bits >> (rest - size), size) << shift;
                let (number, taken) = (u64::from(number as u16), u64::from(length + size));
                number << 48 | taken << 40 | number << 16 | (u64::from(symbol >> 4) + 1) << 8 | taken
            }
            _ => u64::from(symbol) << 8 | SPECIAL | u64::from(length),
        };
    }
}

/// A number of `size` bits as it is written: those that begin with 0 are negative (T.81, F.2.2.1).
#[inline(always)]
const fn extended(bits: u32, size: u32) -> i32 {
    if size == 0 {
        return 0;
    }
    let negative = (bits >> (size - 1)) as i32 - 1;
    bits as i32 + (negative & (1 - (1 << size)))
}

// === impl Cursor ===

impl Cursor {
    /// Stands at a byte.
    pub const fn new(at: usize) -> Self {
        Self { at, bits: 0, left: 0 }
    }

    /// Where some bits are read again.
    #[inline(never)]
    fn back(self, data: &[u8], count: usize) -> Self {
        let position = self.position() - count;
        let mut bits = Bits::new(data, Self::new(position / 8));
        bits.refill();
        bits.skip((position % 8) as u32);
        bits.cursor
    }

    /// Bits read from the beginning of the data.
    pub const fn position(&self) -> usize {
        self.at * 8 - self.left as usize
    }
}

// === impl Bits ===

impl<'a> Bits<'a> {
    pub const fn new(data: &'a [u8], cursor: Cursor) -> Self {
        Self { data, cursor }
    }

    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Makes 56 bits or more ready.
    #[inline(always)]
    pub fn refill(&mut self) {
        let Cursor { at, bits, left } = &mut self.cursor;
        let next = match self.data.split_at_checked(*at).and_then(|(_, rest)| rest.first_chunk::<8>()) {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => 0,
        };
        *bits |= next >> *left;
        *at += ((63 - *left) >> 3) as usize;
        *left |= 0b11_1000;
    }

    /// Passes over bits that are ready.
    #[inline(always)]
    pub fn skip(&mut self, count: u32) {
        self.cursor.bits <<= count & 63;
        self.cursor.left = self.cursor.left.wrapping_sub(count & 63);
    }

    /// Gives back what the second of two took.
    #[inline(always)]
    pub fn give_back(&mut self, entry: Entry) {
        let (both, first) = (entry.0 & 63, entry.0 >> 40 & 63);
        if both > first {
            self.cursor = self.cursor.back(self.data, (both - first) as usize);
        }
    }

    /// Takes up to 16 bits that are ready.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        let bits = (self.cursor.bits >> 1 >> (63 - count)) as u32;
        self.skip(count);
        bits
    }

    /// Takes a number of `size` bits that are ready.
    #[inline(always)]
    pub fn number(&mut self, size: u32) -> i32 {
        extended(self.take(size), size)
    }

    /// Looks up the next code and takes it, with the number of an entry that is not special.
    #[inline(always)]
    pub fn entry(&mut self, table: &Table) -> Entry {
        let entry = Entry(table.fast[(self.cursor.bits >> (64 - FAST)) as usize]);
        self.skip(entry.0 as u32 & 63);
        entry
    }

    /// The symbol of a special entry: codes longer than a look are taken now.
    #[inline(always)]
    pub fn symbol(&mut self, entry: Entry, table: &Table) -> Result<u32, Unsupported> {
        if entry.0 & 63 != 0 {
            return Ok(entry.0 as u32 >> 8 & 255);
        }
        let entry = table.long((self.cursor.bits >> 48) as u32).ok_or(Unsupported::Damaged)?;
        self.skip(entry.0 as u32 & 63);
        Ok(entry.0 as u32 >> 8 & 255)
    }
}

// === impl Entry ===

impl Entry {
    /// Whether [`Bits::symbol`] has to be asked.
    #[inline(always)]
    pub const fn is_special(self) -> bool {
        self.0 & SPECIAL != 0
    }

    /// Zeros before the number, and the number.
    #[inline(always)]
    pub const fn advance(self) -> usize {
        (self.0 >> 8 & 255) as usize
    }

    #[inline(always)]
    pub const fn number(self) -> i16 {
        (self.0 >> 16) as i16
    }

    /// The same of the second.
    #[inline(always)]
    pub const fn second_advance(self) -> usize {
        (self.0 >> 32 & 255) as usize
    }

    #[inline(always)]
    pub const fn second_number(self) -> i16 {
        (self.0 >> 48) as i16
    }
}

//! Coded data as it is between markers: without the zeros stuffed behind bytes of ones, cut at restart markers.

use super::Unsupported;

/// Zeros behind the data, so that its end can be read in whole words.
pub const PADDING: usize = 16;
/// Bytes looked at together.
const STRIDE: usize = 32;

/// Data between two markers: first byte and the one behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub start: usize,
    pub end: usize,
}

/// Coded data of all scans.
pub struct Data {
    bytes: Vec<u8>,
    used: usize,
    pub pieces: Vec<Piece>,
}

// === impl Data ===

impl Data {
    /// Room for all that may come in `bytes` bytes of a file.
    pub fn with_room(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes + STRIDE + PADDING], used: 0, pieces: Vec::new() }
    }

    /// The data with its padding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds the data of a scan that begins at `at` and has up to `pieces_max` pieces. Says where the marker behind it
    /// is.
    pub fn add(&mut self, file: &[u8], mut at: usize, pieces_max: usize) -> Result<usize, Unsupported> {
        let mut start = self.used;
        let mut restarts = 0;
        loop {
            at = self.copy_plain(file, at)?;
            // At a byte of ones, and maybe more of them.
            let rest = &file[at + 1..];
            let fill = rest.iter().take_while(|byte| **byte == 0xFF).count();
            match *rest.get(fill).ok_or(Unsupported::Damaged)? {
                0 if fill == 0 => {
                    *self.bytes.get_mut(self.used).ok_or(Unsupported::Damaged)? = 0xFF;
                    self.used += 1;
                    at += 2;
                }
                0 => return Err(Unsupported::Damaged),
                marker => {
                    self.pieces.push(Piece { start, end: self.used });
                    if !(0xD0..=0xD7).contains(&marker) {
                        return Ok(at);
                    }
                    if marker != 0xD0 | (restarts & 7) as u8 || restarts + 1 == pieces_max {
                        return Err(Unsupported::Damaged);
                    }
                    restarts += 1;
                    start = self.used;
                    at += fill + 2;
                }
            }
        }
    }

    /// Copies up to the next byte of ones, and says where it is.
    fn copy_plain(&mut self, file: &[u8], mut at: usize) -> Result<usize, Unsupported> {
        loop {
            let from = file.get(at..).ok_or(Unsupported::Damaged)?;
            let to = self.bytes.get_mut(self.used..).ok_or(Unsupported::Damaged)?;
            let (Some(from), Some(to)) = (from.first_chunk::<STRIDE>(), to.first_chunk_mut::<STRIDE>()) else {
                return self.copy_last(file, at);
            };
            *to = *from;
            // All are looked at, because that needs no branches.
            let marked = from.iter().fold(0, |ones, byte| ones | u8::from(*byte == 0xFF)) != 0;
            let plain = if marked { from.iter().position(|byte| *byte == 0xFF).unwrap_or(STRIDE) } else { STRIDE };
            self.used += plain;
            at += plain;
            if marked {
                return Ok(at);
            }
        }
    }

    /// The same near the end of the file.
    fn copy_last(&mut self, file: &[u8], mut at: usize) -> Result<usize, Unsupported> {
        loop {
            let byte = *file.get(at).ok_or(Unsupported::Damaged)?;
            if byte == 0xFF {
                return Ok(at);
            }
            *self.bytes.get_mut(self.used).ok_or(Unsupported::Damaged)? = byte;
            self.used += 1;
            at += 1;
        }
    }
}

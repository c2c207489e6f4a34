//! Pictures taken apart by the rules of their containers, changed, and put together again.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use tintype::transform::Format;

/// One change to one part.
#[derive(Debug, Arbitrary)]
pub(crate) enum Change {
    /// A byte inside a part.
    Byte {
        part: u8,
        at: u16,
        to: u8,
    },
    /// Four bytes inside a part become a number that lengths, sides and counts break on.
    Number {
        part: u8,
        at: u16,
        number: u8,
    },
    Remove {
        part: u8,
    },
    Repeat {
        part: u8,
        times: u8,
    },
    Swap {
        one: u8,
        other: u8,
    },
    /// The part loses its end.
    Shorten {
        part: u8,
        to: u16,
    },
    /// The part gets bytes of another one behind it.
    Join {
        part: u8,
        other: u8,
    },
    /// The file loses its end.
    Cut {
        at: u16,
    },
}

const NUMBERS: [u32; 10] = [0, 1, 0x7f, 0xff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];
const FILE_BYTES_MAX: usize = 1 << 20;
const REPEATED_MAX: usize = 16;

/// The picture with these changes; checksums hold again.
pub(crate) fn changed(format: Format, picture: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = divided(format, picture);
    let mut cut = None;
    for change in changes {
        let len = parts.len();
        if len == 0 || parts.iter().map(Vec::len).sum::<usize>() > FILE_BYTES_MAX {
            break;
        }
        let of = |part: &u8| usize::from(*part) % len;
        match change {
            Change::Byte { part, at, to } => {
                let part = &mut parts[of(part)];
                let at = usize::from(*at) % part.len().max(1);
                if let Some(byte) = part.get_mut(at) {
                    *byte = *to;
                }
            }
            Change::Number { part, at, number } => {
                let part = &mut parts[of(part)];
                let at = usize::from(*at) % part.len().max(1);
                let number = NUMBERS[usize::from(*number) % NUMBERS.len()];
                let number = if at % 2 == 0 { number.to_be_bytes() } else { number.to_le_bytes() };
                for (byte, to) in part.iter_mut().skip(at).zip(number) {
                    *byte = to;
                }
            }
            Change::Remove { part } => drop(parts.remove(of(part))),
            Change::Repeat { part, times } => {
                let part = of(part);
                for _ in 0..usize::from(*times) % REPEATED_MAX {
                    parts.insert(part, parts[part].clone());
                }
            }
            Change::Swap { one, other } => parts.swap(of(one), of(other)),
            Change::Shorten { part, to } => parts[of(part)].truncate(usize::from(*to)),
            Change::Join { part, other } => {
                let other = parts[of(other)].clone();
                parts[of(part)].extend(other);
            }
            Change::Cut { at } => cut = Some(usize::from(*at)),
        }
    }
    if format == Format::Png {
        parts.iter_mut().skip(1).for_each(|chunk| seal_chunk(chunk));
    }
    let mut file = parts.concat();
    file.truncate(cut.unwrap_or(usize::MAX).min(FILE_BYTES_MAX));
    file
}

/// The parts of which a file is put together, in their order; what cannot be divided is one part.
fn divided(format: Format, picture: &[u8]) -> Vec<Vec<u8>> {
    let be = |at: usize| picture.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize);
    let le = |at: usize| picture.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
    let (start, next): (usize, Box<dyn Fn(usize) -> Option<usize>>) = match format {
        Format::Png => (8, Box::new(|at| Some(be(at)? + 12))),
        Format::Webp => (12, Box::new(|at| Some(le(at + 4)?.next_multiple_of(2) + 8))),
        Format::Avif | Format::Heic => (0, Box::new(|at| be(at).map(|len| len.max(8)))),
        Format::Jpeg => (2, Box::new(|at| Some(be(at)? % 0x1_0000 + 2))),
        // Without lengths of their own that are easily found: pieces, of which the first ones are small.
        _ => (0, Box::new(|at| Some((at / 2).clamp(16, 512)))),
    };
    let mut parts = vec![picture.get(..start).unwrap_or(picture).to_vec()];
    let mut at = start;
    while at < picture.len() {
        let len = next(at).unwrap_or(picture.len()).min(picture.len() - at);
        parts.push(picture[at..at + len].to_vec());
        at += len;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Gives a chunk of PNG the length and the checksum that its content has.
fn seal_chunk(chunk: &mut [u8]) {
    let Some(data_bytes) = chunk.len().checked_sub(12) else { return };
    chunk[..4].copy_from_slice(&u32::try_from(data_bytes).unwrap_or(u32::MAX).to_be_bytes());
    let end = chunk.len() - 4;
    let sum = crc(&chunk[4..end]);
    chunk[end..].copy_from_slice(&sum.to_be_bytes());
}

/// The checksum of PNG. Source: PNG specification, annex D.
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

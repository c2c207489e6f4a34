//! The transform for every processor.

use super::factors::{C0_298, C0_390, C0_541, C0_765, C0_899, C1_175, C1_501, C1_847, C1_961, C2_053, C2_562, C3_072};
use super::{Block, place};

/// Turns coefficients into samples: 8 rows of 8, `stride` apart.
pub fn transform(coefficients: &Block, steps: &Block, samples: &mut [u8], stride: usize) {
    let at = |row: usize, column: usize| {
        let place = place(row, column);
        coefficients.0[place].wrapping_mul(steps.0[place])
    };
    let mut rows: [[i16; 8]; 8] = std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)));
    if only_first_row(coefficients) {
        // What vector units do here does not clip.
        rows = [rows[0].map(|value| value.wrapping_shl(2)); 8];
    } else {
        rows = lanes(&rows, 11);
    }
    let columns = lanes(&turned(&rows), 18);
    for (row, samples) in turned(&columns).iter().zip(samples.chunks_mut(stride)) {
        for (sample, value) in samples.iter_mut().zip(row) {
            *sample = ((*value).clamp(-128, 127) + 128) as u8;
        }
    }
}

/// One dimension, eight times side by side.
fn lanes(input: &[[i16; 8]; 8], bits: u32) -> [[i16; 8]; 8] {
    let mut output = [[0; 8]; 8];
    for lane in 0..8 {
        let results = pass(std::array::from_fn(|index| input[index][lane]), bits);
        for (output, result) in output.iter_mut().zip(results) {
            output[lane] = clipped(result);
        }
    }
    output
}

fn turned(rows: &[[i16; 8]; 8]) -> [[i16; 8]; 8] {
    std::array::from_fn(|column| std::array::from_fn(|row| rows[row][column]))
}

/// Writes one value to 8 rows of 8 samples.
pub fn fill(value: u8, samples: &mut [u8], stride: usize) {
    for row in samples.chunks_mut(stride).take(8) {
        if let Some(row) = row.first_chunk_mut::<8>() {
            *row = [value; 8];
        }
    }
}

fn only_first_row(coefficients: &Block) -> bool {
    (1..8).all(|row| (0..8).all(|column| coefficients.0[place(row, column)] == 0))
}

const fn clipped(value: i32) -> i16 {
    if value > i16::MAX as i32 {
        i16::MAX
    } else if value < i16::MIN as i32 {
        i16::MIN
    } else {
        value as i16
    }
}

/// One dimension, scaled down by `bits` with rounding.
#[inline(always)]
fn pass(input: [i16; 8], bits: u32) -> [i32; 8] {
    let of = |a: i16, by_a: i16, b: i16, by_b: i16| {
        (i32::from(a) * i32::from(by_a)).wrapping_add(i32::from(b) * i32::from(by_b))
    };
    let [i0, i1, i2, i3, i4, i5, i6, i7] = input;
    let half = 1 << (bits - 1);
    let sum = (i32::from(i0.wrapping_add(i4)) << 13).wrapping_add(half);
    let difference = (i32::from(i0.wrapping_sub(i4)) << 13).wrapping_add(half);
    let (low, high) = (of(i2, C0_541 + C0_765, i6, C0_541), of(i2, C0_541, i6, C0_541 - C1_847));
    let even =
        [sum.wrapping_add(low), difference.wrapping_add(high), difference.wrapping_sub(high), sum.wrapping_sub(low)];

    let (z3, z4) = (i7.wrapping_add(i3), i1.wrapping_add(i5));
    let (shared3, shared4) = (of(z3, C1_175 - C1_961, z4, C1_175), of(z3, C1_175, z4, C1_175 - C0_390));
    let odd = [
        of(i7, -C0_899, i1, C1_501 - C0_899).wrapping_add(shared4),
        of(i3, C3_072 - C2_562, i5, -C2_562).wrapping_add(shared3),
        of(i3, -C2_562, i5, C2_053 - C2_562).wrapping_add(shared4),
        of(i7, C0_298 - C0_899, i1, -C0_899).wrapping_add(shared3),
    ];
    std::array::from_fn(|index| {
        if index < 4 {
            even[index].wrapping_add(odd[index]) >> bits
        } else {
            even[7 - index].wrapping_sub(odd[7 - index]) >> bits
        }
    })
}

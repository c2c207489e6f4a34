//! The inverse cosine transform of 8x8 blocks: Loeffler, Ligtenberg and Moschytz's with 11 multiplications, in integers
//! with 13 bits behind the point, two of which stay between the passes. Results are those of libjpeg's accurate integer
//! method as it runs on vector units, which compute sums of inputs in 16 bits and clip where C code would wrap.
//!
//! Coefficients are kept in an order of their own: see [`place`].

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::{fill as fill_avx2, transform as transform_avx2};
pub use portable::{fill, transform};

/// Coefficients, or the steps they are counted in, in [`place`]'s order.
#[repr(align(32))]
#[derive(Clone)]
pub struct Block(pub [i16; 64]);

/// Natural position of the n-th coefficient: 8 times the row and the column (T.81, figure A.6).
const ZIGZAG: [u8; 64] = zigzag();

/// Where the n-th coefficient of the zigzag is kept. Past the end it is a place that does no harm.
pub const PLACES: [u8; 128] = places();

const fn zigzag() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut row, mut column, mut index) = (0i32, 0i32, 0);
    while index < 64 {
        order[index] = (row * 8 + column) as u8;
        index += 1;
        // Up to the right on even diagonals, down to the left on odd ones, along the edges in between.
        let up = (row + column) % 2 == 0;
        match (up, row, column) {
            (true, _, 7) | (false, 0..=6, 0) => row += 1,
            (true, 0, _) | (false, 7, _) => column += 1,
            (true, ..) => (row, column) = (row - 1, column + 1),
            (false, ..) => (row, column) = (row + 1, column - 1),
        }
    }
    order
}

/// Where the coefficient of a row and a column is kept: rows in pairs (0, 4), (2, 6), (7, 1) and (3, 5), because
/// those are multiplied together, and their columns in the order 0, 2, 7, 3, 4, 6, 1, 5, which makes the same pairs of
/// columns for the second pass.
pub const fn place(row: usize, column: usize) -> usize {
    const ROWS: [usize; 8] = [0, 33, 16, 48, 1, 49, 17, 32];
    const COLUMNS: [usize; 8] = [0, 6, 1, 3, 4, 7, 5, 2];
    ROWS[row] + 2 * COLUMNS[column]
}

const fn places() -> [u8; 128] {
    let mut places = [place(7, 7) as u8; 128];
    let mut index = 0;
    while index < 64 {
        places[index] = place((ZIGZAG[index] / 8) as usize, (ZIGZAG[index] % 8) as usize) as u8;
        index += 1;
    }
    places
}

/// The constants, times 2 to the 13th.
mod factors {
    pub const C0_298: i16 = 2446;
    pub const C0_390: i16 = 3196;
    pub const C0_541: i16 = 4433;
    pub const C0_765: i16 = 6270;
    pub const C0_899: i16 = 7373;
    pub const C1_175: i16 = 9633;
    pub const C1_501: i16 = 12299;
    pub const C1_847: i16 = 15137;
    pub const C1_961: i16 = 16069;
    pub const C2_053: i16 = 16819;
    pub const C2_562: i16 = 20995;
    pub const C3_072: i16 = 25172;
}

/// Samples of a block that has no coefficient but its mean.
#[inline(always)]
pub fn flat(mean: i16, step: i16) -> u8 {
    let scaled = mean.wrapping_mul(step).wrapping_shl(2);
    (((i32::from(scaled) + 16) >> 5).clamp(-128, 127) + 128) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_coefficient_has_a_place() {
        let mut seen = [false; 64];
        for place in &PLACES[..64] {
            assert!(!seen[usize::from(*place)]);
            seen[usize::from(*place)] = true;
        }
        assert_eq!(ZIGZAG[..6], [0, 1, 8, 16, 9, 2]);
        assert_eq!(ZIGZAG[60..], [47, 55, 62, 63][..]);
        assert_eq!(ZIGZAG[35..], {
            let mut turned: Vec<u8> = ZIGZAG[..29].iter().map(|position| 63 - position).collect();
            turned.reverse();
            turned
        });
    }

    /// The transform as it is defined, in natural order.
    fn defined(coefficients: &[i16; 64]) -> [f64; 64] {
        let wave = |at: usize, frequency: usize| {
            let scale = if frequency == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
            scale * ((2 * at + 1) as f64 * frequency as f64 * std::f64::consts::PI / 16.0).cos() / 2.0
        };
        std::array::from_fn(|at| {
            let sum = |index: usize| f64::from(coefficients[index]) * wave(at / 8, index / 8) * wave(at % 8, index % 8);
            (0..64).map(sum).sum::<f64>() + 128.0
        })
    }

    fn placed(natural: &[i16; 64]) -> Block {
        let mut block = Block([0; 64]);
        for (index, value) in natural.iter().enumerate() {
            block.0[place(index / 8, index % 8)] = *value;
        }
        block
    }

    proptest! {
        #[test]
        fn samples_are_what_is_defined(few in prop::collection::vec((0usize..64, -200i16..200), 1..12)) {
            let mut natural = [0; 64];
            for (place, value) in few {
                natural[place] = value;
            }
            let mut samples = [0; 64];
            transform(&placed(&natural), &Block([1; 64]), &mut samples, 8);
            for (sample, exact) in samples.iter().zip(defined(&natural)) {
                prop_assert!((f64::from(*sample) - exact.clamp(0.0, 255.0)).abs() <= 1.0);
            }
            if natural[1..].iter().all(|value| *value == 0) {
                prop_assert_eq!(samples, [flat(natural[0], 1); 64]);
            }
        }

        #[test]
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "vector instructions are called")]
        fn all_levels_agree(
            coefficients in prop::collection::vec(any::<i16>(), 64),
            steps in prop::collection::vec(1i16..255, 64),
            shift in 0u32..16,
            rows in 1usize..9,
        ) {
            if !std::arch::is_x86_feature_detected!("avx2") {
                return Ok(());
            }
            let natural = std::array::from_fn(|at| if at < rows * 8 { coefficients[at] >> shift } else { 0 });
            let (block, steps) = (placed(&natural), placed(&std::array::from_fn(|at| steps[at])));
            let (mut plain, mut wide) = ([0; 8 * 11], [0; 8 * 11]);
            transform(&block, &steps, &mut plain, 11);
            // SAFETY: the processor was asked.
            unsafe { transform_avx2(&block, &steps, &mut wide, 11) };
            for (plain, wide) in plain.chunks(11).zip(wide.chunks(11)) {
                prop_assert_eq!(&plain[..8], &wide[..8]);
            }
        }
    }
}

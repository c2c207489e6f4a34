//! What processors do differently: the transform, and finding bits among bits.

use super::idct::{self, Block};

/// A set of instructions. All do the same.
pub trait Level: Copy {
    /// Turns coefficients into samples: 8 rows of 8, `stride` apart.
    fn transform(self, coefficients: &Block, steps: &Block, samples: &mut [u8], stride: usize);

    /// Writes one value to 8 rows of 8 samples.
    fn fill(self, value: u8, samples: &mut [u8], stride: usize);

    /// The n-th of the ones, counted from 0 at the lowest; 0 where there are not so many.
    fn nth(self, ones: u64, n: u32) -> u64;

    /// The lowest bits of `bits` at the places of the ones, the lowest at the lowest.
    fn spread(self, bits: u64, ones: u64) -> u64;
}

/// What every processor has.
#[derive(Clone, Copy)]
pub struct Plain;

/// What x86-64 processors have since 2013.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Wide(());

// === impl Plain ===

impl Level for Plain {
    #[inline(always)]
    fn transform(self, coefficients: &Block, steps: &Block, samples: &mut [u8], stride: usize) {
        idct::transform(coefficients, steps, samples, stride);
    }

    #[inline(always)]
    fn fill(self, value: u8, samples: &mut [u8], stride: usize) {
        idct::fill(value, samples, stride);
    }

    #[inline(always)]
    fn nth(self, mut ones: u64, n: u32) -> u64 {
        for _ in 0..n.min(64) {
            ones &= ones.wrapping_sub(1);
        }
        ones & ones.wrapping_neg()
    }

    #[inline(always)]
    fn spread(self, mut bits: u64, mut ones: u64) -> u64 {
        let mut spread = 0;
        while ones != 0 {
            spread |= (ones & ones.wrapping_neg()) & (bits & 1).wrapping_neg();
            ones &= ones - 1;
            bits >>= 1;
        }
        spread
    }
}

// === impl Wide ===

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions are called that not every processor has")]
mod wide {
    use std::arch::is_x86_feature_detected as has;
    use std::arch::x86_64::_pdep_u64;

    use super::{Block, Level, Wide, idct};

    impl Wide {
        /// None where the processor has not got everything.
        pub fn new() -> Option<Self> {
            (has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt")).then_some(Self(()))
        }
    }

    impl Level for Wide {
        #[inline(always)]
        fn transform(self, coefficients: &Block, steps: &Block, samples: &mut [u8], stride: usize) {
            // SAFETY: there is no `Wide` where the processor has no AVX2.
            unsafe { idct::transform_avx2(coefficients, steps, samples, stride) }
        }

        #[inline(always)]
        fn fill(self, value: u8, samples: &mut [u8], stride: usize) {
            // SAFETY: as above.
            unsafe { idct::fill_avx2(value, samples, stride) }
        }

        #[inline(always)]
        fn nth(self, ones: u64, n: u32) -> u64 {
            // SAFETY: there is no `Wide` where the processor has no BMI2.
            unsafe { _pdep_u64(1 << (n & 63), ones) }
        }

        #[inline(always)]
        fn spread(self, bits: u64, ones: u64) -> u64 {
            // SAFETY: as above.
            unsafe { _pdep_u64(bits, ones) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_found_among_bits() {
        for (ones, n, found) in [(0b1011_0100, 2, 0b10_0000), (0b1011_0100, 4, 0), (0, 0, 0), (1 << 63, 0, 1 << 63)] {
            assert_eq!(Plain.nth(ones, n), found);
            #[cfg(target_arch = "x86_64")]
            assert!(Wide::new().is_none_or(|wide| wide.nth(ones, n) == found));
        }
        for (bits, ones, spread) in [(0b101, 0b1011_0100, 0b10_0100), (7, 0, 0), (u64::MAX, 5, 5)] {
            assert_eq!(Plain.spread(bits, ones), spread);
            #[cfg(target_arch = "x86_64")]
            assert!(Wide::new().is_none_or(|wide| wide.spread(bits, ones) == spread));
        }
    }
}

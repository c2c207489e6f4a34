//! The inner loops for AVX2. Each gives what its portable form gives, to the last bit but for [`halved`], which may
//! round a tie the other way.

#![expect(unsafe_code, reason = "vectors are loaded and stored by address")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_packs_epi32, _mm_packus_epi16,
    _mm_packus_epi32, _mm_set1_epi32, _mm_srai_epi32, _mm_storel_epi64, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_add_ps, _mm256_castsi256_si128, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi16, _mm256_cvtps_epi32,
    _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps,
    _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_sqrt_ps,
    _mm256_srai_epi32, _mm256_storeu_si256, _mm256_sub_ps, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16,
};

use crate::engine::express::taps::{BLOCK, SHIFT, Taps};

/// The sums of four vectors of eight, as one vector of four.
#[target_feature(enable = "avx2")]
fn four_sums(sums: [__m256i; 4]) -> __m128i {
    let one = _mm256_hadd_epi32(sums[0], sums[1]);
    let other = _mm256_hadd_epi32(sums[2], sums[3]);
    let all = _mm256_hadd_epi32(one, other);
    _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all))
}

#[target_feature(enable = "avx2")]
pub fn across(row: &[i16], plane: usize, taps: &Taps, result: &mut [i16]) {
    match result.len() / taps.starts.len() {
        1 => channels::<1>(row, plane, taps, result),
        2 => channels::<2>(row, plane, taps, result),
        3 => channels::<3>(row, plane, taps, result),
        _ => channels::<4>(row, plane, taps, result),
    }
}

/// The channels of a sample have the same weights, which are loaded once.
#[target_feature(enable = "avx2")]
fn channels<const N: usize>(row: &[i16], plane: usize, taps: &Taps, result: &mut [i16]) {
    let half = _mm_set1_epi32(1 << (SHIFT - 1));
    let width = taps.starts.len();
    assert!(result.len() >= N * width, "invariant: the result has every channel");
    for (index, (start, weights)) in taps.starts.iter().zip(taps.weights.chunks_exact(taps.stride)).enumerate() {
        let start = *start as usize;
        let lights: [&[i16]; N] = std::array::from_fn(|channel| &row[channel * plane + start..][..taps.stride]);
        let mut sums = [_mm256_setzero_si256(); 4];
        for (block, weights) in weights.chunks_exact(BLOCK).enumerate() {
            // SAFETY: a block of weights, and of each channel's light, which has as many.
            let weight = unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) };
            for (sum, light) in sums.iter_mut().zip(&lights) {
                // SAFETY: as above.
                let light = unsafe { _mm256_loadu_si256(light.as_ptr().add(block * BLOCK).cast()) };
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(light, weight));
            }
        }
        let sums = _mm_srai_epi32::<{ SHIFT as i32 }>(_mm_add_epi32(four_sums(sums), half));
        let four = _mm_cvtsi128_si64(_mm_packs_epi32(sums, sums));
        for channel in 0..N {
            result[channel * width + index] = (four >> (16 * channel)) as i16;
        }
    }
}

#[target_feature(enable = "avx2")]
pub fn down(rows: &[&[i16]], weights: &[i16], result: &mut [i16]) {
    let half = _mm256_set1_epi32(1 << (SHIFT - 1));
    let length = rows.iter().map(|row| row.len()).min().unwrap_or(0).min(result.len());
    let whole = length / BLOCK * BLOCK;
    let zeros = _mm256_setzero_si256();
    for at in (0..whole).step_by(BLOCK) {
        let (mut low, mut high) = (half, half);
        for (pair, weight) in rows.chunks(2).zip(weights.chunks(2)) {
            let second = i32::from(weight.get(1).copied().unwrap_or(0));
            let weight = _mm256_set1_epi32((second << 16) | i32::from(weight[0].cast_unsigned()));
            // SAFETY: each row is at least `whole` long.
            let (one, other) = unsafe {
                let load = |row: &[i16]| _mm256_loadu_si256(row.as_ptr().add(at).cast());
                (load(pair[0]), if pair.len() > 1 { load(pair[1]) } else { zeros })
            };
            low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(one, other), weight));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(one, other), weight));
        }
        let packed =
            _mm256_packs_epi32(_mm256_srai_epi32::<{ SHIFT as i32 }>(low), _mm256_srai_epi32::<{ SHIFT as i32 }>(high));
        // SAFETY: the result is at least `whole` long.
        unsafe { _mm256_storeu_si256(result.as_mut_ptr().add(at).cast(), packed) };
    }
    super::down_portable(rows, weights, result, whole);
}

#[target_feature(enable = "avx2")]
pub fn halved(upper: &[u8], lower: &[u8], result: &mut [u8]) {
    const STEP: usize = 8;
    let whole = (upper.len().min(lower.len()) / 2).min(result.len()) / STEP * STEP;
    let ones = _mm256_set1_epi16(1);
    let quarter = _mm256_set1_ps(0.25);
    for at in (0..whole).step_by(STEP) {
        // SAFETY: both rows hold two samples for each of the result.
        let (up, low) = unsafe {
            let load = |row: &[u8]| _mm_loadu_si128(row.as_ptr().add(2 * at).cast());
            (_mm256_cvtepu8_epi16(load(upper)), _mm256_cvtepu8_epi16(load(lower)))
        };
        let squares = _mm256_add_epi32(_mm256_madd_epi16(up, up), _mm256_madd_epi16(low, low));
        let sums = _mm256_madd_epi16(_mm256_add_epi16(up, low), ones);
        let mean = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), quarter);
        let square = _mm256_sqrt_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(squares), quarter));
        let more = _mm256_mul_ps(_mm256_sub_ps(square, mean), quarter);
        let luma = _mm256_cvtps_epi32(_mm256_add_ps(square, more));
        let (one, other) = (_mm256_castsi256_si128(luma), _mm256_extracti128_si256::<1>(luma));
        let words = _mm_packus_epi32(one, other);
        // SAFETY: the result holds eight more samples.
        unsafe { _mm_storel_epi64(result.as_mut_ptr().add(at).cast(), _mm_packus_epi16(words, words)) };
    }
    super::halved_portable(upper, lower, result, whole);
}

#[target_feature(enable = "avx2")]
pub fn colored(luma: &[u8], blue: &[u8], red: &[u8], result: [&mut [u8]; 3]) {
    super::colored_portable(luma, blue, red, result);
}

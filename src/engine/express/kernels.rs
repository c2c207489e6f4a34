//! The inner loops, each in one form that every compiler makes something of and, where that pays, one for AVX2.
//! Which is taken is decided once, when the process first asks.

#![expect(unsafe_code, reason = "vector instructions are chosen at run time")]

use super::light::{FULL, Tables};
use super::taps::{BLOCK, SHIFT, Taps};

/// What this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

// === impl Level ===

impl Level {
    /// The best that can be had here.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self::Avx2;
        }
        Self::Portable
    }
}

/// Resamples one row across: every channel of it, which stand `plane` apart in `row` and the result's width apart in the
/// result. Behind the last channel there is room for a block that is not used.
pub fn across(level: Level, row: &[i16], plane: usize, taps: &Taps, result: &mut [i16]) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level says that the processor has it.
        Level::Avx2 => unsafe { avx2::across(row, plane, taps, result) },
        Level::Portable => across_portable(row, plane, taps, result),
    }
}

fn across_portable(row: &[i16], plane: usize, taps: &Taps, result: &mut [i16]) {
    for (channel, result) in result.chunks_exact_mut(taps.starts.len()).enumerate() {
        let row = &row[channel * plane..];
        for (index, sample) in result.iter_mut().enumerate() {
            let (start, weights) = taps.of(index);
            let product = |(light, weight): (&i16, &i16)| i32::from(*light) * i32::from(*weight);
            *sample = rounded(row[start..].iter().zip(weights).map(product).sum());
        }
    }
}

fn rounded(sum: i32) -> i16 {
    ((sum + (1 << (SHIFT - 1))) >> SHIFT).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// Resamples down: one row of the result from as many rows as there are weights. All are of one length.
pub fn down(level: Level, rows: &[&[i16]], weights: &[i16], result: &mut [i16]) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level says that the processor has it.
        Level::Avx2 => unsafe { avx2::down(rows, weights, result) },
        Level::Portable => down_portable(rows, weights, result, 0),
    }
}

fn down_portable(rows: &[&[i16]], weights: &[i16], result: &mut [i16], from: usize) {
    const CHUNK: usize = 64;
    let mut at = from;
    while at < result.len() {
        let end = (at + CHUNK).min(result.len());
        let mut sums = [0i32; CHUNK];
        for (row, weight) in rows.iter().zip(weights) {
            for (sum, light) in sums.iter_mut().zip(&row[at..end]) {
                *sum += i32::from(*light) * i32::from(*weight);
            }
        }
        for (sample, sum) in result[at..end].iter_mut().zip(sums) {
            *sample = rounded(sum);
        }
        at = end;
    }
}

/// Looks numbers up as light: the samples `offset`, `offset + step`, … of a row.
pub fn lit(row: &[u8], offset: usize, step: usize, table: &[i16; 256], result: &mut [i16]) {
    if step == 1 {
        for (light, number) in result.iter_mut().zip(&row[offset..]) {
            *light = table[usize::from(*number)];
        }
        return;
    }
    for (light, pixel) in result.iter_mut().zip(row.chunks_exact(step)) {
        *light = table[usize::from(pixel[offset])];
    }
}

/// The same, adding up `size` of them, and onto what is there.
pub fn lit_sum(row: &[u8], offset: usize, step: usize, table: &[i16; 256], size: usize, sums: &mut [u32]) {
    for (sum, pixels) in sums.iter_mut().zip(row.chunks(step * size)) {
        let light = |pixel: &[u8]| u32::from(table[usize::from(pixel[offset])].cast_unsigned());
        *sum += pixels.chunks_exact(step).map(light).sum::<u32>();
    }
}

/// Looks the pixels of a row up as light, each colour weighed by the alpha that stands last in its pixel: a channel after
/// the other, each of `row.len() / step` samples.
pub fn lit_weighed(row: &[u8], step: usize, tables: &Tables, result: &mut [i16]) {
    let length = row.len() / step;
    for (at, pixel) in row.chunks_exact(step).enumerate() {
        let alpha = tables.deep[usize::from(pixel[step - 1])];
        for (channel, number) in pixel[..step - 1].iter().enumerate() {
            let light = i32::from(tables.linear[usize::from(*number)]) * i32::from(alpha);
            result[channel * length + at] = ((light + (1 << 14)) >> 15) as i16;
        }
        result[(step - 1) * length + at] = alpha;
    }
}

/// Adds up `size` samples at a time, onto what is there.
pub fn add_up(row: &[i16], size: usize, sums: &mut [u32]) {
    for (sum, lights) in sums.iter_mut().zip(row.chunks(size)) {
        *sum += lights.iter().map(|light| u32::from(light.cast_unsigned())).sum::<u32>();
    }
}

/// Light that was weighed by alpha as the numbers of interleaved pixels. Channels stand `plane` apart, alpha last.
pub fn numbered_weighed(light: &[i16], plane: usize, tables: &Tables, step: usize, result: &mut [u8]) {
    let full = i32::from(FULL);
    for (at, pixel) in result.chunks_exact_mut(step).enumerate() {
        let alpha = i32::from(light[(step - 1) * plane + at]).clamp(0, full);
        for (channel, number) in pixel[..step - 1].iter_mut().enumerate() {
            let weighed = i32::from(light[channel * plane + at]).max(0);
            // Where nothing is seen, nothing is left of a colour.
            let light = if alpha == 0 { 0 } else { ((weighed * full + alpha / 2) / alpha).min(full) };
            *number = tables.gamma[light as usize];
        }
        pixel[step - 1] = ((alpha * 255 + full / 2) / full) as u8;
    }
}

/// Light as numbers: one channel of interleaved pixels.
pub fn numbered(light: &[i16], tables: &Tables, offset: usize, step: usize, result: &mut [u8]) {
    for (pixel, light) in result.chunks_exact_mut(step).zip(light) {
        pixel[offset] = tables.gamma[usize::from((*light).max(0).cast_unsigned())];
    }
}

/// The luma of two rows at half their width and height, averaged as light.
///
/// The mean of the squares is what light would give if the curve had an exponent of 2. The curve's own is steeper where
/// it is bright, 2.25 on average; a quarter of the way on from the plain mean makes up for it.
pub fn halved(level: Level, upper: &[u8], lower: &[u8], result: &mut [u8]) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level says that the processor has it.
        Level::Avx2 => unsafe { avx2::halved(upper, lower, result) },
        Level::Portable => halved_portable(upper, lower, result, 0),
    }
}

fn halved_portable(upper: &[u8], lower: &[u8], result: &mut [u8], from: usize) {
    for (at, luma) in result.iter_mut().enumerate().skip(from) {
        let four = [upper[2 * at], upper[2 * at + 1], lower[2 * at], lower[2 * at + 1]].map(f32::from);
        let mean = four.iter().sum::<f32>() * 0.25;
        let square = (four.iter().map(|luma| luma * luma).sum::<f32>() * 0.25).sqrt();
        *luma = (square + (square - mean) * 0.25).round_ties_even() as u8;
    }
}

/// Each sample twice.
pub fn doubled(row: &[u8], result: &mut [u8]) {
    for (pair, sample) in result.chunks_mut(2).zip(row) {
        pair.fill(*sample);
    }
}

/// One row of YCbCr as three rows of red, green and blue. Source of the numbers: JFIF 1.02, page 3.
pub fn colored(level: Level, luma: &[u8], blue: &[u8], red: &[u8], result: [&mut [u8]; 3]) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level says that the processor has it.
        Level::Avx2 => unsafe { avx2::colored(luma, blue, red, result) },
        Level::Portable => colored_portable(luma, blue, red, result),
    }
}

#[inline(always)]
fn colored_portable(luma: &[u8], blue: &[u8], red: &[u8], result: [&mut [u8]; 3]) {
    let [r, g, b] = result;
    let length = luma.len().min(blue.len()).min(red.len()).min(r.len()).min(g.len()).min(b.len());
    let (luma, blue, red) = (&luma[..length], &blue[..length], &red[..length]);
    let (r, g, b) = (&mut r[..length], &mut g[..length], &mut b[..length]);
    for at in 0..length {
        let y = (i32::from(luma[at]) << 16) + (1 << 15);
        let (cb, cr) = (i32::from(blue[at]) - 128, i32::from(red[at]) - 128);
        r[at] = ((y + 91_881 * cr) >> 16).clamp(0, 255) as u8;
        g[at] = ((y - 22_554 * cb - 46_802 * cr) >> 16).clamp(0, 255) as u8;
        b[at] = ((y + 116_130 * cb) >> 16).clamp(0, 255) as u8;
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{BLOCK, SHIFT, Taps};

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
            let packed = _mm256_packs_epi32(
                _mm256_srai_epi32::<{ SHIFT as i32 }>(low),
                _mm256_srai_epi32::<{ SHIFT as i32 }>(high),
            );
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
}

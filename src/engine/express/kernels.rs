//! The inner loops, each in one form that every compiler makes something of and, where that pays, one for AVX2.
//! Which is taken is decided once, when the process first asks.

#![expect(unsafe_code, reason = "vector instructions are chosen at run time")]

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::light::{FULL, Tables};
use super::taps::{SHIFT, Taps};

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

/// Resamples one row across: every channel of it, which stand `plane` apart in `row` and the result's width apart in
/// the result. Behind the last channel there is room for a block that is not used.
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

/// Looks the pixels of a row up as light, each colour weighed by the alpha that stands last in its pixel: a channel
/// after the other, each of `row.len() / step` samples.
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

#[inline]
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

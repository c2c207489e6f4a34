//! How a picture should look: the whole original decoded, its light made linear, resampled once, and encoded again.
//!
//! Contract: this shares nothing with the engine that is measured, and no server's shortcuts: no shrinking in the
//! decoder, no integer arithmetic, no tables of fewer than all values. Every step is the textbook's, in 32-bit floats.

use std::f64::consts::PI;

/// 8-bit sRGB pixels, three bytes each, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

/// The samples that one result is made of: where they begin, and how much each counts; together 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    pub first: usize,
    pub weights: Vec<f32>,
}

/// Lobes of the window on each side, which is what the 3 in Lanczos 3 is.
const LOBES: f64 = 3.0;
const CHANNELS: usize = 3;

/// The original in this size, resampled by Lanczos 3 in linear light.
pub fn reference(original: &Pixels, width: usize, height: usize) -> Pixels {
    let linear: Vec<f32> = (0..=u8::MAX).map(to_linear).collect();
    let across = taps(original.width, width);
    let down = taps(original.height, height);
    let mut rows = Vec::with_capacity(original.height * width * CHANNELS);
    for row in original.rgb.chunks_exact(original.width * CHANNELS) {
        let row: Vec<f32> = row.iter().map(|value| linear[usize::from(*value)]).collect();
        for taps in &across {
            for channel in 0..CHANNELS {
                let samples = row[taps.first * CHANNELS + channel..].iter().step_by(CHANNELS);
                rows.push(samples.zip(&taps.weights).map(|(sample, weight)| sample * weight).sum::<f32>());
            }
        }
    }
    let line = width * CHANNELS;
    let mut rgb = Vec::with_capacity(height * line);
    for taps in &down {
        let mut sums = vec![0.0_f32; line];
        for (row, weight) in rows[taps.first * line..].chunks_exact(line).zip(&taps.weights) {
            sums.iter_mut().zip(row).for_each(|(sum, sample)| *sum += sample * weight);
        }
        rgb.extend(sums.into_iter().map(to_srgb));
    }
    Pixels { width, height, rgb }
}

/// For each of `to` results, which of `from` samples it is made of. Samples beyond the edge do not exist, and those
/// that do count for them.
pub fn taps(from: usize, to: usize) -> Vec<Taps> {
    let ratio = from as f64 / to as f64;
    // Where a picture grows the window is as wide as that of its samples.
    let stretch = ratio.max(1.0);
    (0..to)
        .map(|at| {
            let centre = (at as f64 + 0.5) * ratio;
            let first = (centre - LOBES * stretch).floor().max(0.0) as usize;
            let end = ((centre + LOBES * stretch).ceil() as usize).min(from);
            let weights: Vec<f64> =
                (first..end).map(|sample| lanczos((sample as f64 + 0.5 - centre) / stretch)).collect();
            let sum: f64 = weights.iter().sum();
            Taps { first, weights: weights.into_iter().map(|weight| (weight / sum) as f32).collect() }
        })
        .collect()
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
    if x.abs() < LOBES { sinc(x) * sinc(x / LOBES) } else { 0.0 }
}

/// IEC 61966-2-1, from 8-bit code to light, 0 to 1.
pub fn to_linear(code: u8) -> f32 {
    let value = f32::from(code) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The way back, to the nearest code.
pub fn to_srgb(light: f32) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let value = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0).round() as u8
}

//! Which source samples make one result sample, and with which weights: Lanczos with three lobes.

use std::f64::consts::PI;

/// Weights are fractions of this; two of them times 15 bits of light, 64 times over, fit into 32 bits.
pub const ONE: i32 = 1 << SHIFT;
pub const SHIFT: u32 = 14;

/// Lobes of the kernel on each side.
const LOBES: f64 = 3.0;

/// Weights are stored in blocks of so many, which is what one vector holds.
pub const BLOCK: usize = 16;

/// The weights of one axis.
#[derive(Debug)]
pub struct Taps {
    /// The first source sample of each result sample.
    pub starts: Vec<u32>,
    /// How many source samples each result sample has.
    pub counts: Vec<u32>,
    /// `stride` weights for each result sample; those beyond its count are 0.
    pub weights: Vec<i16>,
    pub stride: usize,
}

// === impl Taps ===

impl Taps {
    /// From `source` samples, which stand for `extent` of them where the last one is narrower, to `result`. Each source
    /// sample is the mean of `averaged` samples of the original, of which the weights take the softness back.
    pub fn new(source: usize, extent: f64, result: usize, averaged: usize) -> Self {
        let ratio = extent / result as f64;
        let width = ratio.max(1.0);
        let sharpening = sharpening(averaged);
        let reach = LOBES * width + if averaged > 1 { 1.0 } else { 0.0 };
        let most = (2.0 * reach).ceil() as usize + 2;
        let stride = most.min(source).next_multiple_of(BLOCK);
        let mut taps = Self {
            starts: Vec::with_capacity(result),
            counts: Vec::with_capacity(result),
            weights: vec![0; stride * result],
            stride,
        };
        let last = source as i64 - 1;
        let mut exact = Vec::with_capacity(stride);
        let mut plain = Vec::with_capacity(stride);
        for index in 0..result {
            let center = (index as f64 + 0.5) * ratio - 0.5;
            let from = (center - reach).ceil() as i64;
            let to = (center + reach).floor() as i64;
            let start = from.clamp(0, last);
            let end = to.clamp(start, last);
            exact.clear();
            exact.resize((end - start + 1) as usize, 0.0);
            // One more on each side, which sharpening looks at.
            plain.clear();
            plain.extend((from - 1..=to + 1).map(|position| kernel((position as f64 - center) / width)));
            for (position, near) in (from..=to).zip(plain.windows(3)) {
                // What would lie beyond the edge is the edge once more.
                let at = (position.clamp(start, end) - start) as usize;
                exact[at] += (1.0 + 2.0 * sharpening) * near[1] - sharpening * (near[0] + near[2]);
            }
            taps.starts.push(start as u32);
            taps.counts.push(exact.len() as u32);
            quantize(&exact, &mut taps.weights[index * stride..][..exact.len()]);
        }
        taps
    }

    /// The weights of one result sample, without those that are 0 for the block's sake.
    pub fn of(&self, index: usize) -> (usize, &[i16]) {
        let weights = &self.weights[index * self.stride..][..self.counts[index] as usize];
        (self.starts[index] as usize, weights)
    }

    /// The most source samples that any result sample has.
    pub fn longest(&self) -> usize {
        self.counts.iter().copied().max().unwrap_or(0) as usize
    }
}

/// How much of its neighbours is taken off a sample, so that a mean of `count` is as sharp as what it was made of.
///
/// The mean of n neighbours leaves 1 - (n² - 1)(πf)²/6 of a low frequency f, and taking a part a of both neighbours
/// off, which are n further on, gives 1 + 4an²(πf)²; they make up for each other where a is (n² - 1)/24n².
fn sharpening(count: usize) -> f64 {
    let squared = (count * count) as f64;
    (squared - 1.0) / (24.0 * squared)
}

fn kernel(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else if x.abs() >= LOBES {
        0.0
    } else {
        // sin 3t = 3 sin t - 4 sin³ t, so that one sine is enough for three lobes.
        let t = PI * x / LOBES;
        let sine = t.sin();
        sine * sine * (3.0 - 4.0 * sine * sine) / (LOBES * t * t)
    }
}

/// Rounds so that the sum is exactly one: a flat area stays as it is.
fn quantize(exact: &[f64], weights: &mut [i16]) {
    let sum: f64 = exact.iter().sum();
    let mut rest = ONE;
    let mut largest = 0;
    for (at, weight) in exact.iter().enumerate() {
        let rounded = (weight / sum * f64::from(ONE)).round() as i32;
        rest -= rounded;
        weights[at] = rounded as i16;
        if weights[at] > weights[largest] {
            largest = at;
        }
    }
    weights[largest] = (i32::from(weights[largest]) + rest) as i16;
}

//! Rows of numbers in, a smaller picture out: looked up as light, averaged in whole boxes down to a ratio that Lanczos
//! keeps sharp, resampled, and looked up back. Only the rows that the next row of the result needs are held.

use super::kernels::{Level, across, add_up, down, lit, lit_sum, lit_weighed, numbered, numbered_weighed};
use super::light::{Tables, tables};
use super::taps::{BLOCK, Taps};

/// What is left for Lanczos after whole boxes were averaged.
const RATIO_LEFT: f64 = 2.0;

/// The longest side of a box: the sum of its light must fit into 32 bits.
const BOX_MAX: usize = 256;

/// Makes one picture smaller, row by row.
pub struct Reducer {
    level: Level,
    tables: &'static Tables,
    channels: usize,
    /// Samples of a row of numbers.
    width: usize,
    /// Sides of the boxes.
    box_x: usize,
    box_y: usize,
    /// Samples of a row of boxes.
    boxed: usize,
    /// Light of the row of boxes that is under way, a channel after the other, and how many rows it has.
    sums: Vec<u32>,
    summed: usize,
    /// Where the last channel is alpha, by which the others are weighed: one row of them.
    weighed: Vec<i16>,
    x: Taps,
    y: Taps,
    /// The last `held` rows of boxes, by their number modulo `held`; a channel after the other, `plane` samples each.
    ring: Vec<i16>,
    held: usize,
    plane: usize,
    /// Rows of boxes so far.
    rows: usize,
    /// One row resampled down, with room for whole blocks, and the same resampled across as well.
    line: Vec<i16>,
    short: Vec<i16>,
    result: (usize, usize),
    /// The rows of the result that are done.
    made: usize,
    pixels: Vec<u8>,
}

// === impl Reducer ===

impl Reducer {
    /// From a picture of this size to a smaller one. Its samples are means of so many by so many of the original.
    pub fn new(source: (usize, usize), result: (usize, usize), channels: usize, averaged: usize) -> Self {
        let size = |source: usize, result: usize| {
            let ratio = source as f64 / result as f64;
            ((ratio / RATIO_LEFT) as usize).clamp(1, BOX_MAX)
        };
        let (box_x, box_y) = (size(source.0, result.0), size(source.1, result.1));
        let boxed = source.0.div_ceil(box_x);
        let x = Taps::new(boxed, source.0 as f64 / box_x as f64, result.0, averaged * box_x);
        let y = Taps::new(source.1.div_ceil(box_y), source.1 as f64 / box_y as f64, result.1, averaged * box_y);
        let held = y.longest();
        let plane = boxed.next_multiple_of(BLOCK);
        Self {
            level: Level::best(),
            tables: tables(),
            channels,
            width: source.0,
            box_x,
            box_y,
            boxed,
            sums: if box_x * box_y > 1 { vec![0; boxed * channels] } else { Vec::new() },
            summed: 0,
            weighed: Vec::new(),
            ring: vec![0; held * plane * channels],
            held,
            plane,
            rows: 0,
            line: vec![0; plane * channels + x.stride],
            short: vec![0; result.0 * channels],
            x,
            y,
            result,
            made: 0,
            pixels: vec![0; result.0 * result.1 * channels],
        }
    }

    /// Says that the last channel is alpha: what is transparent weighs nothing.
    pub fn weigh_by_alpha(&mut self) {
        self.weighed = vec![0; self.width * self.channels];
    }

    /// The next row: where each channel's samples are, which stand `step` apart from `offset` on.
    pub fn push(&mut self, channels: &[(&[u8], usize)], step: usize) {
        let is_single = self.box_x * self.box_y == 1;
        let start = self.rows % self.held * self.plane * self.channels;
        if let (false, Some((row, _))) = (self.weighed.is_empty(), channels.first()) {
            lit_weighed(&row[..self.width * step], step, self.tables, &mut self.weighed);
        }
        for (channel, (row, offset)) in channels.iter().enumerate() {
            let row = &row[..self.width * step];
            if let Some(light) = self.weighed.chunks_exact(self.width).nth(channel) {
                if is_single {
                    self.ring[start + channel * self.plane..][..self.boxed].copy_from_slice(light);
                } else {
                    add_up(light, self.box_x, &mut self.sums[channel * self.boxed..][..self.boxed]);
                }
            } else if is_single {
                let light = &mut self.ring[start + channel * self.plane..][..self.boxed];
                lit(row, *offset, step, &self.tables.linear, light);
            } else {
                let sums = &mut self.sums[channel * self.boxed..][..self.boxed];
                lit_sum(row, *offset, step, &self.tables.linear, self.box_x, sums);
            }
        }
        self.summed += 1;
        if is_single {
            self.advance();
        } else if self.summed == self.box_y {
            self.average();
        }
    }

    /// The sums of a row of boxes become its light.
    fn average(&mut self) {
        let whole = self.box_x * self.summed;
        let last = (self.width - (self.boxed - 1) * self.box_x) * self.summed;
        let start = self.rows % self.held * self.plane * self.channels;
        for channel in 0..self.channels {
            let sums = &mut self.sums[channel * self.boxed..][..self.boxed];
            mean(sums, whole, last, &mut self.ring[start + channel * self.plane..][..self.boxed]);
            sums.fill(0);
        }
        self.advance();
    }

    /// One more row of boxes is there: makes the rows of the result that waited for it.
    fn advance(&mut self) {
        self.rows += 1;
        self.summed = 0;
        let length = self.plane * self.channels;
        while self.made < self.result.1 {
            let (start, weights) = self.y.of(self.made);
            if start + weights.len() > self.rows {
                return;
            }
            let row = |row: usize| &self.ring[row % self.held * length..][..length];
            let rows: Vec<&[i16]> = (start..start + weights.len()).map(row).collect();
            down(self.level, &rows, weights, &mut self.line[..length]);
            let stride = self.result.0 * self.channels;
            let pixels = &mut self.pixels[self.made * stride..][..stride];
            across(self.level, &self.line, self.plane, &self.x, &mut self.short);
            if self.weighed.is_empty() {
                for (channel, short) in self.short.chunks_exact(self.result.0).enumerate() {
                    numbered(short, self.tables, channel, self.channels, pixels);
                }
            } else {
                numbered_weighed(&self.short, self.result.0, self.tables, self.channels, pixels);
            }
            self.made += 1;
        }
    }

    /// The picture, once all rows were pushed.
    pub fn finish(mut self) -> Vec<u8> {
        if self.summed > 0 {
            self.average();
        }
        self.pixels
    }
}

/// Sums of boxes as means; the last one may be narrower.
fn mean(sums: &[u32], whole: usize, last: usize, row: &mut [i16]) {
    let scale = 1.0 / whole as f32;
    for (light, sum) in row.iter_mut().zip(sums) {
        *light = (*sum as f32 * scale + 0.5) as i16;
    }
    if let (Some(light), Some(sum)) = (row.last_mut(), sums.last()) {
        *light = (*sum as f32 / last as f32 + 0.5) as i16;
    }
}

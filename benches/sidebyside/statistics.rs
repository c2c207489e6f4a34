//! Many numbers made one, and numbers made at random. Contract: pure; the same seed gives the same numbers.

/// The value that at least this part of `sorted` does not exceed (nearest rank); 0 of nothing.
pub fn percentile(sorted: &[u64], part: f64) -> u64 {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The middle of the numbers, between two where their count is even; `NaN` of nothing.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[len / 2],
        len => f64::midpoint(sorted[len / 2 - 1], sorted[len / 2]),
    }
}

/// How far the numbers stray: half of what lies between the least and the most, as a part of the median.
pub fn spread(numbers: &[f64]) -> f64 {
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (most - least) / 2.0 / median(numbers)
}

/// The mean; `NaN` of nothing.
pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Where a line through neighbouring points `(x, y)` reaches this `y`; nothing outside of them. The points are in the
/// order of their `x`, and `y` grows with it.
pub fn reached(points: &[(f64, f64)], y: f64) -> Option<f64> {
    points.windows(2).find_map(|pair| {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        ((y0..=y1).contains(&y) && y1 > y0).then(|| x0 + (x1 - x0) * (y - y0) / (y1 - y0))
    })
}

/// In which order `count` servers have their turns in this round: everyone comes first and last, and behind everyone
/// else, as often as the others where there are enough rounds.
pub fn turns(count: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.rotate_left(round / 2 % count.max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// The median of these numbers as parts of another's, turn by turn: what both met in the same round cancels out.
pub fn median_ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

/// Ranks from 0, each as often as Zipf's law says: the rank `r` with a weight of `1 / (r + 1)^exponent`.
#[derive(Debug, Clone)]
pub struct Zipf {
    /// The sum of weights up to and including each rank.
    sums: Vec<f64>,
}

/// Numbers without a pattern (`SplitMix64`, Steele and others 2014): small, and good enough to shuffle with.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

// === impl Zipf ===

impl Zipf {
    pub fn new(ranks: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let add = |rank: usize| {
            sum += ((rank + 1) as f64).powf(-exponent);
            sum
        };
        Self { sums: (0..ranks).map(add).collect() }
    }

    /// The rank at this part, 0 to 1, of all weight.
    pub fn at(&self, part: f64) -> usize {
        let wanted = part * self.sums.last().copied().unwrap_or_default();
        self.sums.partition_point(|sum| *sum <= wanted).min(self.sums.len().saturating_sub(1))
    }
}

// === impl Random ===

impl Random {
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In an order that has nothing to do with the one before.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.next() as usize % (last + 1));
        }
    }
}

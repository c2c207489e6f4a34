//! Noise that is the same on every machine: hashes of lattice points, joined smoothly, summed over octaves.

/// A small generator for things that are scattered, with a seed of its own for each picture.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

// === impl Dice ===

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, 0 to under 1 (the sequence called split-mix).
    pub(super) fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// The next number from `low` to under `high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.roll()
    }
}

/// A number 0 to 1 for a lattice point.
pub(super) fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut h =
        (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    (h ^ (h >> 15)) as f32 / u32::MAX as f32
}

/// The whole number below; `floor` is a call into a library where the processor's oldest kind is compiled for.
fn cell(at: f32) -> i32 {
    let cut = at as i32;
    if cut as f32 > at { cut - 1 } else { cut }
}

/// Smooth noise, -1 to 1, with its slopes along x and y.
pub(super) fn sloped(x: f32, y: f32, seed: u32) -> (f32, f32, f32) {
    let (ix, iy) = (cell(x), cell(y));
    let (fx, fy) = (x - ix as f32, y - iy as f32);
    let corner = |dx: i32, dy: i32| hash(ix.wrapping_add(dx), iy.wrapping_add(dy), seed) * 2.0 - 1.0;
    let (a, b, c, d) = (corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1));
    let blend = |f: f32| f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
    let slope = |f: f32| 30.0 * f * f * (f * (f - 2.0) + 1.0);
    let (ux, uy) = (blend(fx), blend(fy));
    let twist = a - b - c + d;
    let value = a + (b - a) * ux + (c - a) * uy + twist * ux * uy;
    (value, slope(fx) * (b - a + twist * uy), slope(fy) * (c - a + twist * ux))
}

/// Smooth noise, -1 to 1.
pub(super) fn smooth_noise(x: f32, y: f32, seed: u32) -> f32 {
    sloped(x, y, seed).0
}

/// A turn by about 37 degrees and a doubling, so that the lattices of octaves never line up.
pub(super) fn next_octave(x: f32, y: f32) -> (f32, f32) {
    (1.6 * x - 1.2 * y, 1.2 * x + 1.6 * y)
}

/// Octaves of noise, each half as strong and twice as fine; about -1 to 1.
pub(super) fn clouds(mut x: f32, mut y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight) = (0.0, 0.5);
    for octave in 0..octaves {
        sum += weight * smooth_noise(x, y, seed.wrapping_add(octave));
        weight *= 0.5;
        (x, y) = next_octave(x, y);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_repeat_and_stay_in_range() {
        let rolls = |seed| (0..1000).scan(Dice::new(seed), |dice, _| Some(dice.roll())).collect::<Vec<_>>();
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
        assert!(rolls(7).iter().all(|roll| (0.0..1.0).contains(roll)));
        let mean = rolls(7).iter().sum::<f32>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.05, "{mean}");
    }

    #[test]
    fn noise_is_continuous_and_its_slope_is_its_slope() {
        for step in 0..200 {
            let (x, y) = (step as f32 * 0.173 - 7.0, step as f32 * 0.091 - 3.0);
            let (value, slope, _) = sloped(x, y, 5);
            let ahead = smooth_noise(x + 0.001, y, 5);
            assert!((-1.0..=1.0).contains(&value));
            assert!(((ahead - value) / 0.001 - slope).abs() < 0.05, "{x} {y}");
        }
    }
}

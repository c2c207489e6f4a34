//! What is thrown for: numbers from a seed, so that a failing run can be run again, and how much of it somebody asks
//! for through the environment.

use std::time::UNIX_EPOCH;

use tintype::telemetry::clock;

/// Numbers that look random and are the same for the same seed.
pub struct Dice(pub u64);

// === impl Dice ===

impl Dice {
    /// One of the numbers below `sides`, of which there is at least one.
    pub fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX generator; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides.max(1)
    }

    /// The same for places in something of this length.
    pub fn below(&mut self, len: usize) -> usize {
        self.roll(len as u64) as usize
    }
}

/// The number in a variable of the environment.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The seed that somebody asks for by `SOAK_SEED`, or another one with every run.
pub fn seed() -> u64 {
    number("SOAK_SEED").unwrap_or_else(|| {
        clock::now().duration_since(UNIX_EPOCH).map_or(1, |elapsed| u64::from(elapsed.subsec_nanos()))
    })
}

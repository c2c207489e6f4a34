//! Between the numbers of a file and light: tables of the sRGB curve (IEC 61966-2-1) with 15 bits of linear light,
//! which is what a signed 16-bit multiplication takes.

use std::sync::OnceLock;

use crate::engine::steps::{to_gamma, to_linear};

/// White.
pub const FULL: i16 = i16::MAX;

/// The curve in both directions, and what alpha needs.
pub struct Tables {
    /// Light of each number.
    pub linear: [i16; 256],
    /// 15 bits of each number, for alpha, which is linear already.
    pub deep: [i16; 256],
    /// The number of each light.
    pub gamma: Box<[u8; 1 << 15]>,
}

pub fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let full = f64::from(FULL);
        let light = |value: usize| (to_linear(value as f64 / 255.0) * full).round() as i16;
        let deep = |value: usize| (value as f64 / 255.0 * full).round() as i16;
        let number = |light: usize| (to_gamma(light as f64 / full) * 255.0).round() as u8;
        let gamma: Vec<u8> = (0..1 << 15).map(number).collect();
        Tables {
            linear: std::array::from_fn(light),
            deep: std::array::from_fn(deep),
            gamma: gamma.try_into().expect("invariant: a number for each light"),
        }
    })
}

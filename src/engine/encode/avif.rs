//! AVIF and HEIC through libheif: 8 bits, effort 1 of 9, 4:2:0 below quality 90.

use super::Encoding;
use crate::engine::vips::{Image, Op, Value, VipsError};

pub fn saver(image: &Image, encoding: &Encoding, compression: &str) -> Result<Op, VipsError> {
    Op::new("heifsave_buffer")?
        .set("in", image)?
        .set("Q", i32::from(encoding.quality))?
        .set("compression", Value::Nick(compression))?
        .set("effort", 1)?
        .set("bitdepth", 8)?
        .set("subsample_mode", Value::Nick("auto"))
}

//! WebP: lossy, effort 4, animations with their delays and loops.

use super::Encoding;
use crate::engine::vips::{Image, Op, Value, VipsError};

pub fn saver(image: &Image, encoding: &Encoding) -> Result<Op, VipsError> {
    Op::new("webpsave_buffer")?
        .set("in", image)?
        .set("Q", i32::from(encoding.quality))?
        .set("effort", 4)?
        .set("preset", Value::Nick("default"))
}

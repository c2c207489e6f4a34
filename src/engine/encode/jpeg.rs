//! JPEG: baseline, optimised Huffman tables, 4:2:0 below quality 90.

use super::Encoding;
use crate::engine::vips::{Image, Op, Value, VipsError};

pub fn saver(image: &Image, encoding: &Encoding) -> Result<Op, VipsError> {
    Op::new("jpegsave_buffer")?
        .set("in", image)?
        .set("Q", i32::from(encoding.quality))?
        .set("optimize_coding", true)?
        .set("interlace", false)?
        .set("subsample_mode", Value::Nick("auto"))
}

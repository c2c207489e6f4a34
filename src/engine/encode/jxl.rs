//! JPEG XL: lossy, effort 4.

use super::Encoding;
use crate::engine::vips::{Image, Op, VipsError};

pub fn saver(image: &Image, encoding: &Encoding) -> Result<Op, VipsError> {
    Op::new("jxlsave_buffer")?.set("in", image)?.set("Q", i32::from(encoding.quality))?.set("effort", 4)
}

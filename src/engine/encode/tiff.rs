//! TIFF: JPEG-compressed strips would lose alpha, so it is deflate.

use super::Encoding;
use crate::engine::vips::{Image, Op, Value, VipsError};

pub fn saver(image: &Image, encoding: &Encoding) -> Result<Op, VipsError> {
    Op::new("tiffsave_buffer")?
        .set("in", image)?
        .set("Q", i32::from(encoding.quality))?
        .set("compression", Value::Nick("deflate"))
}

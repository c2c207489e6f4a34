//! GIF: as many colours as the original had, else 256; delays and loops are kept.

use crate::engine::vips::{Image, Op, VipsError};

pub fn saver(image: &Image) -> Result<Op, VipsError> {
    let bits = image.int("palette-bit-depth").filter(|bits| (1..=8).contains(bits)).unwrap_or(8);
    Op::new("gifsave_buffer")?.set("in", image)?.set("bitdepth", bits)
}

//! PNG: all filters tried a row; a palette where the original had one.

use crate::engine::vips::{Image, Op, Value, VipsError};

pub fn saver(image: &Image) -> Result<Op, VipsError> {
    let op = Op::new("pngsave_buffer")?.set("in", image)?.set("interlace", false)?.set("compression", 6)?;
    let palette_bits = image.int("palette-bit-depth").filter(|bits| (1..=8).contains(bits));
    match palette_bits {
        Some(bits) => {
            let depth = [1, 2, 4, 8].into_iter().find(|depth| *depth >= bits).unwrap_or(8);
            op.set_if_supported("palette", true)?.set_if_supported("bitdepth", depth)
        }
        None => op.set("filter", Value::Nicks(&["all"])),
    }
}

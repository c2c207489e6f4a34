//! The demo's originals as files: encoded once, found again at the next start.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;

use super::originals::{DemoOriginal, Made, Raster, catalogue};
use crate::engine::vips::{Image, Op, Value, Vips, VipsError, VipsSpec};

/// Makes every original that the folder does not have.
pub fn fill(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let missing: Vec<_> = catalogue().into_iter().filter(|original| !folder.join(original.name).exists()).collect();
    for (number, original) in missing.iter().enumerate() {
        println!("making original {} of {}: {}", number + 1, missing.len(), original.name);
        let file = encode(original).with_context(|| format!("{} cannot be encoded", original.name))?;
        // Under another name first, so that a demo that was ended half-way leaves no half of a picture.
        let part = folder.join(format!(".{}.part", original.name));
        fs::write(&part, &file)?;
        fs::rename(&part, folder.join(original.name))?;
    }
    Ok(())
}

fn encode(original: &DemoOriginal) -> Result<Bytes, VipsError> {
    Vips::start(VipsSpec { threads: 1 })?;
    match original.make() {
        Made::Text(text) => Ok(Bytes::from(text)),
        Made::Film(frames) => film(&frames),
        Made::Still(raster) if original.name.ends_with(".png") => {
            Op::new("pngsave_buffer")?.set("in", &image(&raster)?)?.bytes()
        }
        Made::Still(raster) => Op::new("jpegsave_buffer")?.set("in", &image(&raster)?)?.set("Q", 92)?.bytes(),
    }
}

fn image(raster: &Raster) -> Result<Image, VipsError> {
    let image = Image::from_pixels(&raster.pixels, raster.width, raster.height, u32::from(raster.channels))?;
    Op::new("copy")?.set("in", &image)?.set("interpretation", Value::Nick("srgb"))?.image()
}

fn film(frames: &[(Raster, u32)]) -> Result<Bytes, VipsError> {
    let images = frames.iter().map(|(raster, _)| image(raster)).collect::<Result<Vec<_>, _>>()?;
    let strip = Op::new("arrayjoin")?
        .set("in", Value::Images(&images.iter().collect::<Vec<_>>()))?
        .set("across", 1)?
        .image()?;
    let delays: Vec<i32> = frames.iter().filter_map(|(_, delay_ms)| i32::try_from(*delay_ms).ok()).collect();
    let height = frames.first().and_then(|(raster, _)| i32::try_from(raster.height).ok()).unwrap_or(1);
    let strip = strip.edited(|header| {
        header.set_int("page-height", height);
        header.set_ints("delay", &delays);
        header.set_int("loop", 0);
    })?;
    Op::new("gifsave_buffer")?.set("in", &strip)?.bytes()
}

//! Rows of any other original, as libvips decodes them: a strip at a time, from top to bottom.

use super::reducer::Reducer;
use super::{Image, Pass, Recipe, Reduced, Watch};
use crate::engine::vips::{Band, Strips};

/// Rows of a strip: enough that asking for one costs nothing beside it.
const ROWS: u32 = 32;

/// The picture of this recipe.
pub fn reduced(image: &Image, recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    let channels = image.bands();
    let is_grey = image.interpretation() == "b-w" && channels == if image.has_alpha() { 2 } else { 1 };
    let is_color = image.interpretation() == "srgb" && channels == if image.has_alpha() { 4 } else { 3 };
    let (area, result) = (recipe.area, recipe.result);
    let is_inside = recipe.at.left + area.width <= image.width() && recipe.at.top + area.height <= image.height();
    if image.band() != Band::U8 || !(is_grey || is_color) || !is_inside {
        return Err(Pass::Unusual);
    }
    let step = channels as usize;
    let source = (area.width as usize, area.height as usize);
    let mut reducer = Reducer::new(source, (result.width as usize, result.height as usize), step, 1);
    if image.has_alpha() {
        reducer.weigh_by_alpha();
    }
    let bottom = recipe.at.top + area.height;
    let mut strips = Strips::of(image).map_err(Pass::Failed)?;
    let mut at = 0;
    while at < bottom {
        if watch.is_over() {
            return Err(Pass::Stopped);
        }
        let rows = ROWS.min(bottom - at);
        let strip = strips.rows(at, rows).map_err(Pass::Failed)?;
        for row in strip.skip(recipe.at.top.saturating_sub(at) as usize) {
            let row = &row[recipe.at.left as usize * step..];
            let samples: [(&[u8], usize); 4] = std::array::from_fn(|channel| (row, channel));
            reducer.push(&samples[..step], step);
        }
        at += rows;
    }
    Ok(Reduced { pixels: reducer.finish(), channels })
}

//! Rows of a JPEG: planes where half of them is enough, else RGB.

use super::kernels::{Level, colored, halved};
use super::reducer::Reducer;
use super::{Pass, Recipe, Reduced, Watch};
use crate::engine::codec::libjpeg::{DecodeError, Decoder, Header, Plane};

/// From this ratio on luma is averaged two by two as it comes out of the decoder, so that it has the resolution that
/// colour has in most photographs, and a quarter of the pixels goes on. Measured on eight photographs at 480 to 512
/// pixels, quality 80: score 77.35 from here on, 77.47 from 5 on, 77.86 never; 4.6, 5.5 and 11 ms more than decoding.
const HALF_RATIO: f64 = 3.7;

/// How often the watch is looked at, in rows.
const WATCHED_ROWS: usize = 64;

impl From<DecodeError> for Pass {
    fn from(_: DecodeError) -> Self {
        Self::Unusual
    }
}

/// The picture of this recipe.
pub fn reduced(file: &[u8], recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    let decoder = Decoder::open(file)?;
    let header = decoder.header;
    let (width, height) = (recipe.at.left + recipe.area.width, recipe.at.top + recipe.area.height);
    if width > header.width || height > header.height {
        return Err(Pass::Unusual);
    }
    if header.is_grey() {
        grey(decoder, recipe, watch)
    } else if is_halved(&header, recipe) {
        halves(decoder, recipe, watch)
    } else if header.is_color() {
        color(decoder, recipe, watch)
    } else {
        Err(Pass::Unusual)
    }
}

fn is_halved(header: &Header, recipe: &Recipe) -> bool {
    let ratio = |area: u32, result: u32| f64::from(area) / f64::from(result);
    let across = ratio(recipe.area.width, recipe.result.width);
    let down = ratio(recipe.area.height, recipe.result.height);
    header.is_ycbcr()
        && header.across == [2, 1, 1]
        && header.down == [2, 1, 1]
        && across.min(down) >= HALF_RATIO
        && recipe.at.left.is_multiple_of(2)
        && recipe.at.top.is_multiple_of(2)
}

fn size(width: u32, height: u32) -> (usize, usize) {
    (width as usize, height as usize)
}

fn grey(mut decoder: Decoder<'_>, recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    let (area, result) = (recipe.area, recipe.result);
    let mut reducer = Reducer::new(size(area.width, area.height), size(result.width, result.height), 1, 1);
    let (left, top) = size(recipe.at.left, recipe.at.top);
    let bottom = top + area.height as usize;
    let mut planes = decoder.header.planes();
    decoder.start_planes()?;
    let mut at = 0;
    while at < bottom && next(&mut decoder, &mut planes, watch)? {
        for row in planes[0].samples.chunks_exact(planes[0].stride) {
            if (top..bottom).contains(&at) {
                reducer.push(&[(&row[left..], 0)], 1);
            }
            at += 1;
        }
    }
    Ok(Reduced { pixels: reducer.finish(), channels: 1 })
}

/// Colour at the resolution that it is stored with, and luma at the same.
fn halves(mut decoder: Decoder<'_>, recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    let (area, result) = (recipe.area, recipe.result);
    let (width, height) = size(area.width.div_ceil(2), area.height.div_ceil(2));
    let mut reducer = Reducer::new((width, height), size(result.width, result.height), 3, 2);
    let (left, top) = size(recipe.at.left / 2, recipe.at.top / 2);
    let bottom = top + height;
    let level = Level::best();
    let mut planes = decoder.header.planes();
    let [mut luma, mut red, mut green, mut blue] = [(); 4].map(|()| vec![0; width]);
    decoder.start_planes()?;
    let mut at = 0;
    while at < bottom && next(&mut decoder, &mut planes, watch)? {
        let pairs = planes[0].samples.chunks_exact(2 * planes[0].stride);
        let colors = |plane: &'_ Plane| plane.stride;
        let (blues, reds) = (&planes[1], &planes[2]);
        let chroma = blues.samples.chunks_exact(colors(blues)).zip(reds.samples.chunks_exact(colors(reds)));
        for (pair, (cb, cr)) in pairs.zip(chroma) {
            if (top..bottom).contains(&at) {
                let (upper, lower) = pair.split_at(pair.len() / 2);
                halved(level, &upper[2 * left..], &lower[2 * left..], &mut luma);
                colored(level, &luma, &cb[left..], &cr[left..], [&mut red, &mut green, &mut blue]);
                reducer.push(&[(&red, 0), (&green, 0), (&blue, 0)], 1);
            }
            at += 1;
        }
    }
    Ok(Reduced { pixels: reducer.finish(), channels: 3 })
}

fn next(decoder: &mut Decoder<'_>, planes: &mut [Plane], watch: &Watch) -> Result<bool, Pass> {
    if watch.is_over() {
        return Err(Pass::Stopped);
    }
    Ok(decoder.planes(planes)?)
}

fn color(mut decoder: Decoder<'_>, recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    let (area, result) = (recipe.area, recipe.result);
    let mut reducer = Reducer::new(size(area.width, area.height), size(result.width, result.height), 3, 1);
    let (left, top) = size(recipe.at.left, recipe.at.top);
    let mut row = vec![0; decoder.header.width as usize * 3];
    decoder.start_rgb()?;
    for at in 0..top + area.height as usize {
        if at.is_multiple_of(WATCHED_ROWS) && watch.is_over() {
            return Err(Pass::Stopped);
        }
        if !decoder.row(&mut row)? {
            break;
        }
        if at >= top {
            let row = &row[left * 3..];
            reducer.push(&[(row, 0), (row, 1), (row, 2)], 3);
        }
    }
    Ok(Reduced { pixels: reducer.finish(), channels: 3 })
}

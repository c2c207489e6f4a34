//! Rows of a JPEG: from our own decoder where the file is clean and ordinary, else from libjpeg.

use super::kernels::{Level, colored, doubled, halved};
use super::reducer::Reducer;
use super::{Pass, Recipe, Reduced, Watch};
use crate::engine::codec::jpeg::{self, Plane, Space, Unsupported};
use crate::engine::codec::libjpeg::{self, DecodeError};

/// From this ratio on luma is averaged two by two as it comes out of the decoder, so that it has the resolution that
/// colour has in most photographs, and a quarter of the pixels goes on. Measured on eight photographs at 512 pixels,
/// quality 80: a score of 77.35 from here on, 77.47 from 5 on, 77.86 never; 4.6 ms beside decoding, and 17 never.
const HALF_RATIO: f64 = 3.7;

/// From this ratio on colour that is stored at half resolution is used as it is; below, libjpeg smooths it.
const PLAIN_COLOR_RATIO: f64 = 2.0;

/// How often the watch is looked at where rows come one by one.
const WATCHED_ROWS: usize = 64;

/// Where planes come from.
enum Decoder<'a> {
    Own(Box<jpeg::Decoder<'a>>),
    Lib(libjpeg::Decoder<'a>),
}

/// How the planes of a file lie.
#[derive(Debug, Clone, Copy)]
struct Layout {
    space: Space,
    /// Luma samples for one of colour, across and down.
    across: usize,
    down: usize,
}

/// One picture under way.
struct Work<'a> {
    decoder: Decoder<'a>,
    planes: [Plane; 3],
    recipe: &'a Recipe,
    watch: &'a Watch,
    level: Level,
}

/// The picture of this recipe.
pub fn reduced(file: &[u8], recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    if let Ok(own) = jpeg::Decoder::open(file) {
        let header = *own.header();
        let layout = Layout { space: header.space, across: header.across[0], down: header.down[0] };
        if own.pays() && covers((header.width, header.height), recipe) && !is_smoothed(layout, recipe) {
            let done = planar(Decoder::Own(Box::new(own)), layout, recipe, watch);
            if !matches!(done, Err(Pass::Unusual)) {
                return done;
            }
        }
    }
    let mut lib = libjpeg::Decoder::open(file)?;
    let header = lib.header;
    if !covers((header.width, header.height), recipe) {
        return Err(Pass::Unusual);
    }
    match header.layout() {
        Some((space, across, down)) if !is_smoothed(Layout { space, across, down }, recipe) => {
            lib.start_planes()?;
            planar(Decoder::Lib(lib), Layout { space, across, down }, recipe, watch)
        }
        _ => rows(lib, recipe, watch),
    }
}

fn covers((width, height): (u32, u32), recipe: &Recipe) -> bool {
    recipe.at.left + recipe.area.width <= width && recipe.at.top + recipe.area.height <= height
}

fn is_smoothed(layout: Layout, recipe: &Recipe) -> bool {
    layout.across * layout.down > 1 && recipe.ratio() < PLAIN_COLOR_RATIO
}

fn planar(decoder: Decoder<'_>, layout: Layout, recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    let work = Work { decoder, planes: Default::default(), recipe, watch, level: Level::best() };
    let is_even = recipe.at.left.is_multiple_of(2) && recipe.at.top.is_multiple_of(2);
    match layout {
        Layout { space: Space::Grey, .. } => work.grey(),
        Layout { space: Space::YCbCr, across: 2, down: 2 } if is_even && recipe.ratio() >= HALF_RATIO => work.halves(),
        _ => work.color(layout),
    }
}

// === impl Work ===

impl Work<'_> {
    /// Decodes the next row of MCUs; whether there was one.
    fn next(&mut self) -> Result<bool, Pass> {
        if self.watch.is_over() {
            return Err(Pass::Stopped);
        }
        Ok(match &mut self.decoder {
            Decoder::Own(own) => own.rows(&mut self.planes)? > 0,
            Decoder::Lib(lib) => lib.planes(&mut self.planes)?,
        })
    }

    /// Rows of each plane in a row of MCUs.
    fn rows_of(&self, plane: usize) -> std::slice::ChunksExact<'_, u8> {
        let plane = &self.planes[plane];
        plane.samples.chunks_exact(plane.stride.max(1))
    }

    fn grey(mut self) -> Result<Reduced, Pass> {
        let (left, top, width, height) = self.recipe.area_at();
        let mut reducer = Reducer::new((width, height), self.recipe.result(), 1, 1);
        let mut at = 0;
        while at < top + height && self.next()? {
            for row in self.rows_of(0) {
                if (top..top + height).contains(&at) {
                    reducer.push(&[(&row[left..], 0)], 1);
                }
                at += 1;
            }
        }
        Ok(Reduced { pixels: reducer.finish(), channels: 1 })
    }

    /// Colour at the resolution that it is stored with, and luma at the same.
    fn halves(mut self) -> Result<Reduced, Pass> {
        let (left, top, width, height) = self.recipe.area_at();
        let (left, top, width, height) = (left / 2, top / 2, width.div_ceil(2), height.div_ceil(2));
        let mut reducer = Reducer::new((width, height), self.recipe.result(), 3, 2);
        let [mut luma, mut red, mut green, mut blue] = [(); 4].map(|()| vec![0; width]);
        let mut at = 0;
        while at < top + height && self.next()? {
            let pairs = self.planes[0].samples.chunks_exact(2 * self.planes[0].stride.max(1));
            for ((pair, cb), cr) in pairs.zip(self.rows_of(1)).zip(self.rows_of(2)) {
                if (top..top + height).contains(&at) {
                    let (upper, lower) = pair.split_at(pair.len() / 2);
                    halved(self.level, &upper[2 * left..], &lower[2 * left..], &mut luma);
                    colored(self.level, &luma, &cb[left..], &cr[left..], [&mut red, &mut green, &mut blue]);
                    reducer.push(&[(&red, 0), (&green, 0), (&blue, 0)], 1);
                }
                at += 1;
            }
        }
        Ok(Reduced { pixels: reducer.finish(), channels: 3 })
    }

    /// All of luma, and each sample of colour for as many of them as it stands for.
    fn color(mut self, layout: Layout) -> Result<Reduced, Pass> {
        let (left, top, width, height) = self.recipe.area_at();
        let mut reducer = Reducer::new((width, height), self.recipe.result(), 3, 1);
        let [mut red, mut green, mut blue] = [(); 3].map(|()| vec![0; width]);
        let [mut wide_cb, mut wide_cr] = [(); 2].map(|()| vec![0; left + width + 1]);
        let mut at = 0;
        while at < top + height && self.next()? {
            let chroma = self.rows_of(1).zip(self.rows_of(2));
            let chroma = chroma.flat_map(|pair| std::iter::repeat_n(pair, layout.down));
            for (luma, (cb, cr)) in self.rows_of(0).zip(chroma) {
                if (top..top + height).contains(&at) {
                    let (mut cb, mut cr) = (cb, cr);
                    if layout.across == 2 {
                        doubled(cb, &mut wide_cb);
                        doubled(cr, &mut wide_cr);
                        (cb, cr) = (&wide_cb, &wide_cr);
                    }
                    let (luma, cb, cr) = (&luma[left..], &cb[left..], &cr[left..]);
                    if layout.space == Space::YCbCr {
                        colored(self.level, luma, cb, cr, [&mut red, &mut green, &mut blue]);
                        reducer.push(&[(&red, 0), (&green, 0), (&blue, 0)], 1);
                    } else {
                        reducer.push(&[(luma, 0), (cb, 0), (cr, 0)], 1);
                    }
                }
                at += 1;
            }
        }
        Ok(Reduced { pixels: reducer.finish(), channels: 3 })
    }
}

/// RGB as libjpeg makes it.
fn rows(mut decoder: libjpeg::Decoder<'_>, recipe: &Recipe, watch: &Watch) -> Result<Reduced, Pass> {
    let (left, top, width, height) = recipe.area_at();
    let mut reducer = Reducer::new((width, height), recipe.result(), 3, 1);
    let mut row = vec![0; decoder.header.width as usize * 3];
    decoder.start_rgb()?;
    for at in 0..top + height {
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

impl From<DecodeError> for Pass {
    fn from(_: DecodeError) -> Self {
        Self::Unusual
    }
}

impl From<Unsupported> for Pass {
    fn from(_: Unsupported) -> Self {
        Self::Unusual
    }
}

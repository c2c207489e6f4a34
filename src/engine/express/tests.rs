//! The express route beside the general one: the same size, the same place, the same colours.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::kernels::{self, Level};
use super::taps::{ONE, Taps};
use super::*;
use crate::engine::job::Limits;
use crate::engine::sniff::sniff;
use crate::engine::steps;
use crate::engine::vips::{Vips, VipsSpec};
use crate::telemetry::clock;
use crate::transform::geometry::{Orientation, Plan};
use crate::transform::{Crop, ResizeType, Rotation, Transform};

/// A picture with slopes, an edge and some detail: what is shifted, darkened or swapped shows.
fn picture(width: u32, height: u32, bands: u32) -> Image {
    Vips::start(VipsSpec { threads: 1 }).unwrap();
    let number = |x: u32, y: u32, band: u32| {
        let slope = (x * 255 / width).wrapping_mul(1 + band) % 256;
        let waves = (f64::from(x * (band + 1)) / 17.0).sin() * (f64::from(y) / 23.0).cos() * 60.0 + 120.0;
        let edge = x > width / 3 && y > height / 2;
        let is_alpha = bands.is_multiple_of(2) && band + 1 == bands;
        match (is_alpha, edge) {
            (true, _) => (y * 255 / height) as u8,
            (false, true) => 230 - 40 * band as u8,
            (false, false) => ((f64::from(slope) + 2.0 * waves) / 3.0) as u8,
        }
    };
    let pixel = |x, y| (0..bands).map(move |band| number(x, y, band));
    let pixels: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    let image = Image::from_pixels(&pixels, width, height, bands).unwrap();
    let space = Value::Nick(if bands < 3 { "b-w" } else { "srgb" });
    Op::new("copy").unwrap().set("in", &image).unwrap().set("interpretation", space).unwrap().image().unwrap()
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Png(u32),
    /// Bands, half the resolution of colour, several scans.
    Jpeg(u32, bool, bool),
    Webp,
}

fn file(kind: Kind, width: u32, height: u32) -> Bytes {
    let (bands, saver) = match kind {
        Kind::Png(bands) => (bands, "pngsave_buffer"),
        Kind::Jpeg(bands, ..) => (bands, "jpegsave_buffer"),
        Kind::Webp => (4, "webpsave_buffer"),
    };
    let image = picture(width, height, bands);
    let op = Op::new(saver).unwrap().set("in", &image).unwrap();
    let op = match kind {
        Kind::Png(_) => op,
        Kind::Jpeg(_, halved, progressive) => {
            let mode = Value::Nick(if halved { "on" } else { "off" });
            op.set("subsample_mode", mode).unwrap().set("Q", 95).unwrap().set("interlace", progressive).unwrap()
        }
        Kind::Webp => op.set("lossless", true).unwrap(),
    };
    op.bytes().unwrap()
}

/// What both routes make of it, and whether the express one took it.
fn both(file: &Bytes, transform: &Transform) -> (Option<Image>, Image) {
    let limits = Limits::default();
    let watch = Watch::new(clock::instant() + Duration::from_mins(1), Arc::default());
    let open = || Opened::new(file.clone(), sniff(file).unwrap(), &limits).unwrap();
    let opened = open();
    let orientation = Orientation::new(opened.facts.orientation, transform);
    let plan = Plan::new(orientation.shown(Size::new(opened.facts.width, opened.facts.height)), transform, false);
    let reload = Reload::none(&plan);
    let context = Context { transform, plan, reload, orientation, format: Format::Png, linear_light: true };
    let express = scaled(&opened, &context, &watch).unwrap();
    let express = express.map(|image| steps::run_scaled(image, &context).unwrap());
    // All of the original, as here: what decoders leave out is their difference and not the route's.
    (express, steps::run(open().header().share(), &context).unwrap())
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (1..=4u32).prop_map(Kind::Png),
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(grey, halved, progressive)| Kind::Jpeg(
            if grey { 1 } else { 3 },
            halved,
            progressive
        )),
        Just(Kind::Webp),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.min(64)))]

    #[test]
    fn both_routes_make_the_same_picture(
        kind in kinds(), width in 60..400u32, height in 60..400u32, to in (24..200u32, 24..200u32),
        fill in any::<bool>(), crop in proptest::option::of((0.4..0.9f64, 0.4..0.9f64)), turned in any::<bool>(),
    ) {
        let resize = if fill { ResizeType::Fill } else { ResizeType::Fit };
        let crop = crop.map(|(width, height)| Crop { width, height, gravity: None });
        let rotate = if turned { Rotation::D90 } else { Rotation::D0 };
        let transform = Transform { resize, width: to.0, height: to.1, crop, rotate, ..Transform::default() };
        let (express, general) = both(&file(kind, width, height), &transform);
        let Some(express) = express else { return Ok(()) };
        prop_assert_eq!((express.width(), express.height()), (general.width(), general.height()));
        prop_assert_eq!((express.bands(), express.interpretation()), (general.bands(), general.interpretation()));
        let (ours, theirs) = (express.pixels().unwrap(), general.pixels().unwrap());
        let bands = express.bands() as usize;
        // Where nothing is seen, colour means nothing.
        let is_seen = |at: usize| !bands.is_multiple_of(2) || theirs[at / bands * bands + bands - 1] > 64;
        let apart: Vec<u8> =
            (0..ours.len()).filter(|at| is_seen(*at)).map(|at| ours[at].abs_diff(theirs[at])).collect();
        let mean = apart.iter().map(|apart| f64::from(*apart)).sum::<f64>() / apart.len().max(1) as f64;
        let far = apart.iter().filter(|apart| **apart > 24).count();
        prop_assert!(mean < 2.0 && far * 100 <= apart.len(), "mean {mean:.2}, {far} of {} far", apart.len());
    }

    #[test]
    fn weights_add_up_and_stay_inside(source in 1..3000usize, part in 1..100usize, averaged in 1..5usize) {
        let result = (source * part / 100).max(1);
        let taps = Taps::new(source, source as f64, result, averaged);
        for index in 0..result {
            let (start, weights) = taps.of(index);
            prop_assert!(start + weights.len() <= source && !weights.is_empty());
            prop_assert_eq!(weights.iter().map(|weight| i32::from(*weight)).sum::<i32>(), ONE);
        }
    }

    #[test]
    fn every_level_computes_the_same(
        row in proptest::collection::vec(0..=i16::MAX, 64..400),
        numbers in proptest::collection::vec(any::<u8>(), 64..400),
        part in 2..50usize, channels in 1..=4usize,
    ) {
        let best = Level::best();
        let result = (row.len() / part).max(1);
        let taps = Taps::new(row.len(), row.len() as f64, result, 1);
        let mut padded = row.repeat(channels);
        padded.resize(padded.len() + taps.stride, 0);
        let [mut one, mut other] = [(); 2].map(|()| vec![0; result * channels]);
        kernels::across(best, &padded, row.len(), &taps, &mut one);
        kernels::across(Level::Portable, &padded, row.len(), &taps, &mut other);
        prop_assert_eq!(&one, &other);
        let rows: Vec<&[i16]> = row.chunks_exact(row.len() / part).collect();
        let weights: Vec<i16> = (0..rows.len()).map(|at| ((at * 991) % 3000) as i16 - 700).collect();
        let [mut one, mut other] = [(); 2].map(|()| vec![0; row.len() / part]);
        kernels::down(best, &rows, &weights, &mut one);
        kernels::down(Level::Portable, &rows, &weights, &mut other);
        prop_assert_eq!(&one, &other);
        let (upper, lower) = numbers.split_at(numbers.len() / 2);
        let length = upper.len().min(lower.len()) / 2;
        let [mut one, mut other] = [(); 2].map(|()| vec![0; length]);
        kernels::halved(best, upper, lower, &mut one);
        kernels::halved(Level::Portable, upper, lower, &mut other);
        prop_assert!(one.iter().zip(&other).all(|(one, other)| one.abs_diff(*other) <= 1));
    }
}

#[test]
fn ordinary_pictures_are_taken_and_others_are_left() {
    let transform = Transform { resize: ResizeType::Fit, width: 60, height: 60, ..Transform::default() };
    let taken = |kind, transform: &Transform| both(&file(kind, 300, 200), transform).0.is_some();
    let jpegs = [Kind::Jpeg(3, true, false), Kind::Jpeg(3, false, true), Kind::Jpeg(1, false, false)];
    for kind in (1..=4).map(Kind::Png).chain(jpegs).chain([Kind::Webp]) {
        assert!(taken(kind, &transform), "{kind:?}");
    }
    assert!(!taken(Kind::Png(3), &Transform { width: 600, height: 600, enlarge: true, ..transform.clone() }), "larger");
    assert!(!taken(Kind::Png(3), &Transform { width: 12, height: 12, ..transform.clone() }), "a placeholder");
    assert!(!taken(Kind::Png(3), &Transform { width: 300, height: 200, ..transform }), "nothing to do");
}

#[test]
fn halves_that_are_only_just_missed_are_rounded_as_libvips_does() {
    for (width, height, to, zoom) in [(640, 480, 300, 1.5), (400, 300, 200, 1.3), (801, 603, 333, 1.1)] {
        let transform = Transform { width: to, zoom_x: zoom, zoom_y: zoom, ..Transform::default() };
        let (express, general) = both(&file(Kind::Png(1), width, height), &transform);
        let size = |image: &Image| (image.width(), image.height());
        assert_eq!(express.as_ref().map(size), Some(size(&general)), "{width} x {height}");
    }
}

#[test]
fn a_deadline_ends_it() {
    let file = file(Kind::Jpeg(3, true, false), 400, 400);
    let limits = Limits::default();
    let opened = Opened::new(file, Format::Jpeg, &limits).unwrap();
    let recipe = Recipe { at: Point::default(), area: Size::new(400, 400), result: Size::new(60, 60) };
    let over = Watch::new(clock::instant(), Arc::default());
    assert!(matches!(jpeg::reduced(opened.admitted(), &recipe, &over), Err(Pass::Stopped)));
    assert!(matches!(strips::reduced(opened.header(), &recipe, &over), Err(Pass::Stopped)));
    assert!(over.has_stopped());
}

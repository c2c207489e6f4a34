//! The engine from bytes to files: sizes, colours, frames, limits, refusals; every original is made here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;

use super::vips::{Image, Op, Value, Vips, VipsSpec, Watch};
use super::*;
use crate::telemetry::clock;
use crate::transform::{Candidates, Crop, Format, Gravity, Padding, ResizeType, Rgb, Rotation, Transform};

fn far() -> tokio::time::Instant {
    clock::instant() + Duration::from_mins(10)
}

const PATIENT: Patience = Patience { queue: Duration::from_mins(10), run: Duration::from_mins(10) };

/// A picture whose red grows to the right and whose green grows downwards: position can be read from colour.
fn slope(width: u32, height: u32, alpha: bool) -> Image {
    Vips::start(VipsSpec { threads: 1 }).unwrap();
    let pixel = |x: u32, y: u32| {
        let rgb = [(x * 255 / (width - 1).max(1)) as u8, (y * 255 / (height - 1).max(1)) as u8, 100];
        let clear = x < width / 2;
        rgb.into_iter().chain(alpha.then_some(if clear { 0 } else { 255 }))
    };
    let pixels: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    let image = Image::from_pixels(&pixels, width, height, if alpha { 4 } else { 3 }).unwrap();
    Op::new("copy")
        .unwrap()
        .set("in", &image)
        .unwrap()
        .set("interpretation", Value::Nick("srgb"))
        .unwrap()
        .image()
        .unwrap()
}

fn saved(image: &Image, saver: &str) -> Bytes {
    Op::new(saver).unwrap().set("in", image).unwrap().bytes().unwrap()
}

fn png(width: u32, height: u32) -> Bytes {
    saved(&slope(width, height, false), "pngsave_buffer")
}

fn to(resize: ResizeType, width: u32, height: u32) -> Transform {
    Transform { resize, width, height, format: Some(Format::Png), ..Transform::default() }
}

fn make(bytes: &Bytes, transform: Transform) -> Result<Rendered, EngineError> {
    make_within(bytes, transform, Limits::default())
}

fn make_within(bytes: &Bytes, transform: Transform, limits: Limits) -> Result<Rendered, EngineError> {
    let candidates = Candidates::only(transform.format);
    let job = Job { inputs: vec![bytes.clone()], outputs: vec![Output { transform, candidates }], limits };
    let mut result = None;
    run(&job, &Watch::new(far(), Arc::default()), |(_, outcome)| {
        result = Some(outcome);
        std::ops::ControlFlow::Continue(())
    });
    result.unwrap()
}

/// The pixels of a PNG result.
fn pixels(rendered: &Rendered) -> (u32, u32, u32, Vec<u8>) {
    let image = Op::load("pngload_source", &rendered.bytes).unwrap().image().unwrap();
    (image.width(), image.height(), image.bands(), image.pixels().unwrap())
}

fn at(rendered: &Rendered, x: u32, y: u32) -> Vec<u8> {
    let (width, _, bands, data) = pixels(rendered);
    let start = ((y * width + x) * bands) as usize;
    data[start..start + bands as usize].to_vec()
}

#[test]
fn results_have_the_planned_size_in_every_format() {
    let original = png(200, 100);
    for format in
        [Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif, Format::Tiff, Format::Bmp, Format::Ico]
    {
        let transform = Transform { format: Some(format), ..to(ResizeType::Fill, 60, 40) };
        let made = make(&original, transform).unwrap_or_else(|error| panic!("{format:?}: {error:?}"));
        assert_eq!((made.format, made.width, made.height, made.frames), (format, 60, 40, 1));
        assert_eq!(sniff(&made.bytes), Some(format), "{format:?}");
        let again =
            make(&made.bytes, to(ResizeType::Fit, 0, 0)).unwrap_or_else(|error| panic!("{format:?}: {error:?}"));
        assert_eq!((again.width, again.height), (60, 40), "{format:?} reads back");
    }
}

#[test]
fn pixels_stand_where_the_geometry_says() {
    let original = png(200, 100);
    let right = Gravity { anchor: crate::transform::Anchor::East, x: 0.0, y: 0.0 };
    let cut = make(&original, Transform { gravity: right, ..to(ResizeType::Fill, 50, 50) }).unwrap();
    assert!(at(&cut, 49, 25)[0] > 245, "the right edge is red");
    let crop = Some(Crop { width: 20.0, height: 20.0, gravity: Some(right) });
    let cropped = make(&original, Transform { crop, ..to(ResizeType::Fit, 0, 0) }).unwrap();
    assert_eq!((cropped.width, cropped.height), (20, 20));
    assert!(at(&cropped, 0, 10)[0] > 225);
    let turned = make(&original, Transform { rotate: Rotation::D90, ..to(ResizeType::Fit, 0, 0) }).unwrap();
    assert_eq!((turned.width, turned.height), (100, 200));
    assert!(at(&turned, 50, 199)[0] > 245, "what was right is now below");
    let flipped = make(&original, Transform { flip_horizontal: true, ..to(ResizeType::Fit, 0, 0) }).unwrap();
    assert!(at(&flipped, 0, 50)[0] > 245);
}

#[test]
fn new_pixels_are_clear_until_a_background_fills_them() {
    let original = png(40, 40);
    let padding = Padding { top: 5, right: 5, bottom: 5, left: 5 };
    let padded = make(&original, Transform { padding, ..to(ResizeType::Fit, 0, 0) }).unwrap();
    assert_eq!(at(&padded, 0, 0), [0, 0, 0, 0]);
    let background = Some(Rgb(1, 2, 3));
    let filled = make(&original, Transform { padding, background, ..to(ResizeType::Fit, 0, 0) }).unwrap();
    assert_eq!(at(&filled, 0, 0), [1, 2, 3]);
    let extended =
        make(&original, Transform { extend: Some(Gravity::default()), ..to(ResizeType::Fit, 60, 40) }).unwrap();
    assert_eq!((extended.width, extended.height), (60, 40));
    assert_eq!(at(&extended, 0, 20)[3], 0);
}

#[test]
fn transparency_does_not_bleed_into_what_is_seen() {
    let image = saved(&slope(200, 100, true), "pngsave_buffer");
    let small = make(&image, to(ResizeType::Fit, 50, 25)).unwrap();
    let edge = at(&small, 26, 12);
    assert!(edge[3] > 250 && edge[0] > 120, "{edge:?}");
    assert_eq!(at(&small, 5, 12)[3], 0);
    let jpeg = make(&image, Transform { format: Some(Format::Jpeg), ..to(ResizeType::Fit, 50, 25) }).unwrap();
    let white = make(&jpeg.bytes, to(ResizeType::Fit, 0, 0)).unwrap();
    assert!(at(&white, 5, 12).iter().all(|value| *value > 250), "flattened on white");
}

#[test]
fn shrinking_keeps_the_light_and_not_the_numbers() {
    Vips::start(VipsSpec { threads: 1 }).unwrap();
    let stripes: Vec<u8> = (0..256 * 256).flat_map(|at| [if at % 2 == 0 { 0 } else { 255 }; 3]).collect();
    let image = Image::from_pixels(&stripes, 256, 256, 3).unwrap();
    let image = Op::new("copy").unwrap().set("in", &image).unwrap().set("interpretation", Value::Nick("srgb")).unwrap();
    let original = saved(&image.image().unwrap(), "pngsave_buffer");
    let linear = make(&original, to(ResizeType::Fit, 32, 32)).unwrap();
    assert!((186..=190).contains(&at(&linear, 4, 4)[0]), "half the light is 188: {:?}", at(&linear, 4, 4));
    let limits = Limits { linear_light: false, ..Limits::default() };
    let gamma = make_within(&original, to(ResizeType::Fit, 32, 32), limits).unwrap();
    assert!((126..=129).contains(&at(&gamma, 4, 4)[0]));
    let placeholder = make(&original, to(ResizeType::Fit, 8, 8)).unwrap();
    assert!((126..=129).contains(&at(&placeholder, 4, 4)[0]), "placeholders keep the mean of the numbers");
}

#[test]
fn limits_hold_at_the_bound_and_one_beyond() {
    let original = png(100, 60);
    let whole = to(ResizeType::Fit, 0, 0);
    let exact = Limits {
        source_pixels_max: 6000,
        source_side_max: 100,
        output_side_max: 100,
        output_pixels_max: 6000,
        ..Limits::default()
    };
    assert!(make_within(&original, whole.clone(), exact).is_ok());
    let refused = |limits: Limits, name: &str| match make_within(&original, whole.clone(), limits) {
        Err(EngineError::Limit { of, got, max }) => {
            let setting = of.setting();
            assert_eq!(setting, name);
            assert_eq!(got, max + 1);
        }
        other => panic!("{name}: {other:?}"),
    };
    refused(Limits { source_pixels_max: 5999, ..exact }, "source.pixels_max");
    refused(Limits { source_side_max: 99, ..exact }, "source.side_max");
    refused(Limits { output_side_max: 99, ..exact }, "output.side_max");
    refused(Limits { output_pixels_max: 5999, ..exact }, "output.pixels_max");
}

#[test]
fn frames_beyond_the_limit_are_dropped() {
    let strip = slope(20, 100, false);
    let strip = strip.edited(|header| {
        header.set_int("page-height", 20);
        header.set_int("n-pages", 5);
        header.set_ints("delay", &[100; 5]);
    });
    let original = saved(&strip.unwrap(), "gifsave_buffer");
    let gif = Transform { format: Some(Format::Gif), ..to(ResizeType::Fit, 10, 10) };
    let frames = |frames_max| {
        let limits = Limits { frames_max, ..Limits::default() };
        make_within(&original, gif.clone(), limits).unwrap().frames
    };
    assert_eq!((frames(200), frames(5), frames(3), frames(1)), (5, 5, 3, 1));
}

#[test]
fn what_is_no_picture_is_refused_and_what_is_half_a_picture_is_shown() {
    let whole = to(ResizeType::Fit, 0, 0);
    assert!(matches!(make(&Bytes::new(), whole.clone()), Err(EngineError::NotAnImage)));
    assert!(matches!(make(&Bytes::from_static(b"not a picture"), whole.clone()), Err(EngineError::NotAnImage)));
    assert!(matches!(
        make(&Bytes::from_static(b"\xff\xd8\xff\xe0rubbish"), whole.clone()),
        Err(EngineError::Broken(_))
    ));
    let file = saved(&slope(300, 200, false), "jpegsave_buffer");
    let half = file.slice(..file.len() / 2);
    let shown = make(&half, whole.clone()).unwrap();
    assert!(shown.truncated && (shown.width, shown.height) == (300, 200));
    let strict = Limits { broken: Broken::Refuse, ..Limits::default() };
    assert!(matches!(make_within(&half, whole.clone(), strict), Err(EngineError::Truncated)));
    assert!(!make_within(&file, whole, strict).unwrap().truncated);
}

#[test]
fn the_smallest_file_is_tried_for() {
    let original = saved(&slope(400, 300, false), "jpegsave_buffer");
    let jpeg = |max_bytes| Transform { format: Some(Format::Jpeg), max_bytes, ..Transform::default() };
    let free = make(&original, jpeg(0)).unwrap().bytes.len() as u64;
    let bound = free * 2 / 3;
    assert!(make(&original, jpeg(bound)).unwrap().bytes.len() as u64 <= bound);
    assert!(!make(&original, jpeg(10)).unwrap().bytes.is_empty(), "the last try is given even if it is too large");
}

#[tokio::test]
async fn one_job_streams_several_outputs() {
    let pool = Pool::start(&PoolSpec { workers: 1, queue_jobs_max: 4, isolation: Isolation::Thread }).unwrap();
    let outputs = [40, 20, 10].map(|width| {
        let transform = to(ResizeType::Fit, width, 0);
        Output { candidates: Candidates::only(transform.format), transform }
    });
    let job = Job { inputs: vec![png(80, 80)], outputs: outputs.to_vec(), limits: Limits::default() };
    let mut results = pool.submit(job, PATIENT).unwrap();
    for (index, width) in [(0, 40), (1, 20), (2, 10)] {
        let (at, rendered) = results.next().await.unwrap();
        assert_eq!((at, rendered.unwrap().width), (index, width));
    }
    assert!(results.next().await.is_none());
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_late_job_is_not_run() {
    let pool = Pool::start(&PoolSpec { workers: 1, queue_jobs_max: 1, isolation: Isolation::Thread }).unwrap();
    let transform = to(ResizeType::Fit, 10, 0);
    let job = |original: Bytes| {
        let output = Output { candidates: Candidates::only(transform.format), transform: transform.clone() };
        Job { inputs: vec![original], outputs: vec![output], limits: Limits::default() }
    };
    let mut late = pool.submit(job(png(20, 20)), Patience { queue: Duration::ZERO, run: Duration::ZERO }).unwrap();
    assert!(matches!(late.next().await, Some((0, Err(EngineError::QueueTimeout)))));
    pool.close();
    assert!(matches!(pool.submit(job(png(20, 20)), PATIENT), Err(EngineError::QueueFull)));
    let none = Pool::start(&PoolSpec { workers: 1, queue_jobs_max: 0, isolation: Isolation::Thread }).unwrap();
    assert!(matches!(none.submit(job(png(20, 20)), PATIENT), Err(EngineError::QueueFull)));
}

#[tokio::test]
async fn short_jobs_pass_long_ones_for_a_while() {
    let pool = Pool::start(&PoolSpec { workers: 1, queue_jobs_max: 8, isolation: Isolation::Thread }).unwrap();
    let (small, large) = (png(40, 30), png(1200, 900));
    let submit = |original: &Bytes, format, patience| {
        let transform = Transform { format: Some(format), ..to(ResizeType::Fit, 0, 0) };
        let output = Output { candidates: Candidates::only(Some(format)), transform };
        let job = Job { inputs: vec![original.clone()], outputs: vec![output], limits: Limits::default() };
        pool.submit(job, patience).unwrap()
    };
    // The first one keeps the only thread while the others line up behind it.
    for (patience, short_passes) in [(PATIENT, true), (Patience { queue: Duration::ZERO, ..PATIENT }, false)] {
        // A thread counts as busy for a moment after its last result is there.
        while pool.state().busy > 0 {
            tokio::task::yield_now().await;
        }
        let mut held = submit(&large, Format::Avif, PATIENT);
        while pool.state().busy == 0 {
            tokio::task::yield_now().await;
        }
        let mut long = submit(&small, Format::Avif, patience);
        let mut short = submit(&small, Format::Jpeg, PATIENT);
        held.next().await.unwrap().1.unwrap();
        let (first, second) = if short_passes { (&mut short, &mut long) } else { (&mut long, &mut short) };
        second.next().await.unwrap().1.unwrap_or_else(|error| panic!("{short_passes}: {error}"));
        let earlier = first.next();
        assert!(std::pin::pin!(earlier).now_or_never().is_some(), "short ones pass: {short_passes}");
    }
}

/// The slope as a JPEG in the space of one of libvips' own profiles, which goes into the file.
fn in_profile(profile: &str) -> Bytes {
    let image = slope(200, 100, false);
    let op = Op::new("icc_transform").unwrap().set("in", &image).unwrap();
    let op = op.set("output_profile", Value::Text(profile)).unwrap();
    let converted = op.set("input_profile", Value::Text("srgb")).unwrap().image().unwrap();
    let saver = Op::new("jpegsave_buffer").unwrap().set("in", &converted).unwrap().set("Q", 98).unwrap();
    saver.bytes().unwrap()
}

#[test]
fn colours_leave_as_srgb_whatever_space_they_came_in() {
    let plain = make(&png(200, 100), to(ResizeType::Fit, 0, 0)).unwrap();
    for (profile, most) in [("p3", 6), ("cmyk", 24)] {
        let made = make(&in_profile(profile), to(ResizeType::Fit, 0, 0)).unwrap();
        let (_, _, bands, _) = pixels(&made);
        assert_eq!(bands, 3, "{profile}");
        // Inside the gamut of both: what lies beyond it cannot come back.
        for (x, y) in [(90, 50), (110, 40), (120, 60)] {
            let (want, got) = (at(&plain, x, y), at(&made, x, y));
            let far = want.iter().zip(&got).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(far <= most, "{profile} at {x},{y}: {want:?} became {got:?}");
        }
        let image = Op::load("pngload_source", &made.bytes).unwrap().image().unwrap();
        assert!(!image.has("icc-profile-data"), "{profile}");
    }
    let kept = Transform { strip_color_profile: false, ..to(ResizeType::Fit, 0, 0) };
    let made = make(&in_profile("p3"), kept).unwrap();
    let image = Op::load("pngload_source", &made.bytes).unwrap().image().unwrap();
    assert!(image.has("icc-profile-data"), "a profile that is asked for stays");
}

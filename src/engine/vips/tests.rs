//! The layer against the live library: ownership both ways, refusals, cancellation, leaks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::telemetry::clock;

fn vips() -> &'static Vips {
    Vips::start(VipsSpec { threads: 1 }).expect("libvips starts")
}

/// An sRGB picture with a slope in every channel.
fn slope(width: u32, height: u32) -> Image {
    vips();
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [(x * 255 / width) as u8, (y * 255 / height) as u8, 128]))
        .collect();
    let image = Image::from_pixels(&pixels, width, height, 3).unwrap();
    Op::new("copy")
        .unwrap()
        .set("in", &image)
        .unwrap()
        .set("interpretation", Value::Nick("srgb"))
        .unwrap()
        .image()
        .unwrap()
}

fn jpeg(image: &Image) -> bytes::Bytes {
    Op::new("jpegsave_buffer").unwrap().set("in", image).unwrap().set("Q", 90).unwrap().bytes().unwrap()
}

#[test]
fn bytes_go_in_and_come_out() {
    let file = jpeg(&slope(64, 48));
    assert_eq!(&file[..2], b"\xff\xd8");
    let image = Op::load("jpegload_source", &file).unwrap().image().unwrap();
    drop(file);
    assert_eq!((image.width(), image.height(), image.bands(), image.band()), (64, 48, 3, Band::U8));
    assert_eq!(image.interpretation(), "srgb");
    assert_eq!(image.pixels().unwrap().len(), 64 * 48 * 3);
}

#[test]
fn what_libvips_would_ignore_is_an_error_here() {
    let image = slope(8, 8);
    let save = || Op::new("jpegsave_buffer").unwrap().set("in", &image).unwrap();
    assert!(matches!(Op::new("nonsense").err(), Some(VipsError::UnknownOperation(_))));
    assert!(matches!(save().set("nonsense", 1).err(), Some(VipsError::UnknownOption { .. })));
    assert!(matches!(save().set("Q", 500).err(), Some(VipsError::BadValue { .. })));
    assert!(matches!(save().set("Q", 80.0).err(), Some(VipsError::BadValue { .. })));
    assert!(matches!(save().set("subsample_mode", Value::Nick("nonsense")).err(), Some(VipsError::BadValue { .. })));
    assert!(save().set_if_supported("nonsense", 1).is_ok());
    assert!(matches!(Op::new("jpegsave_buffer").unwrap().bytes().err(), Some(VipsError::Failed { .. })));
    assert!(Op::load("jpegload_source", &bytes::Bytes::new()).is_err());
    assert!(Image::from_pixels(&[0; 5], 1, 2, 3).is_err());
}

#[test]
fn what_strangers_must_not_reach_is_blocked() {
    let caps = &vips().caps;
    for blocked in ["system", "matrixload", "magickload_buffer", "pdfload_buffer", "csvload", "vipsload", "ppmload"] {
        assert!(!caps.has(blocked), "{blocked}");
    }
    assert!(caps.has("svgload_source") && caps.has("jpegload_source"));
}

#[test]
fn a_header_is_changed_on_a_copy_alone() {
    let image = slope(8, 8);
    let marked = image
        .edited(|header| {
            header.set_int("page-height", 4);
            header.set_ints("delay", &[10, 20]);
            header.set_blob("xmp-data", b"<x/>");
            header.set_text("note", "hello");
        })
        .unwrap();
    assert_eq!((marked.int("page-height"), image.int("page-height")), (Some(4), None));
    assert_eq!(marked.ints("delay"), Some(vec![10, 20]));
    assert_eq!(marked.blob("xmp-data"), Some(b"<x/>".to_vec()));
    assert_eq!(marked.text("note").as_deref(), Some("hello"));
    let bare = marked.edited(|header| header.remove("xmp-data")).unwrap();
    assert!(marked.has("xmp-data") && !bare.has("xmp-data") && !image.has("xmp-data"));
    assert_eq!(marked.int("xmp-data"), None, "a field of another type is no integer");
}

#[test]
fn a_watch_that_is_over_stops_the_saver() {
    let image = slope(2000, 2000);
    let blurred = Op::new("gaussblur").unwrap().set("in", &image).unwrap().set("sigma", 20.0).unwrap().image().unwrap();
    let save = |watch: &Watch| {
        let watched = watch.over(&blurred)?;
        Op::new("jpegsave_buffer")?.set("in", &watched)?.bytes()
    };
    let far = clock::instant() + Duration::from_hours(1);
    let cancelled = Watch::new(far, Arc::new(AtomicBool::new(true)));
    assert!(save(&cancelled).is_err() && cancelled.has_stopped());
    let late = Watch::new(clock::instant(), Arc::default());
    assert!(save(&late).is_err() && late.has_stopped());
    let patient = Watch::new(far, Arc::default());
    assert!(save(&patient).is_ok() && !patient.has_stopped());
}

#[test]
fn nothing_leaks_over_many_rounds() {
    let file = jpeg(&slope(320, 240));
    let round = || {
        let image = Op::load("jpegload_source", &file).unwrap().image().unwrap();
        let half = Op::new("resize").unwrap().set("in", &image).unwrap().set("scale", 0.5).unwrap().image().unwrap();
        let half = half.edited(|header| header.set_blob("xmp-data", &[7; 1000])).unwrap();
        let pair = Op::new("bandjoin").unwrap().set("in", Value::Images(&[&half, &half])).unwrap().image().unwrap();
        assert_eq!(pair.bands(), 6);
        assert!(Op::load("pngload_source", &file).unwrap().image().is_err());
        assert!(!jpeg(&half).is_empty());
    };
    round();
    for _ in 0..200 {
        round();
    }
    // Other tests hold images of their own at the same time; a leak of 200 rounds would be tens of megabytes.
    assert!(tracked_bytes() < 64 << 20, "{} bytes", tracked_bytes());
}

#[test]
fn images_move_between_threads() {
    let file = jpeg(&slope(64, 64));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let image = Op::load("jpegload_source", &file).unwrap().image().unwrap();
            std::thread::spawn(move || {
                let size = jpeg(&image).len();
                drop(image);
                thread_shutdown();
                size
            })
        })
        .collect();
    let sizes: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(sizes.windows(2).all(|pair| pair[0] == pair[1]), "{sizes:?}");
}

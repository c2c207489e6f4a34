//! The originals that the table's URLs name, made by the formulas that the oracle's were made by. PNG, BMP, TIFF and
//! lossless WebP hold the same pixels as the oracle's; JPEG and GIF come close.

use std::fs;
use std::path::Path;

use image::ExtendedColorType;
use image::codecs::bmp::BmpEncoder;
use tintype::engine::vips::{Image, Op, Value};

use crate::support::pictures::{Raster, mark, marks, saved, with_orientation};

const FLAG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"320\" height=\"240\">\
    <rect width=\"320\" height=\"240\" fill=\"#204080\"/>\
    <circle cx=\"100\" cy=\"80\" r=\"60\" fill=\"#f0c000\"/></svg>";

/// Bytes that are left of the truncated originals: enough for a header and a part of the pixels. The oracle's JPEG had
/// a longer head and was cut at the same pixel.
const CUT_JPEG_BYTES: usize = 19_982;
const CUT_PNG_BYTES: usize = 3_000;

const FRAMES: u32 = 6;
const FRAME: (u32, u32) = (200, 150);

/// Writes all of them.
pub fn write(folder: &Path) {
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("a writable folder");
    for (name, width, height) in [
        ("port", 600, 900),
        ("wide", 1600, 200),
        ("tall", 150, 1200),
        ("odd", 333, 251),
        ("tiny", 40, 30),
        ("one", 1, 1),
    ] {
        put(&format!("{name}.png"), &marks(width, height).png());
    }
    let land = marks(1000, 750);
    let (jpeg, png) = (land.jpeg(), land.png());
    put("land.bmp", &bmp(&land));
    put("land.tiff", &saved(&land.image(), "tiffsave_buffer", Ok));
    put("land.webp", &lossless_webp(&land.image()));
    put("cut.jpg", &jpeg[..CUT_JPEG_BYTES]);
    put("cut.png", &png[..CUT_PNG_BYTES]);
    put("land.jpg", &jpeg);
    put("land.png", &png);
    put("alpha.png", &alpha().png());
    put("alpha.webp", &lossless_webp(&alpha().image()));
    put("grey.png", &grey(&land).png());
    put("margin.png", &margin().png());
    for orientation in 1..=8 {
        put(&format!("exif{orientation}.jpg"), &with_orientation(&stored(orientation).jpeg(), orientation));
    }
    put("anim.gif", &saved(&animation(), "gifsave_buffer", Ok));
    put("anim.webp", &lossless_webp(&animation()));
    put("flag.svg", FLAG.as_bytes());
    put("text.txt", b"not an image\n");
    put("empty.png", b"");
}

/// Opaque inside an ellipse, half transparent around it, empty in the corners.
fn alpha() -> Raster {
    let (width, height) = (400, 300);
    Raster::of(width, height, |x, y| {
        let off = |at: u32, side: u32| (f64::from(at) - f64::from(side) / 2.0) / (f64::from(side) / 2.0);
        let distance = off(x, width).hypot(off(y, height));
        let [red, green, blue] = mark(width, height, x, y);
        let opacity = if distance < 0.9 {
            255
        } else if distance < 1.0 {
            128
        } else {
            0
        };
        [red, green, blue, opacity]
    })
}

/// Luma by the weights of ITU-R BT.601 in 16-bit fixed point.
fn grey(colours: &Raster) -> Raster {
    Raster::of(colours.width, colours.height, |x, y| {
        let [red, green, blue] = colours.rgb(x, y).map(u32::from);
        [((red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16) as u8]
    })
}

/// A picture in a white margin.
fn margin() -> Raster {
    Raster::of(500, 400, |x, y| match (x.checked_sub(100), y.checked_sub(80)) {
        (Some(x), Some(y)) if x < 260 && y < 200 => mark(260, 200, x, y),
        _ => [255; 3],
    })
}

/// How a picture must be stored to stand upright when it is shown as its orientation says.
fn stored(orientation: u8) -> Raster {
    let (width, height) = (480, 320);
    let (right, bottom) = (width - 1, height - 1);
    let (stored_width, stored_height) = if orientation < 5 { (width, height) } else { (height, width) };
    Raster::of(stored_width, stored_height, |x, y| {
        let (x, y) = match orientation {
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (right - y, x),
            7 => (right - y, bottom - x),
            8 => (y, bottom - x),
            _ => (x, y),
        };
        mark(width, height, x, y)
    })
}

/// Six frames, each moved to the right, one above the other as libvips wants them.
fn animation() -> Image {
    let (width, height) = FRAME;
    let strip = Raster::of(width, height * FRAMES, |x, y| {
        let moved = 20 * (y / height);
        mark(width, height, (x + width - moved) % width, y % height)
    });
    let delays = [50, 100, 150, 200, 250, 300];
    let strip = strip.image().edited(|header| {
        header.set_int("page-height", height as i32);
        header.set_int("n-pages", FRAMES as i32);
        header.set_ints("delay", &delays);
        header.set_int("loop", 3);
    });
    strip.expect("a header in memory")
}

fn lossless_webp(image: &Image) -> Vec<u8> {
    saved(image, "webpsave_buffer", |op: Op| op.set("lossless", Value::Bool(true)))
}

fn bmp(raster: &Raster) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = BmpEncoder::new(&mut file);
    encoder.encode(&raster.pixels, raster.width, raster.height, ExtendedColorType::Rgb8).expect("a picture in memory");
    file
}

//! A canary in every kind of metadata, through every encoder: none comes out, and who made the picture stays.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::engine::vips::{Caps, Value, Vips, VipsSpec, Watch};
use crate::engine::{Job, Limits, Output, run};
use crate::telemetry::clock;
use crate::transform::{Candidates, Transform};

/// Stands in everything that must not come out.
const CANARY: &str = "CANARY";

/// Who made the picture, in the words of each standard.
const ARTIST: &str = "Jos\u{e9} \u{5c71}\u{7530}";
const EXIF_RIGHTS: &str = "\u{a9} Exif (all)";
const IPTC_RIGHTS: &str = "\u{a9} Iptc";
const XMP_RIGHTS: &str = "\u{a9} Xmp";

const SAVERS: [(Format, &str, &str); 7] = [
    (Format::Jpeg, "jpegsave_buffer", "jpegload_source"),
    (Format::Png, "pngsave_buffer", "pngload_source"),
    (Format::Webp, "webpsave_buffer", "webpload_source"),
    (Format::Avif, "heifsave_buffer", "heifload_source"),
    (Format::Tiff, "tiffsave_buffer", "tiffload_source"),
    (Format::Jxl, "jxlsave_buffer", "jxlload_source"),
    (Format::Gif, "gifsave_buffer", "gifload_source"),
];

fn caps() -> &'static Caps {
    &Vips::start(VipsSpec { threads: 1 }).unwrap().caps
}

/// The formats that this machine reads and writes.
fn formats() -> impl Iterator<Item = (Format, &'static str, &'static str)> {
    SAVERS.into_iter().filter(|(format, saver, loader)| {
        caps().has(saver) && caps().has(loader) && (*format != Format::Avif || caps().saves_avif)
    })
}

/// A big-endian directory at this place, with the place of the next one; long values follow it.
fn directory(at: u32, entries: &[(u16, u16, &[u8])], next: u32) -> Vec<u8> {
    let mut head = (entries.len() as u16).to_be_bytes().to_vec();
    let mut data = Vec::new();
    let start = at + 2 + 12 * entries.len() as u32 + 4;
    for (tag, kind, value) in entries {
        let unit = match kind {
            3 => 2,
            4 => 4,
            5 => 8,
            _ => 1,
        };
        head.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        head.extend((value.len() as u32 / unit).to_be_bytes());
        let mut value = value.to_vec();
        if value.len() <= 4 {
            value.resize(4, 0);
            head.extend(value);
        } else {
            head.extend((start + data.len() as u32).to_be_bytes());
            value.resize(value.len().next_multiple_of(2), 0);
            data.extend(value);
        }
    }
    head.extend(next.to_be_bytes());
    [head, data].concat()
}

/// EXIF as a camera writes it: maker, orientation, comment, maker's note, position, thumbnail.
fn camera_exif() -> Vec<u8> {
    const SUB: u32 = 400;
    const GPS: u32 = 600;
    const SECOND: u32 = 800;
    const THUMBNAIL: u32 = 1000;
    let zero = |text: &str| [text.as_bytes(), b"\0"].concat();
    let place = |at: u32| at.to_be_bytes();
    let latitude = [51u32, 1, 30, 1, 26, 1].map(u32::to_be_bytes).concat();
    let first: [(u16, u16, &[u8]); 8] = [
        (0x010e, 2, &zero(CANARY)),
        (0x010f, 2, &zero(CANARY)),
        (0x0112, 3, &[0, 6]),
        (0x0131, 2, &zero(CANARY)),
        (0x013b, 2, &zero(ARTIST)),
        (0x8298, 2, &zero(EXIF_RIGHTS)),
        (0x8769, 4, &place(SUB)),
        (0x8825, 4, &place(GPS)),
    ];
    let sub: [(u16, u16, &[u8]); 3] =
        [(0x927c, 7, b"CANARY maker note"), (0x9286, 7, b"ASCII\0\0\0CANARY"), (0xa431, 2, &zero(CANARY))];
    let gps: [(u16, u16, &[u8]); 2] = [(1, 2, b"N\0"), (2, 5, &latitude)];
    let second: [(u16, u16, &[u8]); 3] =
        [(0x0103, 3, &[0, 6]), (0x0201, 4, &place(THUMBNAIL)), (0x0202, 4, &8u32.to_be_bytes())];
    let mut block = b"MM\0*\0\0\0\x08".to_vec();
    for (at, part) in [
        (8, directory(8, &first, SECOND)),
        (SUB, directory(SUB, &sub, 0)),
        (GPS, directory(GPS, &gps, 0)),
        (SECOND, directory(SECOND, &second, 0)),
        (THUMBNAIL, b"\xff\xd8CANARY".to_vec()),
    ] {
        assert!(block.len() <= at as usize);
        block.resize(at as usize, 0);
        block.extend(part);
    }
    [b"Exif\0\0".as_slice(), &block].concat()
}

fn camera_xmp() -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:p='http://ns.adobe.com/photoshop/1.0/' p:City='{CANARY}' p:Credit='{CANARY}'><dc:rights><rdf:Alt>\
         <rdf:li xml:lang='x-default'>{XMP_RIGHTS}</rdf:li></rdf:Alt></dc:rights><dc:description>{CANARY}\
         </dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
}

fn camera_iptc() -> Vec<u8> {
    let mut data = b"\x1c\x01\x5a\0\x03\x1b%G".to_vec();
    for (number, value) in [(90, CANARY), (116, IPTC_RIGHTS), (120, CANARY)] {
        data.extend([0x1c, 2, number]);
        data.extend((value.len() as u16).to_be_bytes());
        data.extend(value.as_bytes());
    }
    let head = b"Photoshop 3.0\08BIM\x04\x04\0\0".as_slice();
    [head, &(data.len() as u32).to_be_bytes(), &data, &vec![0; data.len() % 2]].concat()
}

/// A JPEG as it comes from a camera and an editor, 48 wide and 32 high before it is turned upright.
fn camera_jpeg() -> Bytes {
    caps();
    let pixels: Vec<u8> = (0..48 * 32 * 3).map(|at| (at % 251) as u8).collect();
    let image = Image::from_pixels(&pixels, 48, 32, 3).unwrap();
    let image = Op::new("copy").unwrap().set("in", &image).unwrap();
    let image = image.set("interpretation", Value::Nick("srgb")).unwrap().image().unwrap();
    let plain = scrubbed(&image, Keep::Nothing, Format::Jpeg).unwrap().0;
    let file = Op::new("jpegsave_buffer").unwrap().set("in", &plain).unwrap().bytes().unwrap();
    // Whatever libvips wrote between the first marker and the tables goes.
    let tables = file.windows(2).position(|pair| pair == b"\xff\xdb").unwrap();
    let segment = |marker: u8, body: &[u8]| {
        let len = (body.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], len.as_slice(), body].concat()
    };
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), camera_xmp().as_bytes()].concat();
    let segments = [
        segment(0xe1, &camera_exif()),
        segment(0xe1, &xmp),
        segment(0xed, &camera_iptc()),
        segment(0xfe, CANARY.as_bytes()),
        segment(0xeb, CANARY.as_bytes()),
    ];
    Bytes::from([&file[..2], &segments.concat(), &file[tables..]].concat())
}

/// The same picture in each format that libvips carries its metadata into, with what only that format has.
fn originals() -> Vec<(Format, Bytes)> {
    let jpeg = camera_jpeg();
    let image = Op::load("jpegload_source", &jpeg).unwrap().image().unwrap();
    let image = image
        .edited(|header| {
            for field in ["png-comment-0-Comment", "gif-comment", "image-description", "comment"] {
                header.set_text(field, CANARY);
            }
            header.set_blob("photoshop-data", &camera_iptc()[14..]);
        })
        .unwrap();
    let mut all = vec![(Format::Jpeg, jpeg)];
    for (format, saver, _) in formats().filter(|(format, ..)| *format != Format::Jpeg) {
        let op = Op::new(saver).unwrap().set("in", &image).unwrap();
        let op = op.set_if_supported("compression", Value::Nick(if format == Format::Avif { "av1" } else { "none" }));
        // PNG has a number under this name.
        let op = op.or_else(|_| Op::new(saver).unwrap().set("in", &image)).unwrap();
        all.push((format, op.bytes().unwrap()));
    }
    all
}

fn made(original: &Bytes, transform: Transform) -> Bytes {
    let candidates = Candidates::only(transform.format);
    let job = Job {
        inputs: vec![original.clone()],
        outputs: vec![Output { transform, candidates }],
        limits: Limits::default(),
    };
    let watch = Watch::new(clock::instant() + Duration::from_mins(10), Arc::default());
    let mut result = None;
    run(&job, &watch, |(_, outcome)| {
        result = Some(outcome.unwrap().bytes);
        ControlFlow::Continue(())
    });
    result.unwrap()
}

/// Everything that a file says beside its pixels, as libvips reads it, and the file itself.
fn said(file: &Bytes, loader: &str) -> String {
    let image = Op::load(loader, file).unwrap().image().unwrap();
    let mut said = String::from_utf8_lossy(file).into_owned();
    for field in image.fields() {
        let blob = image.blob(&field).unwrap_or_default();
        let text = image.text(&field).unwrap_or_default();
        said.extend([field.as_str(), "=", &text, " ", &String::from_utf8_lossy(&blob), "\n"]);
    }
    said
}

#[test]
fn the_canary_is_in_every_original() {
    for (format, file) in originals() {
        let loader = SAVERS.iter().find(|row| row.0 == format).unwrap().2;
        // JPEG XL and GIF carry none with libvips 8.14.
        let is_there = said(&file, loader).contains(CANARY) || matches!(format, Format::Jxl | Format::Gif);
        assert!(is_there, "{format:?}");
    }
    let jpeg = said(&camera_jpeg(), "jpegload_source");
    for field in ["Make=", "UserComment=", "GPSLatitude=", "MakerNote=", "xmp-data=", "iptc-data=", "orientation=6"] {
        assert!(jpeg.contains(field), "{field}");
    }
}

#[test]
fn no_canary_comes_out_of_any_format() {
    for (from, original) in originals() {
        for (to, _, loader) in formats() {
            for keep_copyright in [false, true] {
                let transform = Transform { keep_copyright, format: Some(to), ..Transform::default() };
                let said = said(&made(&original, transform), loader);
                let place = format!("{from:?} to {to:?}, copyright kept: {keep_copyright}");
                for secret in [CANARY, "GPS", "exif-ifd1", "MakerNote", "thumbnail-data=/"] {
                    assert!(!said.contains(secret), "{place}: {secret} in {said}");
                }
                if !keep_copyright {
                    for rights in [ARTIST, EXIF_RIGHTS, IPTC_RIGHTS, XMP_RIGHTS] {
                        assert!(!said.contains(rights), "{place}: {rights}");
                    }
                }
            }
        }
    }
}

#[test]
fn who_made_it_stays_where_the_format_carries_it() {
    let original = camera_jpeg();
    for (to, _, loader) in formats() {
        let transform = Transform { format: Some(to), ..Transform::default() };
        let said = said(&made(&original, transform), loader);
        let wanted: &[&str] = match to {
            Format::Jpeg => &[ARTIST, EXIF_RIGHTS, IPTC_RIGHTS, XMP_RIGHTS],
            Format::Png | Format::Webp | Format::Avif => &[ARTIST, EXIF_RIGHTS, XMP_RIGHTS],
            // What EXIF said stands in XMP.
            Format::Tiff => &[ARTIST, IPTC_RIGHTS, XMP_RIGHTS],
            _ => &[],
        };
        for rights in wanted {
            assert!(said.contains(rights), "{to:?}: {rights} not in {said}");
        }
    }
}

#[test]
fn credits_survive_a_second_pass_unchanged() {
    let transform = || Transform { format: Some(Format::Jpeg), ..Transform::default() };
    let once = made(&camera_jpeg(), transform());
    let twice = made(&once, transform());
    let fields = |file: &Bytes| {
        let image = Op::load("jpegload_source", file).unwrap().image().unwrap();
        let text = |field: &str| image.text(field).unwrap();
        let of = |field: &str| image.blob(field).unwrap();
        (text("exif-ifd0-Artist"), text("exif-ifd0-Copyright"), of("iptc-data"), of("xmp-data"))
    };
    assert_eq!(fields(&once), fields(&twice));
}

#[test]
fn an_upright_picture_is_not_turned_again() {
    for (to, _, loader) in formats() {
        let kept = Transform { strip_metadata: false, format: Some(to), ..Transform::default() };
        let file = made(&camera_jpeg(), kept.clone());
        let image = Op::load(loader, &file).unwrap().image().unwrap();
        assert_eq!((image.width(), image.height()), (32, 48), "{to:?}");
        assert_eq!(image.int("orientation").unwrap_or(1), 1, "{to:?}");
        assert!(image.text("exif-ifd0-Orientation").is_none_or(|text| text.starts_with("1 ")), "{to:?}");
        if to == Format::Jpeg {
            assert!(image.text("exif-ifd0-Make").is_some_and(|text| text.contains(CANARY)), "everything is kept");
            assert!(image.has("exif-ifd3-GPSLatitude"));
            assert!(image.blob("jpeg-thumbnail-data").unwrap_or_default().is_empty(), "but what shows other pixels");
            let lying = made(&camera_jpeg(), Transform { auto_rotate: false, ..kept });
            let image = Op::load(loader, &lying).unwrap().image().unwrap();
            assert_eq!((image.width(), image.int("orientation")), (48, Some(6)), "viewers turn what we did not");
        }
    }
}

#[test]
fn a_scrubbed_picture_has_the_usual_resolution_and_how_its_frames_are_read() {
    caps();
    let image = Image::from_pixels(&[0; 12], 2, 2, 3).unwrap();
    let image = Op::new("copy").unwrap().set("in", &image).unwrap().set("xres", 9.0).unwrap().image().unwrap();
    let image = image
        .edited(|header| {
            header.set_ints("delay", &[10, 20]);
            header.set_int("loop", 3);
            header.set_text("comment", CANARY);
            header.set_blob("gainmap-data", b"x");
        })
        .unwrap();
    let (all, is_left) = scrubbed(&image, Keep::All, Format::Jpeg).unwrap();
    assert!(is_left && all.has("comment") && !all.has("gainmap-data"));
    let (bare, is_left) = scrubbed(&image, Keep::Copyright, Format::Jpeg).unwrap();
    assert!(!is_left && !bare.has("comment") && !bare.has("gainmap-data"));
    assert_eq!((bare.ints("delay"), bare.int("loop")), (Some(vec![10, 20]), Some(3)));
    let dots: f64 = bare.text("xres").unwrap().parse().unwrap();
    assert!((dots * 25.4 - 72.0).abs() < 0.01, "{dots}");
}

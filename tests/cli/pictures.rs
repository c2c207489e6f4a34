//! `tintype transform`: sizes and formats of what comes out, and files that are never lost.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use tintype::engine::sniff;
use tintype::engine::vips::{Op, Vips, VipsSpec};
use tintype::transform::Format;

use crate::support::{bmp, run, run_fed, text};

/// A folder with an original of 400 by 300 pixels.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("in.bmp");
    fs::write(&original, bmp(400, 300)).unwrap();
    let original = text(&original).to_owned();
    (folder, original)
}

/// What a file is, and its sides.
fn facts(bytes: &[u8]) -> (Format, u32, u32) {
    Vips::start(VipsSpec { threads: 1 }).unwrap();
    let format = sniff(bytes).unwrap();
    let loader = match format {
        Format::Jpeg => "jpegload_source",
        Format::Png => "pngload_source",
        Format::Webp => "webpload_source",
        Format::Avif => "heifload_source",
        other => panic!("{other:?} was not expected"),
    };
    let image = Op::load(loader, &Bytes::copy_from_slice(bytes)).unwrap().image().unwrap();
    (format, image.width(), image.height())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_extension_decides_the_format_and_options_the_size() {
    let (folder, original) = folder();
    let formats = [("jpg", Format::Jpeg), ("PNG", Format::Png), ("webp", Format::Webp), ("avif", Format::Avif)];
    for (extension, format) in formats {
        let result = folder.path().join(format!("out.{extension}"));
        let made = run(&["transform", &original, text(&result), "rs:fill:120:60", "q:70"]);
        assert_eq!(made.code, 0, "{}", made.err);
        assert!(made.out.is_empty());
        let bytes = fs::read(&result).unwrap();
        assert_eq!(facts(&bytes), (format, 120, 60));
        let line = format!("400x300 bmp 360054 bytes -> 120x60 {} {} bytes, ", format.name(), bytes.len());
        assert!(made.err.contains(&line) && made.err.trim_end().ends_with(" ms"), "{}", made.err);
    }
    assert_eq!(names(folder.path()), ["in.bmp", "out.PNG", "out.avif", "out.jpg", "out.webp"]);
}

#[test]
fn an_option_beats_the_extension_and_presets_are_known() {
    let (folder, original) = folder();
    let result = folder.path().join("out.png");
    let made = run(&["transform", &original, text(&result), "pr:thumbnail", "f:webp"]);
    assert!(made.err.contains("the extension of") && made.err.contains("says png"), "{}", made.err);
    assert_eq!(facts(&fs::read(&result).unwrap()), (Format::Webp, 256, 192));
}

#[test]
fn pictures_pass_through_pipes() {
    let made = run_fed(&bmp(400, 300), &["transform", "-", "-", "w:100", "f:png", "--quiet"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    assert_eq!(facts(&made.out), (Format::Png, 100, 75));
}

#[test]
fn accept_negotiates_as_on_the_server() {
    let original = bmp(400, 300);
    let of = |more: &[&str]| {
        let made = run_fed(&original, &[&["transform", "-", "-", "w:100"], more].concat());
        assert_eq!(made.code, 0, "{}", made.err);
        facts(&made.out).0
    };
    assert_eq!(of(&[]), Format::Jpeg, "nothing accepted and a BMP is not for browsers");
    assert_eq!(of(&["--accept", "image/avif,image/webp,*/*"]), Format::Avif);
    assert_eq!(of(&["--accept", "image/avif;q=0.5,image/webp"]), Format::Webp);
    assert_eq!(of(&["--accept", "*/*"]), Format::Jpeg);
    assert_eq!(of(&["--accept", "image/avif", "--format-preference", "webp"]), Format::Jpeg);
    assert_eq!(of(&["--accept", "image/avif", "f:png"]), Format::Png);
}

#[test]
fn a_failure_leaves_everything_as_it_was() {
    let (folder, original) = folder();
    let result = folder.path().join("out.png");
    fs::write(&result, "precious").unwrap();
    let broken = folder.path().join("broken.jpg");
    fs::write(&broken, b"\xff\xd8\xff\xe0rubbish").unwrap();
    let refused = |args: &[&str]| {
        let complaint = run(&[&["transform"], args].concat()).refused();
        assert_eq!(fs::read(&result).unwrap(), b"precious");
        complaint
    };
    assert!(refused(&[text(&broken), text(&result)]).contains("the original is broken"));
    let limit = refused(&[&original, text(&result), "w:20000", "el:1"]);
    assert!(limit.contains("is 20000, the limit is 16384; see --output-side-max"), "{limit}");
    assert!(refused(&[&original, text(&result), "--source-bytes-max", "100"]).contains("more than 100 bytes"));
    assert!(refused(&[&original, text(&result), "w:x"]).contains("accepted  width:%pixels"));
    assert!(refused(&[&original, text(&result), "raw:1"]).contains("option raw"));
    assert!(refused(&["/nonexistent.jpg", text(&result)]).contains("/nonexistent.jpg cannot be read"));
    assert!(refused(&[&original, &original, "f:png"]).contains("is the original itself"));
    assert!(refused(&[&original, text(folder.path())]).contains("is a folder"));
    assert!(refused(&[&original, text(&folder.path().join("no/out.png"))]).contains("its folder is not there"));
    assert!(refused(&[&original, text(&folder.path().join("out.doc"))]).contains("no format has the extension `doc`"));
    assert_eq!(fs::read(&original).unwrap(), bmp(400, 300));
    assert_eq!(names(folder.path()), ["broken.jpg", "in.bmp", "out.png"]);
}

#[test]
fn rules_for_clients_do_not_bind_the_shell() {
    let rules = ["--allowed-options", "h", "--only-presets", "true", "--base-url", "https://a.example/"];
    let made = run_fed(&bmp(40, 30), &[&["transform", "-", "-", "w:20", "f:png"], &rules[..]].concat());
    assert_eq!(facts(&made.out), (Format::Png, 20, 15));
}

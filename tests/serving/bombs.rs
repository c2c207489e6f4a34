//! Originals that cost more than they weigh: refused by a limit that is named, without the memory that they ask for,
//! and with the server as well as before.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::bombs;
use crate::support::folder;
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// Memory that no bomb may make the program take, workers included. It takes about 70 MB by itself; a bomb means to
/// take gigabytes.
const PEAK_MIB_MAX: u64 = 400;

/// A server over bombs.
struct Range {
    server: Server,
    folder: TempDir,
    fired: u32,
}

/// What a bomb is answered with.
enum Expected {
    /// 422 by the limit of this setting; empty for one that nobody can set.
    Limit(&'static str),
    /// 422 of this kind.
    Refused(&'static str),
    /// A picture: it is only large at first sight.
    Picture,
}

use Expected::{Limit, Picture, Refused};

// === impl Range ===

impl Range {
    fn new() -> Self {
        let folder = folder(&[("plain.png", &marks(64, 48).png())]);
        let server = Launch::over(folder.path()).set("WORKERS", "2");
        // What is allowed may take its time on a crowded machine.
        let server = server.set("TRANSFORM_TIMEOUT", "50s").set("REQUEST_TIMEOUT", "50s").start();
        Self { server, folder, fired: 0 }
    }

    /// Asks for a bomb as a still and as what it is, then for a picture that is none.
    fn fire(&mut self, name: &str, bomb: &[u8], expected: &Expected) {
        self.fired += 1;
        let file = format!("bomb-{}", self.fired);
        fs::write(self.folder.path().join(&file), bomb).expect("a writable folder");
        let answer = self.server.get(&format!("/_/w:8/plain/local:///{file}@png"));
        let problem = || answer.problem();
        match expected {
            Limit(setting) => {
                assert_eq!((answer.status, &problem()["type"]), (422, &"urn:tintype:limit-exceeded".into()), "{name}");
                let named = problem()["setting"].as_str().unwrap_or_default().to_owned();
                assert_eq!(named, *setting, "{name}: {}", problem());
                assert!(named.is_empty() || tintype::config::setting(&named).is_some(), "{named} is no setting");
                let limit = problem()["limit"].as_str().and_then(|limit| limit.parse::<u64>().ok());
                let limit = limit.unwrap_or_else(|| panic!("{name}: no number in {}", problem()));
                assert!(
                    problem()["detail"].as_str().is_some_and(|detail| detail.contains(&limit.to_string())),
                    "{name}"
                );
            }
            Refused(kind) => {
                assert_eq!((answer.status, &problem()["type"]), (422, &format!("urn:tintype:{kind}").into()), "{name}");
            }
            Picture => assert_eq!((answer.status, answer.content_type()), (200, "image/png"), "{name} {answer:?}"),
        }
        let next = self.server.get(&format!("/_/w:{}/plain/local:///plain.png@png", 8 + self.fired));
        assert_eq!(next.status, 200, "after {name}");
        let peak = peak_mib(self.server.pid());
        assert!(peak < PEAK_MIB_MAX, "{name} took {peak} MiB");
    }
}

/// The largest peak of memory of a process and of all that it started, so that it counts whoever decodes.
fn peak_mib(root: u32) -> u64 {
    let number = |text: &str, field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let processes = fs::read_dir("/proc").expect("processes").filter_map(|entry| {
        let entry = entry.ok()?;
        let pid: u64 = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        Some((pid, (number(&status, "PPid:")?, number(&status, "VmHWM:").unwrap_or(0) / 1024)))
    });
    let known: BTreeMap<u64, (u64, u64)> = processes.collect();
    let is_ours = |pid: &u64| {
        let parent = |pid: &u64| known.get(pid).map(|(parent, _)| *parent);
        std::iter::successors(Some(*pid), parent).take(8).any(|pid| pid == u64::from(root))
    };
    known.iter().filter(|(pid, _)| is_ours(pid)).map(|(_, (_, peak))| *peak).max().expect("the server")
}

#[test]
fn every_format_is_measured_before_it_is_decoded() {
    let mut range = Range::new();
    let huge = u32::MAX >> 1;
    let rows: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("PNG of the largest sides", bombs::png(huge, huge, b""), Limit("source.side_max")),
        ("PNG of many pixels", bombs::png(50_000, 50_000, b""), Limit("source.pixels_max")),
        ("JPEG of many pixels", bombs::jpeg(65_500, 1), Limit("source.pixels_max")),
        ("GIF with a huge frame", bombs::gif((1, 1), (65_535, 65_535), 1), Limit("source.pixels_max")),
        ("GIF with a huge canvas", bombs::gif((65_535, 65_535), (1, 1), 1), Picture),
        ("WebP with a huge canvas", bombs::webp((1 << 24, 256), 1), Limit("source.side_max")),
        ("WebP of many pixels", bombs::webp((16_000, 16_000), 1), Limit("source.pixels_max")),
        ("TIFF of the largest sides", bombs::tiff((huge, huge), &[], 1), Limit("source.side_max")),
        ("TIFF of many pixels", bombs::tiff((8_000, 8_000), &[], 1), Limit("source.pixels_max")),
        ("TIFF with huge tiles", bombs::tiff((64, 64), &[(322, 60_000), (323, 60_000)], 1), Limit("source.pixels_max")),
        (
            "TIFF with the largest tiles",
            bombs::tiff((64, 64), &[(322, 1 << 30), (323, 16)], 1),
            Limit("source.side_max"),
        ),
        ("TIFF with fat pixels", bombs::tiff((7_000, 7_000), &[(277, 60_000)], 1), Limit("source.pixels_max")),
        ("BMP of the largest sides", bombs::bmp(i32::MAX, i32::MIN), Limit("source.side_max")),
        ("BMP of many pixels", bombs::bmp(60_000, -60_000), Limit("source.pixels_max")),
        ("BMP without its pixels", bombs::bmp(7_000, 7_000), Refused("original-broken")),
        ("icon with a huge PNG", bombs::icon(60_000, true), Limit("source.pixels_max")),
        ("icon with a huge bitmap", bombs::icon(60_000, false), Limit("source.pixels_max")),
        ("AVIF of the largest sides", bombs::heif(b"avif", b"av01", huge, huge), Limit("source.side_max")),
        ("AVIF of many pixels", bombs::heif(b"avif", b"av01", 30_000, 30_000), Limit("source.pixels_max")),
        ("AVIF grid of many pixels", bombs::heif(b"avif", b"grid", 60_000, 60_000), Limit("source.pixels_max")),
        ("HEIC of many pixels", bombs::heif(b"heic", b"hvc1", 30_000, 30_000), Limit("source.pixels_max")),
        ("JPEG XL of the largest sides", bombs::jxl(1 << 30), Limit("source.side_max")),
        ("JPEG XL of many pixels", bombs::jxl(60_000), Limit("source.pixels_max")),
    ];
    for (name, bomb, expected) in rows {
        range.fire(name, &bomb, &expected);
    }
}

#[test]
fn a_picture_larger_than_its_file_says_is_refused_all_the_same() {
    let folder = folder(&[("a.png", &marks(256, 256).png())]);
    let maker = Launch::over(folder.path()).start();
    let server = Launch::over(folder.path()).set("SOURCE_SIDE_MAX", "200").start();
    let mut lies = 0;
    for format in ["avif", "heic"] {
        let made = maker.get(&format!("/_/plain/local:///a.png@{format}"));
        // Not every libvips writes HEIC.
        if made.status != 200 {
            continue;
        }
        let mut file = made.body;
        let properties: Vec<usize> = (0..file.len() - 4).filter(|at| &file[*at..*at + 4] == b"ispe").collect();
        for at in properties {
            file[at + 8..at + 16].copy_from_slice(&[0, 0, 0, 64, 0, 0, 0, 64]);
        }
        fs::write(folder.path().join(format), file).expect("a writable folder");
        let problem = server.get(&format!("/_/w:8/plain/local:///{format}@png")).problem();
        assert_eq!((&problem["setting"], &problem["limit"]), (&"source.side_max".into(), &"200".into()), "{format}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("is 256")), "{format}: {problem}");
        lies += 1;
    }
    assert!(lies > 0);
}

#[test]
fn what_multiplies_is_counted_before_it_is_decoded() {
    let mut range = Range::new();
    let texts: Vec<u8> = (0..40).flat_map(|number| bombs::spaces(&format!("k{number}"), 20_000_000)).collect();
    let picture = marks(64, 48).png();
    // Behind signature and header.
    let texted = [&picture[..33], &texts, &picture[33..]].concat();
    let rows: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("PNG with texts of 800 MB", texted, Picture),
        ("JPEG with as many scans as are read", bombs::jpeg(64, 100), Picture),
        ("JPEG with one scan more", bombs::jpeg(64, 101), Limit("")),
        ("JPEG with scans without number", bombs::jpeg(7_000, 5_000), Limit("")),
        ("GIF with frames without number", bombs::gif((8, 8), (1, 1), 500_000), Picture),
        ("WebP with as many frames as are read", bombs::webp((1, 1), 10_000), Picture),
        ("WebP with one frame more", bombs::webp((1, 1), 10_001), Limit("frames_max")),
        ("WebP with frames without number", bombs::webp((1, 1), 500_000), Limit("frames_max")),
        ("TIFF with as many pages as are read", bombs::tiff((8, 8), &[], 10_000), Picture),
        ("TIFF with one page more", bombs::tiff((8, 8), &[], 10_001), Limit("frames_max")),
        ("TIFF with pages without number", bombs::tiff((8, 8), &[], 100_000), Limit("frames_max")),
    ];
    for (name, bomb, expected) in rows {
        range.fire(name, &bomb, &expected);
    }
}

#[test]
fn drawings_are_bounded_before_they_are_rendered() {
    let mut range = Range::new();
    let nested = |depth: usize| format!("{}{}", "<g>".repeat(depth - 1), "</g>".repeat(depth - 1));
    let kernel = |side: usize| {
        let numbers = "1 ".repeat(side * side);
        let filter = format!(r#"<filter id="f"><feConvolveMatrix order="{side}" kernelMatrix="{numbers}"/></filter>"#);
        format!(r#"{filter}<rect width="9" height="9" filter="url(#f)"/>"#)
    };
    let uses = |floors: u32| {
        let floor = |n: u32| format!(r#"<g id="a{}">{}</g>"#, n + 1, format!(r##"<use href="#a{n}"/>"##).repeat(10));
        let tower: String = (0..floors).map(floor).collect();
        format!(r##"<defs><rect id="a0" width="1" height="1"/>{tower}</defs><use href="#a{floors}"/>"##)
    };
    let attributes = |count: usize| {
        let list: Vec<_> = (0..count).map(|number| format!(r#" a{number}="1""#)).collect();
        format!("<g{}/>", list.concat())
    };
    let noise = r#"<feTurbulence baseFrequency="0.01" numOctaves="1000000000"/>"#;
    let noise = format!(r#"<filter id="f">{noise}</filter><rect width="100" height="100" filter="url(#f)"/>"#);
    let wide = r#"<filter id="f" x="-1e9" width="1e12"><feGaussianBlur stdDeviation="1e9"/></filter>"#;
    let wide = format!(r#"{wide}<rect width="9" height="9" filter="url(#f)"/>"#);
    let tiles = r#"<pattern id="p" width="1e-6" height="1e-6"><rect width="1" height="1"/></pattern>"#;
    let tiles = format!(r#"{tiles}<rect width="100" height="100" fill="url(#p)"/>"#);
    let entities = |body: &str| [b"<!DOCTYPE svg [".to_vec(), body.into(), b"]>".to_vec(), bombs::svg("&b;")].concat();
    let laughs = r#"<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">"#;
    let blow_up = format!(r#"<!ENTITY b "{}">"#, "a".repeat(20_000));
    let text = |bytes: usize| format!("<text>{}</text>", "a".repeat(bytes));
    let frame = bombs::svg("").len();
    let texts: Vec<u8> = (0..12).flat_map(|number| bombs::spaces(&format!("k{number}"), 2_900_000)).collect();
    let picture = marks(8, 8).png();
    let picture = STANDARD.encode([&picture[..33], &texts, &picture[33..]].concat());
    let image =
        |number: usize| format!(r#"<image x="{number}" width="9" height="9" href="data:image/png;base64,{picture}"/>"#);
    let images: Vec<String> = (0..5).map(image).collect();
    let rows: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("as deep as may be", bombs::svg(&nested(64)), Picture),
        ("one level deeper", bombs::svg(&nested(65)), Limit("")),
        ("as many elements as may be", bombs::svg(&"<g/>".repeat(99_999)), Picture),
        ("one element more", bombs::svg(&"<g/>".repeat(100_000)), Limit("")),
        ("as many attributes as may be", bombs::svg(&attributes(256)), Picture),
        ("one attribute more", bombs::svg(&attributes(257)), Limit("")),
        ("as large as may be", bombs::svg(&" ".repeat((2 << 20) - frame)), Picture),
        ("one byte more", bombs::svg(&" ".repeat((2 << 20) - frame + 1)), Limit("")),
        ("a matrix of as many numbers as may be", bombs::svg(&kernel(20)), Picture),
        ("a matrix that ends the renderer", bombs::svg(&kernel(21)), Limit("")),
        ("a text of one byte too many", bombs::svg(&text(8_193)), Limit("")),
        ("uses of uses", bombs::svg(&uses(4)), Picture),
        ("uses of uses without end", bombs::svg(&uses(9)), Limit("")),
        ("laughs", entities(laughs), Refused("original-svg-unsafe")),
        ("quadratic blow-up", entities(&blow_up), Refused("original-svg-unsafe")),
        ("pictures with texts of 170 MB", bombs::svg(&images.concat()), Picture),
        ("noise without end", bombs::svg(&noise), Picture),
        ("a filter of the largest size", bombs::svg(&wide), Picture),
        ("a pattern of the smallest size", bombs::svg(&tiles), Picture),
    ];
    for (name, bomb, expected) in rows {
        range.fire(name, &bomb, &expected);
    }
    let huge = String::from_utf8(bombs::svg("")).expect("a text").replace("\"100\"", "\"30000\"");
    range.fire("a large drawing made very small", huge.as_bytes(), &Picture);
    let tiny = String::from_utf8(bombs::svg("")).expect("a text").replace("\"100\"", "\"0.5\"");
    fs::write(range.folder.path().join("tiny"), tiny).expect("a writable folder");
    assert_eq!(range.server.get("/_/rs:fit:3000:3000:1/plain/local:///tiny@png").status, 200, "and a small one large");
    let file = format!("bomb-{}", range.fired);
    let whole: Value = range.server.get(&format!("/_/plain/local:///{file}@png")).problem();
    assert_eq!(whole["setting"], "output.side_max", "{whole}");
}

#[test]
fn sides_and_pixels_of_every_format_are_limited_to_the_pixel() {
    // A size that no encoder has to pad.
    let (width, height) = (64, 64);
    let folder = folder(&[("a.png", &marks(width, height).png())]);
    let maker = Launch::over(folder.path()).start();
    let mut names = Vec::new();
    for format in ["png", "jpg", "webp", "gif", "tiff", "avif", "bmp", "ico", "heic", "jxl"] {
        let made = maker.get(&format!("/_/plain/local:///a.png@{format}"));
        // Not every libvips writes the last two.
        if made.status == 200 {
            let name = format!("made.{format}");
            fs::write(folder.path().join(&name), made.body).expect("a writable folder");
            names.push(name);
        }
    }
    assert!(names.len() >= 8, "{names:?}");
    for (setting, at) in [("SOURCE_SIDE_MAX", width), ("SOURCE_PIXELS_MAX", width * height)] {
        for limit in [at - 1, at, at + 1] {
            let server = Launch::over(folder.path()).set(setting, &limit.to_string()).start();
            for name in &names {
                let answer = server.get(&format!("/_/w:8/plain/local:///{name}@png"));
                let expected = if limit < at { 422 } else { 200 };
                assert_eq!(answer.status, expected, "{name} with {setting} {limit}: {answer:?}");
                if limit < at {
                    let named = setting.to_lowercase().replacen('_', ".", 1);
                    assert_eq!(answer.problem()["setting"], named, "{name}");
                }
            }
        }
    }
}

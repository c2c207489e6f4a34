//! What is refused, with which status, and what its problem document tells.

use crate::support::client::Answer;
use crate::support::folder;
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// A PNG whose header is whole and says these sides; what stands for the pixels is none.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[header.as_slice(), &[8, 2, 0, 0, 0]].concat());
    [b"\x89PNG\r\n\x1a\n".as_slice(), &header, &chunk(b"IDAT", &[0; 8]), &chunk(b"IEND", b"")].concat()
}

fn chunk(name: &[u8], data: &[u8]) -> Vec<u8> {
    let named = [name, data].concat();
    [&(data.len() as u32).to_be_bytes(), named.as_slice(), &crc32(&named).to_be_bytes()].concat()
}

/// The checksum of PNG chunks (RFC 2083, section 15).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn refused(server: &Server, target: &str, status: u16, kind: &str) -> (Answer, serde_json::Value) {
    let answer = server.get(target);
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["status"]), (status, &status.into()), "{target} {problem}");
    assert_eq!(problem["type"], format!("urn:tintype:{kind}"), "{target} {problem}");
    let has_text = |name: &str| problem[name].as_str().is_some_and(|text| !text.is_empty());
    assert!(["title", "detail", "instance"].into_iter().all(has_text), "{target} {problem}");
    (answer, problem)
}

#[test]
fn the_checksum_is_that_of_png() {
    assert_eq!(crc32(b"IEND"), 0xae42_6082);
}

#[test]
fn mistakes_in_a_url_are_named_with_what_would_be_accepted() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).start();
    let rows = [
        ("widht:10", "widht:10", "width"),
        ("w:abc", "w:abc", "w"),
        ("rs:nope:1:1", "rs:nope:1:1", "resize:%type"),
        ("g:fp:2:2", "g:fp:2:2", "fraction from 0 to 1"),
        ("q:101", "q:101", "100"),
    ];
    for (option, segment, hint) in rows {
        let answer = server.get(&format!("/_/w:10/{option}/plain/local:///a.png@png"));
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["segment"]), (404, &segment.into()), "{problem}");
        let told = format!("{} {}", problem["accepted"], problem["detail"]);
        assert!(told.contains(hint), "{option}: {problem}");
        assert_eq!(answer.field("cache-control"), Some("public, max-age=60"), "{option}");
    }
    assert_eq!((server.transforms(), server.fetches()), (0, 0));
}

#[test]
fn an_expired_url_is_gone() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).start();
    let target = "/_/exp:1000000000/w:10/plain/local:///a.png@png";
    let (_, problem) = refused(&server, target, 404, "expired");
    assert!(problem["segment"].as_str().is_some_and(|segment| segment.starts_with("exp:")), "{problem}");
    assert_eq!(server.fetches(), 0);
}

#[test]
fn originals_that_are_missing_or_no_picture_are_told_apart() {
    let folder =
        folder(&[("text.txt", b"not an image\n"), ("empty.png", b""), ("noise.jpg", &[0xff, 0xd8, 0xff, 1, 2, 3])]);
    let server = Launch::over(folder.path()).start();
    refused(&server, "/_/w:10/plain/local:///none.png@png", 404, "original-not-found");
    for name in ["text.txt", "empty.png", "noise.jpg"] {
        let answer = server.get(&format!("/_/w:10/plain/local:///{name}@png"));
        assert_eq!((answer.status, &answer.problem()["status"]), (422, &422.into()), "{name}");
    }
    assert_eq!(server.metric("tintype_transforms_total", &["result=\"undecodable\""]), 3);
    assert_eq!(server.get("/_/w:10/plain/ftp://example.com/a.png").status, 404);
}

#[test]
fn a_remembered_failure_costs_nothing() {
    let folder = folder(&[("text.txt", b"not an image\n")]);
    let server = Launch::over(folder.path()).start();
    for _ in 0..5 {
        assert_eq!(server.get("/_/w:10/plain/local:///text.txt@png").status, 422);
        assert_eq!(server.get("/_/w:10/plain/local:///none.png@png").status, 404);
    }
    assert_eq!((server.transforms(), server.fetches()), (1, 2));
}

#[test]
fn a_picture_over_a_limit_is_refused_before_a_pixel_is_read() {
    let folder = folder(&[("bomb.png", &png_of(65_536, 65_536)), ("many.png", &png_of(60_000, 60_000))]);
    let server = Launch::over(folder.path()).start();
    for (name, setting, max) in
        [("bomb.png", "source.side_max", "65535"), ("many.png", "source.pixels_max", "50000000")]
    {
        let answer = server.get(&format!("/_/w:10/plain/local:///{name}@png"));
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["setting"]), (422, &setting.into()), "{problem}");
        assert!(problem["limit"].as_str().is_some_and(|limit| limit.starts_with(max)), "{problem}");
    }
    assert_eq!(server.metric("tintype_transforms_total", &["result=\"too_large\""]), 2);
}

#[test]
fn every_limit_is_named_by_its_setting() {
    let big = marks(300, 200).png();
    let folder = folder(&[("a.png", &big)]);
    let long = format!("/_/w:10/plain/local:///{}.png", "a".repeat(200));
    let rows = [
        ("SOURCE_SIDE_MAX", "299", "/_/w:10/plain/local:///a.png", 422, "source.side_max"),
        ("SOURCE_PIXELS_MAX", "59999", "/_/w:10/plain/local:///a.png", 422, "source.pixels_max"),
        ("SOURCE_BYTES_MAX", "100", "/_/w:10/plain/local:///a.png", 422, "source.bytes_max"),
        ("OUTPUT_SIDE_MAX", "299", "/_/plain/local:///a.png", 422, "output.side_max"),
        ("OUTPUT_PIXELS_MAX", "59999", "/_/plain/local:///a.png", 422, "output.pixels_max"),
        ("URL_BYTES_MAX", "128", long.as_str(), 414, "url.bytes_max"),
    ];
    for (name, value, target, status, setting) in rows {
        let server = Launch::over(folder.path()).set(name, value).start();
        let answer = server.get(target);
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["setting"]), (status, &setting.into()), "{problem}");
        assert!(tintype::config::setting(setting).is_some(), "{setting} is no setting");
    }
    let exact = Launch::over(folder.path()).set("SOURCE_SIDE_MAX", "300").set("SOURCE_PIXELS_MAX", "60000");
    let exact = exact.set("OUTPUT_SIDE_MAX", "300").set("OUTPUT_PIXELS_MAX", "60000");
    let exact = exact.set("SOURCE_BYTES_MAX", &big.len().to_string()).start();
    assert_eq!(exact.get("/_/plain/local:///a.png").status, 200);
}

#[test]
fn clients_that_want_pictures_get_a_line_of_text() {
    let folder = folder(&[]);
    let server = Launch::over(folder.path()).start();
    let target = "/_/w:10/plain/local:///none.png@png";
    for accept in ["image/avif,image/webp,image/*", "text/plain", "text/html"] {
        let answer = server.ask(target, &[("accept", accept)]);
        assert_eq!((answer.status, answer.content_type()), (404, "text/plain; charset=utf-8"), "{accept}");
        let text = String::from_utf8(answer.body).expect("a text");
        assert!(text.lines().count() == 1 && text.contains("original not found"), "{text}");
    }
    for accept in ["*/*", "application/json", "application/problem+json", "image/*,*/*;q=0.8"] {
        let answer = server.ask(target, &[("accept", accept)]);
        assert_eq!((answer.status, answer.content_type()), (404, "application/problem+json"), "{accept}");
    }
}

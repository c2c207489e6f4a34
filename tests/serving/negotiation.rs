//! Which format comes, and when the answer says that another client could have got another one.

use tintype::transform::Format;

use crate::support::folder;
use crate::support::pictures::{marks, saved, start};
use crate::support::server::{Launch, Server};

const CHROME: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
const FIREFOX: &str = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
const SAFARI: &str = "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,\
    image/svg+xml,image/*;q=0.8,*/*;q=0.5";
const OLD: &str = "image/*,*/*;q=0.8";
const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

const AVIF: &str = "image/avif";
const WEBP: &str = "image/webp";
const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";

/// What comes where AVIF is the best that client and server agree on; without its encoder the next best.
fn best() -> &'static str {
    if start().saves(Format::Avif) { AVIF } else { WEBP }
}

fn type_for(server: &Server, target: &str, accept: &[&str]) -> String {
    let fields: Vec<_> = accept.iter().map(|line| ("accept", *line)).collect();
    let answer = server.ask(target, &fields);
    assert_eq!((answer.status, answer.field("vary")), (200, Some("Accept")), "{target} {accept:?}");
    answer.content_type().to_owned()
}

#[test]
fn the_named_formats_decide_and_wildcards_say_nothing() {
    let folder = folder(&[("a.jpg", &marks(64, 48).jpeg())]);
    let server = Launch::over(folder.path()).start();
    let rows: [(&[&str], &str); 20] = [
        (&[], JPEG),
        (&["*/*"], JPEG),
        (&["image/*"], JPEG),
        (&[OLD], JPEG),
        (&[CHROME], best()),
        (&[FIREFOX], best()),
        (&[SAFARI], best()),
        (&[NAVIGATION], best()),
        (&["image/avif;q=0, image/webp"], WEBP),
        (&["image/webp;q=0.000"], JPEG),
        (&["IMAGE/WEBP"], WEBP),
        (&["image/webp ; q=0.5"], WEBP),
        (&["image/webp;v=1"], WEBP),
        (&["image/webpx"], JPEG),
        (&["ximage/webp"], JPEG),
        (&["image/webp;q=abc"], JPEG),
        (&["image/webp;q=1.5"], JPEG),
        (&["image/avif", "image/webp"], best()),
        (&["image/avif;q=0.1, image/webp;q=0.9"], WEBP),
        (&["text/plain", "image/webp"], WEBP),
    ];
    for (accept, wanted) in rows {
        assert_eq!(type_for(&server, "/_/w:32/plain/local:///a.jpg", accept), wanted, "{accept:?}");
    }
}

#[test]
fn without_a_new_format_the_original_keeps_its_own_or_becomes_one_that_shows() {
    let alpha = crate::support::pictures::Raster::of(64, 48, |x, _| [9, 99, 200, if x < 32 { 255 } else { 0 }]);
    let lossless = |image| saved(image, "webpsave_buffer", |op| op.set("lossless", true));
    let folder = folder(&[
        ("a.png", &marks(64, 48).png()),
        ("a.webp", &lossless(&marks(64, 48).image())),
        ("clear.webp", &lossless(&alpha.image())),
        ("a.tiff", &saved(&marks(64, 48).image(), "tiffsave_buffer", Ok)),
        ("a.svg", br#"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><path d="M0 0h9v9z"/></svg>"#),
    ]);
    let server = Launch::over(folder.path()).start();
    for (original, wanted) in [("a.png", PNG), ("a.webp", JPEG), ("clear.webp", PNG), ("a.tiff", JPEG), ("a.svg", PNG)]
    {
        assert_eq!(type_for(&server, &format!("/_/w:32/plain/local:///{original}"), &[OLD]), wanted, "{original}");
        assert_eq!(type_for(&server, &format!("/_/w:32/plain/local:///{original}"), &[WEBP]), WEBP, "{original}");
    }
}

#[test]
fn a_picture_too_small_for_avif_comes_in_the_next_format() {
    let folder = folder(&[("a.jpg", &marks(64, 48).jpeg())]);
    let server = Launch::over(folder.path()).start();
    assert_eq!(type_for(&server, "/_/w:10/plain/local:///a.jpg", &[CHROME]), WEBP);
    assert_eq!(type_for(&server, "/_/w:10/plain/local:///a.jpg", &[AVIF]), JPEG);
}

#[test]
fn vary_is_said_wherever_accept_could_have_chosen_otherwise() {
    let folder = folder(&[("a.jpg", &marks(64, 48).jpeg()), ("text.txt", b"not an image\n")]);
    let server = Launch::over(folder.path()).start();
    let negotiated = "/_/w:32/plain/local:///a.jpg";
    let whole = server.ask(negotiated, &[("accept", WEBP)]);
    let tag = whole.expect("etag");
    for (fields, status) in [
        (vec![("accept", WEBP)], 200),
        (vec![("accept", WEBP), ("if-none-match", tag)], 304),
        (vec![("accept", WEBP), ("range", "bytes=0-9")], 206),
        (vec![("accept", WEBP), ("range", "bytes=9999999-")], 416),
        (vec![("accept", WEBP), ("if-match", "\"other\"")], 412),
    ] {
        let answer = server.ask(negotiated, &fields);
        assert_eq!((answer.status, answer.field("vary")), (status, Some("Accept")), "{fields:?}");
    }
    for (target, status) in [("/_/w:32/plain/local:///no.jpg", 404), ("/_/w:32/plain/local:///text.txt", 422)] {
        let answer = server.ask(target, &[("accept", WEBP)]);
        assert_eq!((answer.status, answer.field("vary")), (status, Some("Accept")), "{target}");
    }
}

#[test]
fn a_format_in_the_url_leaves_nothing_to_vary() {
    let folder = folder(&[("a.jpg", &marks(64, 48).jpeg())]);
    let server = Launch::over(folder.path()).start();
    for target in ["/_/w:32/plain/local:///a.jpg@png", "/_/w:32/f:png/plain/local:///a.jpg"] {
        for accept in [CHROME, OLD] {
            let answer = server.ask(target, &[("accept", accept)]);
            assert_eq!((answer.content_type(), answer.field("vary")), (PNG, None), "{target} {accept}");
            let tag = answer.expect("etag");
            let again = server.ask(target, &[("accept", accept), ("if-none-match", tag)]);
            assert_eq!((again.status, again.field("vary")), (304, None), "{target} {accept}");
        }
    }
    assert_eq!(server.transforms(), 1, "one picture, whatever the client takes");
}

#[test]
fn clients_that_take_the_same_share_a_variant() {
    let folder = folder(&[("a.jpg", &marks(64, 48).jpeg())]);
    let server = Launch::over(folder.path()).start();
    let tags = [CHROME, FIREFOX, NAVIGATION]
        .map(|accept| server.ask("/_/w:32/plain/local:///a.jpg", &[("accept", accept)]).expect("etag").to_owned());
    assert!(tags[0] == tags[1] && tags[1] == tags[2], "{tags:?}");
    assert_eq!(server.transforms(), 1);
}

#[test]
fn an_empty_preference_negotiates_nothing() {
    let folder = folder(&[("a.jpg", &marks(64, 48).jpeg())]);
    let server = Launch::over(folder.path()).set("FORMAT_PREFERENCE", "").start();
    let answer = server.ask("/_/w:32/plain/local:///a.jpg", &[("accept", CHROME)]);
    assert_eq!((answer.content_type(), answer.field("vary")), (JPEG, None));
}

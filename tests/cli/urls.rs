//! `tintype url`: signatures, escapes, candidates and HTML, all read back by the parser.

use std::fs;

use tintype::transform::{Asked, Format};
use tintype::url::{DialectSpec, Parsed, parse};

use crate::support::{run, run_with, text};

/// `secret` and `hello`.
const KEYS: [(&str, &str); 2] = [("TINTYPE_KEY", "736563726574"), ("TINTYPE_SALT", "68656C6C6F")];

/// Variables, arguments, and the URL that they give.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

/// What a server without keys would understand.
fn read(url: &str) -> Parsed {
    let mut spec = DialectSpec::default();
    spec.signing.allow_unsigned = true;
    parse(url, &spec, 0).unwrap()
}

/// Everything between these two texts, wherever they stand.
fn between<'t>(text: &'t str, start: &str, end: &str) -> Vec<&'t str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn signatures_are_those_of_the_dialect() {
    let test_keys = [("TINTYPE_KEY", "746573742d6b6579"), ("TINTYPE_SALT", "746573742d73616c74")];
    let presets = tempfile::tempdir().unwrap();
    for name in ["thumb", "sharp"] {
        fs::write(presets.path().join(format!("{name}.toml")), "options = 'w:1'").unwrap();
    }
    let folder = text(presets.path());
    let curiosity = "http://example.com/images/curiosity.jpg";
    let cases: [Case; 6] = [
        (
            &KEYS,
            &[curiosity, "rs:fill:300:400:0", "g:sm", "--ext", "png"],
            "/v4il5rmSYrVOW341NliE_MPcqrwWLyWyeHNDz9YGFBs/rs:fill:300:400:0/g:sm/plain/http://example.com/images/curiosity.jpg@png",
        ),
        (
            &KEYS,
            &[curiosity],
            "/tLvEboG5BrUsclTgTUEGnYHTECamEGJN0sAxY2br4Qw/plain/http://example.com/images/curiosity.jpg",
        ),
        (
            &KEYS,
            &["http://example.com/a b?v=1.jpg", "rs:fit:300:300", "--ext", "webp"],
            "/4rfHoWUgPw_kzRmqnhwskANstzcJnDzNU22hCC7ZAzM/rs:fit:300:300/plain/http://example.com/a%20b%3Fv=1.jpg@webp",
        ),
        (
            &KEYS,
            &["local:///dir/file.jpg", "rs:fit:300:300", "--signature-size", "16"],
            "/d3JVsTGBi0dg0T_aoaBjTA/rs:fit:300:300/plain/local:///dir/file.jpg",
        ),
        (
            &KEYS,
            &[curiosity, "thumb", "sharp", "--only-presets", "true", "--presets-path", folder],
            "/zjj29E76wzLQnfD0vL7wL8XIQKCpKRp24L5jQ0YP1pc/thumb:sharp/plain/http://example.com/images/curiosity.jpg",
        ),
        (
            &test_keys,
            &["local:///test1.png", "rs:fill:4:4"],
            "/My9d3xq_PYpVHsPrCyww0Kh1w5KZeZhIlWhsa4az1TI/rs:fill:4:4/plain/local:///test1.png",
        ),
    ];
    for (keys, args, wanted) in cases {
        let made = run_with(keys, &[&["url"], args].concat());
        assert_eq!(made.err, "", "nothing to remark");
        assert_eq!(made.text(), format!("{wanted}\n"));
    }
}

#[test]
fn every_source_is_read_back_in_both_encodings() {
    let sources = [
        "local:///a.jpg",
        "https://example.com/a%20b.jpg?x=1&y=@2#z",
        "s3://bucket/ä ö/100%.png",
        "https://example.com/x:/y/plain/z",
    ];
    for source in sources {
        for more in [&[][..], &["--base64"], &["--ext", "avif"], &["--base64", "--ext", "avif"]] {
            let url = run(&[&["url", source, "w:30", "rs:fill::20"], more].concat()).text();
            let Parsed { asked, source: found, extension, .. } = read(url.trim_end());
            assert_eq!((found.as_str(), asked.width, asked.height), (source, Some(30), Some(20)), "{url}");
            assert_eq!(extension, more.contains(&"--ext").then_some(Format::Avif), "{url}");
        }
    }
}

#[test]
fn an_unsigned_url_is_given_with_a_remark_and_a_host_stands_before_the_path() {
    let made = run(&["url", "local:///a.jpg", "w:300/q:80", "--host", "https://img.example/x/", "--path-prefix", "/i"]);
    assert!(made.err.contains("the URL is not signed"), "{}", made.err);
    assert_eq!(made.text(), "https://img.example/x/i/unsafe/w:300/q:80/plain/local:///a.jpg\n");
    let bare = run_with(&KEYS, &["url", "a.jpg", "--allowed-sources", "https://a.example/"]);
    assert!(bare.err.contains("`a.jpg` has no scheme") && bare.err.contains("allowed_sources"), "{}", bare.err);
    assert!(run(&["url", "a.jpg", "--host", "img.example"]).refused().contains("--host"));
}

#[test]
fn candidates_have_their_widths_and_keep_the_proportions() {
    let list = run(&["url", "local:///a.jpg", "rs:fill:160:90", "--srcset", "640,320,640"]).text();
    let candidates: Vec<_> = list.trim_end().split(",\n").map(|line| line.split_once(' ').unwrap()).collect();
    let sides = |url: &str| {
        let Asked { width, height, .. } = read(url).asked;
        (width.unwrap(), height.unwrap_or(0))
    };
    let shown: Vec<_> = candidates.iter().map(|(url, width)| (*width, sides(url))).collect();
    assert_eq!(shown, [("320w", (320, 180)), ("640w", (640, 360))]);
    let free = run(&["url", "local:///a.jpg", "--srcset", "320"]).text();
    assert_eq!(sides(free.split(' ').next().unwrap()), (320, 0));
    assert_eq!(run(&["url", "local:///a.jpg", "--srcset", "0"]).code, 2);
}

#[test]
fn a_picture_offers_modern_formats_and_a_way_out() {
    let host = ["--host", "https://img.example"];
    let source = "https://a.example/a.jpg?x=1&y";
    let made = run(&[&["url", source, "rs:fill:16:9", "--srcset", "320,640", "--picture"], &host[..]].concat());
    let html = made.text();
    let urls: Vec<_> =
        between(&html, "https://img.example", " ").into_iter().map(|url| url.trim_matches('"')).collect();
    let read: Vec<_> = urls.iter().map(|url| read(&url.replace("&amp;", "&"))).collect();
    let facts: Vec<_> = read.iter().map(|parsed| (parsed.extension, parsed.asked.width, parsed.asked.height)).collect();
    let both = |format| [(format, Some(320), Some(180)), (format, Some(640), Some(360))];
    let src = [(None, Some(640), Some(360))];
    assert_eq!(facts, [&both(Some(Format::Avif))[..], &both(Some(Format::Webp)), &src, &both(None)].concat());
    assert!(read.iter().all(|parsed| parsed.source == source));
    assert!(html.starts_with("<picture>\n  <source type=\"image/avif\" sizes=\"100vw\""), "{html}");
    assert!(html.ends_with("width=\"640\" height=\"360\" alt=\"\">\n</picture>\n"), "{html}");
    assert!(html.matches('"').count().is_multiple_of(2) && !html.contains("&y"), "{html}");
    let open = run(&["url", source, "w:1", "--picture", "--sizes", "50vw", "--ext", "webp"]);
    assert!(open.err.contains("WIDTH and HEIGHT"), "{}", open.err);
    let html = open.text();
    assert_eq!(between(&html, "type=\"", "\""), ["image/avif"], "the fallback is WebP itself");
    assert!(html.contains("width=\"WIDTH\" height=\"HEIGHT\"") && html.contains("sizes=\"50vw\""), "{html}");
}

#[test]
fn what_the_parser_refuses_is_explained() {
    let refused = |args: &[&str]| run(&[&["url", "local:///a.jpg"], args].concat()).refused();
    let unknown = "tintype: unknown option `widht`; did you mean `width`?\n  in        widht:300\n  \
                   accepted  width:%pixels\n  more      tintype options width\n";
    assert_eq!(refused(&["widht:300"]), unknown);
    let bad = refused(&["q:high"]);
    assert!(bad.contains("`high` is not a quality") && bad.contains("accepted  quality:%0-100"), "{bad}");
    assert!(refused(&["w300"]).contains("`w300` is no option"));
    assert!(refused(&["pr:none"]).contains("unknown preset `none`"));
    assert!(refused(&["exp:1"]).contains("the URL expired"));
    assert!(refused(&["--ext", "doc"]).contains("unknown extension `doc`"));
    assert!(refused(&["w:1", "--allowed-options", "h"]).contains("option `w` is not allowed here"));
    assert!(refused(&["fn:abcdefghij", "--url-bytes-max", "1"]).contains("url.bytes_max"));
}

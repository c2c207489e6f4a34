//! Conditional and partial requests on variants, and tags that outlive the process.

use std::fs;

use crate::support::client::send;
use crate::support::folder;
use crate::support::pictures::marks;
use crate::support::server::Launch;

const TARGET: &str = "/_/w:32/plain/local:///a.png@png";

#[test]
fn an_entity_tag_outlives_a_restart_and_names_the_bytes() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let launch = Launch::over(folder.path());
    let (first, second) = (launch.start(), launch.start());
    let (one, two) = (first.get(TARGET), second.get(TARGET));
    let tag = one.expect("etag");
    assert_eq!(two.expect("etag"), tag);
    assert!(one.body == two.body, "the same tag for other bytes");
    assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");
    assert_ne!(first.get("/_/w:31/plain/local:///a.png@png").expect("etag"), tag);
    assert_ne!(first.get("/_/w:32/plain/local:///a.png@webp").expect("etag"), tag);
}

#[test]
fn another_original_under_the_same_name_has_another_tag() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let launch = Launch::over(folder.path()).set("ORIGIN_TTL", "0s");
    let server = launch.start();
    let old = server.get(TARGET);
    fs::write(folder.path().join("a.png"), marks(48, 64).png()).expect("a writable folder");
    let new = server.get(TARGET);
    assert_ne!(new.expect("etag"), old.expect("etag"));
    assert!(new.body != old.body);
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).start();
    let whole = server.get(TARGET);
    let (tag, modified) = (whole.expect("etag"), whole.expect("last-modified"));
    for fields in [
        vec![("if-none-match", tag)],
        vec![("if-none-match", "*")],
        vec![("if-none-match", "\"other\", W/\"more\""), ("if-none-match", tag)],
        vec![("if-modified-since", modified)],
    ] {
        let answer = server.ask(TARGET, &fields);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{fields:?}");
        assert_eq!(answer.field("content-length"), None, "{fields:?}");
        for name in ["etag", "cache-control"] {
            assert_eq!(answer.field(name), whole.field(name), "{fields:?}");
        }
    }
    for fields in [
        vec![("if-none-match", "\"other\"")],
        vec![("if-none-match", "\"other\""), ("if-modified-since", modified)],
        vec![("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")],
    ] {
        assert_eq!(server.ask(TARGET, &fields).status, 200, "{fields:?}");
    }
}

/// The tag is made of the key and the original's validators: a node that never made the picture knows it, too.
#[test]
fn a_cold_server_knows_the_tag() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let launch = Launch::over(folder.path());
    let tag = launch.start().get(TARGET).expect("etag").to_owned();
    let answer = launch.start().ask(TARGET, &[("if-none-match", &tag)]);
    assert_eq!((answer.status, answer.expect("etag")), (304, tag.as_str()));
}

#[test]
fn ranges_are_parts_of_the_stored_variant() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).start();
    let whole = server.get(TARGET);
    let (len, tag) = (whole.body.len(), whole.expect("etag"));
    assert_eq!(whole.field("accept-ranges"), Some("bytes"));
    for (range, first, last) in [("bytes=0-9", 0, 9), ("bytes=-5", len - 5, len - 1), ("bytes=10-", 10, len - 1)] {
        let part = server.ask(TARGET, &[("range", range)]);
        assert_eq!((part.status, part.content_type()), (206, "image/png"), "{range}");
        assert_eq!(part.expect("content-range"), format!("bytes {first}-{last}/{len}"), "{range}");
        assert!(part.body == whole.body[first..=last], "{range}");
        assert_eq!(part.field("etag"), Some(tag), "{range}");
    }
    let beyond = server.ask(TARGET, &[("range", &format!("bytes={len}-"))]);
    assert_eq!((beyond.status, beyond.expect("content-range")), (416, format!("bytes */{len}").as_str()));
    for fields in [
        vec![("range", "bytes=0-9"), ("if-range", "\"other\"")],
        vec![("range", "chapters=1-2")],
        vec![("range", "bytes=9-0")],
    ] {
        assert_eq!(server.ask(TARGET, &fields).status, 200, "{fields:?}");
    }
    assert_eq!(server.ask(TARGET, &[("range", "bytes=0-9"), ("if-range", tag)]).status, 206);
    assert_eq!(server.transforms(), 1);
}

#[test]
fn head_is_get_without_the_body() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).start();
    for target in [TARGET, "/_/w:32/plain/local:///none.png@png", "/_/w:x/plain/local:///a.png@png"] {
        let head = send(server.addr, "HEAD", target, &[]).receive();
        let get = server.get(target);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
        for name in ["content-type", "content-length", "etag", "cache-control", "vary", "last-modified"] {
            // A problem document holds the id of its request, which has always the same length.
            assert_eq!(head.field(name), get.field(name), "{target} {name}");
        }
    }
}

#[test]
fn an_answer_says_how_long_it_may_be_kept() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).set("TTL", "2h").start();
    assert_eq!(
        server.get(TARGET).expect("cache-control"),
        "public, max-age=7200, stale-while-revalidate=60, stale-if-error=86400"
    );
    let soon = tintype::telemetry::clock::now_unix_s() + 600;
    let answer = server.get(&format!("/_/exp:{soon}/w:32/plain/local:///a.png@png"));
    let age = answer.expect("cache-control").strip_prefix("public, max-age=").and_then(|age| age.parse::<u64>().ok());
    assert!(age.is_some_and(|age| age <= 600), "no longer than the URL is good: {answer:?}");
}

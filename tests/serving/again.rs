//! Hits of a URL that was hit before: what is remembered of it changes nothing but their cost.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;
use tintype::telemetry::clock;

use super::kept::TOKEN;
use crate::support::client::{Answer, send};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};
use crate::support::{eventually, folder};

const TARGET: &str = "/_/w:16/plain/local:///a.png@png";

fn is_hit(answer: &Answer) -> bool {
    answer.expect("cache-status").contains("; hit")
}

/// Hits often enough that everything that can be remembered is.
fn hit(server: &Server, target: &str) -> Answer {
    assert_eq!(server.get(target).status, 200, "{target}");
    for _ in 0..4 {
        let answer = server.get(target);
        assert!(answer.status == 200 && is_hit(&answer), "{target}");
    }
    server.get(target)
}

#[test]
fn every_hit_says_the_same_beside_what_is_its_own() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(originals.path()).start();
    let fields = |answer: Answer| -> BTreeSet<(String, String)> {
        let own = ["x-request-id", "server-timing", "date", "cache-status"];
        answer.fields.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect()
    };
    let miss = server.get(TARGET);
    let first = server.get(TARGET);
    assert!(is_hit(&first) && first.body == miss.body);
    let expected = fields(first);
    assert_eq!(fields(miss), expected);
    let mut ids = BTreeSet::new();
    for _ in 0..5 {
        let again = server.get(TARGET);
        let timing = again.expect("server-timing");
        assert!(timing.starts_with("cache;desc=\"hit\", total;dur="), "{timing}");
        assert!(ids.insert(again.expect("x-request-id").to_owned()));
        assert_eq!(fields(again), expected);
    }
    let own = server.ask(TARGET, &[("x-request-id", "mine")]);
    assert_eq!(own.expect("x-request-id"), "mine");
}

#[test]
fn conditions_ranges_and_heads_are_answered_from_what_is_remembered() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(originals.path()).start();
    let known = hit(&server, TARGET);
    let (len, etag) = (known.body.len(), known.expect("etag").to_owned());
    let confirmed = server.ask(TARGET, &[("if-none-match", &etag)]);
    assert_eq!((confirmed.status, confirmed.body.len(), confirmed.field("content-length")), (304, 0, None));
    assert_eq!(confirmed.expect("etag"), etag);
    let part = server.ask(TARGET, &[("range", "bytes=2-5")]);
    assert_eq!((part.status, part.expect("content-length")), (206, "4"));
    assert_eq!(part.expect("content-range"), format!("bytes 2-5/{len}"));
    assert_eq!(part.body, known.body[2..=5]);
    let refused = server.ask(TARGET, &[("if-match", "\"other\"")]);
    assert_eq!(refused.status, 412);
    let head = send(server.addr, "HEAD", TARGET, &[]).receive();
    assert_eq!((head.status, head.expect("content-length"), head.body.len()), (200, len.to_string().as_str(), 0));
    assert_eq!(hit(&server, TARGET).body, known.body);
}

#[test]
fn a_url_ends_when_it_says_however_often_it_was_hit() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(originals.path()).start();
    let ends_s = clock::now_unix_s() + 3;
    // Of several times the first one counts.
    let targets = [
        format!("/_/w:16/exp:{ends_s}/plain/local:///a.png@png"),
        format!("/_/w:16/exp:{ends_s}/exp:{}/plain/local:///a.png@png", ends_s + 1000),
        format!("/_/w:16/exp:{ends_s}/exp:0/plain/local:///a.png@png"),
    ];
    for target in &targets {
        hit(&server, target);
    }
    eventually("the end of the URLs", || clock::now_unix_s() > ends_s);
    for target in &targets {
        assert_eq!(server.get(target).status, 404, "{target}");
    }
}

#[test]
fn a_purge_holds_for_urls_that_were_hit() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(originals.path()).set("ADMIN_TOKEN", TOKEN).start();
    hit(&server, TARGET);
    assert_eq!(server.purge(&json!({"sources": ["local:///a.png"]})).status, 200);
    let answer = server.get(TARGET);
    assert!(!is_hit(&answer), "{}", answer.expect("cache-status"));
    hit(&server, TARGET);
}

#[test]
fn settings_that_are_read_again_hold_for_urls_that_were_hit() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let settings = folder(&[("tintype.toml", b"ttl = \"1m\"\n")]);
    let file = settings.path().join("tintype.toml");
    let server = Launch::over(originals.path()).set("CONFIG", &file.display().to_string()).start();
    assert!(hit(&server, TARGET).expect("cache-control").contains("max-age=60"));
    fs::write(&file, "ttl = \"2m\"\nallowed_sources = [\"local:///b\"]\n").expect("a writable folder");
    assert_eq!(server.reload()["message"], "settings reloaded");
    assert_ne!(server.get(TARGET).status, 200);
    fs::write(&file, "ttl = \"2m\"\n").expect("a writable folder");
    server.reload();
    assert!(server.get(TARGET).expect("cache-control").contains("max-age=120"));
}

#[test]
fn each_request_shows_its_token_and_its_accept() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(originals.path()).set("SECRET", "t0k").start();
    let target = "/_/w:16/plain/local:///a.png";
    let ask = |accept: &str| server.ask(target, &[("authorization", "Bearer t0k"), ("accept", accept)]);
    for _ in 0..4 {
        let kinds = ["image/webp", "", "image/avif"].map(|accept| ask(accept).expect("content-type").to_owned());
        assert_eq!(kinds[0], "image/webp");
        assert_ne!(kinds[1], "image/webp");
        assert_eq!(server.get(target).status, 403);
    }
}

//! What an answer tells the CDN beside its picture: tags to purge by, and what becomes of query strings.

use crate::support::folder;
use crate::support::pictures::marks;
use crate::support::server::Launch;

const TARGET: &str = "/_/w:32/plain/local:///a.png@png";

#[test]
fn an_answer_names_its_tags_as_each_cdn_reads_them() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(originals.path()).start();
    let answer = server.get(TARGET);
    let keys: Vec<&str> = answer.expect("surrogate-key").split(' ').collect();
    let kinds: Vec<&str> = keys.iter().map(|key| key.get(..2).expect("a tag")).collect();
    assert_eq!(kinds, ["s-", "h-", "u-"], "{answer:?}");
    assert_eq!(answer.expect("cache-tag").split(',').collect::<Vec<_>>(), keys);
    assert_eq!(answer.field("edge-cache-tag"), None);
    let not_modified = server.ask(TARGET, &[("if-none-match", answer.expect("etag"))]);
    assert_eq!((not_modified.status, not_modified.field("cache-tag")), (304, answer.field("cache-tag")));

    let quiet = Launch::over(originals.path()).set("TAG_HEADERS", "edge-cache-tag").start();
    let answer = quiet.get("/_/pr:avatar/plain/local:///a.png@png");
    assert_eq!((answer.field("surrogate-key"), answer.field("cache-tag")), (None, None));
    assert!(answer.expect("edge-cache-tag").ends_with(",p-avatar"), "{answer:?}");
}

#[test]
fn a_preset_may_say_how_long() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let presets = folder(&[("short.toml", b"options = \"w:16\"\nttl = \"90s\"\n")]);
    let server = Launch::over(originals.path()).set("PRESETS_PATH", &presets.path().display().to_string()).start();
    let answer = server.get("/_/pr:short/plain/local:///a.png@png");
    assert!(answer.expect("cache-control").starts_with("public, max-age=90,"), "{answer:?}");
}

#[test]
fn a_query_string_means_nothing_is_refused_or_sent_away() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let start = |query: &str| Launch::over(originals.path()).set("URL_QUERY", query).start();
    let asked = format!("{TARGET}?r=1");

    let ignoring = start("ignore");
    assert_eq!((ignoring.get(&asked).status, ignoring.get(TARGET).status, ignoring.transforms()), (200, 200, 1));

    let refused = start("refuse").get(&asked);
    assert_eq!((refused.status, &refused.problem()["type"]), (400, &"urn:tintype:query-refused".into()));
    assert_eq!(refused.problem()["segment"], "?r=1");

    let redirecting = start("redirect");
    let sent = redirecting.get(&asked);
    assert_eq!((sent.status, sent.field("location")), (308, Some(TARGET)));
    assert_eq!(redirecting.get("//elsewhere.example/a?r=1").status, 400, "no way to another host");
    assert_eq!(redirecting.get(TARGET).status, 200);
}

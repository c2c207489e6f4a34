//! Purges: when the answer says so nothing purged is served any more, whatever was just being made, and what was not
//! named stays.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::support::client::{Answer, post};
use crate::support::eventually;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

const TOKEN: &str = "t0k";

/// An origin where every path is the same picture, which changes when it is told.
struct Site {
    origin: Origin,
    version: Arc<AtomicU32>,
}

// === impl Site ===

impl Site {
    fn start() -> Self {
        let version = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&version);
        Self { origin: Origin::start(move |_| picture(told.load(Ordering::SeqCst))), version }
    }

    fn change(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    fn serve(&self) -> Server {
        launch(&self.origin).start()
    }

    fn source(&self, name: &str) -> String {
        self.origin.url(&format!("/{name}"))
    }

    fn target(&self, options: &str, name: &str) -> String {
        format!("/_/{options}/plain/{}@png", self.source(name))
    }
}

fn launch(origin: &Origin) -> Launch {
    Launch::before(origin).set("ADMIN_TOKEN", TOKEN)
}

/// An original whose height says its version.
fn picture(version: u32) -> Reply {
    Reply::ok(marks(64, 16 * (version + 1)).png()).with("etag", &format!("\"v{version}\""))
}

/// The version that a PNG was made of.
fn version(answer: &Answer) -> u32 {
    assert_eq!((answer.status, answer.content_type()), (200, "image/png"), "{answer:?}");
    let side = |at: usize| u32::from_be_bytes(answer.body[at..at + 4].try_into().expect("four bytes"));
    side(20) * 64 / side(16) / 16 - 1
}

fn followed(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.content_type()), (200, "application/json"), "{answer:?}");
    serde_json::from_slice(&answer.body).expect("a report")
}

#[test]
fn each_way_to_name_things_takes_them_and_leaves_the_rest() {
    let site = Site::start();
    let server = site.serve();
    let (a, b) = (site.target("w:8", "a/1.png"), site.target("w:8", "b/1.png"));
    let first = server.get(&a);
    let tags: Vec<&str> = first.expect("surrogate-key").split(' ').collect();
    assert_eq!(version(&server.get(&b)), 0);
    let orders = [
        json!({"urls": [a]}),
        json!({"sources": [site.source("a/1.png")]}),
        json!({"prefixes": [site.source("a/")]}),
        json!({"tags": [tags[0]]}),
        json!({"tags": [tags[2]], "sources": [site.source("nowhere.png")], "prefixes": [site.source("a/1")]}),
    ];
    for (number, order) in (1..).zip(orders) {
        site.change();
        assert_eq!(version(&server.get(&a)), number - 1, "kept until it is purged");
        let report = followed(&server.purge(&order));
        assert_eq!((&report["purged"]["memory"], &report["soft"]), (&json!(1), &json!(false)), "{order}: {report}");
        let again = followed(&server.purge(&order));
        assert_eq!((&again["purged"]["memory"], &again["marks"]), (&json!(0), &report["marks"]), "{order}: {again}");
        assert_eq!(version(&server.get(&a)), number, "{order}");
        let other = server.get(&b);
        assert!(other.expect("cache-status").starts_with("tintype; hit"), "{order}: {other:?}");
    }
    let everything = followed(&server.purge(&json!({"prefixes": [""]})));
    assert_eq!(everything["purged"], json!({"memory": 2, "originals_memory": 2}));
    assert_eq!((version(&server.get(&b)), version(&server.get(&a))), (5, 5));
    let host = followed(&server.purge(&json!({"tags": ["h-127.0.0.1"]})));
    assert_eq!(host["purged"], json!({"memory": 2, "originals_memory": 2}));
    let counted =
        |by: &str| server.metric("tintype_purged_items_total", &[&format!("by=\"{by}\""), "strength=\"hard\""]);
    assert_eq!((counted("urls"), counted("sources"), counted("prefixes"), counted("tags")), (2, 4, 5, 5));
    assert_eq!(server.metric("tintype_purged_entries_total", &["tier=\"memory\""]), 9);
}

#[test]
fn a_url_names_its_picture_however_it_is_written_and_negotiated() {
    let site = Site::start();
    let server = launch(&site.origin).set("PATH_PREFIX", "/img").start();
    let source = site.source("a.png");
    let target = format!("/img/_/rs:fit:8:0/q:70/plain/{source}");
    for written in [
        format!("/_/rs:fit:8:0/q:70/plain/{source}"),
        format!("https://cdn.example/img/c2lnbmF0dXJl/q:70/w:8/plain/{source}?r=1"),
        format!("http://cdn.example:8080/img/_/quality:70/width:8/exp:1/plain/{source}"),
    ] {
        for accept in ["image/webp", "*/*"] {
            assert_eq!(server.ask(&target, &[("accept", accept)]).status, 200);
        }
        let report = followed(&server.purge(&json!({"urls": [written]})));
        assert_eq!((&report["purged"]["memory"], &report["marks"]), (&json!(2), &json!(1)), "{written}: {report}");
    }
    // A URL of the original itself names it and all that was made of it.
    assert_eq!(server.get(&target).status, 200);
    let report = followed(&server.purge(&json!({"urls": [format!("/_/raw:1/plain/{source}")]})));
    assert_eq!(report["purged"], json!({"memory": 1, "originals_memory": 1}));
}

#[test]
fn a_purge_of_one_size_leaves_the_others_unless_the_original_changed() {
    let site = Site::start();
    let server = site.serve();
    let (small, large) = (site.target("w:8", "a.png"), site.target("w:16", "a.png"));
    for target in [&small, &large] {
        assert_eq!(version(&server.get(target)), 0);
    }
    let report = followed(&server.purge(&json!({"urls": [small]})));
    assert_eq!(report["purged"], json!({"memory": 1, "originals_memory": 0}));
    assert_eq!(version(&server.get(&small)), 0);
    assert_eq!((site.origin.asked().len(), server.transforms()), (2, 3), "the origin was asked whether it has changed");
    assert!(server.get(&large).expect("cache-status").starts_with("tintype; hit"));
    assert_eq!(server.transforms(), 3);
}

#[test]
fn what_was_being_made_when_the_purge_came_is_not_served_after_it() {
    let (gate, told) = (Gate::default(), Arc::new(AtomicU32::new(0)));
    let (held, asked) = (gate.clone(), Arc::clone(&told));
    // The first answer is the old picture and takes its time.
    let origin = Origin::start(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        if number == 0 {
            held.pass();
        }
        picture(number.min(1))
    });
    let server = launch(&origin).set("FETCH_FIRST_BYTE_TIMEOUT", "2m").set("FETCH_TIMEOUT", "2m").start();
    let target = format!("/_/w:8/plain/{}@png", origin.url("/a.png"));
    let before = server.send(&target, &[]);
    origin.wait_for(1);
    followed(&server.purge(&json!({"sources": [origin.url("/a.png")]})));
    assert_eq!(version(&server.get(&target)), 1, "who comes after the purge waits for nothing from before it");
    gate.open();
    assert_eq!(version(&before.receive()), 1, "and who waited since before gets nothing purged either");
    let kept = server.get(&target);
    assert!(kept.expect("cache-status").starts_with("tintype; hit"), "{kept:?}");
    assert_eq!((version(&kept), origin.asked().len()), (1, 2));
}

#[test]
fn failures_are_purged_with_what_failed() {
    let (gate, told) = (Gate::default(), Arc::new(AtomicU32::new(0)));
    let (held, asked) = (gate.clone(), Arc::clone(&told));
    // Missing, then there, then missing for long.
    let origin = Origin::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::status(404),
        2 => {
            held.pass();
            Reply::status(404)
        }
        number => picture(number),
    });
    let server = launch(&origin).set("FETCH_FIRST_BYTE_TIMEOUT", "2m").set("FETCH_TIMEOUT", "2m").start();
    let target = format!("/_/w:8/plain/{}@png", origin.url("/a.png"));
    let order = json!({"urls": [target]});
    assert_eq!((server.get(&target).status, server.get(&target).status), (404, 404));
    assert_eq!(origin.asked().len(), 1, "it is remembered");
    followed(&server.purge(&order));
    assert_eq!(version(&server.get(&target)), 1);
    followed(&server.purge(&order));
    let before = server.send(&target, &[]);
    origin.wait_for(3);
    followed(&server.purge(&order));
    gate.open();
    assert_eq!(before.receive().status, 404, "asked and answered before the purge");
    assert_eq!(version(&server.get(&target)), 3, "but not remembered after it");
}

#[test]
fn a_soft_purge_makes_stale_what_is_renewed_behind() {
    let site = Site::start();
    let server = site.serve();
    let target = site.target("w:8", "a.png");
    assert_eq!(version(&server.get(&target)), 0);
    site.change();
    let report = followed(&server.purge(&json!({"sources": [site.source("a.png")], "soft": true})));
    assert_eq!(report, json!({"purged": {"memory": 1, "originals_memory": 1}, "marks": 1, "soft": true}));
    let stale = server.get(&target);
    assert_eq!(version(&stale), 0);
    assert!(stale.expect("cache-status").contains("detail=swr"), "{stale:?}");
    eventually("it is renewed", || version(&server.get(&target)) == 1);
}

#[test]
fn orders_that_cannot_be_followed_are_told_what_is_wrong_and_change_nothing() {
    let site = Site::start();
    let server = site.serve();
    let target = site.target("w:8", "a.png");
    assert_eq!(version(&server.get(&target)), 0);
    let good = site.source("a.png");
    for (order, says) in [
        (json!({}), "it names nothing"),
        (json!({"tags": [], "soft": true}), "it names nothing"),
        (json!({"tag": ["a"]}), "unknown field `tag`"),
        (json!({"sources": [good], "urls": ["/_/widht:8/plain/http://a/b"]}), "urls[0]: unknown option `widht`"),
        (json!({"urls": ["cdn.example/_/w:8/plain/http://a/b"]}), "urls[0]: neither a URL nor a path"),
        (json!({"sources": [good, "a.png"]}), "sources[1]: "),
        (json!({"sources": [good], "prefixes": ["photos/"]}), "prefixes[0]: no original begins so"),
        (json!({"sources": [good], "tags": ["S-1"]}), "tags[0]: `S-1` is no tag"),
        (json!({"sources": [good], "tags": vec!["a"; 256]}), "257 things, the most are 256"),
        (json!({"sources": [good], "tags": ["a".repeat(8193)]}), "tags[0]: it is longer than 8192 bytes"),
    ] {
        let refused = server.purge(&order);
        let problem = refused.problem();
        assert_eq!((refused.status, &problem["type"]), (400, &json!("urn:tintype:invalid-purge")), "{order}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains(says), "{order}: {problem}");
        assert!(problem["accepted"].as_str().unwrap_or_default().contains("\"prefixes\""), "{problem}");
    }
    assert!(server.get(&target).expect("cache-status").starts_with("tintype; hit"));
    assert_eq!(followed(&server.purge(&json!({"tags": vec!["a"; 256]})))["marks"], 256);
}

#[test]
fn only_who_has_the_token_purges() {
    let site = Site::start();
    let server = site.serve();
    let order = json!({"prefixes": [""]}).to_string();
    let with = |token: &str| post(server.admin, "/purge", &[("authorization", &format!("Bearer {token}"))], &order);
    assert_eq!((with("t0l").status, with("").status, with(TOKEN).status), (401, 401, 200));
    assert_eq!(post(server.addr, "/purge", &[], &order).status, 405, "not where the public is");
    let open = Launch::before(&site.origin).start();
    let refused = open.purge(&json!({"prefixes": [""]}));
    assert_eq!((refused.status, &refused.problem()["type"]), (403, &json!("urn:tintype:token-needed")));
}

/// Runs `tintype purge` with these variables; gives its exit code, its output and its complaint.
fn purge(variables: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    let ended = command.arg("purge").args(args).env_clear().envs(variables.iter().copied()).output().expect("a run");
    let text = |bytes| String::from_utf8(bytes).expect("a text");
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

#[test]
fn the_command_purges_and_says_what() {
    let site = Site::start();
    let server = site.serve();
    let target = site.target("w:8", "a.png");
    let admin = server.admin.to_string();
    let settings = [("TINTYPE_ADMIN_LISTEN", admin.as_str()), ("TINTYPE_ADMIN_TOKEN", TOKEN)];
    server.get(&target);
    let (code, out, err) = purge(&settings, &["--url", &target, "/_/w:9/plain/http://a/b", "--tag", "p-thumb"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("purged: 1 entry, by 3 marks that hold for all that began before\n"), "{out}");
    server.get(&target);
    let token_file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(token_file.path(), "t0k\n").expect("a writable file");
    let file = token_file.path().to_str().expect("a text");
    let url = format!("http://{admin}/");
    let (code, out, err) =
        purge(&[], &["--admin", &url, "--token-file", file, "--soft", "--json", "--prefix", &site.source("")]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report, json!({"purged": {"memory": 1, "originals_memory": 1}, "marks": 1, "soft": true}));
}

#[test]
fn the_command_says_why_it_could_not() {
    let site = Site::start();
    let server = site.serve();
    let admin = server.admin.to_string();
    let listen = ("TINTYPE_ADMIN_LISTEN", admin.as_str());
    let tag = ["--tag", "a"];
    for (variables, args, says) in [
        (&[listen, ("TINTYPE_ADMIN_TOKEN", "t0l")][..], &tag[..], "the server refused (401): a valid bearer token"),
        (&[listen], &tag, "no token: set TINTYPE_ADMIN_TOKEN"),
        (&[listen, ("TINTYPE_ADMIN_TOKEN", TOKEN)], &["--tag", "A b"], "tags[0]: `A b` is no tag"),
        (&[("TINTYPE_ADMIN_TOKEN", TOKEN)], &["--tag", "a", "--admin", "https://a"], "not of the form http://"),
        // Port 1 of this machine, where nothing listens.
        (
            &[("TINTYPE_ADMIN_LISTEN", "127.0.0.1:1"), ("TINTYPE_ADMIN_TOKEN", TOKEN)],
            &tag,
            "no answer from 127.0.0.1:1",
        ),
    ] {
        let (code, out, err) = purge(variables, args);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{args:?}");
        assert!(err.starts_with("tintype: ") && err.contains(says), "{args:?}: {err}");
    }
    for args in [&[][..], &["--soft"], &["--tag"], &["--tags", "a"]] {
        assert_eq!(purge(&[], args).0, Some(2), "{args:?}");
    }
}

//! SIGHUP: new rules without a restart, and no rules at all where they are broken.

use std::fs;
use std::path::Path;

use crate::support::folder;
use crate::support::origin::Origin;
use crate::support::pictures::{loaded, marks};
use crate::support::server::{Launch, Server};

fn width(server: &Server, target: &str) -> Option<u32> {
    let answer = server.get(target);
    let image = (answer.status == 200).then(|| loaded(&answer.body, "pngload_source").expect("a picture"));
    image.map(|image| image.width())
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a writable folder");
}

#[test]
fn presets_are_read_again_and_broken_ones_change_nothing() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let presets = folder(&[("small.toml", b"options = \"w:16\"\n")]);
    let server = Launch::over(originals.path()).set("PRESETS_PATH", &presets.path().display().to_string()).start();
    let target = "/_/pr:small/plain/local:///a.png@png";
    let reloads = |result| server.metric("tintype_reloads_total", &[&format!("result=\"{result}\"")]);
    assert_eq!((width(&server, target), reloads("ok"), reloads("refused")), (Some(16), 0, 0));

    write(presets.path(), "small.toml", "options = \"w:24\"\n");
    write(presets.path(), "new.toml", "options = \"w:8\"\n");
    assert_eq!(server.reload()["message"], "settings reloaded");
    assert_eq!((width(&server, target), reloads("ok"), reloads("refused")), (Some(24), 1, 0));
    assert_eq!(width(&server, "/_/pr:new/plain/local:///a.png@png"), Some(8));

    write(presets.path(), "small.toml", "options = \"w:abc\"\n");
    let refused = server.reload();
    assert_eq!(refused["message"], "settings not reloaded, the old ones stay");
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("small")), "{refused}");
    assert_eq!((width(&server, target), reloads("ok"), reloads("refused")), (Some(24), 1, 1));
    assert_eq!(width(&server, "/_/pr:new/plain/local:///a.png@png"), Some(8));
}

#[test]
fn settings_of_the_file_are_read_again() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let settings = folder(&[("tintype.toml", b"ttl = \"1m\"\n")]);
    let file = settings.path().join("tintype.toml");
    let server = Launch::over(originals.path()).set("CONFIG", &file.display().to_string()).start();
    let age = || {
        server
            .get("/_/w:8/plain/local:///a.png@png")
            .expect("cache-control")
            .split(", stale")
            .next()
            .map(str::to_owned)
            .unwrap_or_default()
    };
    assert_eq!(age(), "public, max-age=60");

    write(settings.path(), "tintype.toml", "ttl = \"2m\"\nworkers = 1\n");
    let reloaded = server.reload();
    assert_eq!(reloaded["message"], "settings reloaded");
    assert_eq!((age().as_str(), &reloaded["needs_start"]), ("public, max-age=120", &"workers".into()), "{reloaded}");

    write(settings.path(), "tintype.toml", "ttl = \"3m\"\nworkerz = 1\n");
    let refused = server.reload();
    assert_eq!(refused["message"], "settings not reloaded, the old ones stay");
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("workerz")), "{refused}");
    assert_eq!(age(), "public, max-age=120");
}

#[test]
fn a_hit_survives_a_reload() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(originals.path()).start();
    let target = "/_/w:8/plain/local:///a.png@png";
    server.get(target);
    assert_eq!(server.reload()["message"], "settings reloaded");
    assert!(server.get(target).expect("cache-status").contains("hit"));
    assert_eq!(server.transforms(), 1);
}

/// Both once stayed as they were at the start: sources were asked again of the old list, limits were copied.
#[test]
fn allowed_sources_and_limits_are_read_again() {
    let origin = Origin::of(marks(64, 48).png());
    let settings = folder(&[("tintype.toml", b"allowed_sources = [\"local://\"]\n")]);
    let file = settings.path().join("tintype.toml");
    let server = Launch::new().set("CONFIG", &file.display().to_string()).set("ALLOW_LOOPBACK_SOURCES", "true").start();
    let target = |width: u32| format!("/_/w:{width}/plain/{}@png", origin.url("/a.png"));
    let refused = |width: u32, kind: &str| String::from_utf8_lossy(&server.get(&target(width)).body).contains(kind);
    assert!(refused(8, "source-not-allowed"));

    write(settings.path(), "tintype.toml", &format!("allowed_sources = [\"{}\"]\n", origin.url("/")));
    assert_eq!(server.reload()["message"], "settings reloaded");
    assert_eq!(width(&server, &target(8)), Some(8));

    let text = format!("allowed_sources = [\"{}\"]\n[output]\nside_max = 20\n", origin.url("/"));
    write(settings.path(), "tintype.toml", &text);
    assert_eq!(server.reload()["message"], "settings reloaded");
    assert!(refused(40, "limit-exceeded"));
}

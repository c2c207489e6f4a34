//! Where mounts are, what they leave to images, and what else than HTTP can be mounted.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::client::{get, send};
use crate::support::folder;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::Launch;

#[test]
fn the_longest_prefix_wins_by_whole_segments() {
    let (short, long) = (Origin::of(b"short".to_vec()), Origin::of(b"long".to_vec()));
    let mounts = format!("/a={},/a/b={}", short.url(""), long.url("/base"));
    let server = Launch::new().set("MOUNTS", &mounts).start();
    for (path, body) in [("/a", "short"), ("/a/", "short"), ("/a/b", "long"), ("/a/b/c", "long"), ("/a/bc", "short")] {
        assert_eq!(server.get(path).body, body.as_bytes(), "{path}");
    }
    assert_eq!(long.asked()[1].target, "/base/c");
    assert_eq!(server.get("/ab").status, 404, "that is an image URL, and a bad one");
}

#[test]
fn the_root_is_mounted_beside_images_with_a_prefix() {
    let origin = Origin::start(|asked| Reply::ok(asked.target.clone()));
    let photos = folder(&[("a.png", &marks(16, 16).png())]);
    let launch = Launch::over(photos.path()).set("MOUNTS", &format!("/={}", origin.url("")));
    let server = launch.clone().set("PATH_PREFIX", "/img").start();
    for path in ["/", "/favicon.ico", "/.well-known/x", "/imgs", "/_/plain/local:///a.png"] {
        assert_eq!(server.get(path).body, path.as_bytes());
    }
    assert_eq!(server.get("/img/_/w:8/plain/local:///a.png").content_type(), "image/png");
    for path in ["/live", "/health"] {
        assert_eq!(server.get(path).body, b"tintype is running\n");
    }
    let (code, said) = launch.fail();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("set `path_prefix`"), "{said}");
}

#[test]
fn a_mount_that_cannot_be_served_is_refused_at_start() {
    for (mounts, said) in [
        ("/a=nowhere", "PREFIX=ORIGIN"),
        ("/a=http://h,/a=http://i", "mounted twice"),
        ("/a=s3://bucket", "needs the setting `s3.enabled`"),
        ("/a=local:///", "needs the setting `local_root`"),
        ("/live=http://h", "page of tintype"),
        ("/a=http://h;cache_control=ignore", "names no `ttl`"),
    ] {
        let (code, log) = Launch::new().set("MOUNTS", mounts).fail();
        assert_eq!(code, Some(1), "{log}");
        assert!(log.contains(said), "{mounts}: {log}");
    }
}

#[test]
fn the_status_tells_of_mounts() {
    let origin = Origin::of(b"x".to_vec());
    let launch = Launch::new().set("ADMIN_TOKEN", "t0k");
    let line = |launch: &Launch| {
        let server = launch.start();
        let page = send(server.admin, "GET", "/status", &[("authorization", "Bearer t0k")]).receive();
        let status: serde_json::Value = serde_json::from_slice(&page.body).expect("a status");
        let text = status.to_string();
        text.find("mounts: ").map(|at| text[at..].split('"').next().unwrap_or_default().to_owned())
    };
    assert_eq!(line(&launch), None);
    let said = line(&launch.clone().set("MOUNTS", &format!("/a={}", origin.url("")))).expect("a line");
    assert_eq!(said, "mounts: 1, 0 responses in memory in 0 B of 64.0 MiB (0 %), 0 requests to origins under way");
}

#[test]
fn without_mounts_there_are_none() {
    let server = Launch::new().start();
    assert_eq!(send(server.addr, "POST", "/m/x", &[]).receive().status, 405);
}

#[test]
fn a_folder_is_served_as_it_is() {
    let files = folder(&[("a b.txt", b"text")]);
    fs::create_dir(files.path().join("sub")).expect("a folder");
    fs::write(files.path().join("sub/style.css"), "a{}").expect("a file");
    let _ = symlink("/etc/passwd", files.path().join("link"));
    let server = Launch::over(files.path()).set("MOUNTS", "/f=local:///,/s=local:///sub;ttl=1h").start();
    let answer = server.get("/f/sub/style.css");
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"a{}"[..]));
    let etag = answer.expect("etag").to_owned();
    assert_eq!(server.ask("/f/sub/style.css", &[("if-none-match", &etag)]).status, 304);
    assert_eq!(server.get("/f/a%20b.txt").body, b"text");
    assert_eq!(server.get("/s/style.css").body, b"a{}");
    assert!(server.get("/s/style.css").expect("cache-status").contains("; hit"));
    let part = server.ask("/s/style.css", &[("range", "bytes=1-1")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &b"{"[..]));
    let head = send(server.addr, "HEAD", "/s/style.css", &[]).receive();
    assert_eq!((head.status, head.expect("content-length")), (200, "3"));
    let post = send(server.addr, "POST", "/f/x", &[]).receive();
    assert_eq!((post.status, post.expect("allow")), (405, "GET, HEAD"));
    for path in ["/f/none", "/f/link", "/f/sub", "/f/", "/s/../a%20b.txt", "/s/%2e%2e/a%20b.txt"] {
        let status = get(server.addr, path).status;
        assert!(matches!(status, 400 | 404 | 502), "{path}: {status}");
    }
}

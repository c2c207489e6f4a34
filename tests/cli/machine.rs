//! `tintype doctor`: what works here, what does not, and the exit status that says so.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use crate::support::{run, run_with, text};

/// The marks of a subject in a report.
fn marks(report: &Value, subject: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let of_subject = checks.filter(|check| check["subject"].as_str().unwrap().contains(subject));
    of_subject.map(|check| check["mark"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_sound_machine_is_told_what_it_can_do() {
    let root = tempfile::tempdir().unwrap();
    let page = run(&["doctor", "--unsigned", "allow", "--local-root", text(root.path())]).text();
    assert!(page.starts_with(concat!("tintype ", env!("CARGO_PKG_VERSION"), ", libvips 8.")), "{page}");
    let row = |name: &str| {
        let line = page.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_else(|| panic!("{name} is not in {page}")).split_whitespace().skip(1).collect::<Vec<_>>()
    };
    for format in ["jpg", "png", "webp", "gif", "bmp"] {
        assert_eq!(row(format), ["yes", "yes"], "{format}");
    }
    assert_eq!(row("svg")[1], "no");
    assert_eq!(row("source.bytes_max"), ["64MiB", "default"]);
    assert!(page.contains(&format!("local:// ({})  answers", text(root.path()))), "{page}");
    assert!(page.contains("\nNothing is broken"), "{page}");
}

#[test]
fn what_is_broken_is_named_and_fails() {
    let sick = run(&["doctor", "--format", "json", "--local-root", "/nonexistent"]);
    assert_eq!(sick.code, 1);
    let report: Value = serde_json::from_slice(&sick.out).unwrap();
    assert_eq!((report["ok"].clone(), marks(&report, "sources")), (Value::Bool(false), vec!["fail".to_owned()]));
    let wrong = run(&["doctor", "--quality", "0", "--workers", "-1", "--format", "json"]);
    assert_eq!(wrong.code, 2, "a value that looks like a flag is clap's to refuse");
    let wrong = run(&["doctor", "--quality", "0", "--ttl", "soon", "--format", "json"]);
    assert_eq!(wrong.code, 1);
    let report: Value = serde_json::from_slice(&wrong.out).unwrap();
    assert_eq!(marks(&report, "settings"), ["fail", "fail"]);
    assert_eq!(marks(&report, "libvips"), ["ok"], "the rest is looked at all the same");
    let lifted = run_with(&[("VIPS_UNLIMITED", "1")], &["doctor", "--format", "json"]);
    assert_eq!(lifted.code, 1);
    assert_eq!(marks(&serde_json::from_slice(&lifted.out).unwrap(), "libvips"), ["fail"]);
}

#[test]
fn sources_are_asked_for_what_cannot_be_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut asked = String::new();
        let (mut socket, _) = listener.accept().unwrap();
        while !asked.ends_with("\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            asked.push(char::from(byte[0]));
        }
        socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        asked
    });
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let here = format!("http://127.0.0.1:{port}/pictures/");
    let nowhere = format!("http://127.0.0.1:{closed}/");
    let patterns = format!("{here},{nowhere},http://127.0.0.1/,https://*.example.com/,s3://photos/");
    let made = run(&["doctor", "--format", "json", "--allowed-sources", &patterns]);
    let report: Value = serde_json::from_slice(&made.out).unwrap();
    assert!(server.join().unwrap().starts_with("GET /pictures/tintype-doctor"), "under what is allowed");
    assert_eq!(marks(&report, &here), ["ok"]);
    assert_eq!(marks(&report, &nowhere), ["fail"]);
    assert_eq!(marks(&report, "http://127.0.0.1/"), ["fail"], "refused by policy");
    assert_eq!(marks(&report, "https://*.example.com/"), ["ok"], "not asked");
    assert_eq!(marks(&report, "s3://photos/"), ["warn"], "allowed, but not enabled");
    assert_eq!(made.code, 1);
}

//! Origins that fail: statuses by which a CDN knows that it may serve what it has, and no storm of new attempts.

use std::net::TcpListener;

use crate::support::client::Answer;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

fn ask(server: &Server, source: &str) -> Answer {
    server.get(&format!("/_/w:8/plain/{source}@png"))
}

fn assert_fails(server: &Server, source: &str, status: u16, kind: &str) {
    let answer = ask(server, source);
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["type"]), (status, &format!("urn:tintype:{kind}").into()), "{source}");
}

#[test]
fn statuses_of_an_origin_become_ours() {
    let origin = Origin::start(|asked| {
        let status = asked.target.trim_start_matches('/').parse().expect("a number");
        Reply::status(status)
    });
    let server = Launch::before(&origin).start();
    for (path, status, kind) in [
        ("/404", 404, "original-not-found"),
        ("/410", 410, "origin-status"),
        ("/403", 403, "origin-status"),
        ("/500", 502, "origin-failed"),
        ("/503", 502, "origin-failed"),
        ("/204", 502, "origin-failed"),
    ] {
        assert_fails(&server, &origin.url(path), status, kind);
    }
    assert_eq!(server.transforms(), 0);
}

#[test]
fn an_origin_that_is_not_there_is_a_bad_gateway() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    let server = Launch::new().set("ALLOWED_SOURCES", &format!("http://{closed}/")).start();
    assert_fails(&server, &format!("http://{closed}/a.png"), 502, "origin-unreachable");
}

#[test]
fn a_slow_origin_is_a_gateway_timeout() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::start(move |_| {
        held.pass();
        Reply::status(404)
    });
    let server = Launch::before(&origin).set("FETCH_FIRST_BYTE_TIMEOUT", "50ms").start();
    assert_fails(&server, &origin.url("/a.png"), 504, "origin-timeout");
    assert_eq!(server.metric("tintype_origin_fetches_total", &["result=\"timeout\""]), 1);
    gate.open();
}

/// Fewer bytes than announced, and a connection that breaks before any answer.
#[test]
fn an_origin_that_breaks_off_is_a_bad_gateway() {
    let picture = marks(64, 48).png();
    let origin = Origin::start(move |_| Reply::ok(picture.clone()).broken_off());
    let server = Launch::before(&origin).start();
    assert_fails(&server, &origin.url("/a.png"), 502, "original-incomplete");
    origin.refuse_connections();
    assert_fails(&server, &origin.url("/b.png"), 502, "origin-unreachable");
    assert_eq!(server.metric("tintype_origin_fetches_total", &["result=\"failed\""]), 2);
    assert_eq!(server.metric("tintype_errors_total", &["kind=\"original-incomplete\""]), 1);
}

#[test]
fn a_failure_is_remembered_for_its_time() {
    let origin = Origin::start(|_| Reply::status(500));
    let server = Launch::before(&origin).set("NEGATIVE_TTL_ORIGIN_ERROR", "1h").start();
    for _ in 0..5 {
        assert_eq!(ask(&server, &origin.url("/a.png")).status, 502);
    }
    assert_eq!(origin.asked().len(), 1);
    let forgetful = Launch::before(&origin).set("NEGATIVE_TTL_ORIGIN_ERROR", "0s").start();
    for _ in 0..2 {
        assert_eq!(ask(&forgetful, &origin.url("/a.png")).status, 502);
    }
    assert_eq!(origin.asked().len(), 3);
}

#[test]
fn an_original_over_the_limit_is_not_read_to_its_end() {
    let picture = marks(200, 150).png();
    let size = picture.len();
    let origin = Origin::of(picture);
    let exact = Launch::before(&origin).set("SOURCE_BYTES_MAX", &size.to_string()).start();
    assert_eq!(ask(&exact, &origin.url("/a.png")).status, 200);
    let less = Launch::before(&origin).set("SOURCE_BYTES_MAX", &(size - 1).to_string()).start();
    assert_fails(&less, &origin.url("/a.png"), 422, "original-too-large");
}

#[test]
fn redirects_end_somewhere() {
    let origin = Origin::start(|_| Reply::status(302).with("location", "/again"));
    let server = Launch::before(&origin).set("REDIRECTS_MAX", "2").start();
    assert_fails(&server, &origin.url("/a.png"), 502, "origin-redirects");
    assert_eq!(origin.asked().len(), 3);
}

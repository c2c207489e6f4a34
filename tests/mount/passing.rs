//! What goes through a mount, in both directions, and how failures of the origin look.

use std::net::TcpListener;

use super::setup::{case, counting, launch, mounted, text};
use crate::support::client::send;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::server::Launch;

#[test]
fn any_method_path_query_and_body_reach_the_origin() {
    let m = mounted("", |asked| Reply::ok(asked.body.clone()));
    for (method, path, body) in [
        ("GET", "/a%2Fb//c?x=%20&y", None),
        ("POST", "/form?", Some(&b"name=value"[..])),
        ("PUT", "/f", Some(b"")),
        ("DELETE", "/f", None),
        ("PATCH", "/f", Some(b"\0\xff")),
        ("M-SEARCH", "/", None),
        ("OPTIONS", "/f", None),
    ] {
        let answer = m.ask(method, path, &[], body);
        assert_eq!((answer.status, answer.body.as_slice()), (200, body.unwrap_or_default()), "{method} {path}");
        let asked = m.origin.asked().pop().expect("a request");
        assert_eq!((asked.method.as_str(), asked.target.as_str()), (method, path));
    }
    let head = m.ask("HEAD", "/h", &[], None);
    assert_eq!(
        (head.status, head.expect("content-length"), m.origin.asked().pop().unwrap().method.as_str()),
        (200, "0", "HEAD")
    );
}

#[test]
fn statuses_and_fields_are_passed_on_as_they_are() {
    let statuses = [200, 203, 301, 307, 404, 418, 451, 500, 599, 799];
    let m = mounted("", move |asked| {
        Reply::status(statuses[case(asked)])
            .with("location", "/elsewhere")
            .with("set-cookie", "a=1")
            .with("set-cookie", "b=2")
            .with("x-odd", "a,  b")
            .with("keep-alive", "timeout=5")
            .with("connection", "x-hop")
            .with("x-hop", "gone")
    });
    for (at, status) in statuses.into_iter().enumerate() {
        let answer = m.get(&format!("/{at}"), &[]);
        assert_eq!((answer.status, answer.expect("location"), answer.expect("x-odd")), (status, "/elsewhere", "a,  b"));
        let cookies: Vec<_> = answer.fields.iter().filter(|(name, _)| name == "set-cookie").collect();
        assert_eq!(cookies.len(), 2);
        for name in ["x-hop", "keep-alive", "content-security-policy", "x-content-type-options", "server-timing"] {
            assert_eq!(answer.field(name), None, "{name} with {status}");
        }
        assert!(answer.expect("cache-status").starts_with(&format!("tintype; fwd=uri-miss; fwd-status={status}")));
    }
}

#[test]
fn the_origin_learns_who_asked_and_through_whom() {
    let m = mounted("", |_| Reply::ok(""));
    let fields = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil"),
        ("forwarded", "host=evil"),
        ("via", "1.1 cdn"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("te", "trailers"),
        ("proxy-authorization", "x"),
        ("x-request-id", "r-1"),
        ("user-agent", "me"),
        ("cookie", "a=b"),
    ];
    let answer = m.get("/", &fields);
    assert_eq!((answer.status, answer.expect("x-request-id")), (200, "r-1"));
    let asked = m.origin.asked().pop().expect("a request");
    let host = m.origin.url("").replace("http://", "");
    for (name, value) in [
        ("host", host.as_str()),
        ("x-forwarded-for", "203.0.113.7, 127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "r-1"),
        ("user-agent", "me"),
        ("cookie", "a=b"),
        ("surrogate-capability", "tintype=\"surrogate/1.0\""),
    ] {
        assert_eq!(asked.field(name), Some(value), "{name}");
    }
    assert!(asked.field("via").expect("via").starts_with("1.1 cdn, 1.1 tintype-"));
    // What no key knows of, and answers could depend on.
    for name in ["x-forwarded-host", "forwarded"] {
        assert_eq!(asked.field(name), None, "{name}");
    }
    for name in ["x-hop", "te", "proxy-authorization", "connection", "expect"] {
        assert_eq!(asked.field(name), None, "{name}");
    }
}

#[test]
fn a_request_that_comes_back_is_refused() {
    let m = mounted("", |_| Reply::ok(""));
    m.get("/", &[]);
    let via = m.origin.asked()[0].field("via").expect("via").to_owned();
    let again = m.get("/", &[("via", &format!("1.0 x, {via}"))]);
    assert_eq!((again.status, again.problem()["type"].as_str()), (508, Some("urn:tintype:loop")));
    assert_eq!(m.asked(), 1);
    assert_eq!(m.get("/", &[("via", "1.1 tintype-other")]).status, 200);
}

#[test]
fn methods_that_are_no_business_of_origins_are_refused() {
    let m = mounted("", |_| Reply::ok(""));
    assert_eq!(m.ask("TRACE", "/", &[], None).status, 405);
    let own = m.ask("OPTIONS", "/", &[("max-forwards", "0")], None);
    assert_eq!((own.status, m.asked()), (204, 0));
    m.ask("OPTIONS", "/", &[("max-forwards", "3")], None);
    assert_eq!(m.origin.asked()[0].field("max-forwards"), Some("2"));
}

#[test]
fn request_bodies_have_a_limit() {
    let origin = Origin::of(Vec::new());
    let server = launch(&origin, "").set("MOUNT_REQUEST_BYTES_MAX", "4").start();
    let post = |body: &[u8]| crate::support::client::submit(server.addr, "POST", "/m/", &[], Some(body)).receive();
    assert_eq!(post(b"1234").status, 200);
    let refused = post(b"12345");
    assert_eq!((refused.status, refused.problem()["setting"].as_str()), (413, Some("mount.request_bytes_max")));
    assert_eq!(origin.asked().len(), 1);
}

#[test]
fn nobody_gets_out_of_the_base_path() {
    let origin = Origin::of(b"secret".to_vec());
    let server = Launch::new().set("MOUNTS", &format!("/m={}", origin.url("/base"))).start();
    assert_eq!(server.get("/m/a/../b").status, 200);
    assert_eq!(origin.asked()[0].target, "/base/b");
    for path in ["/m/../x", "/m/%2e%2e/x", "/m/a/../../x", "/m/..%5c../x/.."] {
        let answer = server.get(path);
        assert!(answer.status == 400 || origin.asked().last().unwrap().target.starts_with("/base/"), "{path}");
    }
    let refused = server.get("/m/../x");
    assert_eq!((refused.status, refused.problem()["type"].as_str()), (400, Some("urn:tintype:mount-path")));
}

#[test]
fn an_origin_that_cannot_be_reached_is_a_bad_gateway() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let server = Launch::new().set("MOUNTS", &format!("/m=http://{address}")).start();
    let answer = server.get("/m/");
    assert_eq!((answer.status, answer.problem()["type"].as_str()), (502, Some("urn:tintype:origin-unreachable")));
    assert_eq!(answer.expect("cache-control"), "no-store");
    let line = server.logged_request(answer.expect("x-request-id"));
    assert_eq!((line["route"].as_str(), line["path"].as_str()), (Some("mount"), Some("/m/")));
}

#[test]
fn an_origin_that_is_too_slow_is_a_gateway_timeout() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::start(move |_| {
        held.pass();
        Reply::ok("late")
    });
    let server = launch(&origin, "").set("FETCH_FIRST_BYTE_TIMEOUT", "100ms").start();
    let answer = server.get("/m/");
    gate.open();
    assert_eq!((answer.status, answer.problem()["type"].as_str()), (504, Some("urn:tintype:origin-timeout")));
}

#[test]
fn an_answer_that_breaks_off_is_never_passed_for_whole() {
    let m = mounted("", |_| Reply::ok("abc").with("cache-control", "max-age=60").broken_off());
    for _ in 0..2 {
        let answer = m.get("/", &[]);
        assert_eq!((answer.status, answer.problem()["type"].as_str()), (502, Some("urn:tintype:response-incomplete")));
    }
    assert_eq!(m.asked(), 2, "nothing of it is kept");
}

#[test]
fn long_bodies_are_passed_on_and_not_kept() {
    let long = vec![7; 300_000];
    let body = long.clone();
    let origin = Origin::start(move |_| Reply::ok(body.clone()).with("cache-control", "max-age=60"));
    let server = launch(&origin, "").set("MOUNT_BODY_BYTES_MAX", "100KB").start();
    for round in 1..=2 {
        let answer = server.get("/m/long");
        assert_eq!((answer.status, answer.expect("content-length")), (200, "300000"));
        assert!(answer.body == long);
        assert!(answer.expect("cache-status").ends_with("detail=incomplete"));
        assert_eq!(origin.asked().len(), round);
    }
    let head = send(server.addr, "HEAD", "/m/long", &[]).receive();
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn a_mount_is_counted_by_its_own_names() {
    let m = counting("", &[("cache-control", "max-age=60")]);
    for _ in 0..3 {
        assert_eq!(text(&m.get("/", &[])), "1");
    }
    assert_eq!(m.server.metric("tintype_requests_total", &["route=\"mount\"", "cache=\"hit\""]), 2);
    assert_eq!(m.server.metric("tintype_requests_total", &["route=\"mount\"", "cache=\"miss\""]), 1);
    assert_eq!(m.server.metric("tintype_cache_events_total", &["tier=\"mount_memory\"", "event=\"hit\""]), 2);
}

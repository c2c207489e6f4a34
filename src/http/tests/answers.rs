//! Status and header fields of what the service answers.

use super::fixtures::{BODY, Server, listener_spec, response_spec};
use crate::http::ResponseSpec;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

#[tokio::test]
async fn an_answer_carries_every_field() {
    let got = Server::start(listener_spec()).get("/image", &[]).await;
    assert_eq!((got.status, got.body.as_slice()), (200, BODY));
    for (name, value) in [
        ("content-type", "image/webp"),
        ("content-length", "10"),
        ("etag", "\"abc\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("cache-control", "public, max-age=3600"),
        ("vary", "Accept"),
        ("accept-ranges", "bytes"),
        ("content-disposition", "inline; filename=\"hero.webp\""),
        ("cache-status", "tintype; fwd=uri-miss; fwd-status=200; stored"),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("access-control-allow-origin", "*"),
        ("timing-allow-origin", "*"),
    ] {
        assert_eq!(got.field(name), Some(value), "{name}");
    }
    let timing = got.field("server-timing").unwrap();
    assert!(timing.starts_with("cache;desc=\"miss\", origin;dur=38.1, total;dur="), "{timing}");
    assert!(got.field("date").unwrap().ends_with(" GMT"));
    assert_eq!(got.field("x-request-id").unwrap().len(), 26);
    assert_eq!(got.field("server"), None);
}

#[tokio::test]
async fn fields_follow_the_answer_and_the_settings() {
    let server = Server::start(listener_spec());
    let fixed = server.get("/fixed", &[]).await;
    assert_eq!((fixed.field("vary"), fixed.field("last-modified")), (None, None));
    assert_eq!(fixed.field("content-disposition"), Some("attachment; filename=\"hero.webp\""));
    assert_eq!(server.get("/hit", &[]).await.field("cache-status"), Some("tintype; hit; ttl=3540; detail=mem"));
    assert_eq!(server.get("/image", &["X-Request-Id: mine-1"]).await.field("x-request-id"), Some("mine-1"));

    let quiet = ResponseSpec { allow_origin: None, server_timing: false, ..response_spec() };
    let got = Server::start_with(listener_spec(), quiet, None).get("/image", &[]).await;
    for name in ["access-control-allow-origin", "timing-allow-origin", "server-timing"] {
        assert_eq!(got.field(name), None, "{name}");
    }
}

#[tokio::test]
async fn the_service_is_asked_with_the_raw_path_and_all_accept_lines() {
    let server = Server::start(listener_spec());
    let lines = ["Accept: image/avif", "Accept: */*;q=0.1", "Authorization: Bearer t0k", "X-Request-Id: r1"];
    let got = server.get("/echo?w=%31", &lines).await;
    let expected = "Ask { path: \"/echo\", accept: \"image/avif, */*;q=0.1\", if_none_match: None, \
        bearer: Some(\"t0k\"), client: Some(127.0.0.1), passed: Passed([]) }";
    assert_eq!(got.text(), expected);
    assert_eq!(server.get("/a%2Fb//c", &[]).await.status, 200);
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    let head = client.request("HEAD", "/image", &["Range: bytes=0-1"]).await;
    let get = client.request("GET", "/image", &[]).await;
    assert_eq!((head.status, get.status), (200, 200));
    for name in ["content-length", "content-type", "etag", "vary", "cache-control"] {
        assert_eq!(head.field(name), get.field(name), "{name}");
    }
    let error = client.request("HEAD", "/missing", &[]).await;
    assert_eq!((error.status, client.request("GET", "/image", &[]).await.status), (404, 200));
}

#[tokio::test]
async fn not_modified_says_what_a_cache_needs_and_no_more() {
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    for line in ["If-None-Match: W/\"abc\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"] {
        let got = client.request("GET", "/image", &[line]).await;
        assert_eq!(got.status, 304, "{line}");
        assert_eq!(got.field("etag"), Some("\"abc\""));
        assert_eq!(got.field("cache-control"), Some("public, max-age=3600"));
        assert_eq!(got.field("vary"), Some("Accept"));
        assert!(got.field("cache-status").is_some() && got.field("date").is_some());
        for name in ["content-length", "content-type", "content-disposition", "last-modified"] {
            assert_eq!(got.field(name), None, "{name}");
        }
    }
    let two_lines = ["If-None-Match: \"x\"", "If-None-Match: \"abc\""];
    assert_eq!(client.request("HEAD", "/image", &two_lines).await.status, 304);
    assert_eq!(client.request("GET", "/image", &["If-None-Match: \"x\""]).await.status, 200);
}

#[tokio::test]
async fn a_failed_precondition_is_412() {
    let server = Server::start(listener_spec());
    for line in ["If-Match: \"x\"", "If-Match: W/\"abc\"", "If-Unmodified-Since: Sat, 05 Nov 1994 08:49:37 GMT"] {
        let got = server.get("/image", &[line]).await;
        assert_eq!(got.status, 412, "{line}");
        assert_eq!(got.json()["type"], "urn:tintype:precondition-failed");
        assert_eq!((got.field("etag"), got.field("vary")), (Some("\"abc\""), Some("Accept")));
        assert_eq!(got.field("cache-control"), Some("no-store"));
    }
    assert_eq!(server.get("/image", &["If-Match: *"]).await.status, 200);
}

#[tokio::test]
async fn one_range_is_served_as_a_part() {
    let server = Server::start(listener_spec());
    for (line, content_range, part) in [
        ("Range: bytes=2-4", "bytes 2-4/10", "234"),
        ("Range: bytes=7-", "bytes 7-9/10", "789"),
        ("Range: bytes=-1", "bytes 9-9/10", "9"),
    ] {
        let got = server.get("/image", &[line]).await;
        assert_eq!((got.status, got.text()), (206, part));
        assert_eq!(got.field("content-range"), Some(content_range));
        assert_eq!(got.field("content-length"), Some(part.len().to_string().as_str()));
        assert_eq!((got.field("vary"), got.field("etag")), (Some("Accept"), Some("\"abc\"")));
        assert_eq!(got.field("content-type"), Some("image/webp"));
    }
    let held = server.get("/image", &["Range: bytes=0-0", "If-Range: \"abc\""]).await;
    let moved = server.get("/image", &["Range: bytes=0-0", "If-Range: \"old\""]).await;
    let several = server.get("/image", &["Range: bytes=0-0,2-2"]).await;
    assert_eq!((held.status, moved.status, several.status), (206, 200, 200));
}

#[tokio::test]
async fn a_range_beyond_the_end_is_416() {
    let server = Server::start(listener_spec());
    let got = server.get("/image", &["Range: bytes=10-"]).await;
    assert_eq!((got.status, got.field("content-range")), (416, Some("bytes */10")));
    assert_eq!(got.json()["type"], "urn:tintype:range-not-satisfiable");
    assert_eq!(server.get("/image", &["Range: bytes=9-"]).await.status, 206);
    let empty = server.get("/empty", &[]).await;
    assert_eq!((empty.status, empty.field("content-length")), (200, Some("0")));
}

#[tokio::test]
async fn problems_are_json_unless_the_client_wants_none() {
    let server = Server::start(listener_spec());
    for lines in [&[][..], &["Accept: image/avif,*/*;q=0.8"][..], &["Accept: application/json"][..]] {
        let got = server.get("/missing", lines).await;
        assert_eq!((got.status, got.field("content-type")), (404, Some("application/problem+json")));
        let (problem, id) = (got.json(), got.field("x-request-id").unwrap());
        let expected = serde_json::json!({
            "type": "urn:tintype:no-original", "title": "no such", "status": 404, "detail": "x",
            "instance": format!("urn:tintype:req:{id}"),
        });
        assert_eq!(problem, expected);
        assert_eq!((got.field("cache-control"), got.field("vary")), (Some("public, max-age=60"), Some("Accept")));
        assert_eq!(got.field("content-security-policy"), Some(POLICY));
    }
    let image = server.get("/missing", &["Accept: image/webp"]).await;
    assert_eq!(image.field("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(image.text(), "no such: x\n");
}

#[tokio::test]
async fn a_problem_names_what_was_wrong_and_when_to_come_back() {
    let got = Server::start(listener_spec()).get("/limit", &[]).await;
    assert_eq!((got.status, got.field("retry-after")), (503, Some("2")));
    assert_eq!((got.field("cache-control"), got.field("vary")), (Some("no-store"), None));
    let problem = got.json();
    let members = ["segment", "accepted", "limit", "setting"].map(|name| problem[name].as_str().unwrap());
    assert_eq!(members, ["w:9", "w:1 to w:8", "8 px", "output.side_max"]);
    assert!(got.field("server-timing").unwrap().starts_with("queue;dur=3.0, total;dur="));
}

#[tokio::test]
async fn text_that_no_header_can_carry_is_our_fault() {
    let got = Server::start(listener_spec()).get("/unsendable", &[]).await;
    assert_eq!((got.status, got.json()["type"].as_str()), (500, Some("urn:tintype:internal")));
}

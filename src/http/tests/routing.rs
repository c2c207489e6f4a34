//! Methods, fixed paths and limits of the main listener.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response};

use super::fixtures::{Server, listener_spec, request, response_spec};
use crate::flow::Failure;
use crate::http::{Extra, ResponseSpec};

struct Playground;

impl Extra for Playground {
    fn route(&self, method: &Method, path: &str, query: Option<&str>) -> Option<Result<Response<Bytes>, Failure>> {
        let body = format!("{method} {path} {query:?}");
        let page = Response::builder().header("content-security-policy", "script-src 'self'").body(body.into());
        if path == "/playground/broken" {
            return Some(Err(Failure::new(404, "broken", "broken", "")));
        }
        (path == "/" || path.starts_with("/playground/")).then(|| Ok(page.unwrap()))
    }
}

#[tokio::test]
async fn fixed_paths_answer_without_the_service() {
    let server = Server::start(listener_spec());
    let landing = server.get("/", &[]).await;
    assert_eq!((landing.status, landing.field("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(landing.text().contains("<h1>tintype</h1>"));
    for (path, status) in [
        ("/health", 200),
        ("/live", 200),
        ("/favicon.ico", 404),
        ("/.well-known/security.txt", 404),
        ("/health?x", 200),
    ] {
        let got = server.get(path, &[]).await;
        assert_eq!((got.status, got.field("etag")), (status, None), "{path}");
    }
}

#[tokio::test]
async fn health_follows_readiness_and_live_does_not() {
    let server = Server::start(listener_spec());
    server.health.set_draining();
    let health = server.get("/health", &[]).await;
    assert_eq!((health.status, health.field("retry-after")), (503, Some("2")));
    assert_eq!(health.json()["detail"], "the server is draining");
    assert_eq!(server.get("/live", &[]).await.status, 200);
}

#[tokio::test]
async fn options_tell_what_is_allowed() {
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    for target in ["/image", "*"] {
        let got = client.request("OPTIONS", target, &[]).await;
        assert_eq!((got.status, got.field("allow")), (204, Some("GET, HEAD, OPTIONS")), "{target}");
        assert_eq!(got.field("access-control-allow-origin"), Some("*"));
        assert_eq!(got.field("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
        assert!(got.field("access-control-allow-headers").unwrap().contains("If-None-Match"));
        assert_eq!(got.field("access-control-max-age"), Some("86400"));
        assert_eq!(got.field("content-length"), None);
    }
    let closed = ResponseSpec { allow_origin: None, ..response_spec() };
    let mut client = Server::start_with(listener_spec(), closed, None).client().await;
    assert_eq!(client.request("OPTIONS", "/image", &[]).await.field("access-control-allow-methods"), None);
}

#[tokio::test]
async fn other_methods_are_405() {
    let server = Server::start(listener_spec());
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let got = server.client().await.request(method, "/image", &[]).await;
        assert_eq!((got.status, got.field("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
        assert_eq!(got.json()["type"], "urn:tintype:method-not-allowed");
    }
}

#[tokio::test]
async fn a_path_at_the_limit_passes_and_one_byte_more_is_414() {
    let server = Server::start(listener_spec());
    let longest = format!("/{}", "x".repeat(63));
    assert_eq!(server.get(&format!("{longest}?{longest}"), &[]).await.status, 200);
    let got = server.get(&format!("{longest}x"), &[]).await;
    assert_eq!((got.status, got.field("cache-control")), (414, Some("public, max-age=60")));
    assert_eq!(
        (got.json()["setting"].as_str(), got.json()["limit"].as_str()),
        (Some("url.bytes_max"), Some("64 bytes"))
    );
}

#[tokio::test]
async fn heads_are_limited() {
    let server = Server::start(listener_spec());
    let field = |len| format!("X-Filler: {}", "x".repeat(len));
    assert_eq!(server.get("/image", &[&field(15 * 1024)]).await.status, 200);
    assert_eq!(server.get("/image", &[&field(16 * 1024)]).await.status, 431);
}

#[tokio::test]
async fn a_request_without_exactly_one_host_is_400() {
    let server = Server::start(listener_spec());
    for head in ["GET /image HTTP/1.1\r\n\r\n", "GET /image HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"] {
        let mut client = server.client().await;
        client.send(head).await;
        let got = client.answer_to("GET").await;
        assert_eq!((got.status, got.json()["type"].as_str()), (400, Some("urn:tintype:invalid-request")));
    }
    let mut client = server.client().await;
    client.send("GET /image HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer_to("GET").await.status, 200);
}

#[tokio::test]
async fn a_body_on_a_get_is_not_waited_for() {
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    client.send(request("GET", "/image", &["Content-Length: 1000000000"])).await;
    client.send("a beginning").await;
    assert_eq!(client.answer_to("GET").await.status, 200);
    assert_eq!(client.rest().await, b"", "the rest of the body is no next request");
}

#[tokio::test]
async fn extra_pages_come_first_and_keep_their_headers() {
    let server = Server::start_with(listener_spec(), response_spec(), Some(Arc::new(Playground)));
    let mut client = server.client().await;
    let page = client.request("GET", "/playground/app.js?v=1", &[]).await;
    assert_eq!((page.status, page.text()), (200, "GET /playground/app.js Some(\"v=1\")"));
    assert_eq!(page.field("content-security-policy"), Some("script-src 'self'"));
    assert_eq!(page.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(client.request("GET", "/", &[]).await.text(), "GET / None");
    let head = client.request("HEAD", "/", &[]).await;
    assert_eq!((head.status, head.field("content-length")), (200, Some("11")));
    assert_eq!(client.request("GET", "/image", &[]).await.field("etag"), Some("\"abc\""));
    let broken = client.request("GET", "/playground/broken", &[]).await;
    assert_eq!((broken.status, broken.field("content-type")), (404, Some("application/problem+json")));
}

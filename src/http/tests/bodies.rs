//! Request bodies: read whole by a handler that wants them, and refused by its limits.

use http::Response;

use super::fixtures::{Client, SHORT, listener_spec, soon};
use crate::http::access::{Notes, Route};
use crate::http::connection::Handler;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::{Listener, ListenerSpec, Serving, respond};

/// Sends bodies of up to 8 bytes back.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, mut request: Request) -> Reply {
        let response = match request.read_body(8).await {
            Ok(body) => Response::new(body),
            Err(error) => respond::respond(&respond::body_failed(&error, "echo.bytes_max"), &request),
        };
        let len = response.body().len();
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(http::header::CONTENT_LENGTH, len.into());
        Reply { response: Response::from_parts(parts, body), rest: None, notes: Notes::of(Route::Operations) }
    }
}

async fn client(spec: ListenerSpec) -> Client {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    Client::connect(Serving::start(listener, spec, Echo).address()).await
}

fn post(lines: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}")
}

#[tokio::test]
async fn bodies_are_read_whole_and_the_connection_goes_on() {
    let mut client = client(listener_spec()).await;
    for (request, body) in [
        (post("Content-Length: 5", "abcde"), "abcde"),
        (post("Content-Length: 8", "abcdefgh"), "abcdefgh"),
        (post("Transfer-Encoding: chunked", "3\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"), "abcde"),
        (post("Content-Length: 0", ""), ""),
        (post("X: no-body", ""), ""),
    ] {
        client.send(&request).await;
        let got = client.answer_to("POST").await;
        assert_eq!((got.status, got.text()), (200, body), "{request}");
    }
}

#[tokio::test]
async fn a_client_that_waits_for_leave_gets_it() {
    let mut client = client(listener_spec()).await;
    client.send(post("Expect: 100-continue\r\nContent-Length: 3", "")).await;
    assert_eq!(client.bytes(25).await, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc").await;
    assert_eq!(client.answer_to("POST").await.text(), "abc");
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_and_end_the_connection() {
    for request in [
        post("Content-Length: 9", ""),
        post("Transfer-Encoding: chunked", "9\r\nabcdefghi\r\n"),
        post("Expect: 100-continue\r\nContent-Length: 9", ""),
    ] {
        let mut client = client(listener_spec()).await;
        client.send(&request).await;
        let got = client.answer_to("POST").await;
        assert_eq!((got.status, got.json()["setting"].as_str()), (413, Some("echo.bytes_max")), "{request}");
        assert_eq!(soon(client.rest()).await, b"", "{request}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_timeout() {
    let mut client = client(ListenerSpec { body_timeout: SHORT, ..listener_spec() }).await;
    client.send(post("Content-Length: 5", "abc")).await;
    let got = client.answer_to("POST").await;
    assert_eq!((got.status, got.json()["type"].as_str()), (408, Some("urn:tintype:body-timeout")));
}

#[tokio::test]
async fn bytes_that_are_no_body_are_refused() {
    let mut client = client(listener_spec()).await;
    client.send(post("Transfer-Encoding: chunked", "zz\r\nabc\r\n")).await;
    let got = client.answer_to("POST").await;
    assert_eq!((got.status, got.json()["type"].as_str()), (400, Some("urn:tintype:body-incomplete")));
}

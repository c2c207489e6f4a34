//! Connections: how long they last, how many there are, which protocol they speak.

use super::fixtures::{BODY, SHORT, Server, listener_spec, request, soon};
use crate::http::ListenerSpec;

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    for _ in 0..3 {
        assert_eq!(client.request("GET", "/image", &[]).await.status, 200);
    }
    assert_eq!(server.serving.connections(), 1);
    let last = client.request("GET", "/image", &["Connection: close"]).await;
    assert_eq!((last.status, client.rest().await), (200, Vec::new()));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    let echo = |id: &str| request("GET", "/echo", &[&format!("X-Request-Id: {id}")]);
    client.send([request("GET", "/slow", &["X-Request-Id: r0"]), echo("r1"), echo("r2")].concat()).await;
    soon(server.toy.begun.notified()).await;
    server.toy.go.notify_one();
    for id in ["r0", "r1", "r2"] {
        assert_eq!(client.answer_to("GET").await.field("x-request-id"), Some(id));
    }
}

#[tokio::test]
async fn a_connection_that_sends_no_head_is_closed() {
    let server = Server::start(ListenerSpec { header_timeout: SHORT, ..listener_spec() });
    for beginning in ["", "G", "PRI * HTTP/2.0\r\n", "GET /image HTTP/1.1\r\nHo"] {
        let mut client = server.client().await;
        client.send(beginning).await;
        assert_eq!(client.rest().await, b"", "{beginning:?}");
    }
    // The limit counts for later heads too, and it is not the limit for the wait between requests.
    let mut client = server.client().await;
    assert_eq!(client.request("GET", "/image", &[]).await.status, 200);
    client.send("GET ").await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::start(ListenerSpec { keep_alive_timeout: SHORT, ..listener_spec() });
    let mut client = server.client().await;
    assert_eq!(client.request("GET", "/image", &[]).await.status, 200);
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn an_exchange_that_never_ends_is_cut() {
    let server = Server::start(ListenerSpec { exchange_timeout: SHORT, ..listener_spec() });
    let mut unanswered = server.client().await;
    unanswered.send(request("GET", "/slow", &[])).await;
    assert_eq!(unanswered.rest().await, b"");
    soon(server.toy.dropped.notified()).await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_cut() {
    let server = Server::start(ListenerSpec { exchange_timeout: SHORT, connections_max: 1, ..listener_spec() });
    let mut deaf = server.client().await;
    // Far more than the kernel's buffers hold.
    deaf.send(request("GET", "/huge", &[])).await;
    assert_eq!(deaf.bytes(12).await, b"HTTP/1.1 200");
    assert_eq!(server.get("/image", &[]).await.status, 200, "its place is free again");
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_request() {
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    client.send(request("GET", "/slow", &[])).await;
    soon(server.toy.begun.notified()).await;
    drop(client);
    soon(server.toy.dropped.notified()).await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_gets_the_place_of_one_that_does_nothing() {
    let server = Server::start(ListenerSpec { connections_max: 2, ..listener_spec() });
    let mut idle = server.client().await;
    assert_eq!(idle.request("GET", "/image", &[]).await.status, 200);
    let mut busy = server.client().await;
    busy.send(request("GET", "/slow", &[])).await;
    soon(server.toy.begun.notified()).await;
    for _ in 0..3 {
        let mut next = server.client().await;
        assert_eq!(next.request("GET", "/image", &[]).await.status, 200);
        assert_eq!(idle.rest().await, b"", "the one that did nothing for longest is closed");
        idle = next;
    }
    server.toy.go.notify_one();
    assert_eq!(busy.answer_to("GET").await.status, 200, "the one that did something is not");
    assert_eq!(server.serving.connections(), 2);
}

#[tokio::test]
async fn heads_that_never_come_give_way() {
    let server = Server::start(ListenerSpec { connections_max: 3, ..listener_spec() });
    let mut slow = Vec::new();
    for beginning in ["", "P", "GET /image HTT"] {
        let mut client = server.client().await;
        client.send(beginning).await;
        slow.push(client);
    }
    for mut client in slow {
        assert_eq!(server.get("/image", &["Connection: close"]).await.status, 200);
        assert_eq!(client.rest().await, b"");
        // Its place, which is free now, goes to one that keeps it.
        let mut keeps = server.client().await;
        keeps.send("GET /image HTT").await;
        std::mem::drop(tokio::spawn(async move { keeps.rest().await }));
    }
}

#[tokio::test]
async fn where_all_are_busy_the_next_one_is_sent_away() {
    let server = Server::start(ListenerSpec { connections_max: 1, ..listener_spec() });
    let mut busy = server.client().await;
    busy.send(request("GET", "/slow", &[])).await;
    soon(server.toy.begun.notified()).await;
    let mut refused = server.client().await;
    let got = refused.request("GET", "/image", &[]).await;
    assert_eq!((got.status, got.field("retry-after"), got.field("cache-control")), (503, Some("2"), Some("no-store")));
    assert_eq!((got.text(), refused.rest().await), ("the server is busy: too many connections\n", Vec::new()));
    server.toy.go.notify_one();
    assert_eq!(busy.answer_to("GET").await.status, 200);
    assert_eq!(busy.request("GET", "/image", &[]).await.status, 200, "nobody has taken its place");
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    [&[0, 0, len, kind, flags, 0, 0, 0, stream], payload].concat()
}

#[tokio::test]
async fn http2_with_prior_knowledge_is_served() {
    const SETTINGS: u8 = 4;
    let server = Server::start(listener_spec());
    let mut client = server.client().await;
    // The preface in two pieces, so that finding the protocol takes more than one read.
    client.send("PRI * HT").await;
    client.send("TP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.send(frame(SETTINGS, 0, 0, &[])).await;
    // GET, http and literals for path and authority (RFC 7541, section 6); the request has no body.
    client.send(frame(1, 0x5, 1, b"\x82\x86\x04\x06/image\x01\x01a")).await;
    let (mut body, mut kinds) = (Vec::new(), Vec::new());
    loop {
        let head = client.bytes(9).await;
        let len = usize::from(head[1]) << 8 | usize::from(head[2]);
        let payload = client.bytes(len).await;
        let (kind, ends) = (head[3], head[4] & 1 == 1);
        kinds.push(kind);
        if kind == 0 {
            body.extend(payload);
            if ends {
                break;
            }
        }
    }
    assert_eq!((kinds[0], body.as_slice()), (SETTINGS, BODY));
    assert!(kinds.contains(&1), "headers come before data");
}

#[tokio::test]
async fn an_idle_http2_connection_gives_way() {
    let server = Server::start(ListenerSpec { connections_max: 1, ..listener_spec() });
    let mut client = server.client().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.send(frame(4, 0, 0, &[])).await;
    client.bytes(9).await;
    assert_eq!(server.get("/image", &[]).await.status, 200);
    client.rest().await;
}

#[tokio::test]
async fn an_idle_http2_connection_is_asked_to_leave() {
    const GOAWAY: u8 = 7;
    let spec = ListenerSpec { keep_alive_timeout: SHORT, exchange_timeout: SHORT, ..listener_spec() };
    let server = Server::start(spec);
    let mut client = server.client().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.send(frame(4, 0, 0, &[])).await;
    loop {
        let head = client.bytes(9).await;
        client.bytes(usize::from(head[2])).await;
        if head[3] == GOAWAY {
            break;
        }
    }
    // The peer acknowledges nothing; it is cut all the same.
    client.rest().await;
}

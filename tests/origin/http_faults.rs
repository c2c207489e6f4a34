//! HTTP as it is: slow, broken, lying, endless.

use tintype::origin::{OriginError, OriginLimits, Phase};
use tokio::net::TcpListener;

use super::scripted::{Scripted, Step, answer, head};
use super::support::{fetch, origins, refusal, trusting};

/// The start of an answer of 100 bytes, of which 4 come.
fn begun() -> Step {
    let mut bytes = head("200 OK", &[("content-length", "100")]);
    bytes.extend_from_slice(b"four");
    Step::Send(bytes)
}

async fn phase_of(server: &Scripted, set: impl FnOnce(&mut OriginLimits)) -> (Phase, u64) {
    let mut spec = trusting(&[server.addr()]);
    set(&mut spec.limits);
    let error = fetch(&origins(&spec), &server.url("/a")).await.expect_err("too slow");
    assert_eq!((error.status(), error.kind(), error.retryable()), (504, "origin-timeout", true));
    match error {
        OriginError::Timeout { phase, after_ms } => (phase, after_ms),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_answer() {
    let mut server = Scripted::start(|_| vec![Step::Stall]).await;
    let phase = phase_of(&server, |limits| limits.first_byte_ms_max = 300).await;
    assert_eq!(phase, (Phase::FirstByte, 300));
    server.peer_left().await;
    assert_eq!(server.requests().len(), 1, "slowness is not tried again");
}

#[tokio::test]
async fn half_a_header() {
    let server = Scripted::start(|_| vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()), Step::Stall]).await;
    let phase = phase_of(&server, |limits| limits.first_byte_ms_max = 300).await;
    assert_eq!(phase, (Phase::FirstByte, 300));
}

#[tokio::test]
async fn a_body_that_stops() {
    let mut server = Scripted::start(|_| vec![begun(), Step::Stall]).await;
    let phase = phase_of(&server, |limits| limits.idle_ms_max = 100).await;
    assert_eq!(phase, (Phase::Read, 100));
    server.peer_left().await;
}

#[tokio::test]
async fn a_body_in_drops() {
    // Each drop is in time, but all of them together are not.
    let mut server = Scripted::start(|_| {
        vec![Step::Send(head("200 OK", &[("content-length", "60000")])), Step::Trickle(b"x".to_vec(), 10)]
    })
    .await;
    let phase = phase_of(&server, |limits| limits.total_ms_max = 500).await;
    assert_eq!(phase, (Phase::Total, 500));
    server.peer_left().await;
}

#[tokio::test]
async fn a_handshake_without_an_answer() {
    // A connection that waits to be accepted is open, but nobody answers on it.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("a bound socket");
    let mut spec = trusting(&[addr]);
    spec.limits.connect_ms_max = 200;
    let error = fetch(&origins(&spec), &format!("https://{addr}/a")).await.expect_err("no handshake");
    assert!(matches!(error, OriginError::Timeout { phase: Phase::Connect, after_ms: 200 }), "{error:?}");
}

#[tokio::test]
async fn bodies_that_break() {
    let server = Scripted::start(|asked| match asked.target.as_str() {
        "/short" => vec![begun(), Step::Close],
        "/chunked" => {
            let mut bytes = head("200 OK", &[("transfer-encoding", "chunked")]);
            bytes.extend_from_slice(b"4\r\nfour\r\n");
            vec![Step::Send(bytes), Step::Close]
        }
        "/chunk" => {
            let mut bytes = head("200 OK", &[("transfer-encoding", "chunked")]);
            bytes.extend_from_slice(b"ff\r\nfour");
            vec![Step::Send(bytes), Step::Close]
        }
        _ => vec![Step::Send(head("200 OK", &[("content-length", "100")])), Step::Close],
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    for path in ["/short", "/chunked", "/chunk", "/nothing"] {
        let error = fetch(&origins, &server.url(path)).await.expect_err(path);
        assert_eq!((error.status(), error.kind()), (502, "original-incomplete"), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_reset() {
    // Far more than fits between the two sockets: once it is written, the header was read, and the reset cannot take it
    // away.
    const MIB: usize = 1024 * 1024;
    let server = Scripted::start(|_| {
        let length = (64 * MIB).to_string();
        vec![Step::Send(head("200 OK", &[("content-length", &length)])), Step::Send(vec![0; 32 * MIB]), Step::Reset]
    })
    .await;
    let mut spec = trusting(&[server.addr()]);
    spec.limits.source_bytes_max = 64 * MIB as u64;
    let error = fetch(&origins(&spec), &server.url("/a")).await.expect_err("reset");
    assert_eq!((error.status(), error.kind()), (502, "original-incomplete"), "{error:?}");
}

#[tokio::test]
async fn a_length_that_is_too_small_cuts_the_body() {
    // What comes after the announced end belongs to nobody; the connection is not used again.
    let server = Scripted::start(|_| {
        let mut bytes = head("200 OK", &[("content-length", "4")]);
        bytes.extend_from_slice(b"fourHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad");
        vec![Step::Send(bytes)]
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    for _ in 0..3 {
        assert_eq!(&fetch(&origins, &server.url("/a")).await.expect("an original").bytes[..], b"four");
    }
}

#[tokio::test]
async fn contradicting_lengths_are_no_answer() {
    let server = Scripted::start(|_| {
        vec![Step::Send(head("200 OK", &[("content-length", "4"), ("content-length", "5")])), Step::Close]
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    assert_eq!(refusal(&origins, &server.url("/a")).await, (502, "origin-unreachable"));
}

#[tokio::test]
async fn an_endless_body_is_left() {
    let mut server = Scripted::start(|_| {
        let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
        vec![Step::Send(head("200 OK", &[("transfer-encoding", "chunked")])), Step::Endless(chunk)]
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    assert_eq!(refusal(&origins, &server.url("/a")).await, (422, "original-too-large"));
    server.peer_left().await;
}

#[tokio::test]
async fn a_large_header_is_refused() {
    let server = Scripted::start(|asked| {
        let length: usize = asked.target[1..].parse().expect("a length");
        answer("200 OK", &[("x", &"y".repeat(length))], b"body")
    })
    .await;
    let mut spec = trusting(&[server.addr()]);
    spec.limits.header_bytes_max = 2_000;
    let origins = origins(&spec);
    fetch(&origins, &server.url("/1900")).await.expect("below the limit");
    assert_eq!(refusal(&origins, &server.url("/2100")).await, (502, "origin-header-too-large"));
    assert_eq!(refusal(&origins, &server.url("/4000000")).await, (502, "origin-header-too-large"));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let server = Scripted::start(|asked| match asked.number {
        1 => vec![Step::Close],
        _ => answer("200 OK", &[], b"body"),
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    fetch(&origins, &server.url("/a")).await.expect("the first");
    fetch(&origins, &server.url("/b")).await.expect("the second, sent twice");
    let targets: Vec<String> = server.requests().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets, ["/a", "/b", "/b"]);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_request_is_sent_twice_at_most() {
    for step in [Step::Close, Step::Reset] {
        let server = Scripted::start(move |_| vec![step.clone()]).await;
        let origins = origins(&trusting(&[server.addr()]));
        assert_eq!(refusal(&origins, &server.url("/a")).await, (502, "origin-unreachable"));
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn garbage_is_an_answer() {
    let server = Scripted::start(|_| vec![Step::Send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()), Step::Close]).await;
    let origins = origins(&trusting(&[server.addr()]));
    assert_eq!(refusal(&origins, &server.url("/a")).await, (502, "origin-unreachable"));
    assert_eq!(server.requests().len(), 1, "it would be the same again");
}

#[tokio::test]
async fn nobody_listens() {
    let addr = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("a bound socket")
    };
    let error = fetch(&origins(&trusting(&[addr])), &format!("http://{addr}/a")).await.expect_err("refused");
    assert_eq!((error.status(), error.kind()), (502, "origin-unreachable"));
    assert!(!error.to_string().contains("127"), "addresses are for the log: {error}");
}

#[tokio::test]
async fn tls_to_a_server_that_has_none() {
    let server = Scripted::start(|_| answer("200 OK", &[], b"body")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("a bound socket");
    let closing = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let origins = origins(&trusting(&[server.addr(), addr]));
    assert_eq!(refusal(&origins, &format!("https://{addr}/a")).await, (502, "origin-unreachable"));
    closing.abort();
}

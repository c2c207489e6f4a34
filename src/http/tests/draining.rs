//! The end of the main listener.

use std::future::pending;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::fixtures::{Client, PATIENCE, SHORT, Server, listener_spec, request, soon};
use crate::http::{DrainSpec, Drained, drain};

fn spec(drain_delay: Duration, drain_timeout: Duration) -> DrainSpec {
    DrainSpec { drain_delay, drain_timeout }
}

async fn slow_client(server: &Server) -> Client {
    let mut client = server.client().await;
    client.send(request("GET", "/slow", &[])).await;
    soon(server.toy.begun.notified()).await;
    client
}

#[tokio::test]
async fn what_is_in_progress_finishes_and_nothing_new_begins() {
    let server = Server::start(listener_spec());
    let mut idle = server.client().await;
    assert_eq!(idle.request("GET", "/image", &[]).await.status, 200);
    let mut silent = server.client().await;
    let mut slow = slow_client(&server).await;
    let drained = drain(spec(Duration::ZERO, PATIENCE), &server.health, &server.serving, pending());
    let client = async {
        assert_eq!((idle.rest().await, silent.rest().await), (Vec::new(), Vec::new()));
        soon(async { while TcpStream::connect(server.serving.address()).await.is_ok() {} }).await;
        server.toy.go.notify_one();
        let got = slow.answer_to("GET").await;
        assert_eq!((got.status, got.field("connection")), (200, Some("close")));
        assert_eq!(slow.rest().await, b"");
    };
    assert_eq!(tokio::join!(drained, client).0, Drained::Complete);
}

#[tokio::test]
async fn requests_are_welcome_until_the_delay_is_over() {
    let server = Server::start(listener_spec());
    let (end, ended) = oneshot::channel::<()>();
    let second = async { ended.await.unwrap() };
    let drained = drain(spec(PATIENCE * 10, PATIENCE), &server.health, &server.serving, second);
    let client = async {
        assert_eq!(server.get("/health", &[]).await.status, 503);
        assert_eq!(server.get("/image", &[]).await.status, 200);
        end.send(()).unwrap();
    };
    assert!(matches!(tokio::join!(drained, client).0, Drained::Forced { .. }));
}

#[tokio::test]
async fn a_second_signal_cuts_at_once() {
    let server = Server::start(listener_spec());
    let mut slow = slow_client(&server).await;
    let second = async {};
    let drained = drain(spec(PATIENCE * 10, PATIENCE * 10), &server.health, &server.serving, second);
    assert_eq!(soon(drained).await, Drained::Forced { cut: 1 });
    assert_eq!(slow.rest().await, b"");
    soon(server.toy.dropped.notified()).await;
    assert!(TcpStream::connect(server.serving.address()).await.is_err());
    assert_eq!(server.serving.connections(), 0);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let server = Server::start(listener_spec());
    let mut slow = slow_client(&server).await;
    let drained = drain(spec(Duration::ZERO, SHORT), &server.health, &server.serving, pending());
    assert_eq!(soon(drained).await, Drained::TimedOut { cut: 1 });
    assert_eq!(slow.rest().await, b"");
}

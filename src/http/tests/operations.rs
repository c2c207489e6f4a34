//! The operations listener.

use std::sync::Arc;

use super::fixtures::{Client, listener_spec};
use crate::http::{Admin, Listener, Serving};
use crate::telemetry::health::Health;

fn start(bearer: Option<&str>) -> (Serving, Arc<Health>) {
    let health = Arc::new(Health::starting());
    let admin = Admin {
        bearer: bearer.map(|token| token.as_bytes().to_vec()),
        health: Arc::clone(&health),
        metrics: Box::new(|| "tintype_up 1\n".to_owned()),
        status: Box::new(|| serde_json::json!({"name": "tintype"})),
    };
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    (Serving::start(listener, listener_spec(), admin), health)
}

#[tokio::test]
async fn probes_are_open_and_follow_readiness() {
    let (serving, health) = start(Some("t0k"));
    let mut client = Client::connect(serving.address()).await;
    assert_eq!(client.request("GET", "/live", &[]).await.status, 200);
    let starting = client.request("GET", "/ready", &[]).await;
    assert_eq!((starting.status, starting.json()["detail"].as_str()), (503, Some("the server is starting")));
    health.set_ready();
    assert_eq!(client.request("HEAD", "/ready", &[]).await.status, 200);
    health.set_draining();
    assert_eq!(client.request("GET", "/ready", &[]).await.status, 503);
    assert_eq!(client.request("GET", "/live", &[]).await.status, 200);
}

#[tokio::test]
async fn what_tells_something_asks_for_the_token() {
    let (serving, _) = start(Some("t0k"));
    let mut client = Client::connect(serving.address()).await;
    for path in ["/metrics", "/status"] {
        for lines in
            [&[][..], &["Authorization: Bearer t0"], &["Authorization: Bearer t0l"], &["Authorization: Basic t0k"]]
        {
            let got = client.request("GET", path, lines).await;
            assert_eq!((got.status, got.field("www-authenticate")), (401, Some("Bearer")), "{path} {lines:?}");
        }
    }
    let token = ["Authorization: Bearer t0k"];
    let metrics = client.request("GET", "/metrics", &token).await;
    assert_eq!((metrics.status, metrics.text()), (200, "tintype_up 1\n"));
    assert_eq!(metrics.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let status = client.request("GET", "/status", &token).await;
    assert_eq!((status.json()["name"].as_str(), status.field("cache-control")), (Some("tintype"), Some("no-store")));
    assert_eq!(status.field("access-control-allow-origin"), None);
}

#[tokio::test]
async fn without_a_token_all_is_open_and_nothing_else_is_there() {
    let (serving, _) = start(None);
    let mut client = Client::connect(serving.address()).await;
    assert_eq!(client.request("GET", "/metrics", &[]).await.status, 200);
    assert_eq!(client.request("GET", "/", &[]).await.status, 404);
    let got = client.request("POST", "/status", &[]).await;
    assert_eq!((got.status, got.field("allow")), (405, Some("GET, HEAD")));
    assert!(serving.abort().await <= 1);
}

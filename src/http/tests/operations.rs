//! The operations listener.

use std::sync::Arc;

use super::fixtures::{Client, Got, listener_spec};
use crate::flow::{Failure, PurgeOrder, PurgeReport};
use crate::http::{Admin, Listener, Serving};
use crate::telemetry::health::Health;

/// Follows orders of one tag, and says of no other that it is done.
fn followed(order: &PurgeOrder) -> Result<PurgeReport, Failure> {
    match order.tags.as_slice() {
        [tag] if tag == "full-disk" => Err(Failure::new(503, "purge-not-durable", "not durable", "")),
        [_] => Ok(PurgeReport { purged: vec![("memory", 3), ("originals_memory", 0)], marks: 1, soft: order.soft }),
        _ => Err(Failure::new(400, "invalid-purge", "cannot be followed", "it names nothing")),
    }
}

async fn order(client: &mut Client, lines: &[&str], body: &str) -> Got {
    let lines = lines.iter().map(|line| format!("{line}\r\n")).collect::<Vec<_>>().concat();
    let len = body.len();
    client.send(format!("POST /purge HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {len}\r\n\r\n{body}")).await;
    client.answer_to("POST").await
}

fn start(bearer: Option<&str>) -> (Serving, Arc<Health>) {
    let health = Arc::new(Health::starting());
    let admin = Admin {
        bearer: bearer.map(|token| token.as_bytes().to_vec()),
        health: Arc::clone(&health),
        metrics: Box::new(|| "tintype_up 1\n".to_owned()),
        status: Box::new(|| serde_json::json!({"name": "tintype"})),
        purge: Box::new(|order| Box::pin(async move { followed(&order) })),
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

#[tokio::test]
async fn a_purge_is_an_order_of_who_has_the_token() {
    let (serving, _) = start(Some("t0k"));
    let mut client = Client::connect(serving.address()).await;
    let token = "Authorization: Bearer t0k";
    let tag = r#"{"tags": ["h-a"]}"#;
    for lines in [&[][..], &["Authorization: Bearer t0"], &["Authorization: Basic t0k"]] {
        let got = order(&mut client, lines, tag).await;
        assert_eq!((got.status, got.field("www-authenticate")), (401, Some("Bearer")), "{lines:?}");
    }
    let got = order(&mut client, &[token], tag).await;
    let report = serde_json::json!({"purged": {"memory": 3, "originals_memory": 0}, "marks": 1, "soft": false});
    assert_eq!((got.status, got.json(), got.field("cache-control")), (200, report, Some("no-store")));
    let soft = order(&mut client, &[token], r#"{"soft": true, "tags": ["h-a"]}"#).await;
    assert_eq!((soft.status, soft.json()["soft"].as_bool()), (200, Some(true)));
    let got = order(&mut client, &[token], r#"{"tags": ["full-disk"]}"#).await;
    assert_eq!((got.status, got.json()["type"].as_str()), (503, Some("urn:tintype:purge-not-durable")));
    let got = client.request("GET", "/purge", &[token]).await;
    assert_eq!((got.status, got.field("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn without_a_token_nothing_is_purged() {
    let (serving, _) = start(None);
    let mut client = Client::connect(serving.address()).await;
    let got = order(&mut client, &["Authorization: Bearer "], r#"{"tags": ["h-a"]}"#).await;
    assert_eq!((got.status, got.json()["type"].as_str()), (403, Some("urn:tintype:token-needed")));
    assert!(got.json()["detail"].as_str().unwrap().contains("admin.token"), "{}", got.json());
}

#[tokio::test]
async fn orders_of_another_form_are_refused_with_the_right_one() {
    let (serving, _) = start(Some("t0k"));
    let token = "Authorization: Bearer t0k";
    for (body, says) in [
        ("", "EOF"),
        ("tags=a", "expected"),
        (r#"{"tag": ["a"]}"#, "unknown field `tag`"),
        (r#"{"tags": "a"}"#, "invalid type: string"),
        (r#"{"soft": "yes", "tags": ["a"]}"#, "invalid type: string"),
        (r#"{"tags": ["a"]} {}"#, "trailing"),
        (r#"{"tags": ["a"], "tags": ["a"]}"#, "duplicate field"),
    ] {
        let mut client = Client::connect(serving.address()).await;
        let got = order(&mut client, &[token], body).await;
        let problem = got.json();
        assert_eq!((got.status, problem["type"].as_str()), (400, Some("urn:tintype:invalid-purge")), "{body}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{body}: {problem}");
        assert!(problem["accepted"].as_str().unwrap().contains("\"prefixes\": []"), "{body}: {problem}");
    }
    let mut client = Client::connect(serving.address()).await;
    let most = format!("{{\"tags\": [\"{}\"]}}", "x".repeat((1 << 20) - 14));
    assert_eq!((most.len(), order(&mut client, &[token], &most).await.status), (1 << 20, 200));
    let got = order(&mut client, &[token], &format!("{most} ")).await;
    assert_eq!((got.status, got.json()["setting"].as_str()), (413, None));
}

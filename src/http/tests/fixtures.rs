//! A toy service, servers with short limits, and a client that knows just enough HTTP to read an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::cache::Place;
use crate::config::UrlQuery;
use crate::flow::{Answer, Ask, CacheOutcome, Face, Failure, Keeping};
use crate::http::{Extra, Listener, ListenerSpec, Main, ResponseSpec, Service, Serving};
use crate::telemetry::health::Health;

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// A limit that is meant to pass during a test.
pub const SHORT: Duration = Duration::from_millis(150);
pub const BODY: &[u8] = b"0123456789";

/// Answers by path; `/slow` tells that it has begun, waits until it is let go, and tells when it is dropped.
#[derive(Clone, Default)]
pub struct Toy {
    pub begun: Arc<Notify>,
    pub go: Arc<Notify>,
    pub dropped: Arc<Notify>,
}

/// Tells when a request's future is dropped, finished or not.
struct Bell(Arc<Notify>);

/// A main listener with a toy behind it.
pub struct Server {
    pub toy: Toy,
    pub health: Arc<Health>,
    pub serving: Serving,
}

/// One connection of a client.
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

// === impl Toy ===

impl Service for Toy {
    async fn answer(&self, ask: Ask) -> Result<Answer, Failure> {
        let cached =
            Failure { cache_s: Some(60), negotiated: true, ..Failure::new(404, "no-original", "no such", "x") };
        match ask.path.as_str() {
            "/slow" => {
                let _bell = Bell(Arc::clone(&self.dropped));
                self.begun.notify_one();
                self.go.notified().await;
                Ok(found())
            }
            "/echo" => Ok(Answer { body: format!("{ask:?}").into(), ..found() }),
            "/huge" => Ok(Answer { body: Bytes::from(vec![0; 64 << 20]), ..found() }),
            "/empty" => Ok(Answer { body: Bytes::new(), ..found() }),
            "/fixed" => Ok(shown(Face { negotiated: false, last_modified_s: None, attachment: true, ..face() })),
            "/hit" => Ok(shown(Face { cache: CacheOutcome::Hit { ttl_s: 3540, place: Place::Memory }, ..face() })),
            "/unsendable" => Ok(shown(Face { content_type: "a\nb".to_owned(), ..face() })),
            "/missing" => Err(cached),
            "/limit" => Err(Failure {
                segment: Some("w:9".to_owned()),
                accepted: Some("w:1 to w:8".to_owned()),
                limit: Some(("output.side_max", "8 px".to_owned())),
                retry_after_s: Some(2),
                stages: vec![("queue", Duration::from_millis(3))],
                ..Failure::new(503, "too-much", "too much", "9 px, limit 8")
            }),
            _ => Ok(found()),
        }
    }
}

pub fn found() -> Answer {
    shown(face())
}

fn shown(face: Face) -> Answer {
    let stages = vec![("origin", Duration::from_micros(38_100))];
    Answer { face: Arc::new(face), body: Bytes::from_static(BODY), stages }
}

fn face() -> Face {
    Face {
        content_type: "image/webp".to_owned(),
        etag: "\"abc\"".to_owned(),
        last_modified_s: Some(784_111_777),
        keeping: Keeping { max_age_s: 3600, ..Keeping::default() },
        labels: Arc::default(),
        negotiated: true,
        filename: "hero.webp".to_owned(),
        attachment: false,
        cache: CacheOutcome::Miss { stored: true },
        ..Face::default()
    }
}

// === impl Bell ===

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

// === impl Server ===

impl Server {
    pub fn start(spec: ListenerSpec) -> Self {
        Self::start_with(spec, response_spec(), None)
    }

    pub fn start_with(spec: ListenerSpec, responses: ResponseSpec, extra: Option<Arc<dyn Extra>>) -> Self {
        let (toy, health) = (Toy::default(), Arc::new(Health::starting()));
        health.set_ready();
        let main = Main::try_new(toy.clone(), extra, Arc::clone(&health), responses).unwrap();
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { toy, health, serving: Serving::start(listener, spec, main) }
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.serving.address()).await
    }

    /// The answer to one GET of `path` with further header lines.
    pub async fn get(&self, path: &str, lines: &[&str]) -> Got {
        self.client().await.request("GET", path, lines).await
    }
}

// === impl Client ===

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub async fn request(&mut self, method: &str, path: &str, lines: &[&str]) -> Got {
        self.send(request(method, path, lines)).await;
        self.answer_to(method).await
    }

    /// Reads one answer; what comes after it stays for the next call.
    pub async fn answer_to(&mut self, method: &str) -> Got {
        let end = self.unread_until(|unread| unread.windows(4).position(|four| four == b"\r\n\r\n")).await + 4;
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut got = Got { status, head, body: Vec::new() };
        if method != "HEAD" {
            let len = got.field("content-length").map_or(0, |len| len.parse().unwrap());
            self.unread_until(|unread| (unread.len() >= len).then_some(())).await;
            got.body = self.unread.drain(..len).collect();
        }
        got
    }

    /// Exactly `len` bytes.
    pub async fn bytes(&mut self, len: usize) -> Vec<u8> {
        self.unread_until(|unread| (unread.len() >= len).then_some(())).await;
        self.unread.drain(..len).collect()
    }

    /// Everything until the server closes, cleanly or not.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.unread);
        let read = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        let _ = read.expect("the server closes the connection");
        rest
    }

    async fn unread_until<T>(&mut self, found: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            if let Some(found) = found(&self.unread) {
                return found;
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await;
            let got = read.expect("the server answers").unwrap();
            assert_ne!(got, 0, "closed after {:?}", String::from_utf8_lossy(&self.unread));
        }
    }
}

// === impl Got ===

impl Got {
    /// The value of the only line of this field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let value = values.next();
        assert_eq!(values.next(), None, "{name} stands twice");
        value
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

pub fn request(method: &str, path: &str, lines: &[&str]) -> String {
    let lines = [&["Host: img.example"], lines].concat().join("\r\n");
    format!("{method} {path} HTTP/1.1\r\n{lines}\r\n\r\n")
}

/// Limits that no test reaches by accident.
pub fn listener_spec() -> ListenerSpec {
    ListenerSpec {
        connections_max: 64,
        proxies: Arc::default(),
        header_bytes_max: 16 * 1024,
        header_timeout: PATIENCE * 2,
        body_timeout: PATIENCE,
        keep_alive_timeout: PATIENCE * 3,
        exchange_timeout: PATIENCE * 4,
    }
}

pub fn response_spec() -> ResponseSpec {
    ResponseSpec {
        cache_name: "tintype".to_owned(),
        allow_origin: Some("*".to_owned()),
        server_timing: true,
        url_bytes_max: 64,
        query: UrlQuery::Ignore,
        tag_headers: vec!["surrogate-key", "cache-tag"],
    }
}

/// Waits for an event that must come.
pub async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.expect("the event comes")
}

//! An HTTP server that does exactly what a test tells it, right or wrong.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What to do next on a connection.
#[derive(Clone)]
pub enum Step {
    Send(Vec<u8>),
    /// Sends this again and again until the peer is gone.
    Endless(Vec<u8>),
    /// One piece per tick of so many milliseconds, until the peer is gone.
    Trickle(Vec<u8>, u64),
    /// Nothing, until the peer is gone.
    Stall,
    /// The end of the stream.
    Close,
    /// The end of the connection, without the usual courtesy.
    Reset,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Counts all requests from 0.
    pub number: usize,
    pub target: String,
    /// The head as sent, in lower case.
    pub head: String,
}

impl Asked {
    /// The value of a field, in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

type Script = dyn Fn(&Asked) -> Vec<Step> + Send + Sync;

pub struct Scripted {
    addr: SocketAddr,
    shared: Arc<Shared>,
    asked: mpsc::Receiver<()>,
    gone: mpsc::Receiver<()>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Box<Script>,
    connections: AtomicUsize,
    requests: Mutex<Vec<Asked>>,
    asked: mpsc::Sender<()>,
    gone: mpsc::Sender<()>,
}

impl Scripted {
    pub async fn start(script: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("a bound socket");
        let (asked_sender, asked) = mpsc::channel(64);
        let (gone_sender, gone) = mpsc::channel(64);
        let shared = Arc::new(Shared {
            script: Box::new(script),
            connections: AtomicUsize::new(0),
            requests: Mutex::default(),
            asked: asked_sender,
            gone: gone_sender,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { addr, shared, asked, gone, accepting }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<Asked> {
        self.shared.requests.lock().expect("no panic").clone()
    }

    /// Waits for the next request.
    pub async fn asked(&mut self) {
        self.asked.recv().await.expect("the server lives");
    }

    /// Waits until a peer left a `Stall`, an `Endless` or a `Trickle`.
    pub async fn peer_left(&mut self) {
        self.gone.recv().await.expect("the server lives");
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A complete answer with a length.
pub fn answer(status: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let length = body.len().to_string();
    let mut bytes = head(status, &[fields, &[("content-length", &length)]].concat());
    bytes.extend_from_slice(body);
    vec![Step::Send(bytes)]
}

/// A head, and nothing more.
pub fn head(status: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in fields {
        head = format!("{head}{name}: {value}\r\n");
    }
    head += "\r\n";
    head.into_bytes()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(head) = read_head(&mut stream).await {
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let asked = {
            let mut requests = shared.requests.lock().expect("no panic");
            let asked = Asked { number: requests.len(), target, head: head.to_ascii_lowercase() };
            requests.push(asked.clone());
            asked
        };
        // Most tests do not wait for this; the channel is large enough for those that do.
        let _ = shared.asked.try_send(());
        for step in (shared.script)(&asked) {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Endless(bytes) => {
                    while stream.write_all(&bytes).await.is_ok() {}
                    return left(&shared);
                }
                Step::Trickle(bytes, every_ms) => {
                    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(every_ms));
                    while stream.write_all(&bytes).await.is_ok() {
                        ticks.tick().await;
                    }
                    return left(&shared);
                }
                Step::Stall => {
                    while stream.read_u8().await.is_ok() {}
                    return left(&shared);
                }
                Step::Close => return,
                Step::Reset => {
                    stream.set_zero_linger().expect("a socket option");
                    return;
                }
            }
        }
    }
}

fn left(shared: &Shared) {
    let _ = shared.gone.try_send(());
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

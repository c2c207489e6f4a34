//! A real S3 server in the test's process, for the bucket that nodes share, which can fall silent and come back; and
//! the nodes.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::kept::Site;
use crate::support::client::Answer;
use crate::support::server::{Launch, Server};
use crate::support::{eventually, folder};

const KEY_ID: &str = "AKIAEXAMPLE";
const KEY: &str = "example/secret+key";
const BUCKET: &str = "nodes";

/// The server, with one bucket.
pub(super) struct Store {
    addr: SocketAddr,
    folder: TempDir,
    mood: Arc<AtomicU8>,
    asked: Arc<AtomicUsize>,
    /// Ends the server when it is dropped.
    _runtime: Runtime,
}

/// A node with a folder of its own.
pub(super) struct Node {
    pub(super) server: Server,
    pub(super) launch: Launch,
    pub(super) disk: TempDir,
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    /// Takes requests and never answers.
    Silent,
    /// Ends connections without an answer.
    Gone,
    /// Answers 503.
    Failing,
}

// === impl Store ===

impl Store {
    pub(super) fn start() -> Self {
        let folder = folder(&[]);
        fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).expect("a store"));
        builder.set_auth(SimpleAuth::from_single(KEY_ID, KEY));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let addr = listener.local_addr().expect("a bound socket");
        let (mood, asked) = (Arc::new(AtomicU8::new(Mood::Well as u8)), Arc::new(AtomicUsize::new(0)));
        runtime.spawn(accept(listener, builder.build(), Arc::clone(&mood), Arc::clone(&asked)));
        Self { addr, folder, mood, asked, _runtime: runtime }
    }

    pub(super) fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// A node with this bucket.
    pub(super) fn shared_by(&self, launch: &Launch) -> Launch {
        launch
            .clone()
            .set("SHARED_BUCKET", &format!("s3://{BUCKET}/cache"))
            .set("SHARED_MARKS_POLL", "50ms")
            // On a crowded machine a healthy bucket may take a while.
            .set("SHARED_GET_TIMEOUT", "10s")
            .set("S3_ENDPOINT", &format!("http://{}", self.addr))
            .set("S3_REGION", "eu-central-1")
            .variable("AWS_ACCESS_KEY_ID", KEY_ID)
            .variable("AWS_SECRET_ACCESS_KEY", KEY)
    }

    /// Requests so far.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Files of entries in the bucket.
    pub(super) fn objects(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join(BUCKET).join("cache/v1/objects")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

// === impl Node ===

impl Node {
    pub(super) fn start(site: &Site, store: &Store) -> Self {
        let node = Self::begin(site, store);
        eventually("the board is read", || shared(&node.server)["is_read"] == json!(true));
        node
    }

    /// The same, whatever the bucket says.
    pub(super) fn begin(site: &Site, store: &Store) -> Self {
        Self::with(site, |launch| store.shared_by(launch))
    }

    /// One that waits for the bucket no longer than usual.
    pub(super) fn impatient(site: &Site, store: &Store) -> Self {
        Self::with(site, |launch| store.shared_by(launch).set("SHARED_GET_TIMEOUT", "500ms"))
    }

    fn with(site: &Site, sharing: impl FnOnce(&Launch) -> Launch) -> Self {
        let disk = folder(&[]);
        let launch = sharing(&site.launch_over(disk.path()));
        Self { server: launch.start(), launch, disk }
    }

    pub(super) fn get(&self, target: &str) -> Answer {
        self.server.get(target)
    }
}

/// What `/status` says of the bucket.
pub(super) fn shared(server: &Server) -> Value {
    server.status()["flow"]["shared"].clone()
}

async fn accept(listener: TcpListener, service: S3Service, mood: Arc<AtomicU8>, asked: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (service, mood, asked) = (service.clone(), Arc::clone(&mood), Arc::clone(&asked));
        let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (service, mood) = (service.clone(), mood.load(Ordering::SeqCst));
            asked.fetch_add(1, Ordering::SeqCst);
            async move {
                if mood == Mood::Silent as u8 {
                    std::future::pending::<()>().await;
                }
                if mood == Mood::Gone as u8 {
                    return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
                }
                if mood == Mood::Failing as u8 {
                    let mut failed = hyper::Response::new(s3s::Body::empty());
                    *failed.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
                    return Ok(failed);
                }
                hyper::service::Service::call(&service, request).await.map_err(|_| std::io::ErrorKind::Other.into())
            }
        });
        let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(serving);
    }
}

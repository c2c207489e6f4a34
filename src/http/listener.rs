//! The accept loop, the same for both listeners. Contract: never more than `connections_max` connections, never an end
//! because of an error of `accept`, and every task is tracked.

use std::io;
use std::io::ErrorKind::ConnectionRefused;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixSocket, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Handler};
use super::spec::ListenerSpec;

/// Where a listener stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(SocketAddr),
    /// The path of a Unix socket, written `unix:/path`.
    Unix(PathBuf),
}

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("`{0}` is neither an address with a port, like 0.0.0.0:8080, nor unix:/path")]
    Endpoint(String),
    #[error("cannot listen on {endpoint}")]
    Bind {
        endpoint: Endpoint,
        #[source]
        source: io::Error,
    },
}

/// An open listener that accepts nothing yet.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A listener at work; dropped, it works on. Ended by [`super::drain::drain`] or [`Serving::abort`].
#[derive(Debug)]
pub struct Serving {
    endpoint: Endpoint,
    life: Life,
}

/// The ends that the tasks of one listener obey, and the tracker that knows them all.
#[derive(Debug, Clone)]
pub(super) struct Life {
    /// Accept no more.
    pub stop: CancellationToken,
    /// Finish what is in progress, then close.
    pub finish: CancellationToken,
    /// Close now.
    pub abort: CancellationToken,
    pub tracker: TaskTracker,
    pub open: Arc<AtomicUsize>,
}

/// A socket of either kind.
pub(super) type Socket = Either<TcpStream, UnixStream>;

/// One connection's share of the limit and of the count; both are given back when it is dropped.
#[derive(Debug)]
struct Place {
    _permit: OwnedSemaphorePermit,
    open: Arc<AtomicUsize>,
}

/// How long the loop rests when the process or the machine has no file descriptor left: connections that end give some
/// back, and nothing tells us when.
const DESCRIPTORS_PAUSE: Duration = Duration::from_millis(100);

// === impl Endpoint ===

impl FromStr for Endpoint {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Self::Unix(PathBuf::from(path))),
            _ => text.parse().map(Self::Tcp).map_err(|_| ListenError::Endpoint(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

// === impl Listener ===

impl Listener {
    /// Opens the socket. Port 0 takes a free one; a Unix socket that nobody listens on any more is replaced.
    pub fn bind(endpoint: &Endpoint, backlog: u32) -> Result<Self, ListenError> {
        let opened = match endpoint {
            Endpoint::Tcp(address) => bind_tcp(*address, backlog).map(Self::Tcp),
            Endpoint::Unix(path) => bind_unix(path, backlog).map(Self::Unix),
        };
        opened.map_err(|source| ListenError::Bind { endpoint: endpoint.clone(), source })
    }

    async fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written whole; waiting for more to fill a segment only delays their end.
                stream.set_nodelay(true)?;
                Ok((Either::Left(stream), Some(peer)))
            }
            Self::Unix(listener) => Ok((Either::Right(listener.accept().await?.0), None)),
        }
    }

    fn endpoint(&self) -> io::Result<Endpoint> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Endpoint::Tcp),
            Self::Unix(listener) => {
                let address = listener.local_addr()?;
                Ok(Endpoint::Unix(address.as_pathname().map(PathBuf::from).unwrap_or_default()))
            }
        }
    }
}

// === impl Serving ===

impl Serving {
    /// Starts to accept.
    pub fn start<H: Handler>(listener: Listener, spec: ListenerSpec, handler: Arc<H>) -> io::Result<Self> {
        let endpoint = listener.endpoint()?;
        let life = Life {
            stop: CancellationToken::new(),
            finish: CancellationToken::new(),
            abort: CancellationToken::new(),
            tracker: TaskTracker::new(),
            open: Arc::new(AtomicUsize::new(0)),
        };
        life.tracker.spawn(accept_loop(listener, Arc::new(spec), handler, life.clone()));
        Ok(Self { endpoint, life })
    }

    /// Where it listens, with the port that the kernel chose where none was given.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.life.open.load(Ordering::Relaxed)
    }

    /// Ends everything at once and waits until it is gone. Returns how many connections were cut.
    pub async fn abort(&self) -> usize {
        let cut = self.connections();
        self.life.stop.cancel();
        self.life.abort.cancel();
        self.closed().await;
        cut
    }

    /// Accepts no more. Requests in progress go on; connections close as soon as they have none.
    pub(super) fn finish(&self) {
        self.life.stop.cancel();
        self.life.finish.cancel();
    }

    /// Waits for the last task.
    pub(super) async fn closed(&self) {
        self.life.tracker.close();
        self.life.tracker.wait().await;
    }
}

// === impl Place ===

impl Place {
    fn new(permit: OwnedSemaphorePermit, open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self { _permit: permit, open: Arc::clone(open) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept_loop<H: Handler>(listener: Listener, spec: Arc<ListenerSpec>, handler: Arc<H>, life: Life) {
    let places = Arc::new(Semaphore::new(spec.connections_max));
    let mut failing = false;
    loop {
        // Before `accept`, so that connections beyond the limit wait in the kernel, where they cost us nothing.
        let permit = tokio::select! {
            biased;
            () = life.stop.cancelled() => return,
            permit = Arc::clone(&places).acquire_owned() => permit,
        };
        let Ok(permit) = permit else { return };
        let accepted = tokio::select! {
            biased;
            () = life.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                failing = false;
                let place = Place::new(permit, &life.open);
                let (spec, handler, inner) = (Arc::clone(&spec), Arc::clone(&handler), life.clone());
                life.tracker.spawn(async move {
                    let _place = place;
                    let abort = inner.abort.clone();
                    tokio::select! {
                        biased;
                        () = abort.cancelled() => {}
                        () = connection::serve(socket, peer, &spec, handler, inner) => {}
                    }
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "accept failed");
                }
                failing = true;
                tokio::select! {
                    () = life.stop.cancelled() => return,
                    () = tokio::time::sleep(DESCRIPTORS_PAUSE) => {}
                }
            }
        }
    }
}

/// Whether the failure is over with the connection that had it. All others (no descriptor left above all) would come
/// again at once, and a loop without a pause would burn a core.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    // InvalidInput: some systems refuse options of a socket whose peer has gone already.
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected
    ) || error.raw_os_error() == Some(Errno::PROTO.raw_os_error())
}

fn bind_tcp(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for connections of the last run to leave TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

fn bind_unix(path: &Path, backlog: u32) -> io::Result<UnixListener> {
    let bind = || {
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        socket.listen(backlog)
    };
    match bind() {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            bind()
        }
        result => result,
    }
}

/// Whether `path` is a socket that nobody answers on: what a killed process leaves behind. Connecting to a plain file is
/// refused as well, and that one is not ours to remove.
fn is_abandoned(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    is_socket && std::os::unix::net::UnixStream::connect(path).is_err_and(|error| error.kind() == ConnectionRefused)
}

//! The accept loop, the same for both listeners. Contract: never more than `connections_max` connections that are
//! served, never an end because of an error of `accept`, and every task is tracked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bell::unless;
use super::connection::{self, Handler};
use super::door::{DOOR_MAX, DOOR_WAIT, Door, turn_away};
use super::spec::ListenerSpec;
use crate::telemetry::metrics::{Gauge, Held};

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    pub address: SocketAddr,
    #[source]
    source: io::Error,
}

/// An open port on which nothing is accepted yet: clients that come early wait.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

/// A listener at work; dropped, it works on. Ended by [`super::drain::drain`] or [`Serving::abort`].
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
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
    /// Heard by connections that do nothing when others find no place.
    pub door: Arc<Door>,
    pub open: Arc<AtomicUsize>,
    /// Where what requests begin is done.
    pub work: Handle,
}

/// One connection's share of the limit and of the count; both are given back when it is dropped.
#[derive(Debug)]
struct Place {
    _permit: OwnedSemaphorePermit,
    open: Arc<AtomicUsize>,
    _gauge: Held,
}

/// Connections that the kernel completes before they are accepted; the kernel's own limit applies as well.
const BACKLOG: u32 = 1024;
/// How long the loop rests when the process or the machine has no file descriptor left: connections that end give some
/// back, and nothing tells us when.
const DESCRIPTORS_PAUSE: Duration = Duration::from_millis(100);

// === impl Listener ===

impl Listener {
    /// Opens the port; 0 takes a free one. An IPv6 wildcard takes IPv4 as well where the system is set so.
    ///
    /// # Errors
    ///
    /// The address is in use, not ours, or not allowed.
    pub fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let open = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // A restart must not wait for connections of the last run to leave TIME_WAIT.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok(Self { socket, address })
        };
        open().map_err(|source| ListenError { address, source })
    }

    /// Where it listens, with the port that the kernel chose where none was given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

// === impl Serving ===

impl Serving {
    /// Starts to accept.
    pub fn start<H: Handler>(listener: Listener, spec: ListenerSpec, handler: H) -> Self {
        Self::start_on(&Handle::current(), listener, spec, handler)
    }

    /// The same with the connections on threads of another runtime, in which `listener` was opened. What requests
    /// begin is done by the one that this is called in.
    pub fn start_on<H: Handler>(connections: &Handle, listener: Listener, spec: ListenerSpec, handler: H) -> Self {
        let address = listener.address;
        let life = Life {
            stop: CancellationToken::new(),
            finish: CancellationToken::new(),
            abort: CancellationToken::new(),
            tracker: TaskTracker::new(),
            door: Arc::default(),
            open: Arc::new(AtomicUsize::new(0)),
            work: Handle::current(),
        };
        let accepting = accept_loop(listener.socket, Arc::new(spec), Arc::new(handler), life.clone());
        life.tracker.spawn_on(accepting, connections);
        Self { address, life }
    }

    /// Where it listens, with the port that the kernel chose where none was given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that are open now.
    #[must_use]
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
        Self { _permit: permit, open: Arc::clone(open), _gauge: Gauge::Connections.hold(&[]) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept_loop<H: Handler>(listener: TcpListener, spec: Arc<ListenerSpec>, handler: Arc<H>, life: Life) {
    let places = Arc::new(Semaphore::new(spec.connections_max));
    let entrances = Arc::new(Semaphore::new(DOOR_MAX));
    let mut failing = false;
    loop {
        // Before `accept`, so that connections that find no place at the door either wait in the kernel, where they
        // cost us nothing.
        let entrance = tokio::select! {
            biased;
            () = life.stop.cancelled() => return,
            entrance = Arc::clone(&entrances).acquire_owned() => entrance,
        };
        let Ok(entrance) = entrance else { return };
        let accepted = tokio::select! {
            biased;
            () = life.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                failing = false;
                let (spec, handler, inner) = (Arc::clone(&spec), Arc::clone(&handler), life.clone());
                let at_once = Arc::clone(&places).try_acquire_owned().ok();
                let (places, abort) = (Arc::clone(&places), life.abort.clone());
                life.tracker.spawn(async move {
                    let served = async move {
                        let permit = match at_once {
                            Some(permit) => Some(permit),
                            None => awaited(places, &inner).await,
                        };
                        let Some(permit) = permit else { return turn_away(socket).await };
                        drop(entrance);
                        let _place = Place::new(permit, &inner.open);
                        connection::serve(socket, peer, &spec, handler, inner).await;
                    };
                    unless(abort.cancelled(), served).await;
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "accept failed");
                }
                failing = true;
                // A connection that does nothing gives back its descriptor.
                let _knock = life.door.knock();
                tokio::select! {
                    () = life.stop.cancelled() => return,
                    () = tokio::time::sleep(DESCRIPTORS_PAUSE) => {}
                }
            }
        }
    }
}

/// A place that becomes free within a moment, if need be that of a connection that does nothing.
async fn awaited(places: Arc<Semaphore>, life: &Life) -> Option<OwnedSemaphorePermit> {
    let _knock = life.door.knock();
    tokio::time::timeout(DOOR_WAIT, places.acquire_owned()).await.ok()?.ok()
}

/// Whether the failure is over with the connection that had it. All others (no descriptor left above all) would come
/// again at once, and a loop without a pause would burn a core.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    // InvalidInput: some systems refuse options of a socket whose peer has gone already.
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
        || error.raw_os_error() == Some(Errno::PROTO.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_of_one_connection_go_on_without_a_pause() {
        for errno in [Errno::CONNABORTED, Errno::CONNRESET, Errno::INTR, Errno::PROTO, Errno::INVAL] {
            assert!(is_of_one_connection(&errno.into()), "{errno}");
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::BADF] {
            assert!(!is_of_one_connection(&errno.into()), "{errno}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_it() {
        let first = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let error = Listener::bind(first.address()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {}", first.address()));
    }
}

//! Connections beyond the limit: one that does nothing makes room for one that came, and who finds no room is told so
//! while there is still time to go elsewhere. Contract: a connection with a request in progress is never closed for
//! another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::respond;
use crate::telemetry::metrics::Counter;

/// Where those wait that were accepted and have no place yet.
#[derive(Debug, Default)]
pub(super) struct Door {
    knocking: AtomicUsize,
    /// Heard by the connections that do nothing; the one that has done nothing for longest hears it first.
    knocked: Notify,
}

/// One that waits for a place; dropped when it has one, or goes.
#[derive(Debug)]
pub(super) struct Knock(Arc<Door>);

/// Connections at the door at a time; further ones stay in the backlog of the kernel.
pub(super) const DOOR_MAX: usize = 64;
/// How long one waits there.
pub(super) const DOOR_WAIT: Duration = Duration::from_secs(1);
/// For the request of one that is turned away to come, and for the answer to be taken.
const FAREWELL: Duration = Duration::from_secs(1);
/// What is read of a request that is not answered.
const FAREWELL_BYTES: usize = 4096;

// === impl Door ===

impl Door {
    /// Asks for a place.
    pub(super) fn knock(self: &Arc<Self>) -> Knock {
        self.knocking.fetch_add(1, Ordering::AcqRel);
        self.knocked.notify_one();
        Knock(Arc::clone(self))
    }

    /// Whether somebody waits for a place now.
    pub(super) fn is_knocked(&self) -> bool {
        self.knocking.load(Ordering::Acquire) > 0
    }

    /// Ends when a place is needed; to be awaited while a connection does nothing. Dropped, it passes the word on.
    pub(super) async fn heard(&self) {
        loop {
            self.knocked.notified().await;
            // Else whoever knocked is gone.
            if self.is_knocked() {
                return;
            }
        }
    }
}

// === impl Knock ===

impl Drop for Knock {
    fn drop(&mut self) {
        self.0.knocking.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tells a client that there is no room.
pub(super) async fn turn_away(mut socket: TcpStream) {
    Counter::Shed.add(1, &[("reason", "connections")]);
    let farewell = async {
        let mut request = [0; FAREWELL_BYTES];
        // An answer before the question would be taken for that to another one.
        if socket.read(&mut request).await? == 0 {
            return Ok(());
        }
        socket.write_all(respond::CONNECTIONS_FULL).await?;
        socket.shutdown().await?;
        // Closed with bytes unread, the kernel would take back the answer.
        while socket.read(&mut request).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // Who does not wait for the answer needs none.
    let _ = timeout(FAREWELL, farewell).await;
}

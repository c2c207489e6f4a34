//! What server, template and workers say to each other: one JSON text a message, over a socket pair that keeps messages
//! apart, with descriptors beside it. Plain data under a version, so that a worker could run elsewhere.
//!
//! A worker may be in the hands of whoever made the picture that it reads. The server believes nothing that a worker
//! says without looking: how long a message is, which job and output it is about, how many descriptors came.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::error::EngineError;
use crate::engine::job::{Limits, Output, Rendered};
use crate::engine::sandbox::{Layers, SandboxSpec};
use crate::engine::vips::Caps;

/// Raised with every change of the messages: both ends are of one binary, unless someone replaced it under a running
/// server.
pub const VERSION: u32 = 2;

/// The longest message; descriptors carry what is larger.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Descriptors of one message.
pub const FDS_MAX: usize = 8;

/// Room for descriptors that come: one too many is seen as that, and not taken for a lack of descriptors here.
const FDS_ROOM: usize = FDS_MAX + 1;

/// From the server to the template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Order {
    /// The first one: what to be.
    Start { version: u32, sandbox: SandboxSpec },
    /// Fork a worker, whose socket comes beside this.
    Fork,
    /// Say how a worker ended that has ended or is about to.
    Bury { pid: i32 },
}

/// From the template to the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Notice {
    /// Ready to fork.
    Started {
        version: u32,
        caps: Caps,
        layers: Layers,
    },
    /// A worker is there; a descriptor of the process comes beside this.
    Forked {
        pid: i32,
    },
    /// How a worker ended.
    Buried {
        ending: Ending,
    },
    Failed {
        reason: String,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    Signal(i32),
    Status(i32),
    /// Its template is gone, which takes its workers along.
    Orphaned,
}

/// From the server to a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// One job. Its inputs have these lengths in bytes and lie one behind the other in the memory that came beside
    /// this, or else beside the last one that brought any.
    Run { job: u64, inputs: Vec<u64>, outputs: Vec<Output>, limits: Limits, run_ms: u64, threads: u32 },
    /// Nobody waits for the job any more.
    Cancel,
}

/// From a worker to the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// Confined, and ready for the first job.
    Ready,
    /// One output is there; its bytes come beside this, unless it is the first input, unchanged.
    Made { job: u64, index: usize, rendered: Rendered, is_input: bool },
    /// One output could not be made.
    Failed { job: u64, index: usize, error: EngineError },
    /// The job is over.
    Done { job: u64, glib_warnings: u64 },
}

/// One end of a socket pair.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    /// What a message is read into, from the first one on.
    buffer: Mutex<Vec<u8>>,
}

/// Why nothing could be said or understood.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the other end is gone")]
    Gone,
    #[error("the socket failed")]
    Socket(#[source] io::Error),
    #[error("the message is too long")]
    TooLong,
    #[error("too many descriptors are beside the message")]
    TooMany,
    /// This process may have no more descriptors; those beside the message are lost.
    #[error("no descriptor is left to receive with")]
    Starved,
    #[error("the message cannot be understood")]
    Rubbish(#[source] Option<serde_json::Error>),
}

// === impl Ending ===

impl Ending {
    /// Whether it was killed: by an operator, by a system without memory, or with its template.
    pub fn is_kill(self) -> bool {
        matches!(self, Self::Signal(libc::SIGKILL) | Self::Orphaned)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(number) => match SIGNALS.iter().find(|(signal, _)| signal == number) {
                Some((_, name)) => f.write_str(name),
                None => write!(f, "signal {number}"),
            },
            Self::Status(code) => write!(f, "exit status {code}"),
            Self::Orphaned => f.write_str("gone with its template"),
        }
    }
}

/// Signals that end processes.
const SIGNALS: [(i32, &str); 10] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGSYS, "SIGSYS"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGXCPU, "SIGXCPU"),
];

// === impl Channel ===

impl Channel {
    /// Two ends, each closed where a program is executed.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let (here, there) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((here.into(), there))
    }

    /// Sends one message with these descriptors, which stay ours.
    pub fn send(&self, message: &impl Serialize, fds: &[BorrowedFd<'_>]) -> Result<(), WireError> {
        let text = serde_json::to_vec(message).map_err(|error| WireError::Rubbish(Some(error)))?;
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(WireError::TooLong);
        }
        if fds.len() > FDS_MAX {
            return Err(WireError::TooMany);
        }
        self.put(&text, fds)
    }

    /// Sends what may be no message.
    pub(super) fn put(&self, text: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), WireError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_ROOM))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(WireError::TooMany);
        }
        loop {
            match sendmsg(&self.socket, &[IoSlice::new(text)], &mut control, SendFlags::NOSIGNAL) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Waits for one message and the descriptors beside it.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), WireError> {
        let mut text = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        text.resize(MESSAGE_BYTES_MAX, 0);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_ROOM))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let flags = RecvFlags::CMSG_CLOEXEC;
            match recvmsg(&self.socket, &mut [IoSliceMut::new(&mut text)], &mut control, flags) {
                Err(rustix::io::Errno::INTR) => {}
                received => break received.map_err(failed)?,
            }
        };
        let fds: Vec<OwnedFd> = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(fds) => Some(fds),
                _ => None,
            })
            .flatten()
            .collect();
        if received.bytes == 0 {
            return Err(WireError::Gone);
        }
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(WireError::TooLong);
        }
        if fds.len() > FDS_MAX {
            return Err(WireError::TooMany);
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(WireError::Starved);
        }
        let message =
            serde_json::from_slice(&text[..received.bytes]).map_err(|error| WireError::Rubbish(Some(error)))?;
        Ok((message, fds))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<OwnedFd> for Channel {
    fn from(socket: OwnedFd) -> Self {
        Self { socket, buffer: Mutex::default() }
    }
}

fn failed(error: rustix::io::Errno) -> WireError {
    match error {
        rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET => WireError::Gone,
        error => WireError::Socket(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Channel, Channel) {
        let (here, there) = Channel::pair().unwrap();
        (here, Channel::from(there))
    }

    #[test]
    fn messages_stay_apart_and_carry_descriptors() {
        let (here, there) = pair();
        let (one, other) = Channel::pair().unwrap();
        here.send(&Order::Bury { pid: 7 }, &[]).unwrap();
        here.send(&Order::Fork, &[other.as_fd()]).unwrap();
        drop(other);
        let (first, fds) = there.receive::<Order>().unwrap();
        assert!(matches!(first, Order::Bury { pid: 7 }) && fds.is_empty());
        let (second, mut fds) = there.receive::<Order>().unwrap();
        assert!(matches!(second, Order::Fork));
        Channel::from(fds.pop().unwrap()).send(&Task::Cancel, &[]).unwrap();
        assert!(matches!(one.receive::<Task>().unwrap().0, Task::Cancel));
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let (here, there) = pair();
        here.send(&"no order", &[]).unwrap();
        assert!(matches!(there.receive::<Order>(), Err(WireError::Rubbish(_))));
        let long = "x".repeat(MESSAGE_BYTES_MAX);
        assert!(matches!(here.send(&long, &[]), Err(WireError::TooLong)));
        rustix::net::send(&here, long.as_bytes(), SendFlags::empty()).unwrap();
        assert!(matches!(there.receive::<Order>(), Err(WireError::Rubbish(_))));
        rustix::net::send(&here, &vec![b' '; MESSAGE_BYTES_MAX + 1], SendFlags::empty()).unwrap();
        assert!(matches!(there.receive::<Order>(), Err(WireError::TooLong)));
        let fds = [here.as_fd(); FDS_MAX + 1];
        assert!(matches!(here.send(&Order::Fork, &fds), Err(WireError::TooMany)));
        here.send(&Order::Fork, &fds[..FDS_MAX]).unwrap();
        assert_eq!(there.receive::<Order>().unwrap().1.len(), FDS_MAX);
        here.put(b"\"Fork\"", &fds).unwrap();
        assert!(
            matches!(there.receive::<Order>(), Err(WireError::TooMany)),
            "for want of room it would look like want"
        );
        drop(here);
        assert!(matches!(there.receive::<Order>(), Err(WireError::Gone)));
        assert!(matches!(there.send(&Order::Fork, &[]), Err(WireError::Gone)));
    }
}

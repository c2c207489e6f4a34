//! What server, template and workers say to each other: one JSON text a message, over a socket pair that keeps messages
//! apart, with descriptors beside it. Plain data under a version, so that a worker could run elsewhere.
//!
//! A worker may be in the hands of whoever made the picture that it reads. The server believes nothing that a worker
//! says without looking: how long a message is, which job and output it is about, how many descriptors came.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::error::EngineError;
use crate::engine::job::{Limits, Output, Timings};
use crate::engine::sandbox::{Layers, SandboxSpec};
use crate::engine::vips::Caps;
use crate::transform::{Facts, Format};

/// Raised with every change of the messages: both ends are of one binary, unless someone replaced it under a running
/// server.
pub const VERSION: u32 = 1;

/// The longest message; descriptors carry what is larger.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Descriptors of one message.
pub const FDS_MAX: usize = 8;

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
    /// One job; its inputs come beside this, in order.
    Run { job: u64, outputs: Vec<Output>, limits: Limits, run_ms: u64, threads: u32 },
    /// Nobody waits for the job any more.
    Cancel,
}

/// From a worker to the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// Confined, and ready for the first job.
    Ready,
    /// One output is there; its bytes come beside this, unless it is the input itself.
    Made { job: u64, index: usize, made: Made },
    /// One output could not be made.
    Failed { job: u64, index: usize, error: EngineError },
    /// The job is over.
    Done { job: u64, glib_warnings: u64 },
}

/// A finished picture without its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    pub original: Facts,
    pub truncated: bool,
    pub timings: Timings,
    /// The result is the first input, unchanged.
    pub is_input: bool,
}

/// One end of a socket pair.
#[derive(Debug)]
pub struct Channel(OwnedFd);

/// Why nothing could be said or understood.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the other end is gone")]
    Gone,
    #[error("the socket failed")]
    Socket(#[source] io::Error),
    #[error("the message is too long")]
    TooLong,
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
        Ok((Self(here), there))
    }

    /// Sends one message with these descriptors, which stay ours.
    pub fn send(&self, message: &impl Serialize, fds: &[BorrowedFd<'_>]) -> Result<(), WireError> {
        let text = serde_json::to_vec(message).map_err(|error| WireError::Rubbish(Some(error)))?;
        if text.len() > MESSAGE_BYTES_MAX || fds.len() > FDS_MAX {
            return Err(WireError::TooLong);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(WireError::TooLong);
        }
        loop {
            match sendmsg(&self.0, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Waits for one message and the descriptors beside it.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), WireError> {
        self.take(RecvFlags::CMSG_CLOEXEC)
    }

    /// A message that is here already.
    pub fn peek<T: DeserializeOwned>(&self) -> Option<T> {
        let (message, _) = self.take(RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT).ok()?;
        Some(message)
    }

    fn take<T: DeserializeOwned>(&self, flags: RecvFlags) -> Result<(T, Vec<OwnedFd>), WireError> {
        let mut text = vec![0; MESSAGE_BYTES_MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            match recvmsg(&self.0, &mut [IoSliceMut::new(&mut text)], &mut control, flags) {
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
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Channel {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
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
        assert!(here.peek::<Order>().is_none(), "nothing came");
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
        drop(here);
        assert!(matches!(there.receive::<Order>(), Err(WireError::Gone)));
        assert!(matches!(there.send(&Order::Fork, &[]), Err(WireError::Gone)));
    }
}

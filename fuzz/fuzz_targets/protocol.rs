//! What a worker says to the server. A worker may be in the hands of whoever made the picture that it reads: whatever
//! it says, each output is answered once at most, and only with bytes that are sealed and no longer than they may be.

#![no_main]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::LazyLock;
use std::time::Duration;
use std::{io::IoSlice, mem::MaybeUninit};

use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
};
use tintype::engine::worker::Worker;
use tintype::engine::{Job, Limits, Output};
use tintype::transform::{Candidates, Format, Transform};

/// One message with what comes beside it.
#[derive(Debug, Arbitrary)]
struct Message<'a> {
    text: Text<'a>,
    memories: Vec<Memory>,
}

#[derive(Debug, Arbitrary)]
enum Text<'a> {
    Ready,
    Made { job: u8, index: u8, width: u32, frames: u32, is_input: bool },
    Failed { job: u8, index: u8 },
    Done { job: u8 },
    Raw(&'a [u8]),
}

#[derive(Debug, Arbitrary)]
struct Memory {
    seals: u8,
    len_bytes: u32,
    is_socket: bool,
}

const MESSAGES_MAX: usize = 12;
const FDS_MAX: usize = 10;
const OUTPUTS: usize = 3;
/// Longer than any result of these limits may be.
const RESULT_BYTES_MAX: usize = 3 << 20;
const ALL_SEALS: SealFlags = SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);

static JOB: LazyLock<Job> = LazyLock::new(|| {
    let transform = Transform { width: 10, format: Some(Format::Png), ..Transform::default() };
    let output = Output { candidates: Candidates::only(transform.format), transform };
    let limits = Limits { output_pixels_max: 100, ..Limits::default() };
    Job { inputs: vec![Bytes::from_static(b"an original")], outputs: vec![output; OUTPUTS], limits }
});

fuzz_target!(|messages: Vec<Message>| {
    LazyLock::force(&UNDERSTOOD);
    let (answered, done) = heard(&messages);
    assert!(answered.iter().all(|times| *times <= 1), "{answered:?}");
    assert!(!done || messages.iter().any(|message| !matches!(message.text, Text::Ready)));
});

/// That messages as they are spelled here are those of the protocol: an honest worker's are believed.
static UNDERSTOOD: LazyLock<()> = LazyLock::new(|| {
    let sealed = || Memory { seals: u8::MAX, len_bytes: 5, is_socket: false };
    let made = |index| Text::Made { job: 1, index, width: 10, frames: 1, is_input: false };
    let said = [
        Message { text: made(0), memories: vec![sealed()] },
        Message { text: made(2), memories: vec![sealed()] },
        Message { text: Text::Failed { job: 1, index: 1 }, memories: Vec::new() },
        Message { text: Text::Done { job: 1 }, memories: Vec::new() },
    ];
    assert_eq!(heard(&said), ([1, 1, 1], true));
    let unsealed = Memory { seals: 0, ..sealed() };
    assert_eq!(heard(&[Message { text: made(0), memories: vec![unsealed] }]), ([0, 0, 0], false));
});

/// How often each output was answered, and whether the job counts as done.
fn heard(messages: &[Message]) -> ([u32; OUTPUTS], bool) {
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (here, there) = pair.expect("two sockets");
    let mut has_unsealed = false;
    for message in messages.iter().take(MESSAGES_MAX) {
        has_unsealed |= say(&there, message);
    }
    // It never counts as overdue: what it has said is there, and then it is gone.
    rustix::net::shutdown(&there, rustix::net::Shutdown::Write).expect("an open socket");
    let process = eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor");
    let nobody = eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor");
    let mut worker = Worker::new(here.into(), i32::MAX, process);
    let mut answered = [0; OUTPUTS];
    let done = worker.run(&JOB, Duration::from_secs(5), 1, nobody.as_fd(), |(index, outcome)| {
        answered[index] += 1;
        if let Ok(made) = outcome {
            assert!(made.bytes.len() <= RESULT_BYTES_MAX, "{} bytes", made.bytes.len());
            assert!(made.bytes == JOB.inputs[0] || !has_unsealed || made.bytes.iter().all(|byte| *byte == 0));
        }
    });
    (answered, done.is_ok())
}

/// Sends one message; says whether any memory beside it could still be changed.
fn say(socket: &OwnedFd, message: &Message) -> bool {
    let text = match &message.text {
        Text::Ready => b"\"Ready\"".to_vec(),
        Text::Made { job, index, width, frames, is_input } => format!(
            "{{\"Made\":{{\"job\":{job},\"index\":{index},\"made\":{{\"format\":\"png\",\"width\":{width},\"height\":1,\
             \"frames\":{frames},\"original\":{{\"format\":\"png\",\"width\":1,\"height\":1,\"orientation\":1,\
             \"frames\":1,\"alpha\":false}},\"truncated\":false,\"timings\":\
             {{\"decode\":{{\"secs\":0,\"nanos\":0}},\"transform\":\
             {{\"secs\":0,\"nanos\":0}},\"encode\":{{\"secs\":0,\"nanos\":0}}}},\"is_input\":{is_input}}}}}}}"
        )
        .into_bytes(),
        Text::Failed { job, index } => {
            format!("{{\"Failed\":{{\"job\":{job},\"index\":{index},\"error\":\"NotAnImage\"}}}}").into_bytes()
        }
        Text::Done { job } => format!("{{\"Done\":{{\"job\":{job},\"glib_warnings\":0}}}}").into_bytes(),
        Text::Raw(text) => text.to_vec(),
    };
    let memories: Vec<(OwnedFd, bool)> = message.memories.iter().take(FDS_MAX).map(memory).collect();
    let fds: Vec<BorrowedFd<'_>> = memories.iter().map(|(memory, _)| memory.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&fds));
    }
    // A socket that is full takes no more, as for any worker.
    let _ = sendmsg(socket, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    memories.iter().any(|(_, is_sealed)| !is_sealed)
}

/// A descriptor, and whether nobody can change what is behind it.
fn memory(asked: &Memory) -> (OwnedFd, bool) {
    if asked.is_socket {
        return (eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor"), false);
    }
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = memfd_create(c"result", flags).expect("memory");
    ftruncate(&memory, u64::from(asked.len_bytes % (4 << 20))).expect("memory");
    let seals = SealFlags::from_bits_truncate(u32::from(asked.seals)) & ALL_SEALS;
    // Sealing itself comes last, or nothing else could be added.
    fcntl_add_seals(&memory, seals).expect("memory");
    (memory, seals == ALL_SEALS)
}

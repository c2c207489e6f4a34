//! Accidents on order, for tests alone: an original that begins with [`SIGN`] names what a worker is to do to itself.
//! Not in release builds, and only where the environment of the server sets [`SWITCH`].

#![expect(unsafe_code, reason = "an accident is an invalid access")]

use std::io::{self, Write as _};
use std::os::fd::AsFd;

use rustix::event::poll;

use super::sealed::sealed;
use super::wire::{Channel, FDS_MAX, MESSAGE_BYTES_MAX, Reply};
use crate::engine::sandbox::probe;

/// What such an original begins with; the name of the accident follows, up to the end of the line.
pub const SIGN: &str = "TINTYPE-DRILL ";

/// The variable that switches it on.
pub const SWITCH: &str = "DRILLS_OF_TINTYPE";

/// Has the accident that the original asks for, if it does.
pub fn obey(channel: &Channel, job: u64, original: &[u8]) {
    let Some(order) = original.strip_prefix(SIGN.as_bytes()) else { return };
    if std::env::var_os(SWITCH).is_none() {
        return;
    }
    let order = String::from_utf8_lossy(order.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
    match order.as_str() {
        // SAFETY: none; this is the point.
        "segfault" => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
        "abort" => std::process::abort(),
        // SAFETY: ends this process, as a library might.
        "exit" => unsafe { libc::_exit(0) },
        "panic" => panic!("a drill"),
        "hang" => loop {
            std::hint::spin_loop();
        },
        "sleep" => drop(poll(&mut [], None)),
        "eat" => eat(),
        "rubbish" => drop(rustix::net::send(channel, b"{\"no\": \"reply\"", rustix::net::SendFlags::empty())),
        "flood" => {
            let flood = vec![b' '; MESSAGE_BYTES_MAX * 2];
            while rustix::net::send(channel, &flood, rustix::net::SendFlags::empty()).is_ok() {}
        }
        "other-job" => drop(channel.send(&Reply::Done { job: u64::MAX, glib_warnings: 0 }, &[])),
        "done-at-once" => drop(channel.send(&Reply::Done { job, glib_warnings: 0 }, &[])),
        "fds" => {
            let memory = sealed(b"x").expect("invariant: memory for a byte");
            let _ = channel.send(&Reply::Done { job: u64::MAX, glib_warnings: 0 }, &[memory.as_fd(); FDS_MAX]);
        }
        "too-many-fds" => drop(channel.put(b"\"Ready\"", &[channel.as_fd(); FDS_MAX + 1])),
        attempt => drop(writeln!(io::stderr(), "drill {attempt}: {}", probe::attempt(attempt))),
    }
}

/// Takes memory until there is no more.
fn eat() {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 64 << 20]);
        std::hint::black_box(&eaten);
    }
}

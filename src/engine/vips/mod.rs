//! Safe libvips: operations by name, options checked against libvips' own description of them, buffers owned both ways.
//!
//! Only `libvips_rs::bindings` is used, and only here. Everything public is sound for any safe caller: an [`Image`] is
//! one strong reference, its header is changed only on a copy of its own, bytes stay alive as long as an image needs
//! them, and every failure carries the text of its own call. Works with any libvips from 8.14 on; what one of them can
//! do is asked at start ([`Caps`]), never assumed from the version the bindings were made of.

#![expect(unsafe_code, reason = "the one place that talks to libvips; each block says why it is sound")]

mod blob;
mod caps;
mod error;
mod image;
mod init;
mod op;
mod strips;
mod value;
mod watch;

pub use caps::Caps;
pub use error::VipsError;
pub use image::{Band, Header, Image};
pub use init::{Vips, VipsSpec, set_threads, tracked_bytes};
pub use op::Op;
pub use strips::Strips;
pub use value::Value;
pub use watch::Watch;

/// Leaves libvips' per-thread state; call it as the last thing on a thread that ran operations.
pub fn thread_shutdown() {
    // SAFETY: may be called on any thread at any time; later calls make new state.
    unsafe { libvips_rs::bindings::vips_thread_shutdown() }
}

#[cfg(test)]
mod tests;

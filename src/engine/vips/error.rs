//! What libvips said when it refused, and how to read it without another call's text in it.

use std::ffi::CStr;

use libvips_rs::bindings as ffi;
use serde::{Deserialize, Serialize};

/// Longest text kept of one failure, in bytes.
const TEXT_BYTES_MAX: usize = 512;

/// Why a call of libvips failed. The texts are for logs: what a client is told depends on where in the pipeline the
/// call stood, never on these words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum VipsError {
    #[error("libvips has no operation {0}")]
    UnknownOperation(String),
    #[error("operation {operation} has no input {option}")]
    UnknownOption { operation: String, option: String },
    #[error("operation {operation} takes no such value for {option}: {value}")]
    BadValue { operation: String, option: String, value: String },
    #[error("operation {operation} failed: {text}")]
    Failed { operation: String, text: String },
    #[error("image has no field {0}")]
    NoField(String),
    #[error("libvips does not start: {0}")]
    Start(String),
}

/// Takes the text of the failure that just happened, and leaves libvips' buffer empty.
pub(super) fn take_text() -> String {
    // SAFETY: returns a new string that is ours, copied and cleared under libvips' own lock.
    let copy = unsafe { ffi::vips_error_buffer_copy() };
    if copy.is_null() {
        return String::new();
    }
    // SAFETY: not null, ends with a zero byte, and nobody else has it.
    let text = unsafe { CStr::from_ptr(copy) }.to_string_lossy().into_owned();
    // SAFETY: allocated by GLib for us, not used after this line.
    unsafe { ffi::g_free(copy.cast()) };
    tidy(&text)
}

fn tidy(text: &str) -> String {
    let mut tidy: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if tidy.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|at| tidy.is_char_boundary(*at)).unwrap_or(0);
        tidy.truncate(end);
    }
    tidy
}

//! The demo: its originals and its page.

pub mod originals;
pub mod playground;

//! Worker processes: the server never touches a codec.
//!
//! ```text
//! server ── exec ──▶ template ── fork ──▶ worker, worker, …
//!   └────────────── one socket each ────────▶┘
//! ```
//!
//! The **template** (`tintype worker`) confines itself, starts libvips, and forks; a **worker** confines itself
//! further and makes one picture at a time. Inputs lie in memory that both share, results come in sealed memory,
//! everything else is JSON over a socket pair. The server owns the deadlines: a worker that is late, or does
//! not keep to the protocol, is killed and replaced, and costs its own job. A worker that ends is replaced before its
//! failure is told.

mod child;
#[cfg(debug_assertions)]
mod drill;
mod hand;
mod nursery;
mod sealed;
pub mod template;
mod tray;
mod wire;

pub use hand::{Lost, Worker};
pub use nursery::{Nursery, NurseryError, NurserySpec};
pub use wire::Ending;

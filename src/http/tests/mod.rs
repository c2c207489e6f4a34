//! The room over real sockets: a toy service behind it, a client of raw bytes before it.

mod answers;
mod bodies;
mod connections;
mod draining;
pub(super) mod fixtures;
mod logging;
mod operations;
mod routing;

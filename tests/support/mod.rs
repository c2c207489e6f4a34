//! What black-box tests share: the real program on free ports, a plain HTTP client, an origin that a test steers, and
//! originals made by formula. Contract: nothing here reads outside the repository, and nothing waits for time to pass:
//! every wait is for an event and ends with [`PATIENCE`].

pub mod client;
pub mod origin;
pub mod pictures;
pub mod server;

use std::time::Duration;

/// After this a test gives up on an event that a healthy program brings about at once, on a crowded machine too.
pub const PATIENCE: Duration = Duration::from_mins(1);

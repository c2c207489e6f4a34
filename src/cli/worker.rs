//! `tintype worker`: the process that makes pictures for a server, which starts it and nobody else does.

use anyhow::Context as _;

/// What its help ends with.
pub const EXAMPLES: &str = "Examples:\n  \
    tintype serve --engine-isolation process      starts this by itself, and is the only one who can";

/// Runs until the server is gone.
pub fn run() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    return crate::engine::worker::template::run().context("this is started by `tintype serve` and is of no use alone");
    #[cfg(not(target_os = "linux"))]
    anyhow::bail!("there are no worker processes on this system")
}

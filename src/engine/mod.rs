//! Images made: a bounded pool runs plain-data jobs through one pipeline, one file a step, one file an encoder.
//!
//! A [`Job`] holds inputs (bytes) and outputs (a transform with ordered format candidates each); results come back one
//! by one as they are ready. Nothing in a job refers to this process, so that worker processes can take the pool's
//! place. Libvips runs on the pool's threads and never on an async worker. A step takes an image and values and reads
//! no setting.

mod bitmap;
mod cancel;
mod codec;
mod encode;
mod error;
mod hands;
mod header;
mod isolation;
mod job;
mod load;
mod memory;
mod metadata;
mod pipeline;
mod pool;
pub mod sandbox;
mod sniff;
mod steps;
mod svg;
pub mod vips;
#[cfg(target_os = "linux")]
pub mod worker;

pub use error::{Bound, EngineError};
#[cfg(target_os = "linux")]
pub use hands::Retirement;
pub use header::admitted;
pub use isolation::{Isolation, StartError, Workplace};
pub use job::{Broken, Job, Limits, Outcome, Output, Rendered, Timings};
pub use metadata::{Standard, credits_only};
pub use pipeline::run;
pub use pool::{Patience, Pool, PoolSpec, PoolState, Results};
pub use sniff::{is_truncated, sniff};
pub use svg::sanitised as sanitised_svg;

#[cfg(test)]
mod tests;

//! Names of metrics, logs, health, the clock and what the machine grants; used by all rooms, uses none.

pub mod clock;
pub mod health;
pub mod log;
pub mod machine;
pub mod metrics;
pub mod recorder;
mod series;

//! Names of metrics, logs, health, and the clock; used by all rooms, uses none.

pub mod clock;
pub mod health;
pub mod log;
pub mod metrics;
pub mod recorder;

//! Names of metrics, logs, health, and the clock; used by all rooms, uses none.

pub mod clock;

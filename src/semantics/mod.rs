//! HTTP's own rules as pure functions: no I/O, no clock (the time is passed in), no other room.
//!
//! Field values come in as text. A field that may stand on several lines is joined first (`fields::joined`), or the
//! function takes the lines where one line and two mean different things. Rules about many fields take the whole
//! header.

pub mod accept;
pub mod cache_control;
pub mod cache_status;
pub mod conditional;
pub mod dates;
pub mod disposition;
pub mod fields;
pub mod freshness;
pub mod hop_by_hop;
pub mod invalidation;
pub mod loops;
pub mod partial;
pub mod range;
pub mod request_control;
pub mod request_id;
pub mod reuse;
pub mod server_timing;
pub mod storing;
mod structured;
pub mod surrogate;
pub mod targeted;
pub mod update;
pub mod vary;

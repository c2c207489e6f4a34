//! Variants and originals kept, and computations shared. Keys and records are opaque here: this room knows no pixel,
//! no dialect and no clock, and whether something is still fresh is decided by whoever reads it.
//!
//! The tier here is memory. Tiers below it take the same [`Key`].

mod flight;
mod key;
mod memory;
mod negative;
mod weigh;

pub use flight::{FlightError, FlightLimits, Flights, Role, Ticket};
pub use key::{Key, KeyHasher};
pub use memory::MemoryTier;
pub use negative::Negative;
pub use weigh::{ENTRY_OVERHEAD_BYTES, Weigh};

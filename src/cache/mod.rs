//! Variants and originals kept, and computations shared. Keys and records are opaque here: this room knows no pixel,
//! no dialect and no clock, and whether something is still fresh is decided by whoever reads it.
//!
//! The tier here is memory. Tiers below it take the same [`Key`] and the same [`Entry`].

mod entry;
mod flight;
mod key;
mod memory;
mod negative;

pub use entry::{ENTRY_OVERHEAD_BYTES, Entry, Record, Weigh};
pub use flight::{FlightError, FlightLimits, Flights, Role, Ticket};
pub use key::{Key, KeyHasher};
pub use memory::MemoryTier;
pub use negative::Negative;

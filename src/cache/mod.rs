//! Variants and originals kept, and computations shared. Keys and records are opaque here: this room knows no pixel
//! and no dialect, and whether something is still fresh is decided by whoever reads it.
//!
//! What a purge takes away is known here: everything kept carries [`Labels`] to be purged by and a [`Stamp`] of when
//! it began, and a purge holds for all that began before it, wherever it is.

pub mod disk;
mod entry;
mod flight;
mod keep;
mod key;
mod labels;
mod marks;
mod memory;
mod negative;
mod shared;
mod stamp;
mod tiers;
mod weigh;

pub use disk::{ClassState, DiskBudgets, DiskError, DiskHealth, DiskSpec, DiskState, DiskTier, IsGone, Purged, Put};
pub use entry::{Class, Damage, Entry, FIXED_BYTES, HEAD_BYTES_MAX, Head};
pub use flight::{FlightError, FlightLimits, Flights, Role, Ticket};
pub use keep::Keep;
pub use key::{Key, KeyHasher};
pub use labels::{BadTag, Labels, Selector, Tag};
pub use marks::{MARKS_MAX, Mark, MarkSet, Marks, MarksError, MarksState, Verdict};
pub use memory::{MemoryTier, Named};
pub use negative::Negative;
pub use shared::{Bucket, BucketError, BucketFuture, SharedError, SharedSpec, SharedState, SharedTier};
pub use stamp::{Stamp, Stamps};
pub use tiers::{Found, Place, TierNames, Tiers};
pub use weigh::{ENTRY_OVERHEAD_BYTES, Weigh};

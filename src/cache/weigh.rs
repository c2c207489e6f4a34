//! What a kept value weighs.

/// What a value costs beside its contents: key, node and queues of the tier, reference counts; an estimate on the safe
/// side.
pub const ENTRY_OVERHEAD_BYTES: u64 = 200;

/// How many bytes of memory a kept value stands for, everything included.
///
/// A body must own its memory alone: a slice of a larger buffer would keep all of that alive and weigh too little, and
/// bytes of a file descriptor that another process can shrink must be copied first.
pub trait Weigh {
    fn weight_bytes(&self) -> u64;
}

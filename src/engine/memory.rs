//! How the C side's memory goes back to the system. Pictures come and go in pieces of megabytes from many threads,
//! which glibc by default keeps for later in as many heaps as it has seen threads.
//!
//! Measured over a mixed corpus, caches off, as proportional set size ten seconds after the last request: 338 MB with
//! glibc's defaults, 116 MB with two heaps, 64 MB with two heaps and large pieces mapped one by one.

#![expect(unsafe_code, reason = "the allocator's settings have no safe interface")]

/// From this size on a piece is mapped on its own and given back when it is freed, in bytes. Set by hand, as glibc
/// raises its own limit with every large piece that is freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BYTES_MIN: i32 = 128 * 1024;

/// Free memory at the end of a heap that is kept, in bytes, where threads of the server make pictures.
pub const KEPT_BYTES_MAX: i32 = 128 * 1024;

/// The same in a worker process, whose next picture takes again what the last one gave back; given back for good when
/// it is idle. Measured over photographs: 100 pages new with each picture, and 430 to 590 where as little is kept.
pub const WORKER_KEPT_BYTES_MAX: i32 = 8 << 20;

/// Sets up the allocator for so many threads that make pictures; call it before there are any.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn configure(workers: usize, kept_bytes_max: i32) {
    let heaps = i32::try_from(workers.max(2)).unwrap_or(2);
    // SAFETY: plain settings of glibc's allocator, allowed at any time; they act on what is allocated from then on.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, heaps);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
        libc::mallopt(libc::M_TRIM_THRESHOLD, kept_bytes_max);
    }
}

/// Gives free memory back to the system; takes milliseconds, so it is for idle moments.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    // SAFETY: allowed at any time on any thread.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators look after themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn configure(_workers: usize, _kept_bytes_max: i32) {}

/// Other allocators look after themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

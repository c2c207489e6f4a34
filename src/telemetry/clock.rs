//! The only place where the time is read, so that a test can see every reader.

use std::time::{SystemTime, UNIX_EPOCH};

/// Wall-clock time, for headers, freshness and expiry.
#[expect(clippy::disallowed_methods, reason = "this is the one reader that the ban points to")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Wall-clock time in whole seconds since 1970; 0 on a clock set before that.
pub fn now_unix_s() -> u64 {
    now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// Monotonic time, for deadlines and durations; stands still in tests that pause it.
#[expect(clippy::disallowed_methods, reason = "this is the one reader that the ban points to")]
pub fn instant() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

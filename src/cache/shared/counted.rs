//! What operators see of the shared tier, counted in one place.

use crate::telemetry::clock;
use crate::telemetry::metrics::{Counter, Gauge};

/// `hit`, `miss` or `insert`.
pub(super) fn event(event: &'static str) {
    Counter::CacheEvents.add(1, &[("tier", "shared"), ("event", event)]);
}

/// A call on the bucket failed.
pub(super) fn failed(call: &'static str) {
    Counter::SharedFailures.add(1, &[("call", call)]);
}

/// The bucket was not asked, and why.
pub(super) fn skipped(reason: &'static str) {
    Counter::SharedSkipped.add(1, &[("reason", reason)]);
}

/// An entry was not written, and why.
pub(super) fn dropped(reason: &'static str) {
    Counter::SharedDropped.add(1, &[("reason", reason)]);
}

pub(super) fn queued(bytes: u64) {
    Gauge::SharedQueueBytes.set(bytes, &[]);
}

pub(super) fn breaker(call: &'static str, is_open: bool) {
    Gauge::SharedBreakerOpen.set(u64::from(is_open), &[("call", call)]);
}

pub(super) fn marks_read() {
    Gauge::SharedMarksRead.set(clock::now_unix_s(), &[]);
}

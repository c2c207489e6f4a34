//! What the flow counts: one function for each thing that happens, so that the way of a request stays readable.

use std::time::Duration;

use super::{PurgeOrder, StaleWhy};
use crate::cache::Role;
use crate::engine::{EngineError, Rendered};
use crate::origin::{Fetched, OriginError};
use crate::telemetry::metrics::{Counter, Histogram};
use crate::transform::Format;

/// A tier was asked.
pub fn asked(tier: &'static str, hit: bool) {
    Counter::CacheEvents.add(1, &[("tier", tier), ("event", if hit { "hit" } else { "miss" })]);
}

/// A request, or the flight that several wait for, is refused since there is too much to do.
pub fn shed(reason: &'static str) {
    Counter::Shed.add(1, &[("reason", reason)]);
}

/// Something stale is served.
pub fn stale(why: StaleWhy) {
    Counter::StaleServed.add(1, &[("why", why.name())]);
}

/// A failure of a moment ago answered.
pub fn remembered(kind: &'static str) {
    Counter::NegativeHits.add(1, &[("kind", kind)]);
}

/// Someone boarded a flight.
pub fn boarded(kind: &'static str, role: Role) {
    if role == Role::Follower {
        Counter::FlightFollowers.add(1, &[("kind", kind)]);
    }
}

/// A purge was followed.
pub fn purged(order: &PurgeOrder, purged: &[(&'static str, u64)]) {
    let strength = if order.soft { "soft" } else { "hard" };
    for (by, items) in order.lists().into_iter().filter(|(_, items)| !items.is_empty()) {
        Counter::PurgedItems.add(items.len() as u64, &[("by", by), ("strength", strength)]);
    }
    for (tier, entries) in purged {
        Counter::PurgedEntries.add(*entries, &[("tier", tier)]);
    }
}

/// Stages of a request ended.
pub fn stages(stages: &[(&'static str, Duration)]) {
    for (name, took) in stages {
        Histogram::Stage.record(*took, &[("stage", name)]);
    }
}

/// A fetch ended.
pub fn fetched(source: &str, result: &Result<Fetched, OriginError>) {
    let scheme = match source.split(':').next().unwrap_or_default() {
        "https" => "https",
        "local" => "local",
        "s3" => "s3",
        "gs" => "gs",
        "az" | "abs" => "az",
        _ => "http",
    };
    let outcome = match result {
        Ok(Fetched::NotModified { .. }) => "not_modified",
        Ok(Fetched::Body(original)) => {
            Counter::OriginBytes.add(original.bytes.len() as u64, &[]);
            "ok"
        }
        Err(OriginError::NotFound) => "not_found",
        Err(OriginError::TooLarge { .. }) => "too_large",
        Err(OriginError::Timeout { .. }) => "timeout",
        Err(OriginError::AddressRefused(_) | OriginError::NotAllowed) => "refused",
        Err(error) => {
            if matches!(error, OriginError::Overloaded { .. }) {
                shed("origin_full");
            }
            "failed"
        }
    };
    Counter::OriginFetches.add(1, &[("scheme", scheme), ("result", outcome)]);
}

/// A transformation ended; `asked` is the format that the URL names.
pub fn rendered(asked: Option<Format>, result: &Result<Rendered, EngineError>) {
    let outcome = match result {
        Ok(rendered) => {
            Counter::Originals.add(1, &[("format", rendered.original.format.name())]);
            Counter::ResultBytes.add(rendered.bytes.len() as u64, &[("format", rendered.format.name())]);
            if rendered.truncated {
                Counter::TruncatedOriginals.add(1, &[]);
            }
            "ok"
        }
        Err(EngineError::Limit { .. }) => "too_large",
        Err(EngineError::Deadline) => {
            Counter::DeadlineKills.add(1, &[("stage", "encode")]);
            "timeout"
        }
        Err(EngineError::QueueFull) => return shed("queue_full"),
        Err(EngineError::QueueTimeout) => return shed("queue_timeout"),
        Err(EngineError::Crashed) => "crashed",
        Err(error) if error.is_lasting() => "undecodable",
        Err(_) => "failed",
    };
    let format = result.as_ref().map_or(asked, |rendered| Some(rendered.format)).map_or("other", Format::name);
    Counter::Transforms.add(1, &[("format", format), ("result", outcome)]);
}

//! Whether and how long a stored response may be used (RFC 9111 §4, RFC 5861). Times are seconds since 1970.
//!
//! [`StoredMeta`] is read once from a response and kept with it; [`Reuse`] is what it means at one moment. Whatever the
//! caller does with a stored response, it asks `Reuse` and nothing else.

use http::header::{AGE, DATE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};

use super::cache_control::Flag;
use super::dates::parse_http_date;
use super::fields::{lines, trim};
use super::freshness::{Arrival, age_field_s, heuristic_s, lifetime_s};
use super::targeted::Directives;

/// What a stored response says about its reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMeta {
    pub status: u16,
    pub directives: Directives,
    pub arrival: Arrival,
    pub last_modified_s: Option<u64>,
    /// Whether there is an `ETag` or a `Last-Modified` to ask the origin with.
    pub has_validator: bool,
}

/// What this cache adds where a response says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReusePolicy {
    /// Whether a lifetime may be guessed from `Last-Modified` (RFC 9111 §4.2.2).
    pub is_heuristic: bool,
    /// The lifetime of a response that has neither an explicit nor a guessed one.
    pub lifetime_s: Option<u64>,
    /// The window of `stale-while-revalidate` for a response that names none.
    pub stale_while_revalidate_s: u64,
    /// The window of `stale-if-error` for a response that names none.
    pub stale_if_error_s: u64,
}

/// Where a lifetime comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifetimeSource {
    Explicit,
    Heuristic,
    Policy,
    None,
}

/// The rights to a stored response at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    pub age_s: u64,
    /// 0 when there is none, or `no-cache` takes it away.
    pub lifetime_s: u64,
    pub source: LifetimeSource,
    /// Whether it may be served without asking the origin.
    pub is_fresh: bool,
    /// Until when (not included) a stale one may be served while it is refreshed behind (RFC 5861 §3); 0 = never.
    pub stale_while_revalidate_until_s: u64,
    /// Until when (not included) a stale one may be served when the origin fails (RFC 5861 §4); 0 = never.
    pub stale_if_error_until_s: u64,
    /// Whether a stale one is never to be served without asking, whatever client or policy allow.
    pub must_revalidate: bool,
}

// === impl StoredMeta ===

impl StoredMeta {
    /// Reads what counts. `requested_s` is when the request was sent, `received_s` when the header came; for a response
    /// updated by a 304 those of the 304, with its own status as stored.
    pub fn read(status: u16, headers: &HeaderMap, targets: &[HeaderName], requested_s: u64, received_s: u64) -> Self {
        let date = |name: HeaderName| {
            let mut all = lines(headers, name);
            all.next().and_then(|line| parse_http_date(trim(&line), received_s))
        };
        let age_s = age_field_s(lines(headers, AGE));
        Self {
            status,
            directives: Directives::of(headers, targets, received_s),
            arrival: Arrival { date_s: date(DATE), age_s, requested_s, received_s },
            last_modified_s: date(LAST_MODIFIED),
            has_validator: headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED),
        }
    }

    /// The lifetime and its source: explicit, else guessed, else the policy's (RFC 9111 §4.2.1).
    pub fn lifetime(&self, policy: &ReusePolicy) -> (Option<u64>, LifetimeSource) {
        let Directives { control, expires, .. } = &self.directives;
        if let Some(explicit_s) = lifetime_s(control, *expires, &self.arrival) {
            return (Some(explicit_s), LifetimeSource::Explicit);
        }
        let guess = || heuristic_s(self.status, control, self.last_modified_s, &self.arrival);
        if let Some(guessed_s) = policy.is_heuristic.then(guess).flatten() {
            return (Some(guessed_s), LifetimeSource::Heuristic);
        }
        match policy.lifetime_s {
            Some(policy_s) => (Some(policy_s), LifetimeSource::Policy),
            None => (None, LifetimeSource::None),
        }
    }
}

// === impl Reuse ===

impl Reuse {
    /// What may be done with the response at `now_s`.
    ///
    /// `no-cache` makes it stale from the start (RFC 9111 §5.2.2.4). With `no-cache`, `must-revalidate`,
    /// `proxy-revalidate` or `s-maxage` (§4.2.4, §5.2.2.10) there is no stale use at all, not even one that the
    /// response itself offers by RFC 5861.
    pub fn of(meta: &StoredMeta, policy: &ReusePolicy, now_s: u64) -> Self {
        let control = &meta.directives.control;
        let age_s = meta.arrival.current_age_s(now_s);
        let (lifetime, source) = meta.lifetime(policy);
        let is_never_fresh = control.has(Flag::NoCache);
        let must_revalidate = is_never_fresh
            || control.has(Flag::MustRevalidate)
            || control.has(Flag::ProxyRevalidate)
            || control.s_maxage_s.is_some();
        let lifetime_s = if is_never_fresh { 0 } else { lifetime.unwrap_or(0) };
        // The moment at which the age reached, or will reach, the lifetime.
        let stale_from_s = now_s.saturating_add(lifetime_s).saturating_sub(age_s);
        let until_s = |named: Option<u64>, default_s: u64| match named.unwrap_or(default_s) {
            0 => 0,
            _ if must_revalidate => 0,
            window_s => stale_from_s.saturating_add(window_s),
        };
        Self {
            age_s,
            lifetime_s,
            source,
            is_fresh: age_s < lifetime_s,
            stale_while_revalidate_until_s: until_s(control.stale_while_revalidate_s, policy.stale_while_revalidate_s),
            stale_if_error_until_s: until_s(control.stale_if_error_s, policy.stale_if_error_s),
            must_revalidate,
        }
    }

    /// The same where something else than time has made the response stale at `since_s`: windows of stale use begin
    /// then, if its own time was not over before.
    #[must_use]
    pub fn stale_since(self, since_s: u64, now_s: u64) -> Self {
        let lifetime_s = self.lifetime_s.min(self.age_s.saturating_sub(now_s.saturating_sub(since_s)));
        let sooner_s = self.lifetime_s - lifetime_s;
        Self {
            lifetime_s,
            is_fresh: false,
            stale_while_revalidate_until_s: self.stale_while_revalidate_until_s.saturating_sub(sooner_s),
            stale_if_error_until_s: self.stale_if_error_until_s.saturating_sub(sooner_s),
            ..self
        }
    }

    /// The `ttl` of `Cache-Status` (RFC 9211 §2.4): seconds of freshness left, negative when stale.
    pub fn ttl_s(&self) -> i64 {
        let signed = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        signed(self.lifetime_s).saturating_sub(signed(self.age_s))
    }

    /// By how much the age is over the lifetime; 0 while it is not.
    pub fn stale_for_s(&self) -> u64 {
        self.age_s.saturating_sub(self.lifetime_s)
    }

    /// Whether a stale response may be served at `now_s` with a refresh behind it. A fresh one needs no such right.
    pub fn may_serve_while_revalidating(&self, now_s: u64) -> bool {
        now_s < self.stale_while_revalidate_until_s
    }

    /// Whether a stale response may be served at `now_s` after the origin failed: it could not be reached, took too
    /// long, or answered as [`is_failure`] says.
    pub fn may_serve_on_error(&self, now_s: u64) -> bool {
        now_s < self.stale_if_error_until_s
    }
}

/// Whether an answer of the origin counts as its failure for `stale-if-error` (RFC 5861 §4). A 404 or 410 does not: the
/// origin is well and says that the thing is gone.
pub const fn is_failure(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

/// Whether an answer says that nothing is there any more.
pub const fn is_missing(status: u16) -> bool {
    matches!(status, 404 | 410)
}

#[cfg(test)]
mod tests;

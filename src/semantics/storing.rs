//! Whether a shared cache may keep an answer (RFC 9111 §3), and if not, why.

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, PRAGMA, VARY};
use http::{HeaderMap, Method};
use url::Url;

use super::cache_control::Flag;
use super::fields::{digits, lines, trim};
use super::freshness::is_heuristically_cacheable;
use super::invalidation::resolved;
use super::partial::ContentRange;
use super::request_control::RequestControl;
use super::reuse::{LifetimeSource, Reuse, ReusePolicy, StoredMeta};
use super::vary::vary_names;

/// A request and the header of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub method: &'a Method,
    /// The URI as the origin sees it.
    pub target: &'a Url,
    /// As the client sent it: a stripped `Authorization` would make a private answer look public.
    pub request: &'a HeaderMap,
    pub response: &'a HeaderMap,
    /// [`StoredMeta::read`] of the answer.
    pub meta: &'a StoredMeta,
}

/// Why an answer is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// The method is not GET, or a POST that does not offer its answer to GET.
    Method,
    /// An answer to HEAD has no body to keep; it may update what is kept.
    Head,
    /// The request says `no-store`.
    RequestNoStore,
    /// The answer says `no-store`.
    NoStore,
    /// The answer says `private`.
    Private,
    /// The request had `Authorization`, and nothing in the answer allows sharing it.
    Authorization,
    /// Not a final answer about the URI: 1xx, or the outcome of a condition or a range.
    Status,
    /// `must-understand` with a status that we do not know.
    NotUnderstood,
    /// `Vary` names `*`, or more fields than are compared.
    Vary,
    /// A 206 whose `Content-Range` cannot be read.
    Partial,
    /// The body did not come whole.
    Incomplete,
    /// It could never be served: stale from the start, with no validator and no window for stale use, or nothing
    /// allows to keep it.
    NoFreshness,
}

// === impl NotStored ===

impl NotStored {
    /// The `detail` of `Cache-Status` (RFC 9211 §2.8).
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Head => "head",
            Self::RequestNoStore => "request-no-store",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::Status => "status",
            Self::NotUnderstood => "not-understood",
            Self::Vary => "vary",
            Self::Partial => "partial",
            Self::Incomplete => "incomplete",
            Self::NoFreshness => "no-freshness",
        }
    }
}

/// Whether the answer may be kept, once its body is whole by [`is_whole`]. A 206 is kept as a part
/// ([`super::partial::Part`]) and never as the answer to a request without `Range`.
pub fn may_store(exchange: &Exchange<'_>, policy: &ReusePolicy) -> Result<(), NotStored> {
    let Exchange { method, request, response, meta, .. } = exchange;
    let control = &meta.directives.control;
    may_store_method(exchange)?;
    let wishes = RequestControl::parse(lines(request, CACHE_CONTROL), lines(request, PRAGMA));
    if wishes.no_store {
        return Err(NotStored::RequestNoStore);
    }
    may_store_status(meta.status, response)?;
    // `must-understand` is for caches that know the status; for them it takes `no-store` back (§5.2.2.3).
    if control.has(Flag::MustUnderstand) {
        if !is_understood(meta.status) {
            return Err(NotStored::NotUnderstood);
        }
    } else if control.has(Flag::NoStore) {
        return Err(NotStored::NoStore);
    }
    if control.has(Flag::Private) {
        return Err(NotStored::Private);
    }
    let is_shareable = control.has(Flag::Public) || control.has(Flag::MustRevalidate) || control.s_maxage_s.is_some();
    if request.contains_key(AUTHORIZATION) && !is_shareable {
        return Err(NotStored::Authorization);
    }
    if vary_names(lines(response, VARY)).is_none() {
        return Err(NotStored::Vary);
    }
    let (_, source) = meta.lifetime(policy);
    let is_allowed = matches!(source, LifetimeSource::Explicit | LifetimeSource::Policy)
        || control.has(Flag::Public)
        || is_heuristically_cacheable(meta.status);
    let may_be_explicit_only = **method == Method::POST;
    if !is_allowed || (may_be_explicit_only && source != LifetimeSource::Explicit) || !is_useful(meta, policy) {
        return Err(NotStored::NoFreshness);
    }
    Ok(())
}

/// Whether the body that came is all that the header promised. `has_ended` is what the connection says: the end was
/// seen, and nothing broke off (RFC 9111 §3.3).
pub fn is_whole(response: &HeaderMap, received_bytes: u64, has_ended: bool) -> bool {
    let is_announced = |line: &str| digits(trim(line)) == Some(received_bytes);
    has_ended && lines(response, CONTENT_LENGTH).all(|line| is_announced(&line))
}

/// A POST may be kept for later GETs when its answer says that it is what GET would give (RFC 9110 §9.3.3).
fn may_store_method(exchange: &Exchange<'_>) -> Result<(), NotStored> {
    match *exchange.method {
        Method::GET => Ok(()),
        Method::HEAD => Err(NotStored::Head),
        Method::POST => {
            let location = resolved(exchange.target, exchange.response, &CONTENT_LOCATION);
            let is_target = location.is_some_and(|location| location == *exchange.target);
            let is_success = (200..300).contains(&exchange.meta.status);
            if is_target && is_success { Ok(()) } else { Err(NotStored::Method) }
        }
        _ => Err(NotStored::Method),
    }
}

fn may_store_status(status: u16, response: &HeaderMap) -> Result<(), NotStored> {
    match status {
        0..200 | 304 | 412 | 416 => Err(NotStored::Status),
        206 => {
            let range = lines(response, CONTENT_RANGE).next().and_then(|line| ContentRange::parse(&line));
            range.map(|_| ()).ok_or(NotStored::Partial)
        }
        _ => Ok(()),
    }
}

/// The statuses whose meaning for caches we know: those of RFC 9110 §15, RFC 6585 and RFC 7725.
const fn is_understood(status: u16) -> bool {
    matches!(status, 200..=206 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 451)
        || matches!(status, 500..=505 | 511)
}

fn is_useful(meta: &StoredMeta, policy: &ReusePolicy) -> bool {
    let now_s = meta.arrival.received_s;
    let reuse = Reuse::of(meta, policy, now_s);
    let has_window = reuse.may_serve_while_revalidating(now_s) || reuse.may_serve_on_error(now_s);
    reuse.is_fresh || meta.has_validator || has_window
}

#[cfg(test)]
mod tests;

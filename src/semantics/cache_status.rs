//! Writes a member of the `Cache-Status` field (RFC 9211): what this cache did with the request.

use std::fmt::Write as _;

use super::fields::is_token_byte;

/// What this cache did, for one member of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStatus<'a> {
    /// The name of this cache, the same on all nodes of a deployment.
    pub name: &'a str,
    pub handling: Handling,
    /// Seconds of freshness left, negative when served stale.
    pub ttl_s: Option<i64>,
    pub is_stored: bool,
    /// The request waited for a flight that another one started.
    pub is_collapsed: bool,
    /// The cache key. It tells what was asked, so it is for debugging only.
    pub key: Option<&'a str>,
    pub detail: Option<&'a str>,
}

/// Whether the request was answered from here; the two exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    Hit,
    Forwarded {
        why: Forward,
        /// The status of the answer that came from behind.
        status: Option<u16>,
    },
}

/// Why a request went on (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    Bypass,
    Method,
    UriMiss,
    VaryMiss,
    Miss,
    Request,
    Stale,
    Partial,
}

// === impl Forward ===

impl Forward {
    const fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Miss => "miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

// === impl CacheStatus ===

impl<'a> CacheStatus<'a> {
    /// A member that says nothing but its handling; the rest is filled in by struct update.
    pub const fn new(name: &'a str, handling: Handling) -> Self {
        Self { name, handling, ttl_s: None, is_stored: false, is_collapsed: false, key: None, detail: None }
    }

    /// The member as text. Characters that a structured field cannot hold become `?`.
    pub fn member(&self) -> String {
        let mut out = item(self.name);
        match self.handling {
            Handling::Hit => out.push_str("; hit"),
            Handling::Forwarded { why, status } => {
                add(&mut out, "fwd", why.token());
                if let Some(status) = status {
                    add(&mut out, "fwd-status", status);
                }
            }
        }
        if let Some(ttl_s) = self.ttl_s {
            add(&mut out, "ttl", ttl_s);
        }
        if self.is_stored {
            out.push_str("; stored");
        }
        if self.is_collapsed {
            out.push_str("; collapsed");
        }
        if let Some(key) = self.key {
            add(&mut out, "key", string(key));
        }
        if let Some(detail) = self.detail {
            add(&mut out, "detail", item(detail));
        }
        out
    }

    /// The whole field: this member after those of the caches nearer to the origin.
    pub fn after(&self, nearer_origin: Option<&str>) -> String {
        let member = self.member();
        match nearer_origin {
            Some(list) if !list.trim().is_empty() => format!("{list}, {member}"),
            Some(_) | None => member,
        }
    }
}

fn add(out: &mut String, name: &str, value: impl std::fmt::Display) {
    write!(out, "; {name}={value}").expect("invariant: writing to a string cannot fail");
}

/// A token where the text is one, else a string (RFC 9651 §3.3.3 and §3.3.4).
fn item(text: &str) -> String {
    let is_first = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'*';
    let is_rest = |byte: u8| is_token_byte(byte) || matches!(byte, b':' | b'/');
    if text.as_bytes().first().is_some_and(is_first) && text.bytes().all(is_rest) {
        text.to_owned()
    } else {
        string(text)
    }
}

fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => out.push('?'),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIT: CacheStatus<'static> = CacheStatus::new("tintype", Handling::Hit);

    fn forwarded(why: Forward, status: Option<u16>) -> CacheStatus<'static> {
        CacheStatus::new("tintype", Handling::Forwarded { why, status })
    }

    #[test]
    fn members_by_the_table() {
        let vectors = [
            (CacheStatus { ttl_s: Some(3540), ..HIT }, "tintype; hit; ttl=3540"),
            (CacheStatus { ttl_s: Some(3540), detail: Some("mem"), ..HIT }, "tintype; hit; ttl=3540; detail=mem"),
            (CacheStatus { ttl_s: Some(-37), detail: Some("swr"), ..HIT }, "tintype; hit; ttl=-37; detail=swr"),
            (
                CacheStatus { is_stored: true, ..forwarded(Forward::UriMiss, Some(200)) },
                "tintype; fwd=uri-miss; fwd-status=200; stored",
            ),
            (
                CacheStatus { is_collapsed: true, ..forwarded(Forward::UriMiss, None) },
                "tintype; fwd=uri-miss; collapsed",
            ),
            (
                CacheStatus { is_stored: true, ..forwarded(Forward::Stale, Some(304)) },
                "tintype; fwd=stale; fwd-status=304; stored",
            ),
            (
                CacheStatus { detail: Some("private"), ..forwarded(Forward::Bypass, None) },
                "tintype; fwd=bypass; detail=private",
            ),
            (
                CacheStatus { is_stored: true, ..forwarded(Forward::VaryMiss, Some(200)) },
                "tintype; fwd=vary-miss; fwd-status=200; stored",
            ),
            (
                CacheStatus { is_stored: true, ttl_s: Some(60), ..forwarded(Forward::Partial, Some(206)) },
                "tintype; fwd=partial; fwd-status=206; ttl=60; stored",
            ),
            (
                CacheStatus { detail: Some("no-store"), ..forwarded(Forward::Request, Some(200)) },
                "tintype; fwd=request; fwd-status=200; detail=no-store",
            ),
            (forwarded(Forward::Method, Some(201)), "tintype; fwd=method; fwd-status=201"),
            (
                CacheStatus { ttl_s: Some(-37), detail: Some("sie"), ..forwarded(Forward::Stale, Some(503)) },
                "tintype; fwd=stale; fwd-status=503; ttl=-37; detail=sie",
            ),
            (CacheStatus { key: Some("w:100/\"a\\b\""), ..HIT }, r#"tintype; hit; key="w:100/\"a\\b\"""#),
            (CacheStatus { detail: Some("two words"), ..HIT }, "tintype; hit; detail=\"two words\""),
            (CacheStatus { name: "node 7", ..HIT }, "\"node 7\"; hit"),
            (CacheStatus { name: "7", ..HIT }, "\"7\"; hit"),
            (CacheStatus { name: "", ..HIT }, "\"\"; hit"),
            (CacheStatus { name: "é\r\n", ..HIT }, "\"???\"; hit"),
        ];
        for (status, expected) in vectors {
            assert_eq!(status.member(), expected);
        }
    }

    #[test]
    fn this_cache_comes_after_those_before_it() {
        let status = CacheStatus { ttl_s: Some(12), ..HIT };
        assert_eq!(status.after(Some("\"node 7\"; fwd=miss")), "\"node 7\"; fwd=miss, tintype; hit; ttl=12");
        assert_eq!(status.after(Some(" ")), "tintype; hit; ttl=12");
        assert_eq!(status.after(None), "tintype; hit; ttl=12");
    }

    #[test]
    fn reasons_are_those_of_the_rfc() {
        use Forward::{Bypass, Method, Miss, Partial, Request, Stale, UriMiss, VaryMiss};
        let tokens = [Bypass, Method, UriMiss, VaryMiss, Miss, Request, Stale, Partial].map(Forward::token);
        assert_eq!(tokens.join(" "), "bypass method uri-miss vary-miss miss request stale partial");
    }
}

//! Settings of the listeners, the answers and the operation.

use std::time::Duration;

use super::super::cidr::Cidr;
use super::{Form, Group, Kind, LINE, Reload, Setting};

const TIMEOUT: Kind = Kind::Duration { min: Duration::from_millis(10), max: Duration::from_hours(1) };
const DRAIN: Kind = Kind::Duration { min: Duration::ZERO, max: Duration::from_hours(1) };

/// RFC 4632 section 3.1 and RFC 4291 section 2.3; a plain address is a network of one.
const CIDR: Form = Form { says: "IP addresses and networks, such as 192.0.2.0/24", holds: Cidr::is_cidr };

/// RFC 9211 section 2: the name is a token or a string of structured fields; a token needs no quoting.
const CACHE_NAME: Form = Form { says: "a letter followed by letters, digits, `-`, `.` or `_`", holds: is_cache_name };

pub(super) const LISTENING: Group = Group {
    title: "Listening",
    settings: &[
        Setting {
            key: "listen",
            kind: Kind::Address,
            default: "0.0.0.0:8080",
            reload: Reload::Start,
            doc: "Where images are served, over HTTP/1.1 and HTTP/2 without TLS.",
        },
        Setting {
            key: "connections_max",
            kind: Kind::Int { min: 1, max: 1_000_000 },
            default: "10000",
            reload: Reload::Start,
            doc: "Connections open at a time; further ones wait in the backlog of the kernel.",
        },
        Setting {
            key: "header.bytes_max",
            kind: Kind::Bytes { min: 8 << 10, max: 1 << 20 },
            default: "64KiB",
            reload: Reload::Start,
            doc: "Size of the head of a request.",
        },
        Setting {
            key: "header.timeout",
            kind: TIMEOUT,
            default: "10s",
            reload: Reload::Start,
            doc: "Time for the head of a request to arrive, from its first byte or from the opening of the connection.",
        },
        Setting {
            key: "keep_alive_timeout",
            kind: TIMEOUT,
            default: "75s",
            reload: Reload::Start,
            doc: "How long a connection may wait for its next request. Keep it above the idle time of the CDN, so that \
                  it is the CDN that closes.",
        },
        Setting {
            key: "request_timeout",
            kind: TIMEOUT,
            default: "30s",
            reload: Reload::Start,
            doc: "Time for the answer to a request, everything included, before it is refused.",
        },
    ],
};

pub(super) const CLIENTS: Group = Group {
    title: "Clients and load",
    settings: &[
        Setting {
            key: "misses_max",
            kind: Kind::Int { min: 1, max: 1_000_000 },
            default: "10000",
            reload: Reload::Start,
            doc: "Requests that may wait for an original or a picture at a time. Further ones get a stale picture \
                  where there is one, else 503. What is kept is served whatever waits.",
        },
        Setting {
            key: "clients.misses_max",
            kind: Kind::Int { min: 0, max: 1_000_000 },
            default: "0",
            reload: Reload::Start,
            doc: "The same for one client (an IPv4 address or an IPv6 /64), refused with 429; 0 sets none. Behind a \
                  CDN set `trusted_proxies` with it, or all requests are those of one client, the CDN.",
        },
        Setting {
            key: "trusted_proxies",
            kind: Kind::FormList(CIDR),
            default: "",
            reload: Reload::Start,
            doc: "Addresses and networks, as `192.0.2.1` and `2001:db8::/32`, of the CDN and the proxies in front. \
                  They alone are believed when they say whose requests they pass on; with none the other end of a \
                  connection is the client.",
        },
        Setting {
            key: "forwarded_fields",
            kind: Kind::ChoiceList(&["forwarded", "x-forwarded-for"]),
            default: "forwarded,x-forwarded-for",
            reload: Reload::Start,
            doc: "In which fields trusted proxies say it (RFC 7239). Name the one that yours writes: where a request \
                  has both and they disagree, neither is believed.",
        },
        Setting {
            key: "proxy_protocol",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether connections of trusted proxies to `listen` begin with the PROXY protocol, version 1 or 2. \
                  One that does not is closed; those of others are plain HTTP.",
        },
    ],
};

pub(super) const ANSWERS: Group = Group {
    title: "Answers",
    settings: &[
        Setting {
            key: "cors_origin",
            kind: Kind::Text(LINE),
            default: "*",
            reload: Reload::Start,
            doc: "Value of `Access-Control-Allow-Origin`; empty sends none.",
        },
        Setting {
            key: "server_timing",
            kind: Kind::Bool,
            default: "true",
            reload: Reload::Start,
            doc: "Whether answers carry `Server-Timing` with the time of each stage.",
        },
        Setting {
            key: "cache.status_name",
            kind: Kind::Text(CACHE_NAME),
            default: "tintype",
            reload: Reload::Start,
            doc: "The name of this cache in `Cache-Status` (RFC 9211).",
        },
        Setting {
            key: "tag_headers",
            kind: Kind::ChoiceList(&["surrogate-key", "cache-tag", "edge-cache-tag"]),
            default: "surrogate-key,cache-tag",
            reload: Reload::Start,
            doc: "In which fields an answer names the tags by which it can be purged: `surrogate-key` (Fastly), \
                  `cache-tag` (Cloudflare and others), `edge-cache-tag` (Akamai); empty names none.",
        },
    ],
};

pub(super) const OPERATIONS: Group = Group {
    title: "Operations",
    settings: &[
        Setting {
            key: "admin.listen",
            kind: Kind::AddressOrNone,
            default: "127.0.0.1:8081",
            reload: Reload::Start,
            doc: "Where metrics, health and operations are served; empty switches them off. Not for the open internet.",
        },
        Setting {
            key: "admin.token",
            kind: Kind::Secret,
            default: "",
            reload: Reload::Start,
            doc: "When set, metrics, status and purges need `Authorization: Bearer` with it; where it is not set, \
                  nothing can be purged.",
        },
        Setting {
            key: "drain.delay",
            kind: DRAIN,
            default: "0s",
            reload: Reload::Start,
            doc: "How long a stopping server reports that it is not ready and goes on accepting, before it closes its \
                  listener. 0s stops at once, which suits a terminal; behind a load balancer give it time to notice: \
                  5s is enough for Kubernetes.",
        },
        Setting {
            key: "drain.timeout",
            kind: DRAIN,
            default: "25s",
            reload: Reload::Start,
            doc: "How long requests that are under way may take when the server stops; the rest is cut off.",
        },
        Setting {
            key: "log.level",
            kind: Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
            default: "info",
            reload: Reload::Start,
            doc: "The least severe events that are logged. Each request gives one line at `info`.",
        },
        Setting {
            key: "log.format",
            kind: Kind::Choice(&["text", "json"]),
            default: "text",
            reload: Reload::Start,
            doc: "How events are written to standard error: for people, or one JSON object a line.",
        },
    ],
};

fn is_cache_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-._".contains(character))
}

//! Settings of what is kept and for how long.

use std::time::Duration;

use super::{Group, Kind, Reload, Setting};

/// Ten years: further is `immutable` by another name, and seconds still fit 32 bits with a sign.
const AGE: Kind = Kind::Duration { min: Duration::ZERO, max: Duration::from_hours(24 * 3650) };
const TIER: Kind = Kind::Bytes { min: 0, max: 64 << 40 };

pub(super) const CACHE: Group = Group {
    title: "Cache",
    settings: &[
        Setting {
            key: "cache.memory_bytes",
            kind: TIER,
            default: "256MiB",
            reload: Reload::Start,
            doc: "Memory for variants; 0 keeps none.",
        },
        Setting {
            key: "cache.originals_memory_bytes",
            kind: TIER,
            default: "64MiB",
            reload: Reload::Start,
            doc: "Memory for originals, one of which serves many variants; 0 keeps none.",
        },
        Setting {
            key: "cache.disk_path",
            kind: Kind::Path,
            default: "",
            reload: Reload::Start,
            doc: "Reserved for the disk tier; has no effect yet.",
        },
        Setting {
            key: "cache.disk_bytes",
            kind: TIER,
            default: "0",
            reload: Reload::Start,
            doc: "Reserved for the disk tier; has no effect yet.",
        },
    ],
};

pub(super) const FRESHNESS: Group = Group {
    title: "Freshness",
    settings: &[
        Setting {
            key: "ttl",
            kind: AGE,
            default: "365d",
            reload: Reload::Sighup,
            doc: "How long CDNs and browsers may keep a variant: `max-age` of `Cache-Control`.",
        },
        Setting {
            key: "ttl_truncated",
            kind: AGE,
            default: "1m",
            reload: Reload::Sighup,
            doc: "The same for a variant of an original whose data ended too early.",
        },
        Setting {
            key: "origin_ttl",
            kind: AGE,
            default: "1h",
            reload: Reload::Sighup,
            doc: "How long a kept original or variant is served before its origin is asked whether it has changed.",
        },
        Setting {
            key: "negative_ttl.not_found",
            kind: AGE,
            default: "30s",
            reload: Reload::Sighup,
            doc: "How long it is remembered that an origin has no such original.",
        },
        Setting {
            key: "negative_ttl.origin_error",
            kind: AGE,
            default: "5s",
            reload: Reload::Sighup,
            doc: "How long it is remembered that an origin failed or did not answer.",
        },
        Setting {
            key: "negative_ttl.undecodable",
            kind: AGE,
            default: "1m",
            reload: Reload::Sighup,
            doc: "How long it is remembered that an original is no picture or is over a limit.",
        },
    ],
};

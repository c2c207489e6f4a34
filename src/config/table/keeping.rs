//! Settings of what is kept and for how long.

use std::time::Duration;

use super::{Group, Kind, Reload, Setting};

/// Ten years: further is `immutable` by another name, and seconds still fit 32 bits with a sign.
const AGE: Kind = Kind::Duration { min: Duration::ZERO, max: Duration::from_hours(24 * 3650) };
const TIER_BYTES_MAX: u64 = 64 << 40;
const TIER: Kind = Kind::Bytes { min: 0, max: TIER_BYTES_MAX };

pub(super) const CACHE: Group = Group {
    title: "Cache",
    settings: &[
        Setting {
            key: "cache.memory_bytes",
            kind: Kind::Share { min: 0, max: TIER_BYTES_MAX, parts: 8, most: 256 << 20 },
            default: "auto",
            reload: Reload::Start,
            doc: "Memory for variants; 0 keeps none.",
        },
        Setting {
            key: "cache.originals_memory_bytes",
            kind: Kind::Share { min: 0, max: TIER_BYTES_MAX, parts: 32, most: 64 << 20 },
            default: "auto",
            reload: Reload::Start,
            doc: "Memory for originals, one of which serves many variants; 0 keeps none.",
        },
        Setting {
            key: "cache.disk_path",
            kind: Kind::Path,
            default: "",
            reload: Reload::Start,
            doc: "A folder of its own for the disk tier, on a disk of its own where there is one; empty keeps nothing \
                  on disk. One process uses it at a time. What is in it survives restarts, kills and upgrades.",
        },
        Setting {
            key: "cache.disk_bytes",
            kind: TIER,
            default: "10GiB",
            reload: Reload::Start,
            doc: "Disk for variants, where `cache.disk_path` is set; 0 keeps none.",
        },
        Setting {
            key: "cache.originals_disk_bytes",
            kind: TIER,
            default: "10GiB",
            reload: Reload::Start,
            doc: "Disk for originals, where `cache.disk_path` is set; 0 keeps none.",
        },
        Setting {
            key: "cache.files_disk_bytes",
            kind: TIER,
            default: "5GiB",
            reload: Reload::Start,
            doc: "Disk for answers of pass-through mounts, where `cache.disk_path` is set; 0 keeps none.",
        },
        Setting {
            key: "cache.disk_queue_bytes",
            kind: Kind::Share { min: 0, max: TIER_BYTES_MAX, parts: 32, most: 64 << 20 },
            default: "auto",
            reload: Reload::Start,
            doc: "What may wait to be written to disk; more is not kept there.",
        },
        Setting {
            key: "cache.disk_retry",
            kind: Kind::Duration { min: Duration::from_millis(100), max: Duration::from_hours(1) },
            default: "30s",
            reload: Reload::Start,
            doc: "How long nothing is written to a disk that failed or was full, before it is tried again. What is \
                  there is read meanwhile.",
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
            doc: "How long a kept original or variant is served before its origin is asked whether it has changed, \
                  where the origin does not say it.",
        },
        Setting {
            key: "origin_cache_control",
            kind: Kind::Choice(&["honour", "ignore"]),
            default: "honour",
            reload: Reload::Sighup,
            doc: "Whether `Cache-Control`, `Expires` and `Age` of an origin decide how long an original and its \
                  variants stay fresh (RFC 9111), or `origin_ttl` alone.",
        },
        Setting {
            key: "stale_while_revalidate",
            kind: AGE,
            default: "1m",
            reload: Reload::Sighup,
            doc: "How long after that a kept variant is still served at once, while its origin is asked behind. No \
                  stale variant is served where the origin forbids it, or where `origin_ttl` is 0s.",
        },
        Setting {
            key: "stale_if_error",
            kind: AGE,
            default: "1d",
            reload: Reload::Sighup,
            doc: "How long after that a kept variant is served while its origin cannot be reached or fails, and while \
                  the server has too much to do. Never where the origin forbids it, nor for an original that is gone.",
        },
        Setting {
            key: "ttl_cdn",
            kind: AGE,
            default: "0s",
            reload: Reload::Sighup,
            doc: "How long CDNs may keep a variant where that differs from browsers: `max-age` of `CDN-Cache-Control` \
                  (RFC 9213). 0s sends no such field.",
        },
        Setting {
            key: "negative_ttl.not_found",
            kind: AGE,
            default: "30s",
            reload: Reload::Sighup,
            doc: "How long it is remembered that an origin has no such original.",
        },
        Setting {
            key: "negative_ttl.refused",
            kind: AGE,
            default: "30s",
            reload: Reload::Sighup,
            doc: "How long it is remembered that an origin refused in another way (401, 403 and the rest of 4xx).",
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

//! Settings of the pass-through mounts.

use super::{Group, Kind, Reload, Setting};
use crate::config::mounts::{Mount, SAYS};

const MOUNTS: Kind = Kind::FormList(super::Form { says: SAYS, holds: is_mount });

pub(super) const PASS_THROUGH: Group = Group {
    title: "Pass-through mounts",
    settings: &[
        Setting {
            key: "mounts",
            kind: MOUNTS,
            default: "",
            reload: Reload::Start,
            doc: "Parts of the URL space that are served verbatim from an origin through a shared HTTP cache, each \
                  `PREFIX=ORIGIN`, such as `/assets=https://origin.example/base;ttl=1h`. The longest prefix wins; `/` \
                  takes every path that nothing else claims and needs `path_prefix` for the images. ORIGIN is \
                  `http(s)://host[:port][/base]`, trusted as written, or, for reading, `s3://bucket/base`, `gs://…`, \
                  `az://…`, `local:///folder`. Options: `ttl` is the lifetime of responses that name none; \
                  `cache_control=ignore` makes it count whatever the origin says; `stale_while_revalidate` and \
                  `stale_if_error` are windows for responses that name none; `heuristic=off` guesses no lifetime from \
                  `Last-Modified`; `request_directives=on` obeys the `Cache-Control` of requests.",
        },
        Setting {
            key: "mount.memory_bytes",
            kind: Kind::Share { min: 0, max: 1 << 40, parts: 32, most: 64 << 20 },
            default: "auto",
            reload: Reload::Start,
            doc: "Memory for responses of mounts; 0 keeps none there. Their disk is `cache.files_disk_bytes`.",
        },
        Setting {
            key: "mount.body_bytes_max",
            kind: Kind::Bytes { min: 1, max: 4 << 30 },
            default: "16MiB",
            reload: Reload::Start,
            doc: "Body of a response that is kept; a larger one is passed on as it comes and not kept.",
        },
        Setting {
            key: "mount.request_bytes_max",
            kind: Kind::Bytes { min: 0, max: 4 << 30 },
            default: "10MiB",
            reload: Reload::Start,
            doc: "Body of a request to a mount.",
        },
    ],
};

fn is_mount(text: &str) -> bool {
    Mount::parse(text).is_some()
}

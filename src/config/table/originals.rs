//! Settings of where originals may come from and how they are fetched.

use std::time::Duration;

use super::{Form, Group, Kind, LINE, PRESIGNED, Reload, Setting, is_line};

const TIMEOUT: Kind = Kind::Duration { min: Duration::from_millis(10), max: Duration::from_mins(10) };
const ENDPOINT: Form =
    Form { says: "an http:// or https:// URL without user, query and fragment, or nothing", holds: is_endpoint };
const NAME: Form = Form { says: "up to 64 letters, digits, `.`, `-` and `_`, or nothing", holds: is_name };

pub(super) const SOURCES: Group = Group {
    title: "Sources",
    settings: &[
        Setting {
            key: "allowed_sources",
            kind: Kind::TextList,
            default: "",
            reload: Reload::Sighup,
            doc: "What sources may begin with, such as `https://*.example.com/` or `s3://photos/`; `*` stands for any \
                  characters but slashes. Empty allows all.",
        },
        Setting {
            key: "local_root",
            kind: Kind::Path,
            default: "",
            reload: Reload::Start,
            doc: "The folder that `local://` sources are read from; empty switches them off.",
        },
        Setting {
            key: "allow_loopback_sources",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether HTTP sources may be on this machine, on any port. For tests.",
        },
        Setting {
            key: "allow_link_local_sources",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether HTTP sources may be on link-local addresses, on any port. Those at which clouds hand out the \
                  credentials of their machines stay refused.",
        },
        Setting {
            key: "allow_private_sources",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether HTTP sources may be on addresses of private networks, on any port.",
        },
        Setting {
            key: "allowed_ports",
            kind: Kind::Ports,
            default: "80,443",
            reload: Reload::Start,
            doc: "Ports that HTTP sources on public addresses may be on.",
        },
        Setting {
            key: "ignored_query_parameters",
            kind: Kind::TextList,
            default: PRESIGNED,
            reload: Reload::Start,
            doc: "Query parameters of HTTP sources that say nothing about which original is meant. They are sent to \
                  the origin, but they are no part of the identity of an original and are not shown. A `*` at the end \
                  of a name stands for any rest; the word `presigned` stands for what object stores and CDNs add to \
                  signed links.",
        },
    ],
};

pub(super) const STORES: Group = Group {
    title: "Object stores",
    settings: &[
        Setting {
            key: "s3.enabled",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether `s3://bucket/key` sources are read.",
        },
        Setting {
            key: "s3.endpoint",
            kind: Kind::Text(ENDPOINT),
            default: "",
            reload: Reload::Start,
            doc: "Where the S3 protocol is spoken; empty leaves it to `AWS_ENDPOINT_URL_S3`, and without that it is \
                  Amazon.",
        },
        Setting {
            key: "s3.region",
            kind: Kind::Text(LINE),
            default: "",
            reload: Reload::Start,
            doc: "The region of the buckets; empty leaves it to `AWS_REGION`.",
        },
        Setting {
            key: "s3.path_style",
            kind: Kind::Bool,
            default: "true",
            reload: Reload::Start,
            doc: "Whether the bucket stands in the path, which every store understands, and not before the host.",
        },
        Setting {
            key: "s3.anonymous",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether requests are not signed, for public buckets.",
        },
        Setting {
            key: "gs.enabled",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether `gs://bucket/key` sources are read.",
        },
        Setting {
            key: "gs.endpoint",
            kind: Kind::Text(ENDPOINT),
            default: "",
            reload: Reload::Start,
            doc: "Where the protocol of Google Cloud Storage is spoken; empty is Google.",
        },
        Setting {
            key: "gs.anonymous",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether requests carry no credentials, for public buckets.",
        },
        Setting {
            key: "az.enabled",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether `az://container/key` sources of Azure Blob Storage, also written `abs://`, are read.",
        },
        Setting {
            key: "az.endpoint",
            kind: Kind::Text(ENDPOINT),
            default: "",
            reload: Reload::Start,
            doc: "Where the protocol of Azure Blob Storage is spoken; empty is Microsoft.",
        },
        Setting {
            key: "az.account",
            kind: Kind::Text(LINE),
            default: "",
            reload: Reload::Start,
            doc: "The storage account; empty leaves it to `AZURE_STORAGE_ACCOUNT_NAME`.",
        },
        Setting {
            key: "az.anonymous",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Start,
            doc: "Whether requests carry no credentials, for public containers.",
        },
    ],
};

pub(super) const FETCHING: Group = Group {
    title: "Fetching",
    settings: &[
        Setting {
            key: "fetches_max",
            kind: Kind::Int { min: 1, max: 100_000 },
            default: "128",
            reload: Reload::Start,
            doc: "Originals that are fetched at a time.",
        },
        Setting {
            key: "source.fetches_max",
            kind: Kind::Int { min: 1, max: 100_000 },
            default: "64",
            reload: Reload::Start,
            doc: "Of these so many from one host or bucket, so that a slow one leaves room for the others. Four \
                  times as many may wait three seconds for their turn; further ones are refused with 503 at once.",
        },
        Setting {
            key: "redirects_max",
            kind: Kind::Int { min: 0, max: 20 },
            default: "3",
            reload: Reload::Start,
            doc: "Redirects that a fetch follows; each target passes all checks of a source.",
        },
        Setting {
            key: "fetch.connect_timeout",
            kind: TIMEOUT,
            default: "2s",
            reload: Reload::Start,
            doc: "Time for a connection to an origin.",
        },
        Setting {
            key: "fetch.first_byte_timeout",
            kind: TIMEOUT,
            default: "5s",
            reload: Reload::Start,
            doc: "Time from a sent request to the head of the answer.",
        },
        Setting {
            key: "fetch.idle_timeout",
            kind: TIMEOUT,
            default: "5s",
            reload: Reload::Start,
            doc: "How long an origin may pause within a body.",
        },
        Setting {
            key: "fetch.timeout",
            kind: TIMEOUT,
            default: "20s",
            reload: Reload::Start,
            doc: "Time for a whole fetch, redirects included.",
        },
        Setting {
            key: "loop.name",
            kind: Kind::Text(NAME),
            default: "",
            reload: Reload::Start,
            doc: "The name of this deployment in `CDN-Loop` and `Via` of what it sends, the same on all of its nodes \
                  and different from those of other deployments: a request that has it already is refused with 508. \
                  Empty gives every process a name of its own.",
        },
        Setting {
            key: "loop.hops_max",
            kind: Kind::Int { min: 0, max: 100 },
            default: "4",
            reload: Reload::Start,
            doc: "Other tintype servers that a request may have come through; one that came through more is refused \
                  with 508.",
        },
        Setting {
            key: "source.bytes_max",
            kind: Kind::Bytes { min: 1, max: 4 << 30 },
            default: "64MiB",
            reload: Reload::Start,
            doc: "Size of an original.",
        },
    ],
};

fn is_endpoint(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.is_empty()
        || host.is_some_and(|host| !host.is_empty() && is_line(host) && !host.contains([' ', '@', '?', '#']))
}

fn is_name(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

//! Settings of the bucket that nodes share.

use std::time::Duration;

use super::{Form, Group, Kind, Reload, Setting, is_line};

const BUCKET: Form = Form {
    says: "`s3://bucket`, `gs://bucket` or `az://container`, with a prefix such as `/cache` or without, or nothing",
    holds: is_bucket,
};

pub(super) const SHARED: Group = Group {
    title: "Shared cache",
    settings: &[
        Setting {
            key: "shared.bucket",
            kind: Kind::Text(BUCKET),
            default: "",
            reload: Reload::Start,
            doc: "The bucket in which nodes keep what they made for each other, and a prefix for all names in it; \
                  empty for none. Endpoint, region and credentials are those of `s3.…`, `gs.…` and `az.…`, whether \
                  sources of that kind are enabled or not. Nobody else may write there. Give it a lifecycle rule \
                  that deletes what is under `v1/objects/` a day after `shared.keep`, and none for `v1/marks/`.",
        },
        Setting {
            key: "shared.get_timeout",
            kind: Kind::Duration { min: Duration::from_millis(10), max: Duration::from_mins(1) },
            default: "500ms",
            reload: Reload::Start,
            doc: "Time for a read from the bucket; what takes longer counts as absent.",
        },
        Setting {
            key: "shared.queue_bytes_max",
            kind: Kind::Share { min: 1 << 20, max: 64 << 30, parts: 32, most: 64 << 20 },
            default: "auto",
            reload: Reload::Start,
            doc: "Memory for what waits to be written to the bucket; more is not written.",
        },
        Setting {
            key: "shared.marks_poll",
            kind: Kind::Duration { min: Duration::from_millis(50), max: Duration::from_mins(1) },
            default: "1s",
            reload: Reload::Start,
            doc: "How often a node looks for purges of other nodes, which is one listing request each time. A purge is \
                  acknowledged after two of these intervals, when every node that can read the bucket obeys it. The \
                  same on all nodes.",
        },
        Setting {
            key: "shared.keep",
            kind: Kind::Duration { min: Duration::from_hours(1), max: Duration::from_hours(24 * 3650) },
            default: "30d",
            reload: Reload::Start,
            doc: "What is older is not read from the bucket, and purges that are older are forgotten there. The same \
                  on all nodes.",
        },
        Setting {
            key: "shared.clock_skew",
            kind: Kind::Duration { min: Duration::ZERO, max: Duration::from_mins(10) },
            default: "10s",
            reload: Reload::Start,
            doc: "How far the clocks of two nodes may differ. What another node made so shortly after a purge counts \
                  as purged.",
        },
    ],
};

fn is_bucket(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some((_, rest)) = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "s3" | "gs" | "az")) else {
        return false;
    };
    let mut parts = rest.split('/');
    let is_name = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(is_plain)
    };
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..");
    is_line(text) && parts.next().is_some_and(is_name) && parts.all(is_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_scheme_a_name_and_maybe_a_prefix() {
        for good in ["", "s3://b", "gs://my.bucket_1/a", "az://container/a/b c"] {
            assert!(is_bucket(good), "{good}");
        }
        let bad = ["b", "s3://", "s3:///a", "http://b", "s3://b/", "s3://b//a", "s3://b/../a", "s3://b\n", "s3://a@b"];
        for bad in bad.into_iter().chain(["S3://b", "s3://-b", "abs://b", "s3://b?x"]) {
            assert!(!is_bucket(bad), "{bad}");
        }
    }
}

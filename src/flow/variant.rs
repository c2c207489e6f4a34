//! A finished picture as it is kept, and the entity tag by which it is known before it is made.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::lifetime::Lifetime;
use super::original::Known;
use crate::cache::{Class, ENTRY_OVERHEAD_BYTES, Entry, Keep, Key, Labels, Stamp, Weigh};
use crate::transform::Format;

/// A finished picture with what is needed to answer with it.
#[derive(Debug, Clone, Default)]
pub struct Variant {
    pub body: Bytes,
    pub format: Option<Format>,
    /// Strong entity tag with its quotes.
    pub etag: String,
    /// The original's own date in Unix seconds.
    pub last_modified_s: Option<u64>,
    /// The original ended too early: kept for a short time only.
    pub truncated: bool,
    /// Names the original's bytes that this was made of.
    pub original_tag: String,
    /// By which the origin recognises them.
    pub known: Arc<Known>,
    pub lifetime: Lifetime,
    /// The pixel epoch in force when it was made.
    pub pixel_epoch: u32,
    /// When the work that brought or confirmed it began, not before that of its original.
    pub stamp: Stamp,
    pub labels: Arc<Labels>,
}

/// What is written beside the body. Members are added with a default and never taken away.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    format: String,
    etag: String,
    last_modified_s: Option<u64>,
    truncated: bool,
    original_tag: String,
    known: Known,
    lifetime: Lifetime,
    pixel_epoch: u32,
}

/// First finished encoding, as opposed to a later one of higher effort.
const PASS: u8 = 0;

/// The entity tag of what this engine makes under this key of this original: known without making it, and the same on
/// every node that would make the same bytes.
pub fn etag(key: &Key, original_tag: &str, fingerprint: &str, pixel_epoch: u32) -> String {
    let epoch = pixel_epoch.to_be_bytes();
    let parts: [&[u8]; 5] = [key.as_bytes(), original_tag.as_bytes(), fingerprint.as_bytes(), &epoch, &[PASS]];
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Key::of("etag", &parts).as_bytes()[..16]))
}

// === impl Variant ===

impl Weigh for Variant {
    fn weight_bytes(&self) -> u64 {
        let texts = self.etag.len() + self.original_tag.len() + self.labels.weight_bytes();
        let known = self.known.validators.weight_bytes() + size_of::<Known>();
        (self.body.len() + texts + known + size_of::<Self>()) as u64 + ENTRY_OVERHEAD_BYTES
    }
}

impl Keep for Variant {
    const CLASS: Class = Class::Variant;

    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    fn body(&self) -> &Bytes {
        &self.body
    }

    fn record(&self) -> Vec<u8> {
        let record = Record {
            format: self.format.map(Format::name).unwrap_or_default().to_owned(),
            etag: self.etag.clone(),
            last_modified_s: self.last_modified_s,
            truncated: self.truncated,
            original_tag: self.original_tag.clone(),
            known: Known::clone(&self.known),
            lifetime: self.lifetime,
            pixel_epoch: self.pixel_epoch,
        };
        serde_json::to_vec(&record).unwrap_or_default()
    }

    fn restore(entry: Entry) -> Option<Self> {
        let record: Record = serde_json::from_slice(&entry.record).ok()?;
        // What cannot say its format or its tag cannot be answered with.
        let format = Format::from_name(&record.format)?;
        (!record.etag.is_empty()).then(|| Self {
            body: entry.body,
            format: Some(format),
            etag: record.etag,
            last_modified_s: record.last_modified_s,
            truncated: record.truncated,
            original_tag: record.original_tag,
            known: Arc::new(record.known),
            lifetime: record.lifetime,
            pixel_epoch: record.pixel_epoch,
            stamp: entry.stamp,
            labels: Arc::new(entry.labels),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_comes_back_as_it_was_kept() {
        let variant = Variant {
            body: Bytes::from_static(b"pixels"),
            format: Some(Format::Avif),
            etag: "\"a\"".to_owned(),
            last_modified_s: Some(3),
            truncated: true,
            original_tag: "o".to_owned(),
            lifetime: Lifetime { fresh_until_s: 9, ..Lifetime::default() },
            pixel_epoch: 4,
            stamp: Stamp::from_micros(5),
            ..Variant::default()
        };
        let back = Variant::restore(variant.entry(Key::of("test", &[]))).unwrap();
        assert_eq!(format!("{back:?}"), format!("{variant:?}"));
    }

    /// A record of this version as it was first written: members may be added, none may be missed.
    #[test]
    fn records_of_earlier_versions_stay_readable() {
        let record = r#"{"format":"webp","etag":"\"x\"","last_modified_s":null,"truncated":false,"original_tag":"t",
            "known":{"validators":{"etag":"\"v\"","last_modified":null,"size":5,"version":null},
            "freshness":{"cache_control":null,"expires":null,"age":null,"date":null}},
            "lifetime":{"fresh_until_s":9,"stale_while_revalidate_s":1,"stale_if_error_s":2,"is_explicit":true,
            "is_private":false},"pixel_epoch":1}"#;
        let entry = |record: &str| Entry {
            record: Bytes::copy_from_slice(record.as_bytes()),
            ..Variant::default().entry(Key::of("test", &[]))
        };
        let variant = Variant::restore(entry(record)).expect("a variant");
        assert_eq!((variant.format, variant.lifetime.fresh_until_s), (Some(Format::Webp), 9));
        assert_eq!(variant.known.validators.etag.as_deref(), Some("\"v\""));
        for rubbish in ["", "{}", "[]", r#"{"format":"nonsense","etag":"\"x\""}"#, r#"{"format":"webp"}"#] {
            assert!(Variant::restore(entry(rubbish)).is_none(), "{rubbish}");
        }
    }

    #[test]
    fn every_part_of_a_tag_counts() {
        let (one, other) = (Key::of("test", &[b"1"]), Key::of("test", &[b"2"]));
        let tags = [
            etag(&one, "o", "f", 1),
            etag(&other, "o", "f", 1),
            etag(&one, "p", "f", 1),
            etag(&one, "o", "g", 1),
            etag(&one, "o", "f", 2),
        ];
        assert_eq!(tags.iter().collect::<std::collections::BTreeSet<_>>().len(), tags.len());
        assert_eq!(tags[0].len(), 24);
    }
}

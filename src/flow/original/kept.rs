//! An original as it is kept.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::cache::{Class, ENTRY_OVERHEAD_BYTES, Entry, Keep, Labels, Stamp, Weigh};
use crate::flow::lifetime::Lifetime;
use crate::origin::{OriginFreshness, Original, Validators};

/// An original with what is needed to use it, to judge it and to ask for it again.
#[derive(Debug, Clone)]
pub struct KeptOriginal {
    pub original: Original,
    /// The same for the same bytes: made of the origin's validators, or of the bytes where it gave none.
    pub tag: String,
    pub lifetime: Lifetime,
    /// When the fetch that brought or confirmed it began.
    pub stamp: Stamp,
    pub labels: Arc<Labels>,
}

/// By what an original is recognised, and what was said of its freshness: enough to ask whether it changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    pub validators: Validators,
    pub freshness: OriginFreshness,
}

/// What is written beside the bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    content_type: Option<String>,
    known: Known,
    last_modified_s: Option<u64>,
    final_url: Option<String>,
    tag: String,
    lifetime: Lifetime,
}

// === impl KeptOriginal ===

impl KeptOriginal {
    pub fn new(original: Original, lifetime: Lifetime, stamp: Stamp, labels: Arc<Labels>) -> Self {
        Self { tag: tag(&original), original, lifetime, stamp, labels }
    }

    /// By what the origin is asked whether it changed.
    pub fn known(&self) -> Known {
        Known { validators: self.original.validators.clone(), freshness: self.original.freshness.clone() }
    }

    /// The same original, of which its origin has just said this.
    #[must_use]
    pub fn confirmed(&self, said: OriginFreshness, lifetime: Lifetime, stamp: Stamp) -> Self {
        let original = Original { freshness: said, ..self.original.clone() };
        Self { original, tag: self.tag.clone(), lifetime, stamp, labels: Arc::clone(&self.labels) }
    }
}

impl Weigh for KeptOriginal {
    fn weight_bytes(&self) -> u64 {
        let texts = self.tag.len() + self.original.validators.weight_bytes() + self.labels.weight_bytes();
        (self.original.bytes.len() + texts + size_of::<Self>()) as u64 + ENTRY_OVERHEAD_BYTES
    }
}

impl Keep for KeptOriginal {
    const CLASS: Class = Class::Original;

    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    fn body(&self) -> &Bytes {
        &self.original.bytes
    }

    fn record(&self) -> Vec<u8> {
        let record = Record {
            content_type: self.original.content_type.clone(),
            known: self.known(),
            last_modified_s: self.original.last_modified_s,
            final_url: self.original.final_url.clone(),
            tag: self.tag.clone(),
            lifetime: self.lifetime,
        };
        serde_json::to_vec(&record).unwrap_or_default()
    }

    fn restore(entry: Entry) -> Option<Self> {
        let record: Record = serde_json::from_slice(&entry.record).ok()?;
        let Known { validators, freshness } = record.known;
        let original = Original {
            bytes: entry.body,
            content_type: record.content_type,
            validators,
            last_modified_s: record.last_modified_s,
            freshness,
            final_url: record.final_url,
        };
        (!record.tag.is_empty()).then(|| Self {
            original,
            tag: record.tag,
            lifetime: record.lifetime,
            stamp: entry.stamp,
            labels: Arc::new(entry.labels),
        })
    }
}

/// Names the bytes: by the origin's own validators, so that two nodes agree without comparing bytes.
pub(super) fn tag(original: &Original) -> String {
    let validators = &original.validators;
    let digest = if validators.can_revalidate() {
        blake3::hash(format!("{:?}", (&validators.etag, &validators.last_modified, validators.size)).as_bytes())
    } else {
        blake3::hash(&original.bytes)
    };
    digest.to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Key, Tag};

    fn original() -> KeptOriginal {
        let original = Original {
            bytes: Bytes::from_static(b"bytes"),
            content_type: Some("image/png".to_owned()),
            validators: Validators { etag: Some("\"a\"".to_owned()), ..Validators::default() },
            last_modified_s: Some(7),
            freshness: OriginFreshness { cache_control: Some("max-age=1".to_owned()), ..OriginFreshness::default() },
            final_url: None,
        };
        let labels = Labels { source: "http://a/b".to_owned(), tags: vec![Tag::new("s-1").unwrap()] };
        let lifetime = Lifetime { fresh_until_s: 9, ..Lifetime::default() };
        KeptOriginal::new(original, lifetime, Stamp::from_micros(5), Arc::new(labels))
    }

    #[test]
    fn an_original_comes_back_as_it_was_kept() {
        let kept = original();
        let back = KeptOriginal::restore(kept.entry(Key::of("test", &[]))).unwrap();
        assert_eq!(format!("{back:?}"), format!("{kept:?}"));
    }

    #[test]
    fn a_record_of_something_else_brings_nothing_back() {
        for record in ["", "null", "{}", "[1]", "{\"tag\":7}"] {
            let entry = Entry { record: Bytes::from(record), ..original().entry(Key::of("test", &[])) };
            assert!(KeptOriginal::restore(entry).is_none(), "{record}");
        }
    }

    #[test]
    fn a_tag_goes_by_validators_and_without_them_by_bytes() {
        let with = |etag: Option<&str>, bytes: &'static [u8]| {
            let validators = Validators { etag: etag.map(str::to_owned), ..Validators::default() };
            tag(&Original { validators, bytes: Bytes::from_static(bytes), ..original().original })
        };
        assert_eq!(with(Some("\"a\""), b"1"), with(Some("\"a\""), b"2"));
        assert_ne!(with(Some("\"a\""), b"1"), with(Some("\"b\""), b"1"));
        assert_ne!(with(None, b"1"), with(None, b"2"));
    }
}

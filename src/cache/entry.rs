//! What a tier keeps: a body and the record that explains it, and what it weighs.

use bytes::Bytes;

/// What an entry costs beside its contents: key, node and queues of the tier, reference counts; an estimate on the
/// safe side.
pub const ENTRY_OVERHEAD_BYTES: u64 = 200;

/// How many bytes of memory a kept value stands for, everything included.
pub trait Weigh {
    fn weight_bytes(&self) -> u64;
}

/// A body and its record.
///
/// The body must own its memory alone: a slice of a larger buffer would keep all of that alive and weigh too little,
/// and bytes of a file descriptor that another process can shrink must be copied first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub body: Bytes,
    pub record: Record,
}

/// What is known about a body. The cache reads none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// For `Content-Type`.
    pub content_type: String,
    /// As sent, with its quotes.
    pub etag: String,
    /// When it was made or fetched, seconds since 1970.
    pub made_at_s: u64,
    /// Until when it is fresh, seconds since 1970.
    pub fresh_until_s: u64,
    /// The original's generation: its own, or the one that a variant was made from.
    pub generation: u64,
    /// The original's validators, in a form that only their writer reads.
    pub validators: Box<[u8]>,
    /// Further header fields of the answer.
    pub headers: Vec<(String, String)>,
}

// === impl Entry ===

impl Weigh for Entry {
    fn weight_bytes(&self) -> u64 {
        let Record { content_type, etag, validators, headers, made_at_s: _, fresh_until_s: _, generation: _ } =
            &self.record;
        let headers_len: usize =
            headers.iter().map(|(name, value)| size_of::<(String, String)>() + name.len() + value.len()).sum();
        let parts = [self.body.len(), content_type.len(), etag.len(), validators.len(), headers_len, size_of::<Self>()];
        parts.iter().fold(ENTRY_OVERHEAD_BYTES, |sum, len| sum.saturating_add(u64::try_from(*len).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_kept_weighs() {
        let empty = Entry { body: Bytes::new(), record: Record::default() };
        let base_bytes = empty.weight_bytes();
        assert!(base_bytes >= ENTRY_OVERHEAD_BYTES);
        let entry = Entry {
            body: Bytes::from(vec![0; 1000]),
            record: Record {
                content_type: "image/webp".into(),
                etag: "\"abc\"".into(),
                validators: Box::from([0; 20]),
                headers: vec![("link".into(), "<x>".into())],
                ..Record::default()
            },
        };
        let header_bytes = 7 + u64::try_from(size_of::<(String, String)>()).expect("small");
        assert_eq!(entry.weight_bytes(), base_bytes + 1000 + 10 + 5 + 20 + header_bytes);
    }
}

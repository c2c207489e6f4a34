//! A response as it is kept, and the list of responses that one URI has when they vary.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::cache::{Class, ENTRY_OVERHEAD_BYTES, Entry, Keep, Key, Labels, Stamp, Weigh};
use crate::semantics::fields::text_of;
use crate::semantics::partial::Part;
use crate::semantics::vary::VaryKey;

/// One response.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) status: StatusCode,
    /// As the origin sent them, without those of its connection; `Date` is always there.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Which bytes the body has of the whole one, where it is a part.
    pub(super) part: Option<Part>,
    /// Unix seconds.
    pub(super) requested_s: u64,
    /// Unix seconds.
    pub(super) received_s: u64,
    pub(super) vary: VaryKey,
    /// When the exchange that brought it, or last confirmed it, began.
    pub(super) stamp: Stamp,
    pub(super) labels: Arc<Labels>,
}

/// Where the responses of a URI are, the newest first.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) places: Vec<Place>,
    stamp: Stamp,
    labels: Arc<Labels>,
}

/// One of the responses of a URI.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) vary: VaryKey,
    /// `Content-Language` of the response, which can select it.
    pub(super) language: Option<String>,
    pub(super) key: Key,
    /// When it was last asked for, as a count of requests; not kept outside the process.
    used: AtomicU64,
}

/// What is kept under one key.
#[derive(Debug)]
pub(super) enum Kept {
    Response(Arc<Stored>),
    Directory(Directory),
}

/// What of a [`Kept`] is written beside its body.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Record {
    Response(ResponseRecord),
    Directory(Vec<PlaceRecord>),
}

#[derive(Serialize, Deserialize)]
struct ResponseRecord {
    status: u16,
    /// Names and values in their order; bytes of values as characters of ISO 8859-1.
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    requested_s: u64,
    received_s: u64,
    #[serde(default)]
    vary: VaryKey,
}

#[derive(Serialize, Deserialize)]
struct PlaceRecord {
    vary: VaryKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    key: [u8; 32],
}

// === impl Stored ===

impl Stored {
    /// The value of a field that may stand once.
    pub(super) fn field(&self, name: impl http::header::AsHeaderName) -> Option<std::borrow::Cow<'_, str>> {
        self.headers.get(name).map(text_of)
    }

    fn record(&self) -> ResponseRecord {
        let line = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), text_of(value).into_owned());
        ResponseRecord {
            status: self.status.as_u16(),
            headers: self.headers.iter().map(line).collect(),
            part: self.part,
            requested_s: self.requested_s,
            received_s: self.received_s,
            vary: self.vary.clone(),
        }
    }

    fn restore(record: ResponseRecord, stamp: Stamp, labels: Labels, body: Bytes) -> Option<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in record.headers {
            let bytes: Option<Vec<u8>> = value.chars().map(|character| u8::try_from(character).ok()).collect();
            headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(bytes?).ok()?);
        }
        Some(Self {
            status: StatusCode::from_u16(record.status).ok()?,
            headers,
            body,
            part: record.part,
            requested_s: record.requested_s,
            received_s: record.received_s,
            vary: record.vary,
            stamp,
            labels: Arc::new(labels),
        })
    }
}

// === impl Directory ===

impl Directory {
    pub(super) fn new(places: Vec<Place>, stamp: Stamp, labels: Arc<Labels>) -> Self {
        Self { places, stamp, labels }
    }

    /// The places of responses that a request selects; the newest first, as RFC 9111 §4.1 wants it where several match.
    pub(super) fn matching(&self, request: &HeaderMap) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| place.vary.matches(request, place.language.as_deref()))
    }
}

// === impl Place ===

impl Place {
    pub(super) fn new(vary: VaryKey, language: Option<String>, key: Key, now: u64) -> Self {
        Self { vary, language, key, used: AtomicU64::new(now) }
    }

    pub(super) fn touch(&self, now: u64) {
        self.used.fetch_max(now, Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        Self::new(self.vary.clone(), self.language.clone(), self.key, self.last_used())
    }
}

// === impl Kept ===

impl Keep for Kept {
    const CLASS: Class = Class::File;

    fn stamp(&self) -> Stamp {
        match self {
            Self::Response(stored) => stored.stamp,
            Self::Directory(directory) => directory.stamp,
        }
    }

    fn labels(&self) -> &Arc<Labels> {
        match self {
            Self::Response(stored) => &stored.labels,
            Self::Directory(directory) => &directory.labels,
        }
    }

    fn body(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        match self {
            Self::Response(stored) => &stored.body,
            Self::Directory(_) => &NONE,
        }
    }

    fn record(&self) -> Vec<u8> {
        let record = match self {
            Self::Response(stored) => Record::Response(stored.record()),
            Self::Directory(directory) => {
                let record = |place: &Place| PlaceRecord {
                    vary: place.vary.clone(),
                    language: place.language.clone(),
                    key: *place.key.as_bytes(),
                };
                Record::Directory(directory.places.iter().map(record).collect())
            }
        };
        serde_json::to_vec(&record).expect("invariant: texts and numbers always serialize")
    }

    fn restore(entry: Entry) -> Option<Self> {
        let Entry { stamp, labels, record, body, .. } = entry;
        match serde_json::from_slice(&record).ok()? {
            Record::Response(record) => Stored::restore(record, stamp, labels, body).map(Arc::new).map(Self::Response),
            Record::Directory(records) => {
                let place =
                    |record: PlaceRecord| Place::new(record.vary, record.language, Key::from_bytes(record.key), 0);
                let places = records.into_iter().map(place).collect();
                Some(Self::Directory(Directory::new(places, stamp, Arc::new(labels))))
            }
        }
    }
}

impl Weigh for Kept {
    fn weight_bytes(&self) -> u64 {
        let vary_bytes = |vary: &VaryKey| -> usize {
            vary.fields()
                .map(|(name, value)| name.len() + value.map_or(0, str::len) + size_of::<(String, String)>())
                .sum()
        };
        let own = match self {
            Self::Response(stored) => {
                let lines = stored.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
                let room = stored.headers.capacity() * size_of::<(HeaderName, HeaderValue)>();
                let texts = lines.sum::<usize>() + vary_bytes(&stored.vary) + stored.labels.weight_bytes();
                stored.body.len() + room + texts + size_of::<Stored>()
            }
            Self::Directory(directory) => {
                let language = |place: &Place| place.language.as_ref().map_or(0, String::len);
                let places = directory.places.iter();
                let places = places.map(|place| vary_bytes(&place.vary) + language(place) + size_of::<Place>());
                places.sum::<usize>() + directory.labels.weight_bytes()
            }
        };
        (own + size_of::<Self>()) as u64 + ENTRY_OVERHEAD_BYTES
    }
}

#[cfg(test)]
mod tests;

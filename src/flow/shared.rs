//! The shared tier's bucket: what the cache asks for, done by the room that has the sockets. And both from the
//! configuration.

use std::sync::Arc;

use bytes::Bytes;

use super::setup;
use crate::cache::{Bucket, BucketError, BucketFuture, FIXED_BYTES, HEAD_BYTES_MAX, SharedSpec};
use crate::config::{Config, SharedStore};
use crate::origin::{BucketLimits, BucketSpec, BucketStore, ObjectBucket, OriginError};

/// The shared tier and its bucket under this configuration; `None` where there is none.
pub fn shared_spec(config: &Config) -> Option<(SharedSpec, BucketSpec)> {
    let shared = &config.shared;
    let bucket = shared.bucket.as_ref()?;
    // An original as large as it may be, with its head.
    let object_bytes_max = config.fetch.source_bytes_max + (FIXED_BYTES + HEAD_BYTES_MAX) as u64;
    let tier = SharedSpec {
        prefix: bucket.prefix.clone(),
        get_timeout: shared.get_timeout,
        queue_bytes_max: shared.queue_bytes_max,
        object_bytes_max,
        marks_poll: shared.marks_poll,
        keep: shared.keep,
        clock_skew: shared.clock_skew,
    };
    let store = match &bucket.store {
        SharedStore::S3(s3) => BucketStore::S3(setup::s3(s3)),
        SharedStore::Gs(gs) => BucketStore::Gs(setup::gs(gs)),
        SharedStore::Az(az) => BucketStore::Az(setup::az(az)),
    };
    let limits = BucketLimits { object_bytes_max, ..BucketLimits::default() };
    Some((tier, BucketSpec { store, bucket: bucket.name.clone(), limits }))
}

// === impl ObjectBucket ===

impl Bucket for ObjectBucket {
    fn get<'a>(&'a self, name: &'a str) -> BucketFuture<'a, Option<Bytes>> {
        Box::pin(async move { self.get(name).await.map_err(failed) })
    }

    fn put<'a>(&'a self, name: &'a str, parts: Vec<Bytes>) -> BucketFuture<'a, ()> {
        Box::pin(async move { self.put(name, parts).await.map_err(failed) })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(async move { self.delete(name).await.map_err(failed) })
    }

    fn list<'a>(&'a self, folder: &'a str, after: Option<&'a str>) -> BucketFuture<'a, Vec<String>> {
        Box::pin(async move { self.list(folder, after).await.map_err(failed) })
    }
}

fn failed(error: OriginError) -> BucketError {
    match error {
        OriginError::TooLarge { .. } => BucketError::TooLarge,
        other => BucketError::Failed(Arc::new(other)),
    }
}

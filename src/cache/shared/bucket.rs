//! What the shared tier needs of an object store. Contract: calls end by themselves, within seconds; a failure is never
//! told as an absence, and a listing is never a part of one.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// What a call on a bucket will bring.
pub type BucketFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BucketError>> + Send + 'a>>;

/// Objects by name, seen by all nodes: what is written is read by everyone from then on, and listed.
pub trait Bucket: fmt::Debug + Send + Sync + 'static {
    /// The object of this name, whole; `None` where there is none.
    fn get<'a>(&'a self, name: &'a str) -> BucketFuture<'a, Option<Bytes>>;

    /// Writes an object of these parts, one after the other, in place of one of this name.
    fn put<'a>(&'a self, name: &'a str, parts: Vec<Bytes>) -> BucketFuture<'a, ()>;

    /// Deletes an object; one that is not there is deleted already.
    fn delete<'a>(&'a self, name: &'a str) -> BucketFuture<'a, ()>;

    /// The names of all objects in a folder, in order; only those that come after `after` where that is given.
    fn list<'a>(&'a self, folder: &'a str, after: Option<&'a str>) -> BucketFuture<'a, Vec<String>>;
}

/// Why a bucket was of no use. Cheap to clone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BucketError {
    /// Not a failure of the bucket, but of whoever wrote so much.
    #[error("object is larger than is read")]
    TooLarge,
    #[error("bucket failed")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),
    #[error("bucket did not answer within {after_ms} ms")]
    Late { after_ms: u64 },
}

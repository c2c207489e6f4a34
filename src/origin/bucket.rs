//! A bucket of the operator's own, read and written: what the cache shares with other nodes. Contract: every call ends
//! within [`BucketLimits::total_ms_max`], nothing is read beyond a limit, and what is read is whole.
//!
//! The endpoint comes from the configuration and is trusted as written. Sockets, retries and the judgement of answers
//! are those of originals in object stores.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{Extensions, GetOptions, ObjectStore, ObjectStoreExt, PutOptions, PutPayload};

use super::body::Body;
use super::client::Clients;
use super::deadline::Deadline;
use super::error::{OriginError, OriginSetupError, Phase};
use super::guard::Guard;
use super::objects::{Exchange, Stores};
use super::source::Backend;
use super::spec::{AzSpec, GsSpec, OriginLimits, OriginsSpec, S3Spec};

/// Which bucket, and within which limits.
#[derive(Debug, Clone)]
pub struct BucketSpec {
    pub store: BucketStore,
    /// Its name; with Azure that of the container.
    pub bucket: String,
    pub limits: BucketLimits,
}

/// Whose bucket, and who asks. Whether the scheme is one of sources makes no difference here.
#[derive(Debug, Clone)]
pub enum BucketStore {
    S3(S3Spec),
    Gs(GsSpec),
    Az(AzSpec),
}

/// Limits of every call. None of them may be 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketLimits {
    /// Bytes of an object that is read.
    pub object_bytes_max: u64,
    /// Names in one listing; more are an error, because a listing that was cut would hide some.
    pub names_max: usize,
    /// Name, connection and TLS together.
    pub connect_ms_max: u64,
    /// From the start of a request, the sending of its body included, to the end of the answer's header.
    pub answer_ms_max: u64,
    /// Between two pieces of a body.
    pub idle_ms_max: u64,
    /// A call as a whole, tries after the first included.
    pub total_ms_max: u64,
}

/// One bucket. Clones are the same one.
#[derive(Debug, Clone)]
pub struct ObjectBucket {
    store: Arc<dyn ObjectStore>,
    limits: BucketLimits,
}

/// A listing is longer than `names_max`.
#[derive(Debug, thiserror::Error)]
#[error("listing has more than {max} names")]
struct TooManyNames {
    max: usize,
}

// === impl BucketLimits ===

impl Default for BucketLimits {
    fn default() -> Self {
        Self {
            object_bytes_max: 64 * 1024 * 1024,
            names_max: 200_000,
            connect_ms_max: 2_000,
            answer_ms_max: 10_000,
            idle_ms_max: 5_000,
            total_ms_max: 20_000,
        }
    }
}

// === impl ObjectBucket ===

impl ObjectBucket {
    /// Sets up a client and the credentials; sends nothing.
    ///
    /// # Errors
    ///
    /// What is configured cannot work: see [`OriginSetupError`].
    pub fn new(spec: &BucketSpec) -> Result<Self, OriginSetupError> {
        let (backend, origins) = (spec.store.backend(), spec.origins_spec());
        origins.limits.check()?;
        let clients = Arc::new(Clients::new(&origins, &Arc::new(Guard::new(&origins)?))?);
        let unusable =
            |cause: OriginError| OriginSetupError::ObjectStore { scheme: backend.scheme(), cause: Arc::new(cause) };
        let store = Stores::new(&origins, &clients)?.get(backend, &spec.bucket).map_err(unusable)?;
        Ok(Self { store, limits: spec.limits.clone() })
    }

    /// The object of this name, whole; `None` where there is none.
    ///
    /// # Errors
    ///
    /// See [`OriginError`].
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, OriginError> {
        let deadline = self.deadline();
        let exchange = Exchange::default();
        let options = GetOptions { extensions: extensions(&exchange), ..GetOptions::default() };
        let result = match deadline.total(self.store.get_opts(&path(name)?, options)).await? {
            Ok(result) => result,
            Err(error) => {
                return match exchange.judge(error) {
                    OriginError::NotFound => Ok(None),
                    other => Err(other),
                };
            }
        };
        let mut body = Body::announced(Some(result.meta.size), self.limits.object_bytes_max)?;
        let mut pieces = result.into_stream();
        while let Some(piece) = deadline.within(Phase::Read, self.limits.idle_ms_max, pieces.next()).await? {
            let got = body.len();
            body.push(&piece.map_err(|error| OriginError::Incomplete { got, cause: Some(Arc::new(error)) })?)?;
        }
        body.finish().map(Some)
    }

    /// Writes an object of these parts, one after the other, in place of one of this name.
    ///
    /// # Errors
    ///
    /// See [`OriginError`]. After a timeout the object may be there all the same, or come to be there.
    pub async fn put(&self, name: &str, parts: Vec<Bytes>) -> Result<(), OriginError> {
        let exchange = Exchange::default();
        let options = PutOptions { extensions: extensions(&exchange), ..PutOptions::default() };
        let path = path(name)?;
        let putting = self.store.put_opts(&path, PutPayload::from_iter(parts), options);
        let put = self.deadline().total(putting).await?;
        put.map(drop).map_err(|error| exchange.judge(error))
    }

    /// Deletes the object of this name; one that is not there is deleted already.
    ///
    /// # Errors
    ///
    /// See [`OriginError`].
    pub async fn delete(&self, name: &str) -> Result<(), OriginError> {
        match self.deadline().total(self.store.delete(&path(name)?)).await? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(OriginError::unreachable(error)),
        }
    }

    /// The names of all objects in this folder and the folders within it, in order; only those that come after `after`
    /// where that is given.
    ///
    /// # Errors
    ///
    /// See [`OriginError`]; a listing is never a part of one.
    pub async fn list(&self, folder: &str, after: Option<&str>) -> Result<Vec<String>, OriginError> {
        let (deadline, folder, max) = (self.deadline(), path(folder)?, self.limits.names_max);
        let mut pages = match after {
            Some(after) => self.store.list_with_offset(Some(&folder), &path(after)?),
            None => self.store.list(Some(&folder)),
        };
        let mut names = Vec::new();
        while let Some(object) = deadline.total(pages.next()).await? {
            let object = object.map_err(OriginError::unreachable)?;
            if names.len() == max {
                return Err(OriginError::unreachable(TooManyNames { max }));
            }
            names.push(String::from(object.location));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn deadline(&self) -> Deadline {
        Deadline::start(self.limits.total_ms_max)
    }
}

// === impl BucketSpec ===

impl BucketSpec {
    /// What the parts of this room that fetch originals are set up with: this store and nothing else.
    fn origins_spec(&self) -> OriginsSpec {
        let limits = OriginLimits {
            source_bytes_max: self.limits.object_bytes_max,
            connect_ms_max: self.limits.connect_ms_max,
            first_byte_ms_max: self.limits.answer_ms_max,
            idle_ms_max: self.limits.idle_ms_max,
            total_ms_max: self.limits.total_ms_max,
            ..OriginLimits::default()
        };
        let mut spec = OriginsSpec { limits, ..OriginsSpec::default() };
        match &self.store {
            BucketStore::S3(s3) => spec.s3 = S3Spec { enabled: true, ..s3.clone() },
            BucketStore::Gs(gs) => spec.gs = GsSpec { enabled: true, ..gs.clone() },
            BucketStore::Az(az) => spec.az = AzSpec { enabled: true, ..az.clone() },
        }
        spec
    }
}

// === impl BucketStore ===

impl BucketStore {
    const fn backend(&self) -> Backend {
        match self {
            Self::S3(_) => Backend::S3,
            Self::Gs(_) => Backend::Gs,
            Self::Az(_) => Backend::Az,
        }
    }
}

fn path(name: &str) -> Result<Path, OriginError> {
    Path::parse(name).map_err(|error| OriginError::BadSource(Some(Arc::new(error))))
}

fn extensions(exchange: &Exchange) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(exchange.clone());
    extensions
}

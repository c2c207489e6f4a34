//! Where originals come from: object stores, HTTP, local files. The only room with client sockets.
//!
//! [`Origins`] is made once from an [`OriginsSpec`] and answers two questions about the text of a source: which
//! original it names ([`Origins::identify`]), and what that original is ([`Origins::fetch`]). Every address, the first
//! one and those of redirects, passes the guard of this room; every wait and every body has a limit from
//! [`OriginLimits`].

mod body;
mod bucket;
mod client;
mod deadline;
mod error;
mod forward;
mod guard;
mod http;
mod local;
mod objects;
mod original;
mod query;
mod resolver;
mod slots;
mod source;
mod spec;

use std::sync::Arc;

pub use self::bucket::{BucketLimits, BucketSpec, BucketStore, ObjectBucket};
pub use self::error::{Cause, OriginError, OriginSetupError, Phase, RedirectFault};
pub use self::forward::{Collected, Inbound, Outbound, Upstream};
pub use self::original::{Fetched, OriginFreshness, Original, Validators};
pub use self::query::QueryRule;
pub use self::source::OriginalId;
pub use self::spec::{AzSpec, GsSpec, OriginLimits, OriginsSpec, S3Addressing, S3Credentials, S3Spec, SourceAllowed};

use self::client::Clients;
use self::deadline::Deadline;
use self::guard::Guard;
use self::http::HttpOrigin;
use self::local::LocalOrigin;
use self::objects::ObjectOrigin;
use self::slots::Slots;
use self::source::{Grammar, Source};
use crate::semantics::loops::{Identity, Passed};

/// All origins of a server.
pub struct Origins {
    grammar: Grammar,
    slots: Slots,
    limits: OriginLimits,
    identity: Identity,
    http: HttpOrigin,
    local: Option<LocalOrigin>,
    objects: ObjectOrigin,
}

// === impl Origins ===

impl Origins {
    /// Sets up clients, name resolution and stores; sends nothing.
    ///
    /// # Errors
    ///
    /// What is configured cannot work: see [`OriginSetupError`].
    pub fn new(spec: &OriginsSpec) -> Result<Self, OriginSetupError> {
        spec.limits.check()?;
        let guard = Arc::new(Guard::new(spec)?);
        let clients = Arc::new(Clients::new(spec, &guard)?);
        Ok(Self {
            grammar: Grammar::new(spec),
            slots: Slots::new(&spec.limits),
            limits: spec.limits.clone(),
            identity: spec.identity.clone(),
            http: HttpOrigin::new(spec, &clients, &guard),
            local: LocalOrigin::new(spec)?,
            objects: ObjectOrigin::new(spec, &clients)?,
        })
    }

    /// The name by which this server marks what it sends.
    pub fn name(&self) -> &str {
        self.identity.name()
    }

    /// The identity of the original that a source names, in one form for all ways to write it.
    ///
    /// # Errors
    ///
    /// [`OriginError::BadSource`], [`OriginError::UnsupportedScheme`], or [`OriginError::NotFound`] for a local path
    /// that can name no file. Whether the original may be fetched is not asked here.
    pub fn identify(&self, source: &str) -> Result<OriginalId, OriginError> {
        self.grammar.parse(source).map(|parsed| self.grammar.identity(&parsed))
    }

    /// Fetches an original whole, or learns that what is known of it is still right.
    ///
    /// Dropping the future ends the fetch and closes its connection; a local read that has begun is finished and thrown
    /// away.
    ///
    /// # Errors
    ///
    /// See [`OriginError`]. The answer is never a part of an original.
    pub async fn fetch(&self, source: &str, known: Option<&Validators>) -> Result<Fetched, OriginError> {
        self.fetch_for(&Passed::default(), source, known).await
    }

    /// The same on behalf of a request that came through these servers, which the origin is told.
    ///
    /// # Errors
    ///
    /// As those of [`Self::fetch`].
    pub async fn fetch_for(
        &self,
        passed: &Passed,
        source: &str,
        known: Option<&Validators>,
    ) -> Result<Fetched, OriginError> {
        let source = self.grammar.parse(source)?;
        let known = known.filter(|known| known.can_revalidate());
        let deadline = Deadline::start(self.limits.total_ms_max);
        let _slot = self.slots.take(&source.origin()).await?;
        match source {
            Source::Http(url) => self.http.fetch(url, known, self.identity.fields(passed), &deadline).await,
            Source::Local(path) => {
                let local = self.local.as_ref().ok_or(OriginError::UnsupportedScheme)?;
                local.fetch(path, known, &deadline).await
            }
            Source::Object(object) => self.objects.fetch(object, known, self.identity.fields(passed), &deadline).await,
        }
    }
}

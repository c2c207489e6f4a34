//! Originals in object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.
//!
//! Signing, credentials and retries are `object_store`'s; sockets, deadlines and limits are ours (see `connector`).

mod connector;
mod stores;

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::StreamExt;
use http::HeaderMap;
use object_store::{Attribute, Extensions, GetOptions, GetResult, ObjectStore};

pub(super) use self::connector::Exchange;
pub(super) use self::stores::Stores;
use super::body::Body;
use super::client::Clients;
use super::deadline::Deadline;
use super::error::{OriginError, OriginSetupError, Phase};
use super::original::{Fetched, OriginFreshness, Original, Validators, unix_s};
use super::source::ObjectSource;
use super::spec::{OriginLimits, OriginsSpec};

/// Reads `s3://`, `gs://` and `az://` sources.
pub(super) struct ObjectOrigin {
    stores: Stores,
    limits: OriginLimits,
}

// === impl ObjectOrigin ===

impl ObjectOrigin {
    pub(super) fn new(spec: &OriginsSpec, clients: &Arc<Clients>) -> Result<Self, OriginSetupError> {
        Ok(Self { stores: Stores::new(spec, clients)?, limits: spec.limits.clone() })
    }

    pub(super) async fn fetch(
        &self,
        source: ObjectSource,
        known: Option<&Validators>,
        headers: HeaderMap,
        deadline: &Deadline,
    ) -> Result<Fetched, OriginError> {
        let store = self.stores.get(source.backend, &source.bucket)?;
        let exchange = Exchange::with(headers);
        let options = options(known, source.version, &exchange);
        let asked = deadline.total(store.get_opts(&source.key, options)).await?;
        match asked {
            Ok(result) => self.read(result, exchange.freshness(), deadline).await.map(Fetched::Body),
            // This one is an error there and the best of answers here.
            Err(object_store::Error::NotModified { .. }) if known.is_some() => {
                Ok(Fetched::NotModified { freshness: exchange.freshness() })
            }
            Err(error) => Err(exchange.judge(error)),
        }
    }

    async fn read(
        &self,
        result: GetResult,
        freshness: OriginFreshness,
        deadline: &Deadline,
    ) -> Result<Original, OriginError> {
        let attribute = |name| result.attributes.get(&name).map(|value| value.as_ref().to_owned());
        check_encoding(attribute(Attribute::ContentEncoding))?;
        let content_type = attribute(Attribute::ContentType);
        let meta = result.meta.clone();
        let mut body = Body::announced(Some(meta.size), self.limits.source_bytes_max)?;
        let mut pieces = result.into_stream();
        while let Some(piece) = deadline.within(Phase::Read, self.limits.idle_ms_max, pieces.next()).await? {
            let piece =
                piece.map_err(|error| OriginError::Incomplete { got: body.len(), cause: Some(Arc::new(error)) })?;
            body.push(&piece)?;
        }
        // A store that names no date is given the beginning of 1970 by the library.
        let last_modified = Some(SystemTime::from(meta.last_modified))
            .filter(|date| *date > SystemTime::UNIX_EPOCH)
            .map(httpdate::fmt_http_date);
        Ok(Original {
            bytes: body.finish()?,
            content_type,
            last_modified_s: last_modified.as_deref().and_then(unix_s),
            validators: Validators { etag: meta.e_tag, last_modified, size: Some(meta.size), version: meta.version },
            freshness,
            final_url: None,
        })
    }
}

/// The conditions of HTTP, a tag before a date.
fn options(known: Option<&Validators>, version: Option<String>, exchange: &Exchange) -> GetOptions {
    let if_none_match = known.and_then(|known| known.etag.clone());
    let date = known.and_then(|known| known.last_modified.as_deref()).filter(|_| if_none_match.is_none());
    let if_modified_since = date.and_then(|date| httpdate::parse_http_date(date).ok()).map(Into::into);
    let mut extensions = Extensions::new();
    extensions.insert(exchange.clone());
    GetOptions { if_none_match, if_modified_since, version, extensions, ..GetOptions::default() }
}

/// Objects written in signed chunks often keep `aws-chunked` as their encoding, although the chunks are gone.
fn check_encoding(encoding: Option<String>) -> Result<(), OriginError> {
    let is_plain = |coding: &str| {
        let coding = coding.trim();
        coding.is_empty() || coding.eq_ignore_ascii_case("identity") || coding.eq_ignore_ascii_case("aws-chunked")
    };
    match encoding {
        Some(encoding) if !encoding.split(',').all(is_plain) => Err(OriginError::Encoded { encoding }),
        _ => Ok(()),
    }
}

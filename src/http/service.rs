//! What stands behind the sockets: the flow that answers image requests, and pages beside it. Contract: `http` knows the
//! flow only through [`Service`], so that its tests need neither an origin nor an engine.

use std::future::Future;

use bytes::Bytes;
use http::{Method, Response};

use crate::flow::{Answer, Ask, Failure};

/// Answers image requests.
pub trait Service: Send + Sync + 'static {
    /// One request from its path to its bytes. Dropped when the client goes away: shared work lives in tasks of its own.
    fn answer(&self, ask: Ask) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

/// Pages beside the images on the main listener, such as a playground.
pub trait Extra: Send + Sync + 'static {
    /// The page at this path, or `None` where it is not one of ours. Asked before anything else for every method but
    /// `OPTIONS`. Headers it sets are kept; the ones that every answer carries are added where it left them out. The
    /// body of an answer to `HEAD` is cut off.
    fn route(&self, method: &Method, path: &str, query: Option<&str>) -> Option<Response<Bytes>>;
}

//! What goes into a mount and what comes out of it: a request and an answer of HTTP, without sockets.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::flow::CacheOutcome;
use crate::origin::Inbound;

/// One request to a mount.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    /// As sent, up to the first `?`.
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whose request it is, where that is known: the requests of one client that reach an origin are capped.
    pub client: Option<IpAddr>,
    /// The request's id, which the origin is told.
    pub id: String,
}

/// What answers a request.
#[derive(Debug)]
pub struct Answer {
    pub status: Status,
    pub headers: HeaderMap,
    pub body: Body,
    /// For log and metrics; `Cache-Status` is among the headers already.
    pub cache: CacheOutcome,
}

/// What an answer says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// What the origin said, or a plain success.
    Is(StatusCode),
    /// No byte of the range exists in what is kept (RFC 9110 §15.5.17).
    RangeNotSatisfiable,
}

/// The body of an answer. That of an answer to HEAD is what GET would have, or nothing.
#[derive(Debug)]
pub enum Body {
    Whole(Bytes),
    /// Too long to be held: its beginning, and where the rest comes from.
    Passing(Bytes, Box<Inbound>),
}

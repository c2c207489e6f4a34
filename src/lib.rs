//! tintype: the image origin that a CDN asks.
pub mod cache;
pub mod cli;
pub mod config;
pub mod engine;
pub mod flow;
pub mod http;
pub mod origin;
pub mod policy;
pub mod semantics;
pub mod telemetry;
pub mod transform;
pub mod url;

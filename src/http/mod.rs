//! Sockets and HTTP: two listeners, their limits, and how answers and failures look on the wire. Contract: the only
//! room that knows hyper. It asks a [`Service`] for images and decides nothing about them.
//!
//! A request's way through this room: [`listener`] accepts ([`door`] where there is no room), [`client`] finds out who
//! asks, [`connection`] reads the head, [`watch`] watches the clock, [`routes`] (or [`admin`]) picks who answers,
//! [`answer`] and [`respond`] write, [`headers`] completes, [`access`] logs.

mod access;
mod admin;
mod answer;
mod bell;
mod body;
mod caching;
mod client;
mod connection;
mod door;
mod drain;
mod headers;
mod ids;
mod listener;
mod mounted;
mod pulse;
mod purge;
mod reply;
mod request;
mod respond;
mod routes;
mod service;
mod spec;
mod watch;
mod wire;
mod within;

pub use admin::Admin;
pub use client::Proxies;
pub use client::preamble::{NoPreamble, Preamble, parse as parse_preamble};
pub use drain::{Drained, EndSignals, drain};
pub use listener::{ListenError, Listener, Serving};
pub use routes::Main;
pub use service::{Extra, Service};
pub use spec::{DrainSpec, ListenerSpec, ResponseSpec};

#[cfg(test)]
mod tests;

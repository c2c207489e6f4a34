//! Whose request it is: the other end of the connection, or who a trusted proxy says it is. Contract: only what stands
//! beside addresses of trusted proxies is believed; a field that makes no sense frees nobody from a limit.
//!
//! Proxies add to the right of what they get, so that the chain is walked from the right: as long as the one that says
//! something is trusted, what it says counts. The first address that is not trusted is the client.

pub(super) mod forwarded;
pub(super) mod preamble;

use std::net::IpAddr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use crate::config::Cidr;

/// Who is in front, and how they say whose requests they pass on.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    pub trusted: Vec<Cidr>,
    /// Names of the fields that they write, in lower case.
    pub fields: Vec<&'static str>,
    /// Whether their connections begin with the PROXY protocol.
    pub proxy_protocol: bool,
}

/// What a proxy says about who asked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Address(IpAddr),
    /// It does not know, or does not tell.
    Hidden,
    /// Nothing that can be understood.
    Malformed,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies in a row; a longer chain makes no sense.
const HOPS_MAX: usize = 32;

// === impl Proxies ===

impl Proxies {
    /// Whether a connection from here begins with the PROXY protocol. Others are plain HTTP: who is not trusted has
    /// nothing to say about itself.
    pub(super) fn introduces(&self, peer: IpAddr) -> bool {
        self.proxy_protocol && self.trusts(peer)
    }

    /// Whose request this is; `None` where a trusted proxy says nothing about it, which is then a client that nobody
    /// can tell from others.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.trusts(peer) {
            return Some(peer);
        }
        let reads = |name: &HeaderName| self.fields.contains(&name.as_str()) && headers.contains_key(name);
        let standard = reads(&FORWARDED).then(|| self.walk(peer, forwarded::from_right(headers, HOPS_MAX)));
        let usual = reads(&X_FORWARDED_FOR).then(|| self.walk(peer, x_forwarded_for(headers)));
        match (standard, usual) {
            // One of them came through from a client that would like to be another.
            (Some(standard), Some(usual)) if standard != usual => Some(peer),
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => None,
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// `nodes` from right to left. What makes no sense is put down to whoever passed it on.
    fn walk(&self, peer: IpAddr, nodes: impl IntoIterator<Item = Node>) -> Option<IpAddr> {
        let mut speaker = peer;
        for (hop, node) in nodes.into_iter().enumerate() {
            match node {
                Node::Malformed => return Some(speaker),
                _ if hop >= HOPS_MAX => return Some(speaker),
                Node::Hidden => return None,
                Node::Address(address) if self.trusts(address) => speaker = address,
                Node::Address(address) => return Some(address),
            }
        }
        None
    }
}

/// The members of all lines of `X-Forwarded-For`, from right to left.
fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Node> {
    headers.get_all(X_FORWARDED_FOR).iter().rev().flat_map(|line| {
        // A line that is no text is one member that makes no sense.
        let text = line.to_str().unwrap_or("?");
        text.rsplit(',').map(str::trim).filter(|member| !member.is_empty()).map(plain_node)
    })
}

/// An address as proxies write it, with a port or without.
fn plain_node(text: &str) -> Node {
    if text.eq_ignore_ascii_case("unknown") {
        return Node::Hidden;
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|bare| bare.contains(':'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()));
    address.map_or(Node::Malformed, Node::Address)
}

#[cfg(test)]
mod tests;

//! Which hosts, addresses and ports may be fetched from: the guard against requests forged through this server.
//!
//! It stands at three points. Before sending, [`Guard::admit`] judges the URL: scheme, host, port, and the address
//! where the host is one, since connectors do not resolve those. In the resolver, [`Guard::permits`] drops what may not
//! be dialled, and only the rest is dialled. After connecting, the peer's address is compared with the same table; a
//! mismatch there means that one of the other points failed.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::error::{OriginError, OriginSetupError};
use super::source::authority;
use super::spec::OriginsSpec;

/// How far a request may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    /// Public addresses, and inner ones of the kinds that are allowed.
    Public,
    /// Inner addresses of the kinds that are allowed: the port is not one for public addresses.
    Inner,
    /// Any address: the host and port are trusted as the operator wrote them.
    Trusted,
}

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressKind {
    Global,
    Loopback,
    LinkLocal,
    Private,
    /// Everything else that is no single host on the internet: multicast, documentation, tunnels, reserved blocks; and
    /// the addresses at which clouds hand out the credentials of their machines.
    Special,
}

/// Where clouds hand out credentials and settings of their machines, over IPv4: Amazon, Google, Azure and most others;
/// Amazon's containers and pods; Azure's host, although its address is a public one. No allowed kind of address allows
/// these, as nobody means a picture there. What Alibaba and Oracle use is special anyway.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The same over IPv6: Amazon's machines and pods, Google's machines.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// The rules, made once.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    allow_loopback: bool,
    allow_link_local: bool,
    allow_private: bool,
    allow_nat64: bool,
    allowed_ports: Vec<u16>,
    trusted: HashSet<String>,
}

// === impl Guard ===

impl Guard {
    pub(super) fn new(spec: &OriginsSpec) -> Result<Self, OriginSetupError> {
        let trusted = spec.trusted_hosts.iter().map(|pattern| trusted_authority(pattern)).collect::<Result<_, _>>()?;
        Ok(Self {
            allow_loopback: spec.allow_loopback,
            allow_link_local: spec.allow_link_local,
            allow_private: spec.allow_private,
            allow_nat64: spec.allow_nat64,
            allowed_ports: spec.allowed_ports.clone(),
            trusted,
        })
    }

    /// Judges a URL before anything is sent, and says how far its request may reach.
    pub(super) fn admit(&self, url: &Url) -> Result<Reach, OriginError> {
        let refused = || OriginError::AddressRefused(None);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OriginError::UnsupportedScheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::BadSource(None));
        }
        if self.trusted.contains(&authority(url)) {
            return Ok(Reach::Trusted);
        }
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or_else(refused)?;
        let reach = if self.allowed_ports.contains(&port) { Reach::Public } else { Reach::Inner };
        let is_admitted = match url.host().ok_or_else(refused)? {
            Host::Ipv4(ip) => self.permits(reach, ip.into()),
            Host::Ipv6(ip) => self.permits(reach, ip.into()),
            Host::Domain(name) if is_localhost(name) => self.allow_loopback,
            Host::Domain(name) => !name.is_empty() && (reach == Reach::Public || self.allows_inner()),
        };
        if is_admitted { Ok(reach) } else { Err(refused()) }
    }

    /// Whether an address may be dialled, or was rightly dialled, by a request of this reach.
    pub(super) fn permits(&self, reach: Reach, ip: IpAddr) -> bool {
        if reach == Reach::Trusted {
            return true;
        }
        match kind_of(ip, self.allow_nat64) {
            AddressKind::Global => reach == Reach::Public,
            AddressKind::Loopback => self.allow_loopback,
            AddressKind::LinkLocal => self.allow_link_local,
            AddressKind::Private => self.allow_private,
            AddressKind::Special => false,
        }
    }

    fn allows_inner(&self) -> bool {
        self.allow_loopback || self.allow_link_local || self.allow_private
    }
}

/// The kind of an address, an IPv4 address inside an IPv6 one being judged as what it is.
pub(super) fn kind_of(ip: IpAddr, unwrap_nat64: bool) -> AddressKind {
    match ip {
        IpAddr::V4(ip) => kind_of_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped().or_else(|| unwrap_nat64.then(|| nat64(ip)).flatten()) {
            Some(inner) => kind_of_v4(inner),
            None => kind_of_v6(ip),
        },
    }
}

/// The registry of special addresses (IANA, RFC 6890), reduced to what is one host on the internet and what is not.
fn kind_of_v4(ip: Ipv4Addr) -> AddressKind {
    if METADATA_V4.contains(&ip) {
        return AddressKind::Special;
    }
    match ip.octets() {
        [127, ..] => AddressKind::Loopback,
        [169, 254, ..] => AddressKind::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressKind::Private,
        // This network, shared by carriers, protocol assignments, documentation, AS112, AMT, 6to4 relays, AS112 again,
        // benchmarking, multicast, reserved and broadcast, in the order of the registry. Some of them can be reached
        // from everywhere, but they answer for many and serve no pictures.
        [0 | 224..=255, ..]
        | [100, 64..=127, ..]
        | [192, 0, 0 | 2, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 88, 99, _]
        | [192, 175, 48, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => AddressKind::Special,
        _ => AddressKind::Global,
    }
}

/// The same registry for IPv6. Outside of `2000::/3` nothing is global, whatever it may be called: the discard block,
/// segment routing, both prefixes of NAT64, compatible and translated IPv4 addresses, site-local and multicast.
fn kind_of_v6(ip: Ipv6Addr) -> AddressKind {
    if ip.is_loopback() {
        return AddressKind::Loopback;
    }
    // ISATAP carries an IPv4 address in its last half: a tunnel to where the guard cannot see, below any prefix.
    let is_isatap = matches!(ip.segments(), [_, _, _, _, 0x0000 | 0x0200, 0x5efe, ..]);
    if is_isatap || METADATA_V6.contains(&ip) {
        return AddressKind::Special;
    }
    match ip.segments() {
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xfc00..=0xfdff, ..] => AddressKind::Private,
        // Protocol assignments with Teredo, ORCHID and benchmarking; documentation twice; 6to4; AS112.
        [0x2001, 0x0000..=0x01ff | 0x0db8, ..]
        | [0x3fff, 0x0000..=0x0fff, ..]
        | [0x2002, ..]
        | [0x2620, 0x004f, 0x8000, ..] => AddressKind::Special,
        [0x2000..=0x3fff, ..] => AddressKind::Global,
        _ => AddressKind::Special,
    }
}

/// The IPv4 address inside `64:ff9b::/96` (RFC 6052 §2.1).
fn nat64(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))),
        _ => None,
    }
}

/// Whether a name means this machine by definition (RFC 6761 §6.3), with or without the dot of the root.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// A configured `host:port` in the parser's normal form.
fn trusted_authority(pattern: &str) -> Result<String, OriginSetupError> {
    let fault = || OriginSetupError::TrustedHost { pattern: pattern.to_owned() };
    let is_plain = |text: &str| !text.contains(['*', '/', '\\', '@', '?', '#']);
    let has_port = pattern
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
    if !is_plain(pattern) || !has_port {
        return Err(fault());
    }
    let url = Url::parse(&format!("http://{pattern}/")).map_err(|_| fault())?;
    Ok(authority(&url))
}

#[cfg(test)]
mod tests;

//! Networks of IP addresses (RFC 4632, RFC 4291 section 2.3): an address and how many of its first bits count.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A network; a single address is one of all its bits. IPv4 and IPv4 within IPv6 are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// IPv4 as IPv4 within IPv6; bits beyond the prefix are 0.
    bits: u128,
    /// Of 128.
    prefix_bits: u32,
}

/// Bits in front of IPv4 within IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u32 = 96;

// === impl Cidr ===

impl Cidr {
    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Bits beyond the prefix must be 0, since who writes others means
    /// another network than is written.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let (offset, width) = if address.is_ipv4() { (MAPPED_BITS, 32) } else { (0, 128) };
        let prefix_bits = match prefix {
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|bits| *bits <= width)?
            }
            Some(_) => return None,
            None => width,
        };
        let network = Self { bits: bits_of(address), prefix_bits: offset + prefix_bits };
        (network.bits & !network.mask() == 0).then_some(network)
    }

    /// Whether a text is a network.
    pub fn is_cidr(text: &str) -> bool {
        Self::parse(text).is_some()
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        bits_of(address) & self.mask() == self.bits
    }

    fn mask(&self) -> u128 {
        u128::MAX.checked_shl(u128::BITS - self.prefix_bits).unwrap_or(0)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.bits).to_canonical();
        let offset = if address.is_ipv4() && self.prefix_bits >= MAPPED_BITS { MAPPED_BITS } else { 0 };
        write!(formatter, "{address}/{}", self.prefix_bits - offset)
    }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Cidr::parse(network).expect(network).contains(address.parse().expect(address))
    }

    #[test]
    fn an_address_lies_in_its_networks_alone() {
        for (network, inside, outside) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
            ("::/0", "2001:db8::1", "nothing"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("192.0.2.0/24", "::ffff:192.0.2.9", "::192.0.2.9"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
        ] {
            assert!(contains(network, inside), "{network} {inside}");
            assert!(outside == "nothing" || !contains(network, outside), "{network} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/",
            "a",
            "192.0.2.0/",
            "192.0.2.0/33",
            "192.0.2.0/+8",
            "192.0.2.0/-1",
            "192.0.2.1/24",
            "::/129",
            "192.0.2.0/24/8",
            "192.0.2/24",
            "fe80::1%eth0",
            "2001:db8::1/32",
            " 192.0.2.1",
            "192.0.2.0/ 8",
            "192.0.2.0/0008",
        ] {
            assert!(!Cidr::is_cidr(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_network_is_shown_as_it_is_read(bits in any::<u128>(), prefix_bits in 0u32..=128, is_v4 in any::<bool>()) {
            let (bits, prefix_bits) = if is_v4 {
                (0xffff_u128 << 32 | bits & u128::from(u32::MAX), MAPPED_BITS + prefix_bits % 33)
            } else {
                (bits, prefix_bits)
            };
            let network = Cidr { bits, prefix_bits };
            let network = Cidr { bits: bits & network.mask(), ..network };
            prop_assert_eq!(Cidr::parse(&network.to_string()), Some(network), "{}", network);
            prop_assert!(network.contains(Ipv6Addr::from_bits(bits).into()));
        }

        #[test]
        fn no_text_is_a_panic(text in "[0-9a-f:./%]{0,24}") {
            let _ = Cidr::parse(&text);
        }
    }
}

//! Hosts that nobody may make this server connect to, in every spelling that has fooled someone. Contract: each row
//! says what it means, so that a test can show both that it is refused and what it would have reached.

use std::net::IpAddr;

/// What a spelling of a host means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// 127.0.0.1.
    Loopback,
    /// `::1`.
    LoopbackV6,
    /// Another address, or a name, that is refused.
    Inside,
    /// Nothing: no URL can have it.
    Malformed,
    /// 127.0.0.1, behind a user.
    User,
}

use Means::{Inside, Loopback, LoopbackV6, Malformed, User};

/// Hosts as they stand between `http://` and `:port/`.
#[rustfmt::skip]
pub const HOSTS: &[(&str, Means)] = &[
    // One address in decimal, octal and hex, in four parts and fewer.
    ("127.0.0.1", Loopback), ("127.1", Loopback), ("127.0.1", Loopback), ("2130706433", Loopback),
    ("0x7f000001", Loopback), ("0X7F000001", Loopback), ("017700000001", Loopback), ("0x7f.1", Loopback),
    ("0x7f.0.0.1", Loopback), ("0177.0.0.1", Loopback), ("0177.0.0.01", Loopback), ("0177.0x0.0.1", Loopback),
    ("00000000177.0.0.1", Loopback), ("0x7f.0x0.0x0.0x1", Loopback), ("127.0.0.1.", Loopback), ("@127.0.0.1", Loopback),
    ("%31%32%37.0.0.1", Loopback), ("127%2e0%2e0%2e1", Loopback), ("%7F%2E1", Malformed),
    // Characters that names are normalised from (UTS 46): full width, other stops, circled, mathematical, raised,
    // and some that vanish.
    ("１２７.０.０.１", Loopback), ("127。0。0。1", Loopback), ("127．0．0．1", Loopback), ("127｡0｡0｡1", Loopback),
    ("①②⑦.⓪.⓪.①", Loopback), ("𝟏𝟐𝟕.𝟎.𝟎.𝟏", Loopback), ("¹²⁷.⁰.⁰.¹", Loopback), ("127.0.0.\u{ad}1", Loopback),
    ("127.0.0.1\u{200b}", Loopback), ("0ⓧ7ⓕ.1", Loopback),
    // An IPv4 address as IPv6 maps it.
    ("[::ffff:127.0.0.1]", Loopback), ("[::ffff:7f00:1]", Loopback), ("[::FFFF:127.0.0.1]", Loopback),
    ("[0:0:0:0:0:ffff:7f00:0001]", Loopback),
    ("[::1]", LoopbackV6), ("[0:0:0:0:0:0:0:1]", LoopbackV6), ("[0000::0001]", LoopbackV6), ("[::0.0.0.1]", LoopbackV6),
    // Names of this machine.
    ("localhost", Inside), ("LOCALHOST", Inside), ("localhost.", Inside), ("ｌocalhost", Inside),
    ("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", Inside), ("localhost。", Inside), ("loc\u{ad}alhost", Inside), ("%6cocalhost", Inside),
    ("a.localhost", Inside), ("a.b.localhost.", Inside),
    // The registry of IPv4, block by block.
    ("0.0.0.0", Inside), ("0", Inside), ("0x0", Inside), ("0.1.2.3", Inside), ("10.0.0.1", Inside),
    ("10.255.255.255", Inside), ("0xa.1", Inside), ("012.0.0.1", Inside), ("167772161", Inside),
    ("100.64.0.1", Inside), ("100.127.255.254", Inside), ("100.100.100.200", Inside), ("127.0.0.2", Inside),
    ("127.255.255.254", Inside), ("169.254.0.1", Inside), ("169.254.169.254", Inside), ("2852039166", Inside),
    ("0xa9fea9fe", Inside), ("0251.0376.0251.0376", Inside), ("169.254.43518", Inside), ("169.16689662", Inside),
    ("①⑥⑨.②⑤④.①⑥⑨.②⑤④", Inside), ("169.254.170.2", Inside), ("169.254.170.23", Inside), ("168.63.129.16", Inside),
    ("172.16.0.1", Inside), ("172.31.255.254", Inside), ("192.0.0.1", Inside), ("192.0.0.9", Inside),
    ("192.0.0.170", Inside), ("192.0.0.192", Inside), ("192.0.2.1", Inside), ("192.31.196.1", Inside),
    ("192.52.193.1", Inside), ("192.88.99.1", Inside), ("192.168.0.1", Inside), ("3232235521", Inside),
    ("192.168.257", Inside), ("192.175.48.1", Inside), ("198.18.0.1", Inside), ("198.19.255.254", Inside),
    ("198.51.100.1", Inside), ("203.0.113.1", Inside), ("224.0.0.1", Inside), ("239.255.255.250", Inside),
    ("240.0.0.1", Inside), ("255.255.255.255", Inside), ("4294967295", Inside),
    // The registry of IPv6, and IPv4 addresses inside: mapped, compatible, translated, NAT64, Teredo, 6to4, ISATAP.
    ("[::]", Inside), ("[::2]", Inside), ("[::ffff:10.0.0.1]", Inside), ("[::ffff:a9fe:a9fe]", Inside),
    ("[::ffff:0.0.0.0]", Inside), ("[::127.0.0.1]", Inside), ("[::10.0.0.1]", Inside), ("[::8.8.8.8]", Inside),
    ("[::ffff:0:127.0.0.1]", Inside), ("[64:ff9b::127.0.0.1]", Inside), ("[64:ff9b::a9fe:a9fe]", Inside),
    ("[64:ff9b::8.8.8.8]", Inside), ("[64:ff9b:1::127.0.0.1]", Inside), ("[64:ff9b:1:ffff:ffff:ffff::1]", Inside),
    ("[100::1]", Inside), ("[100:0:0:1::1]", Inside), ("[2001::1]", Inside),
    ("[2001:0:4136:e378:8000:63bf:80ff:fffe]", Inside), ("[2001:0:4136:e378:8000:63bf:f5ff:fffe]", Inside),
    ("[2001:1::1]", Inside), ("[2001:2::1]", Inside), ("[2001:3::1]", Inside), ("[2001:4:112::1]", Inside),
    ("[2001:10::1]", Inside), ("[2001:20::1]", Inside), ("[2001:30::1]", Inside), ("[2001:db8::1]", Inside),
    ("[2002:7f00:1::1]", Inside), ("[2002:a9fe:a9fe::1]", Inside), ("[2002:a00:1::]", Inside),
    ("[2606:4700::5efe:127.0.0.1]", Inside), ("[2606:4700::200:5efe:10.0.0.1]", Inside),
    ("[fe80::5efe:127.0.0.1]", Inside), ("[fd00::200:5efe:127.0.0.1]", Inside), ("[2620:4f:8000::1]", Inside),
    ("[3fff::1]", Inside), ("[4000::1]", Inside), ("[5f00::1]", Inside), ("[fc00::1]", Inside), ("[fdff::1]", Inside),
    ("[fd00:ec2::254]", Inside), ("[fd00:ec2::23]", Inside), ("[fd20:ce::254]", Inside), ("[fe80::1]", Inside),
    ("[febf::1]", Inside), ("[fec0::1]", Inside), ("[feff::1]", Inside), ("[ff02::1]", Inside), ("[ff0e::1]", Inside),
    // What looks like one of them and is none.
    ("1.2.3.4.5", Malformed), ("256.1.1.1", Malformed), ("4294967296", Malformed), ("127.0.0.0x100", Malformed),
    ("0x7f.0.0.0.1", Malformed), ("08.0.0.1", Malformed), ("[::1%25lo]", Malformed), ("[::1%lo]", Malformed),
    ("[fe80::1%25eth0]", Malformed), ("[127.0.0.1]", Malformed), ("[::ffff:127.1]", Malformed), ("[::1", Malformed),
    ("127.0.0.1%00", Malformed), ("127.0.0.1%2f", Malformed), ("127.0.0.1%20", Malformed), ("127.0.0.1 ", Malformed),
    ("127.0.0.1^", Malformed), ("public.example%40127.0.0.1", Malformed), ("", Malformed),
    ("user@127.0.0.1", User), ("user:word@127.0.0.1", User), ("public.example@127.0.0.1", User),
    ("public.example:80@127.0.0.1", User), ("a@b@127.0.0.1", User), ("public.example%2f@127.0.0.1", User),
];

/// Whole addresses of 127.0.0.1 by tricks with separators, as a redirect can name them; `PORT` is the port.
pub const TRICKS: &[&str] = &[
    "//127.0.0.1:PORT/",
    "\\\\127.0.0.1:PORT/",
    "/\\127.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT\\",
    "http:///127.0.0.1:PORT/",
    "http:\\/127.0.0.1:PORT/",
    "HTTP://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@public.example/",
    "http://127.0.0.1:PORT#@public.example/",
    "http://127.0.0.1:PORT?@public.example/",
    "http://127.0.0.1\t:PORT/",
    "http://127.0.0.1:0PORT/",
    "https://127.0.0.1:PORT/",
];

/// The rows that are addresses as a name server gives them.
pub fn addresses() -> Vec<IpAddr> {
    let plain = HOSTS.iter().filter(|(_, means)| matches!(means, Loopback | LoopbackV6 | Inside));
    let parsed = plain.filter_map(|(host, _)| host.trim_matches(['[', ']']).parse().ok());
    let mut addresses: Vec<IpAddr> = parsed.collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

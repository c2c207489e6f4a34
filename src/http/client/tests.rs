//! Who is believed, and what is understood.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::forwarded::from_right;
use super::preamble::{NoPreamble, Preamble, parse, read};
use super::{HOPS_MAX, Node, Proxies, plain_node};
use crate::config::Cidr;

const CDN: &str = "198.51.100.7";
const BALANCER: &str = "10.0.0.2";
const CLIENT: &str = "203.0.113.9";

fn proxies() -> Proxies {
    let trusted = ["198.51.100.0/24", "10.0.0.0/8", "2001:db8:cd::/48"].map(|text| Cidr::parse(text).unwrap());
    Proxies { trusted: trusted.to_vec(), fields: vec!["forwarded", "x-forwarded-for"], proxy_protocol: false }
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.iter().map(field) {
        headers.append(name, value);
    }
    headers
}

fn client(peer: &str, lines: &[(&str, &str)]) -> Option<String> {
    proxies().client(peer.parse().unwrap(), &headers(lines)).map(|address| address.to_string())
}

#[test]
fn without_trust_the_peer_is_the_client() {
    let lines = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4")];
    assert_eq!(client(CLIENT, &lines).as_deref(), Some(CLIENT));
    let none = Proxies::default();
    assert_eq!(none.client(CDN.parse().unwrap(), &headers(&lines)), Some(CDN.parse().unwrap()));
}

#[test]
fn the_first_address_from_the_right_that_is_not_trusted_is_the_client() {
    for (line, wanted) in [
        ("203.0.113.9", Some(CLIENT)),
        ("1.2.3.4, 203.0.113.9", Some(CLIENT)),
        ("garbage, \"\", 203.0.113.9", Some(CLIENT)),
        ("203.0.113.9:4711", Some(CLIENT)),
        ("203.0.113.9, 198.51.100.1 ,,10.9.9.9", Some(CLIENT)),
        ("[2001:db8:1::5]:80", Some("2001:db8:1::5")),
        ("[2001:db8:1::5], 2001:db8:cd::1", Some("2001:db8:1::5")),
        // Nobody is named: the proxies speak for themselves, or hide it.
        ("", None),
        (" , ", None),
        ("198.51.100.1", None),
        ("203.0.113.9, unknown", None),
        // Nothing that could be understood frees from a limit.
        ("203.0.113.9, what", Some(CDN)),
        ("203.0.113.9, 1.2.3", Some(CDN)),
        ("203.0.113.9, [10.0.0.1]", Some(CDN)),
        ("what, 10.0.0.1", Some("10.0.0.1")),
    ] {
        assert_eq!(client(CDN, &[("x-forwarded-for", line)]).as_deref(), wanted, "{line}");
    }
    let lines = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", CLIENT), ("x-forwarded-for", CDN)];
    assert_eq!(client(BALANCER, &lines).as_deref(), Some(CLIENT), "lines are one list");
    let long = vec!["10.0.0.1"; HOPS_MAX + 2].join(",");
    assert_eq!(client(CDN, &[("x-forwarded-for", &long)]).as_deref(), Some("10.0.0.1"), "no chain is that long");
}

#[test]
fn the_standard_field_is_read_as_it_is_defined() {
    for (line, wanted) in [
        ("for=203.0.113.9", Some(CLIENT)),
        ("For=\"203.0.113.9:4711\";proto=https;by=10.0.0.1", Some(CLIENT)),
        ("for=1.2.3.4, proto=http;for=203.0.113.9;host=\"a,b;c\\\"\"", Some(CLIENT)),
        ("for=\"[2001:db8:1::5]:_port\", for=10.0.0.1", Some("2001:db8:1::5")),
        ("for=203.0.113.9, for=unknown", None),
        ("for=203.0.113.9, for=_hidden", None),
        ("for=203.0.113.9, proto=https", None),
        (",, ", None),
        // Nothing of a line that breaks the grammar is believed.
        ("for=203.0.113.9, for=", Some(CDN)),
        ("for=203.0.113.9, for=[2001:db8:1::5]", Some(CDN)),
        ("for=\"203.0.113.9", Some(CDN)),
        ("for=\"x, for=203.0.113.9", Some(CDN)),
        ("for=203.0.113.9;for=1.2.3.4", Some(CDN)),
        ("for=203.0.113.9 proto=http", Some(CDN)),
        ("203.0.113.9", Some(CDN)),
        ("for=\"203.0.113.9:port\"", Some(CDN)),
        ("for=\"[203.0.113.9]\"", Some(CDN)),
    ] {
        assert_eq!(client(CDN, &[("forwarded", line)]).as_deref(), wanted, "{line}");
    }
}

#[test]
fn fields_that_disagree_are_not_believed_and_other_fields_not_read() {
    let agreed = [("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "1.1.1.1, 203.0.113.9")];
    assert_eq!(client(CDN, &agreed).as_deref(), Some(CLIENT));
    let disagreed = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", CLIENT)];
    assert_eq!(client(CDN, &disagreed).as_deref(), Some(CDN));
    let hidden = [("forwarded", "for=unknown"), ("x-forwarded-for", CLIENT)];
    assert_eq!(client(CDN, &hidden).as_deref(), Some(CDN), "a client could hide itself");
    let only = Proxies { fields: vec!["x-forwarded-for"], ..proxies() };
    assert_eq!(only.client(CDN.parse().unwrap(), &headers(&disagreed)), Some(CLIENT.parse().unwrap()));
}

#[test]
fn a_line_that_is_no_text_frees_nobody() {
    let mut headers = HeaderMap::new();
    headers.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff").unwrap());
    let peer = CDN.parse().unwrap();
    assert_eq!(proxies().client(peer, &headers), Some(peer));
    headers.insert("forwarded", HeaderValue::from_bytes(b"for=\xff").unwrap());
    assert_eq!(proxies().client(peer, &headers), Some(peer));
}

#[test]
fn only_trusted_proxies_introduce_connections() {
    let proxies = Proxies { proxy_protocol: true, ..proxies() };
    assert!(proxies.introduces(CDN.parse().unwrap()) && !proxies.introduces(CLIENT.parse().unwrap()));
    assert!(!Proxies { proxy_protocol: false, ..proxies }.introduces(CDN.parse().unwrap()));
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[command, family], &len, rest].concat()
}

#[test]
fn both_versions_of_the_preamble_name_the_source() {
    let v4 = [&[203, 0, 113, 9], [192, 0, 2, 1].as_slice(), &[0x12, 0x67], &[1, 187]].concat();
    let address: std::net::Ipv6Addr = "2001:db8:1::5".parse().unwrap();
    let v6 = [address.octets().as_slice(), &[0; 16], &[0x12, 0x67], &[1, 187], b"\x04\0\x01x"].concat();
    for (bytes, source) in [
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n".to_vec(), Some("203.0.113.9:4711")),
        (b"PROXY TCP6 2001:db8:1::5 ::1 4711 443\r\n".to_vec(), Some("[2001:db8:1::5]:4711")),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".to_vec(), None),
        (v2(0x21, 0x11, &v4), Some("203.0.113.9:4711")),
        (v2(0x21, 0x21, &v6), Some("[2001:db8:1::5]:4711")),
        (v2(0x20, 0x11, &v4), None),
        (v2(0x20, 0x00, b""), None),
        (v2(0x21, 0x31, &[0; 216]), None),
    ] {
        let whole = [bytes.as_slice(), b"GET / HTTP/1.1\r\n"].concat();
        let source = source.map(|text| text.parse().unwrap());
        assert_eq!(parse(&whole), Ok(Some(Preamble { len: bytes.len(), source })), "{bytes:?}");
        for len in 0..bytes.len() {
            assert_eq!(parse(&bytes[..len]), Ok(None), "{len} bytes of {bytes:?}");
        }
    }
}

#[test]
fn what_is_no_preamble_is_told_as_soon_as_it_shows() {
    for bytes in [
        b"GET / HTTP/1.1\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n".to_vec(),
        b"\r\n\r\n\r".to_vec(),
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4711\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443 1\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.9  4711 443\r\n".to_vec(),
        b"PROXY TCP4 2001:db8::1 ::1 4711 443\r\n".to_vec(),
        b"PROXY TCP6 203.0.113.9 ::1 4711 443\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.9 192.0.2.1 +1 443\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.9 192.0.2.1 01 443\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.9 192.0.2.1 65536 443\r\n".to_vec(),
        b"PROXY TCP4 \xff 192.0.2.1 1 443\r\n".to_vec(),
        [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 107]].concat(),
        v2(0x22, 0x11, &[0; 12]),
        v2(0x11, 0x11, &[0; 12]),
        v2(0x21, 0x11, &[0; 11]),
        v2(0x21, 0x21, &[0; 35]),
        v2(0x21, 0x41, &[0; 36]),
        v2(0x21, 0x11, &[0; 4097]),
    ] {
        assert_eq!(parse(&bytes), Err(NoPreamble), "{bytes:?}");
    }
}

#[tokio::test]
async fn what_follows_a_preamble_is_left_for_http() {
    let mut whole: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\nGET / HTTP/1.1\r\n";
    let (source, rest) = read(&mut whole).await.unwrap();
    assert_eq!(source, Some("203.0.113.9:4711".parse().unwrap()));
    assert_eq!([rest.as_slice(), whole].concat(), b"GET / HTTP/1.1\r\n");
    let mut broken_off: &[u8] = b"PROXY TCP4 ";
    assert!(read(&mut broken_off).await.is_err());
}

proptest! {
    /// Whatever stands to the left of what a proxy has added, and whatever it is: the client stays the client.
    #[test]
    fn nobody_becomes_another_by_what_it_sends(sent in "[ -~]{0,80}") {
        let line = format!("{sent}, {CLIENT}");
        let lines = [("x-forwarded-for", line.as_str())];
        let found = client(CDN, &lines);
        prop_assert_eq!(found.as_deref(), Some(CLIENT));
        let line = format!("{sent}, for={CLIENT}");
        let found = client(CDN, &[("forwarded", line.as_str())]);
        prop_assert!(matches!(found.as_deref(), Some(CLIENT | CDN)), "{:?}", found);
    }

    #[test]
    fn every_text_is_understood_or_malformed(text in "[fForRby=;,:\"\\\\\\[\\]0-9a-f._ ]{0,60}") {
        let nodes = from_right(&headers(&[("forwarded", &text)]), HOPS_MAX);
        prop_assert!(nodes.len() <= HOPS_MAX + 1);
        let _ = plain_node(&text);
    }

    #[test]
    fn addresses_are_read_as_they_are_written(address in any::<std::net::IpAddr>(), port in any::<u16>()) {
        let node = Node::Address(address);
        let with_port = std::net::SocketAddr::new(address, port).to_string();
        prop_assert_eq!(plain_node(&address.to_string()), node);
        prop_assert_eq!(plain_node(&with_port), node);
        let line = format!("for=\"{with_port}\"");
        prop_assert_eq!(from_right(&headers(&[("forwarded", &line)]), HOPS_MAX), vec![node]);
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), kind in 0_usize..3) {
        let start: &[u8] = [b"".as_slice(), b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11"][kind];
        let bytes = [start, &bytes].concat();
        if let Ok(Some(preamble)) = parse(&bytes) {
            prop_assert!(preamble.len <= bytes.len());
        }
    }
}

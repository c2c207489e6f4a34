//! Whose request it is: the PROXY protocol and the fields of proxies. Nobody becomes trusted by what it says, and a
//! preamble is read the same however it comes in.
//!
//! An input is a preamble as bytes, or, as text, a header of forwarding fields.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tintype::config::Cidr;
use tintype::http::{Proxies, parse_preamble};

const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const BALANCER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const LINES_MAX: usize = 40;

static PROXIES: LazyLock<Proxies> = LazyLock::new(|| {
    let trusted = ["10.0.0.0/8", "fd00::/8"].iter().filter_map(|text| Cidr::parse(text)).collect();
    Proxies { trusted, fields: vec!["forwarded", "x-forwarded-for"], proxy_protocol: true }
});

fuzz_target!(|bytes: &[u8]| {
    preamble(bytes);
    let headers = headers(bytes);
    assert_eq!(PROXIES.client(STRANGER, &headers), Some(STRANGER), "a stranger spoke for somebody else");
    let client = PROXIES.client(BALANCER, &headers);
    // What a client writes itself stands to the left of what the proxy adds.
    for (name, own) in [(FORWARDED, "for=203.0.113.9"), (HeaderName::from_static("x-forwarded-for"), "203.0.113.9")] {
        let mut added: HeaderMap = [(name.clone(), HeaderValue::from_static(own))].into_iter().collect();
        for value in headers.get_all(&name) {
            let joined = [value.as_bytes(), b", ", own.as_bytes()].concat();
            let Ok(joined) = HeaderValue::from_bytes(&joined) else { return };
            // An open quote hides what stands behind it in its line; proxies then make a line of their own.
            if !value.as_bytes().contains(&b'"') && value.to_str().is_ok() && name != FORWARDED {
                let one = [(name.clone(), joined)].into_iter().collect();
                assert_eq!(PROXIES.client(BALANCER, &one), Some(STRANGER), "{one:?}");
            }
        }
        let forged: Vec<_> = headers.get_all(&name).iter().cloned().collect();
        let last = added.remove(&name).expect("just put in");
        forged.into_iter().chain([last]).for_each(|value| drop(added.append(&name, value)));
        assert_eq!(PROXIES.client(BALANCER, &added), Some(STRANGER), "{added:?}");
    }
    let _ = client;
});

fn preamble(bytes: &[u8]) {
    let Ok(Some(whole)) = parse_preamble(bytes) else { return };
    assert!(whole.len <= bytes.len());
    assert_eq!(parse_preamble(&bytes[..whole.len]), Ok(Some(whole)), "it depends on what stands behind it");
    for len in 1..whole.len {
        assert_eq!(parse_preamble(&bytes[..len]), Ok(None), "the first {len} bytes");
    }
}

fn headers(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (at, line) in text.split(|byte| *byte == b'\n').take(LINES_MAX).enumerate() {
        let name = if at % 2 == 0 { FORWARDED } else { HeaderName::from_static("x-forwarded-for") };
        if let Ok(value) = HeaderValue::from_bytes(line.trim_ascii()) {
            headers.append(name, value);
        }
    }
    headers
}

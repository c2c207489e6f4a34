//! Every block of the table, every disguise of an address that is known, and the ports.

use super::*;

fn spec() -> OriginsSpec {
    OriginsSpec::default()
}

fn guard(spec: &OriginsSpec) -> Guard {
    Guard::new(spec).expect("a guard")
}

/// `None` where the parser itself refuses.
fn admit(spec: &OriginsSpec, text: &str) -> Option<Result<Reach, &'static str>> {
    Url::parse(text).ok().map(|url| guard(spec).admit(&url).map_err(|error| error.kind()))
}

fn kind(text: &str) -> AddressKind {
    kind_of(text.parse().expect(text), false)
}

#[test]
fn every_v4_block_has_its_borders() {
    // First and last address of a block, and the addresses just outside of it.
    let blocks = [
        ("0.0.0.0", "0.255.255.255", "", "1.0.0.0"),
        ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
        ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
        ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
        ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
        ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
        ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
        ("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"),
        ("192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"),
        ("192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"),
        ("192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"),
        ("168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17"),
        ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
        ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
        ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
        ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
        ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
        ("224.0.0.0", "255.255.255.255", "223.255.255.255", ""),
    ];
    for (first, last, before, after) in blocks {
        assert_ne!(kind(first), AddressKind::Global, "{first}");
        assert_ne!(kind(last), AddressKind::Global, "{last}");
        for outside in [before, after].into_iter().filter(|text| !text.is_empty()) {
            assert_eq!(kind(outside), AddressKind::Global, "{outside}");
        }
    }
}

#[test]
fn every_v6_block_has_its_borders() {
    let refused = [
        "::",
        "::1",
        "::ffff:0:1.2.3.4",
        "64:ff9b::1.2.3.4",
        "64:ff9b:1::1.2.3.4",
        "100::1",
        "1fff::1",
        "2001::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:1ff:ffff::",
        "2001:db8::1",
        "2001:db8:ffff::1",
        "2002::",
        "2002:7f00:1::1",
        "2002:ffff:ffff::1",
        "2620:4f:8000::1",
        "2620:4f:8000:ffff::1",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ffff::1",
    ];
    for text in refused {
        assert_ne!(kind(text), AddressKind::Global, "{text}");
    }
    for text in [
        "2000::1",
        "2001:200::1",
        "2001:db7::1",
        "2001:db9::1",
        "2003::1",
        "2620:4f:8001::1",
        "3ffe:ffff::1",
        "3fff:1000::1",
    ] {
        assert_eq!(kind(text), AddressKind::Global, "{text}");
    }
}

#[test]
fn v4_inside_v6() {
    for (inner, expected) in [
        ("127.0.0.1", AddressKind::Loopback),
        ("169.254.1.1", AddressKind::LinkLocal),
        ("169.254.169.254", AddressKind::Special),
        ("10.0.0.1", AddressKind::Private),
        ("8.8.8.8", AddressKind::Global),
    ] {
        assert_eq!(kind(&format!("::ffff:{inner}")), expected, "{inner}");
        // As a class: the deprecated compatible form, ISATAP below a public prefix, and both NAT64 prefixes.
        // `::127.0.0.1` is not `::1`, and must not count as loopback either.
        for class in
            ["::", "2600::5efe:", "2600::200:5efe:", "fe80::5efe:", "fd00::200:5efe:", "64:ff9b::", "64:ff9b:1::"]
        {
            assert_eq!(kind(&format!("{class}{inner}")), AddressKind::Special, "{class}{inner}");
        }
        assert_eq!(kind_of(format!("64:ff9b::{inner}").parse().expect("an address"), true), expected, "{inner}");
    }
    assert_eq!(kind_of("64:ff9b:1::8.8.8.8".parse().expect("an address"), true), AddressKind::Special);
}

#[test]
fn disguised_addresses_are_refused() {
    let vectors = [
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://%31%32%37.0.0.1/",
        "http://１２７.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://127.0.0.1./",
        "http://0/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::1]/",
        "http://10.0.0.1\\@a.example/",
        "http://localhost/",
        "http://localhost./",
        "http://LOCALHOST/",
        "http://ｌocalhost/",
        "http://a.localhost/",
        "http://a.localhost./",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://a.example:22/",
        "http://a.example:0/",
        "http://93.184.216.34:8080/",
        "https://[2606:2800:220:1::1]:8443/",
    ];
    for text in vectors {
        assert_eq!(admit(&spec(), text), Some(Err("source-address-refused")), "{text}");
    }
    assert_eq!(admit(&spec(), "http://a.example@10.0.0.1/"), Some(Err("source-invalid")));
    assert_eq!(admit(&spec(), "ftp://93.184.216.34/"), Some(Err("source-scheme")));
    for text in ["http://1.2.3.4.5/", "http://256.1.1.1/", "http://[::1%25eth0]/", "http://"] {
        assert_eq!(admit(&spec(), text), None, "{text}");
    }
}

#[test]
fn public_hosts_are_admitted() {
    for text in ["http://a.example/", "https://a.example:443/", "http://a.example:443/", "http://93.184.216.34/"] {
        assert_eq!(admit(&spec(), text), Some(Ok(Reach::Public)), "{text}");
    }
}

#[test]
fn allowed_kinds_are_allowed_alone_and_on_any_port() {
    let hosts = [("127.0.0.1", 0), ("[::1]", 0), ("localhost", 0), ("169.254.1.1", 1), ("[fe80::1]", 1)];
    let hosts = hosts.into_iter().chain([("10.0.0.1", 2), ("172.16.0.1", 2), ("[fd00::1]", 2)]);
    for (host, kind) in hosts {
        for allowed in 0..3 {
            let spec = OriginsSpec {
                allow_loopback: allowed == 0,
                allow_link_local: allowed == 1,
                allow_private: allowed == 2,
                ..spec()
            };
            for (port, reach) in [("", Reach::Public), (":9000", Reach::Inner)] {
                let expected = if kind == allowed { Ok(reach) } else { Err("source-address-refused") };
                assert_eq!(admit(&spec, &format!("http://{host}{port}/")), Some(expected), "{host}{port} {allowed}");
            }
        }
    }
}

#[test]
fn special_addresses_cannot_be_allowed_by_kind() {
    let all = OriginsSpec { allow_loopback: true, allow_link_local: true, allow_private: true, ..spec() };
    for host in ["0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[::]", "[::127.0.0.1]", "[ff02::1]"] {
        assert_eq!(admit(&all, &format!("http://{host}/")), Some(Err("source-address-refused")), "{host}");
    }
}

#[test]
fn clouds_hand_out_no_credentials_whatever_is_allowed() {
    let all = OriginsSpec { allow_loopback: true, allow_link_local: true, allow_private: true, ..spec() };
    let hosts = METADATA_V4.map(|ip| ip.to_string()).into_iter().chain(METADATA_V6.map(|ip| format!("[{ip}]")));
    for host in hosts.chain(["[::ffff:169.254.169.254]", "100.100.100.200", "192.0.0.192"].map(str::to_owned)) {
        for port in ["", ":8080"] {
            let text = format!("http://{host}{port}/");
            assert_eq!(admit(&all, &text), Some(Err("source-address-refused")), "{text}");
        }
    }
    let exact = OriginsSpec { trusted_hosts: vec!["169.254.169.254:80".into()], ..spec() };
    assert_eq!(admit(&exact, "http://169.254.169.254/"), Some(Ok(Reach::Trusted)), "who writes it out means it");
}

#[test]
fn a_name_on_another_port_may_only_lead_inside() {
    let inner = OriginsSpec { allow_private: true, ..spec() };
    assert_eq!(admit(&inner, "http://minio.example:9000/"), Some(Ok(Reach::Inner)));
    let guard = guard(&inner);
    let permits = |reach, ip: &str| guard.permits(reach, ip.parse().expect(ip));
    assert!(permits(Reach::Inner, "10.0.0.1"));
    assert!(!permits(Reach::Inner, "93.184.216.34"), "a public host must be on an allowed port");
    assert!(!permits(Reach::Inner, "127.0.0.1"));
    assert!(permits(Reach::Public, "10.0.0.1"));
}

#[test]
fn trusted_hosts_are_exact() {
    let spec = OriginsSpec {
        trusted_hosts: vec!["MinIO:9000".into(), "127.0.0.1:8080".into(), "[::1]:81".into(), "h.example:80".into()],
        ..spec()
    };
    for text in ["http://minio:9000/", "http://127.1:8080/", "http://[0::1]:81/", "http://h.example/"] {
        assert_eq!(admit(&spec, text), Some(Ok(Reach::Trusted)), "{text}");
    }
    for text in ["http://minio:9001/", "http://127.0.0.1/", "http://127.0.0.1:8081/", "http://[::1]/"] {
        assert_eq!(admit(&spec, text), Some(Err("source-address-refused")), "{text}");
    }
    assert_eq!(admit(&spec, "http://a.minio:9000/"), Some(Err("source-address-refused")));
}

#[test]
fn patterns_that_are_not_exact_stop_the_start() {
    for pattern in ["", "host", "host:", "host:0", "host:x", "*.host:80", "u@host:80", "host:80/", ":80", "http://h:80"]
    {
        let spec = OriginsSpec { trusted_hosts: vec![pattern.into()], ..spec() };
        assert!(matches!(Guard::new(&spec), Err(OriginSetupError::TrustedHost { .. })), "{pattern}");
    }
}

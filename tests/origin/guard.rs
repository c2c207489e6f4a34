//! The guard from outside: that nobody is connected to, not only that an error comes.

use tintype::origin::{OriginError, OriginsSpec, Phase, S3Addressing, S3Credentials, S3Spec};

use super::forged::addresses;
use super::names::Names;
use super::scripted::{Scripted, answer};
use super::support::{Witness, fetch, limits, origins, refusal, trusting};

/// What is set up where names are resolved by a test's own name server.
fn asking(names: &Names, allowed_port: u16) -> OriginsSpec {
    OriginsSpec {
        nameservers: vec![names.addr()],
        allowed_ports: vec![80, 443, allowed_port],
        limits: limits(),
        ..OriginsSpec::default()
    }
}

#[tokio::test]
async fn nobody_inside_is_reached_by_default() {
    let witness = Witness::new().await;
    let port = witness.addr().port();
    // The port is allowed, so that the address alone is what refuses.
    let spec = OriginsSpec { allowed_ports: vec![port], limits: limits(), ..OriginsSpec::default() };
    let origins = origins(&spec);
    let hosts = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0", "[::ffff:127.0.0.1]", "localhost", "a.localhost."];
    for host in hosts {
        assert_eq!(
            refusal(&origins, &format!("http://{host}:{port}/")).await,
            (404, "source-address-refused"),
            "{host}"
        );
    }
    for host in ["1.2.3.4.5", "256.1.1.1", "[::1%25eth0]", "user@127.0.0.1"] {
        assert_eq!(refusal(&origins, &format!("http://{host}:{port}/")).await, (404, "source-invalid"), "{host}");
    }
    witness.assert_untouched().await;
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused() {
    let witness = Witness::new().await;
    let port = witness.addr().port();
    let names = Names::start(&[
        ("inside.example", &["127.0.0.1"]),
        ("private.example", &["10.1.2.3", "fd00::1"]),
        ("metadata.example", &["169.254.169.254"]),
        ("mapped.example", &["::ffff:127.0.0.1"]),
        ("unspecified.example", &["0.0.0.0", "::"]),
    ])
    .await;
    let origins = origins(&asking(&names, port));
    for host in ["inside", "INSIDE", "private", "metadata", "mapped", "unspecified", "inside.example."] {
        let host = if host.contains('.') { host.to_owned() } else { format!("{host}.example") };
        let error = fetch(&origins, &format!("http://{host}:{port}/")).await.expect_err(&host);
        assert_eq!((error.status(), error.kind()), (404, "source-address-refused"), "{host}: {error:?}");
    }
    witness.assert_untouched().await;
}

#[tokio::test]
async fn only_permitted_addresses_of_a_name_are_dialled() {
    let server = Scripted::start(|_| answer("200 OK", &[], b"body")).await;
    let port = server.addr().port();
    // The refused addresses stand first and would be dialled first.
    let names = Names::start(&[("mixed.example", &["0.0.0.0", "10.255.255.1", "127.0.0.1"])]).await;
    let mut spec = asking(&names, port);
    spec.allow_loopback = true;
    fetch(&origins(&spec), &format!("http://mixed.example:{port}/")).await.expect("the loopback address");

    spec.allow_loopback = false;
    spec.allow_link_local = true;
    let refused = refusal(&origins(&spec), &format!("http://mixed.example:{port}/")).await;
    assert_eq!(refused, (404, "source-address-refused"), "the wrong kind is allowed");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_allowed_kind_may_be_on_any_port() {
    let server = Scripted::start(|_| answer("200 OK", &[], b"body")).await;
    let port = server.addr().port();
    let names = Names::start(&[("inside.example", &["127.0.0.1"]), ("outside.example", &["93.184.216.34"])]).await;
    let mut spec = asking(&names, 80);
    let url = |host: &str| format!("http://{host}:{port}/");
    assert_eq!(refusal(&origins(&spec), &url("inside.example")).await, (404, "source-address-refused"));
    assert_eq!(server.connections(), 0);
    spec.allow_loopback = true;
    let origins = origins(&spec);
    for host in ["inside.example", "127.0.0.1", "localhost"] {
        fetch(&origins, &url(host)).await.expect(host);
    }
    assert_eq!(refusal(&origins, &url("outside.example")).await, (404, "source-address-refused"), "only inside");
}

#[tokio::test]
async fn a_trusted_host_is_trusted_on_its_port_only() {
    let server = Scripted::start(|_| answer("200 OK", &[], b"body")).await;
    let witness = Witness::new().await;
    let names = Names::start(&[("files.example", &["127.0.0.1"])]).await;
    let mut spec = asking(&names, 80);
    spec.trusted_hosts = vec![format!("files.example:{}", server.addr().port())];
    let origins = origins(&spec);
    fetch(&origins, &format!("http://Files.example:{}/", server.addr().port())).await.expect("trusted");
    let other = format!("http://files.example:{}/", witness.addr().port());
    assert_eq!(refusal(&origins, &other).await, (404, "source-address-refused"));
    witness.assert_untouched().await;
}

#[tokio::test]
async fn names_without_an_address_are_unreachable() {
    let names = Names::start(&[("empty.example", &[])]).await;
    let origins = origins(&asking(&names, 80));
    for host in ["empty.example", "missing.example"] {
        assert_eq!(refusal(&origins, &format!("http://{host}/")).await, (502, "origin-unreachable"), "{host}");
    }
}

#[tokio::test]
async fn a_silent_name_server_is_not_waited_for() {
    let names = Names::silent().await;
    let mut spec = asking(&names, 80);
    spec.limits.connect_ms_max = 200;
    let error = fetch(&origins(&spec), "http://slow.example/").await.expect_err("no answer");
    assert!(matches!(error, OriginError::Timeout { phase: Phase::Connect, after_ms: 200 }), "{error:?}");
}

#[tokio::test]
async fn trust_ends_with_the_redirect() {
    // The endpoint is trusted; the name it redirects to resolves to the same machine and is not.
    let witness = Witness::new().await;
    let port = witness.addr().port();
    let names = Names::start(&[("rebound.example", &["127.0.0.1"])]).await;
    let server = Scripted::start(move |_| {
        let location = format!("http://rebound.example:{port}/");
        answer("302 Found", &[("location", &location)], b"")
    })
    .await;
    let mut spec = asking(&names, port);
    spec.trusted_hosts = trusting(&[server.addr()]).trusted_hosts;
    assert_eq!(refusal(&origins(&spec), &server.url("/")).await, (404, "source-address-refused"));
    witness.assert_untouched().await;
}

/// A name for each address that is refused, and a name server that knows them.
async fn forged() -> (Vec<(String, String)>, Names) {
    let named = |(number, ip): (usize, std::net::IpAddr)| (format!("n{number}.example"), ip.to_string());
    let rows: Vec<_> = addresses().into_iter().enumerate().map(named).collect();
    assert!(rows.len() >= 80, "{}", rows.len());
    let ips: Vec<[&str; 1]> = rows.iter().map(|(_, ip)| [ip.as_str()]).collect();
    let table: Vec<(&str, &[&str])> = rows.iter().zip(&ips).map(|((name, _), ip)| (name.as_str(), &ip[..])).collect();
    let names = Names::start(&table).await;
    (rows, names)
}

#[tokio::test]
async fn no_answer_of_a_name_server_leads_inside() {
    let witness = Witness::new().await;
    let port = witness.addr().port();
    let (rows, names) = forged().await;
    let server = Scripted::start(move |asked| {
        let location = format!("http://{}.example:{port}/", asked.target.trim_start_matches('/'));
        answer("302 Found", &[("location", &location)], b"")
    })
    .await;
    let mut spec = asking(&names, port);
    spec.trusted_hosts = trusting(&[server.addr()]).trusted_hosts;
    let guarded = origins(&spec);
    for (name, ip) in &rows {
        let direct = refusal(&guarded, &format!("http://{name}:{port}/")).await;
        assert_eq!(direct, (404, "source-address-refused"), "{ip}");
        let redirected = refusal(&guarded, &server.url(&format!("/{}", name.replace(".example", "")))).await;
        assert_eq!(redirected, (404, "source-address-refused"), "{ip} by a redirect");
    }
    assert_eq!(server.requests().len(), rows.len());
    witness.assert_untouched().await;
}

#[tokio::test]
async fn a_name_that_moves_inside_is_refused_when_it_has_moved() {
    let server = Scripted::start(|_| answer("200 OK", &[("connection", "close")], b"body")).await;
    let port = server.addr().port();
    let names = Names::rebinding("rebound.example", &["127.0.0.1"], &["169.254.169.254"]).await;
    let mut spec = asking(&names, 80);
    spec.allow_loopback = true;
    let origins = origins(&spec);
    let url = format!("http://rebound.example:{port}/");
    fetch(&origins, &url).await.expect("the address that is allowed");
    assert_eq!(refusal(&origins, &url).await, (404, "source-address-refused"));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_was_judged_is_what_is_dialled() {
    // A public address that nobody has, so that the first fetch ends without an answer; a second question in between
    // would be told this machine.
    let witness = Witness::new().await;
    let port = witness.addr().port();
    let names = Names::rebinding("rebound.example", &["3ffe::1"], &["127.0.0.1", "::1"]).await;
    let mut spec = asking(&names, port);
    spec.limits.connect_ms_max = 300;
    let origins = origins(&spec);
    let url = format!("http://rebound.example:{port}/");
    let (status, kind) = refusal(&origins, &url).await;
    assert!(matches!((status, kind), (502, "origin-unreachable") | (504, "origin-timeout")), "{status} {kind}");
    assert_eq!(refusal(&origins, &url).await, (404, "source-address-refused"));
    witness.assert_untouched().await;
}

#[tokio::test]
async fn buckets_are_no_hosts() {
    let witness = Witness::new().await;
    let server = Scripted::start(|_| answer("404 Not Found", &[], b"")).await;
    for addressing in [S3Addressing::Path, S3Addressing::VirtualHost] {
        let s3 = S3Spec {
            enabled: true,
            endpoint: Some(server.url("")),
            credentials: S3Credentials::Anonymous,
            addressing,
            ..S3Spec::default()
        };
        let origins = origins(&OriginsSpec { s3, limits: limits(), ..OriginsSpec::default() });
        for bucket in ["169.254.169.254", "127.0.0.1", "localhost", "metadata.google.internal", "2130706433"] {
            let source = format!("s3://{bucket}/a.jpg");
            assert_eq!(refusal(&origins, &source).await, (404, "original-not-found"), "{source}");
        }
        let inside = witness.addr();
        for bucket in [inside.to_string(), format!("x@{inside}"), format!("{inside}#"), "a%2f..%2fb".to_owned()] {
            let source = format!("s3://{bucket}/a.jpg");
            assert_eq!(refusal(&origins, &source).await, (404, "source-invalid"), "{source}");
        }
    }
    assert_eq!(server.requests().len(), 2 * 5, "the endpoint is the only one who is asked");
    witness.assert_untouched().await;
}

//! Redirects: followed by hand, each judged like the first address.

use std::sync::{Arc, Mutex};

use super::scripted::{Scripted, Step, answer, head};
use super::support::{Witness, fetch, origins, refusal, trusting};

fn to(status: &str, location: &str) -> Vec<Step> {
    vec![Step::Send(head(status, &[("location", location), ("content-length", "0")]))]
}

#[tokio::test]
async fn redirects_are_followed_up_to_the_limit() {
    let server = Scripted::start(|asked| match asked.target.as_str() {
        "/3" => to("301 X", "/2"),
        "/2" => to("302 X", "../1#part"),
        "/1" => to("308 X", &format!("http://{}/0?a=%20", asked.field("host").expect("a host"))),
        "/0?a=%20" => answer("200 OK", &[], b"body"),
        "/4" => to("307 X", "/3"),
        other => panic!("{other}"),
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    let original = fetch(&origins, &server.url("/3")).await.expect("three redirects");
    assert_eq!(&original.bytes[..], b"body");
    assert_eq!(original.final_url.as_deref(), Some(server.url("/0?a=%20").as_str()));
    assert_eq!(refusal(&origins, &server.url("/4")).await, (502, "origin-redirects"));
    assert_eq!(server.requests().len(), 4 + 4);
}

#[tokio::test]
async fn a_loop_ends() {
    let server = Scripted::start(|_| to("303 X", "/a")).await;
    let mut spec = trusting(&[server.addr()]);
    assert_eq!(refusal(&origins(&spec), &server.url("/a")).await, (502, "origin-redirects"));
    assert_eq!(server.requests().len(), 4);
    spec.limits.redirects_max = 0;
    assert_eq!(refusal(&origins(&spec), &server.url("/a")).await, (502, "origin-redirects"));
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn redirects_to_nowhere() {
    let server = Scripted::start(|asked| match asked.target.as_str() {
        "/none" => vec![Step::Send(head("302 X", &[("content-length", "0")]))],
        "/bad" => to("302 X", "http://["),
        "/file" => to("302 X", "file:///etc/passwd"),
        "/local" => to("302 X", "local:///a.jpg"),
        "/s3" => to("302 X", "s3://bucket/a.jpg"),
        other => panic!("{other}"),
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    for path in ["/none", "/bad", "/file", "/local", "/s3"] {
        assert_eq!(refusal(&origins, &server.url(path)).await, (502, "origin-redirect"), "{path}");
    }
}

#[tokio::test]
async fn a_redirect_does_not_lead_inside() {
    let witness = Witness::new().await;
    let inside = witness.addr();
    let server = Scripted::start(move |asked| match asked.target.as_str() {
        "/literal" => to("302 X", &format!("http://{inside}/")),
        "/disguised" => to("302 X", &format!("http://0x7f.1:{}/", inside.port())),
        "/mapped" => to("302 X", &format!("http://[::ffff:127.0.0.1]:{}/", inside.port())),
        "/localhost" => to("302 X", &format!("http://localhost.:{}/", inside.port())),
        "/metadata" => to("302 X", "http://169.254.169.254/latest/meta-data/"),
        "/user" => to("302 X", &format!("http://public.example@{inside}/")),
        other => panic!("{other}"),
    })
    .await;
    let mut spec = trusting(&[server.addr()]);
    spec.allowed_ports = vec![80, inside.port()];
    let origins = origins(&spec);
    for path in ["/literal", "/disguised", "/mapped", "/localhost", "/metadata"] {
        assert_eq!(refusal(&origins, &server.url(path)).await, (404, "source-address-refused"), "{path}");
    }
    assert_eq!(refusal(&origins, &server.url("/user")).await, (404, "source-invalid"));
    witness.assert_untouched().await;
}

#[tokio::test]
async fn each_hop_must_be_an_allowed_source() {
    let witness = Witness::new().await;
    let elsewhere = witness.addr();
    let server = Scripted::start(move |asked| match asked.target.as_str() {
        "/public/a" => to("302 X", "/public/b"),
        "/public/b" => answer("200 OK", &[], b"body"),
        "/public/out" => to("302 X", "/private/a"),
        "/public/away" => to("302 X", &format!("http://{elsewhere}/public/a")),
        other => panic!("{other}"),
    })
    .await;
    let mut spec = trusting(&[server.addr(), elsewhere]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let prefix = server.url("/public/");
    spec.source_allowed = {
        let (asked, prefix) = (Arc::clone(&asked), prefix.clone());
        Arc::new(move |url| {
            asked.lock().expect("no panic").push(url.to_owned());
            url.starts_with(&prefix)
        })
    };
    let origins = origins(&spec);
    fetch(&origins, &server.url("/public/a")).await.expect("both hops are allowed");
    assert_eq!(*asked.lock().expect("no panic"), [server.url("/public/a"), server.url("/public/b")]);

    assert_eq!(refusal(&origins, &server.url("/public/out")).await, (404, "source-not-allowed"));
    assert_eq!(refusal(&origins, &server.url("/public/away")).await, (404, "source-not-allowed"));
    // The text passes a comparison of beginnings; what the parser makes of it does not.
    let before = server.requests().len();
    assert_eq!(refusal(&origins, &server.url("/public/../private/a")).await, (404, "source-not-allowed"));
    assert_eq!(refusal(&origins, &server.url("/public/%2e%2e/private/a")).await, (404, "source-not-allowed"));
    assert_eq!(server.requests().len(), before);
    witness.assert_untouched().await;
}

#[tokio::test]
async fn a_pattern_may_name_the_port_that_goes_without_saying() {
    // Never sent: port 80 of this machine is not trusted. The two errors tell which of the checks refused.
    let mut spec = trusting(&[]);
    spec.source_allowed = Arc::new(|url| url.starts_with("http://127.0.0.1:80/"));
    let origins = origins(&spec);
    assert_eq!(refusal(&origins, "http://127.0.0.1/a").await, (404, "source-address-refused"));
    assert_eq!(refusal(&origins, "http://127.0.0.2/a").await, (404, "source-not-allowed"));
}

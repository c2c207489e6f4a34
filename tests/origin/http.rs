//! HTTP as it should be: what is asked, what is taken over, conditions, statuses, limits at their border.

use tintype::origin::{Fetched, OriginsSpec, Validators};

use super::scripted::{Scripted, Step, answer, head};
use super::support::{fetch, limits, origins, refusal, trusting};

/// Fetches run in tasks of their own, so that they outlive the request that asked first.
#[test]
fn a_fetch_can_be_moved_to_a_task() {
    fn is_send(_: impl Send) {}
    let origins = origins(&OriginsSpec::default());
    is_send(origins.fetch("http://a.example/", None));
    is_send(std::sync::Arc::new(origins));
}

#[tokio::test]
async fn an_original_comes_with_everything_its_origin_said() {
    let server = Scripted::start(|_| {
        let fields = [
            ("content-type", "image/jpeg"),
            ("etag", "W/\"v1\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("cache-control", "public"),
            ("cache-control", "max-age=60"),
            ("expires", "0"),
            ("age", "7"),
            ("date", "Sun, 06 Nov 1994 08:50:00 GMT"),
        ];
        answer("200 OK", &fields, b"picture")
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    let original = fetch(&origins, &server.url("/a%20b.jpg?x=1&X-Amz-Signature=s#top")).await.expect("an original");

    assert_eq!(&original.bytes[..], b"picture");
    assert_eq!(original.content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(original.last_modified_s, Some(784_111_777));
    assert_eq!(original.final_url, None);
    let Validators { etag, last_modified, size, version } = original.validators;
    assert_eq!(etag.as_deref(), Some("W/\"v1\""));
    assert_eq!(last_modified.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!((size, version), (Some(7), None));
    assert_eq!(original.freshness.cache_control.as_deref(), Some("public, max-age=60"));
    assert_eq!(original.freshness.expires.as_deref(), Some("0"));
    assert_eq!(original.freshness.age.as_deref(), Some("7"));
    assert_eq!(original.freshness.date.as_deref(), Some("Sun, 06 Nov 1994 08:50:00 GMT"));

    let asked = &server.requests()[0];
    assert_eq!(asked.target, "/a%20b.jpg?x=1&X-Amz-Signature=s", "signatures go to the origin, fragments do not");
    assert_eq!(asked.field("accept"), Some("*/*"));
    assert_eq!(asked.field("accept-encoding"), Some("identity"));
    assert_eq!(asked.field("host"), Some(server.addr().to_string().as_str()));
    assert!(asked.field("user-agent").expect("a name").starts_with("tintype/"));
    for absent in ["range", "referer", "cookie", "authorization", "if-none-match", "if-modified-since"] {
        assert_eq!(asked.field(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn what_is_known_is_asked_for_and_not_sent_again() {
    let server = Scripted::start(|asked| {
        let known = asked.field("if-none-match") == Some("\"v1\"") || asked.field("if-modified-since").is_some();
        if known {
            vec![Step::Send(head("304 Not Modified", &[("cache-control", "max-age=9"), ("etag", "\"v1\"")]))]
        } else {
            answer("200 OK", &[("etag", "\"v2\"")], b"new")
        }
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    let url = server.url("/a");
    let etag = |tag: &str| Validators { etag: Some(tag.to_owned()), ..Validators::default() };
    let date = Validators { last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()), ..Validators::default() };
    for known in [etag("\"v1\""), date] {
        match origins.fetch(&url, Some(&known)).await.expect("an answer") {
            Fetched::NotModified { freshness } => assert_eq!(freshness.cache_control.as_deref(), Some("max-age=9")),
            Fetched::Body(original) => panic!("sent again: {original:?}"),
        }
    }
    let unknown = [etag("\"v0\""), Validators::default(), Validators { size: Some(3), ..Validators::default() }];
    for known in unknown {
        match origins.fetch(&url, Some(&known)).await.expect("an answer") {
            Fetched::NotModified { .. } => panic!("{known:?} is not what the origin has"),
            Fetched::Body(original) => assert_eq!(&original.bytes[..], b"new"),
        }
    }
}

#[tokio::test]
async fn statuses_become_ours() {
    let server = Scripted::start(|asked| answer(&format!("{} X", &asked.target[1..]), &[], b"body")).await;
    let origins = origins(&trusting(&[server.addr()]));
    let expected = [
        (400, 400, "origin-status"),
        (401, 401, "origin-status"),
        (403, 403, "origin-status"),
        (404, 404, "original-not-found"),
        (410, 410, "origin-status"),
        (429, 429, "origin-status"),
        (499, 499, "origin-status"),
        (500, 502, "origin-failed"),
        (503, 502, "origin-failed"),
        (599, 502, "origin-failed"),
        (201, 502, "origin-failed"),
        (206, 502, "origin-failed"),
        (300, 502, "origin-failed"),
        (305, 502, "origin-failed"),
    ];
    for (code, status, kind) in expected {
        assert_eq!(refusal(&origins, &server.url(&format!("/{code}"))).await, (status, kind), "{code}");
    }
}

#[tokio::test]
async fn not_modified_is_no_answer_to_an_unconditional_request() {
    let server = Scripted::start(|_| vec![Step::Send(head("304 Not Modified", &[]))]).await;
    let origins = origins(&trusting(&[server.addr()]));
    assert_eq!(refusal(&origins, &server.url("/a")).await, (502, "origin-failed"));
}

#[tokio::test]
async fn a_partial_answer_counts_if_it_is_whole() {
    let server = Scripted::start(|asked| {
        let range = if asked.target == "/whole" { "bytes 0-3/4" } else { "bytes 0-3/5" };
        answer("206 Partial Content", &[("content-range", range)], b"four")
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    assert_eq!(&fetch(&origins, &server.url("/whole")).await.expect("whole").bytes[..], b"four");
    assert_eq!(refusal(&origins, &server.url("/part")).await, (502, "origin-failed"));
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let server = Scripted::start(|asked| {
        let (form, length) = asked.target[1..].split_once('/').expect("form and length");
        let body = vec![b'x'; length.parse().expect("a length")];
        if form == "announced" {
            answer("200 OK", &[], &body)
        } else {
            let mut bytes = head("200 OK", &[("transfer-encoding", "chunked")]);
            bytes.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(&body);
            bytes.extend_from_slice(b"\r\n0\r\n\r\n");
            vec![Step::Send(bytes)]
        }
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    let max = limits().source_bytes_max;
    for form in ["announced", "chunked"] {
        let whole = fetch(&origins, &server.url(&format!("/{form}/{max}"))).await.expect("at the limit");
        assert_eq!(whole.bytes.len() as u64, max, "{form}");
        let above = server.url(&format!("/{form}/{}", max + 1));
        assert_eq!(refusal(&origins, &above).await, (422, "original-too-large"), "{form}");
    }
}

#[tokio::test]
async fn what_is_announced_as_too_large_is_not_read() {
    // The largest length that the HTTP parser itself takes.
    let mut server = Scripted::start(|_| {
        vec![Step::Send(head("200 OK", &[("content-length", "18446744073709551613")])), Step::Stall]
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    assert_eq!(refusal(&origins, &server.url("/a")).await, (422, "original-too-large"));
    server.peer_left().await;
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_connection() {
    let server = Scripted::start(|_| vec![Step::Send(b"HTTP/1.0 200 OK\r\n\r\nold".to_vec()), Step::Close]).await;
    let origins = origins(&trusting(&[server.addr()]));
    assert_eq!(&fetch(&origins, &server.url("/a")).await.expect("an original").bytes[..], b"old");
}

#[tokio::test]
async fn an_empty_body_is_a_body() {
    let server = Scripted::start(|_| answer("200 OK", &[], b"")).await;
    let origins = origins(&trusting(&[server.addr()]));
    assert!(fetch(&origins, &server.url("/a")).await.expect("an original").bytes.is_empty());
}

#[tokio::test]
async fn compression_nobody_asked_for_is_refused() {
    let server = Scripted::start(|asked| {
        let coding = asked.target[1..].to_owned();
        answer("200 OK", &[("content-encoding", &coding)], b"body")
    })
    .await;
    let origins = origins(&trusting(&[server.addr()]));
    for coding in ["gzip", "br", "GZIP", "deflate", "zstd"] {
        assert_eq!(refusal(&origins, &server.url(&format!("/{coding}"))).await, (422, "original-encoded"), "{coding}");
    }
    for coding in ["identity", "Identity", ""] {
        fetch(&origins, &server.url(&format!("/{coding}"))).await.expect("not compressed");
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Scripted::start(|_| answer("200 OK", &[], b"body")).await;
    let origins = origins(&trusting(&[server.addr()]));
    for _ in 0..5 {
        fetch(&origins, &server.url("/a")).await.expect("an original");
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 5));
}

#[tokio::test]
async fn one_origin_has_its_number_of_fetches_and_no_more() {
    let mut slow = Scripted::start(|_| vec![Step::Stall]).await;
    let other = Scripted::start(|_| answer("200 OK", &[], b"body")).await;
    let mut spec = trusting(&[slow.addr(), other.addr()]);
    spec.limits.per_origin_fetches_max = 1;
    spec.limits.slot_wait_ms_max = 50;
    let origins = origins(&spec);
    let url = slow.url("/a");

    let mut first = Box::pin(origins.fetch(&url, None));
    tokio::select! {
        ended = &mut first => panic!("a stalled fetch ended: {ended:?}"),
        () = slow.asked() => {}
    }
    assert_eq!(refusal(&origins, &url).await, (503, "origin-overloaded"));
    fetch(&origins, &other.url("/a")).await.expect("others are not concerned");

    // Whoever gives up ends the fetch: the slot is free and the connection is closed.
    drop(first);
    slow.peer_left().await;
    assert_eq!(slow.requests().len(), 1, "the one that was refused was never sent");
}

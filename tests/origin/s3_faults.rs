//! An S3 endpoint that fails: what is tried again, what is not, and what it becomes.

use tintype::origin::{OriginError, OriginSetupError, Origins, OriginsSpec, Phase, S3Credentials, S3Spec, Validators};

use super::scripted::{Scripted, Step, answer, head};
use super::support::{Witness, fetch, limits, origins, refusal};

fn spec(server: &Scripted) -> OriginsSpec {
    OriginsSpec {
        s3: S3Spec {
            enabled: true,
            endpoint: Some(server.url("")),
            credentials: S3Credentials::Static {
                access_key_id: "id".to_owned(),
                secret_access_key: "secret".to_owned(),
                session_token: Some("token".to_owned()),
            },
            ..S3Spec::default()
        },
        limits: limits(),
        ..OriginsSpec::default()
    }
}

const OBJECT: &[(&str, &str)] = &[("etag", "\"v1\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")];

#[tokio::test]
async fn a_request_says_what_it_should() {
    let server = Scripted::start(|_| {
        let more = [("x-amz-version-id", "v7"), ("cache-control", "max-age=5"), ("content-type", "image/png")];
        answer("200 OK", &[OBJECT, &more].concat(), b"picture")
    })
    .await;
    let origins = origins(&spec(&server));
    let original = fetch(&origins, "s3://bucket/a b.jpg?v7").await.expect("an object");
    assert_eq!(original.content_type.as_deref(), Some("image/png"));
    assert_eq!(original.freshness.cache_control.as_deref(), Some("max-age=5"));
    assert_eq!(original.last_modified_s, Some(784_111_777));
    assert_eq!(original.validators.version.as_deref(), Some("v7"));
    let known = Validators {
        etag: Some("\"v1\"".into()),
        last_modified: original.validators.last_modified.clone(),
        ..Validators::default()
    };
    origins.fetch("s3://bucket/a", Some(&known)).await.expect("an object");
    let known = Validators { last_modified: original.validators.last_modified, ..Validators::default() };
    origins.fetch("s3://bucket/a", Some(&known)).await.expect("an object");

    let asked = server.requests();
    assert_eq!(asked[0].target, "/bucket/a%20b.jpg?versionId=v7");
    assert_eq!(asked[0].field("x-amz-security-token"), Some("token"));
    assert!(asked[0].field("authorization").expect("a signature").starts_with("aws4-hmac-sha256 credential=id/"));
    assert!(asked[0].field("user-agent").expect("a name").starts_with("tintype/"));
    assert_eq!(asked[0].field("cdn-loop"), Some("tintype-command"));
    assert_eq!(asked[0].field("via"), Some("1.1 tintype-command"));
    assert_eq!(asked[1].field("if-none-match"), Some("\"v1\""));
    assert_eq!(asked[1].field("if-modified-since"), None);
    assert_eq!(asked[2].field("if-modified-since"), Some("sun, 06 nov 1994 08:49:37 gmt"));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_unsigned_request_has_no_signature() {
    let server = Scripted::start(|_| answer("200 OK", OBJECT, b"picture")).await;
    let mut spec = spec(&server);
    spec.s3.credentials = S3Credentials::Anonymous;
    fetch(&origins(&spec), "s3://bucket/a").await.expect("an object");
    assert_eq!(server.requests()[0].field("authorization"), None);
}

#[tokio::test]
async fn statuses_become_ours() {
    let server = Scripted::start(|asked| {
        let code = asked.target.rsplit('/').next().expect("a code");
        answer(&format!("{code} X"), &[], b"<Error><Code>X</Code></Error>")
    })
    .await;
    let origins = origins(&spec(&server));
    let expected = [
        (400, 400, "origin-status", 1),
        (401, 401, "origin-status", 1),
        (403, 403, "origin-status", 1),
        (404, 404, "original-not-found", 1),
        (405, 405, "origin-status", 1),
        (409, 409, "origin-status", 1),
        (412, 412, "origin-status", 1),
        (304, 502, "origin-failed", 1),
        (301, 502, "origin-failed", 1),
        (429, 429, "origin-status", 3),
        (500, 502, "origin-failed", 3),
        (503, 502, "origin-failed", 3),
    ];
    for (code, status, kind, tries) in expected {
        let before = server.requests().len();
        assert_eq!(refusal(&origins, &format!("s3://bucket/{code}")).await, (status, kind), "{code}");
        assert_eq!(server.requests().len() - before, tries, "{code}");
    }
}

#[tokio::test]
async fn not_modified_is_no_answer_where_nothing_can_be_compared() {
    let server = Scripted::start(|_| vec![Step::Send(head("304 Not Modified", &[]))]).await;
    let known = Validators { size: Some(7), ..Validators::default() };
    let error = origins(&spec(&server)).fetch("s3://bucket/a", Some(&known)).await.expect_err("no validator");
    assert_eq!((error.status(), error.kind()), (502, "origin-failed"));
}

#[tokio::test]
async fn a_short_failure_is_survived() {
    let server = Scripted::start(|asked| match asked.number {
        0 => answer("503 Slow Down", &[], b""),
        1 => vec![Step::Close],
        _ => answer("200 OK", OBJECT, b"picture"),
    })
    .await;
    fetch(&origins(&spec(&server)), "s3://bucket/a").await.expect("the third try");
}

#[tokio::test]
async fn a_broken_body_is_continued_or_incomplete() {
    let server = Scripted::start(|asked| match (asked.target.as_str(), asked.field("range")) {
        ("/bucket/continued", Some("bytes=4-6")) => {
            answer("206 Partial Content", &[OBJECT, &[("content-range", "bytes 4-6/7")]].concat(), b"567")
        }
        ("/bucket/changed", Some(_)) => {
            answer("206 Partial Content", &[("etag", "\"v2\""), ("content-range", "bytes 4-6/7")], b"567")
        }
        _ => {
            let mut bytes = head("200 OK", &[OBJECT, &[("content-length", "7")]].concat());
            bytes.extend_from_slice(b"1234");
            vec![Step::Send(bytes), Step::Close]
        }
    })
    .await;
    let origins = origins(&spec(&server));
    assert_eq!(&fetch(&origins, "s3://bucket/continued").await.expect("both halves").bytes[..], b"1234567");
    for key in ["changed", "broken"] {
        let refused = refusal(&origins, &format!("s3://bucket/{key}")).await;
        assert_eq!(refused, (502, "original-incomplete"), "{key}");
    }
}

#[tokio::test]
async fn silence_ends_with_the_first_byte() {
    let mut server = Scripted::start(|_| vec![Step::Stall]).await;
    let mut spec = spec(&server);
    spec.limits.total_ms_max = 300;
    let error = fetch(&origins(&spec), "s3://bucket/a").await.expect_err("too slow");
    assert!(matches!(error, OriginError::Timeout { phase: Phase::Total, after_ms: 300 }), "{error:?}");
    server.peer_left().await;

    spec.limits = limits();
    spec.limits.first_byte_ms_max = 100;
    let error = fetch(&origins(&spec), "s3://bucket/a").await.expect_err("too slow");
    assert!(matches!(error, OriginError::Timeout { phase: Phase::FirstByte, after_ms: 100 }), "{error:?}");
    assert_eq!(server.requests().len(), 1 + 3, "object stores are asked again");
}

#[tokio::test]
async fn a_body_that_stops() {
    let mut server = Scripted::start(|_| {
        vec![Step::Send(head("200 OK", &[OBJECT, &[("content-length", "7")]].concat())), Step::Stall]
    })
    .await;
    let mut spec = spec(&server);
    spec.limits.idle_ms_max = 100;
    let error = fetch(&origins(&spec), "s3://bucket/a").await.expect_err("too slow");
    assert!(matches!(error, OriginError::Timeout { phase: Phase::Read, after_ms: 100 }), "{error:?}");
    server.peer_left().await;
}

#[tokio::test]
async fn an_endless_error_document_is_not_read() {
    let mut server = Scripted::start(|_| {
        let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
        vec![Step::Send(head("404 Not Found", &[("transfer-encoding", "chunked")])), Step::Endless(chunk)]
    })
    .await;
    assert_eq!(refusal(&origins(&spec(&server)), "s3://bucket/a").await, (404, "original-not-found"));
    server.peer_left().await;
}

#[tokio::test]
async fn an_endpoint_does_not_lead_elsewhere() {
    let witness = Witness::new().await;
    let location = format!("http://{}/bucket/a", witness.addr());
    let server = Scripted::start(move |_| answer("307 Temporary Redirect", &[("location", &location)], b"")).await;
    assert_eq!(refusal(&origins(&spec(&server)), "s3://bucket/a").await, (502, "origin-failed"));
    witness.assert_untouched().await;
}

#[tokio::test]
async fn encodings_are_refused_unless_they_are_none() {
    let server = Scripted::start(|asked| {
        let coding = asked.target.rsplit('/').next().expect("a coding").to_owned();
        answer("200 OK", &[OBJECT, &[("content-encoding", &coding)]].concat(), b"picture")
    })
    .await;
    let origins = origins(&spec(&server));
    for coding in ["gzip", "aws-chunked,gzip", "zstd"] {
        assert_eq!(refusal(&origins, &format!("s3://bucket/{coding}")).await, (422, "original-encoded"), "{coding}");
    }
    for coding in ["aws-chunked", "identity"] {
        fetch(&origins, &format!("s3://bucket/{coding}")).await.expect(coding);
    }
}

#[tokio::test]
async fn buckets_come_and_go() {
    let server = Scripted::start(|_| answer("200 OK", OBJECT, b"picture")).await;
    let mut spec = spec(&server);
    spec.limits.buckets_max = 2;
    let origins = origins(&spec);
    for number in 0..10 {
        fetch(&origins, &format!("s3://bucket{number}/a")).await.expect("an object");
    }
    assert_eq!(server.connections(), 1, "buckets share their endpoint's connections");
}

#[tokio::test]
async fn mistakes_show_at_the_start() {
    for endpoint in ["localhost:9000", "ftp://h", "http://user:secret@h"] {
        let s3 = S3Spec { enabled: true, endpoint: Some(endpoint.to_owned()), ..S3Spec::default() };
        let made = Origins::new(&OriginsSpec { s3, ..OriginsSpec::default() });
        assert!(matches!(made, Err(OriginSetupError::Endpoint { .. })), "{endpoint}");
    }
}

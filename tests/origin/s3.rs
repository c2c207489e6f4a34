//! Originals from a real S3 server, which checks signatures.

use std::fs;
use std::sync::atomic::Ordering;

use tintype::origin::{Fetched, OriginsSpec, S3Addressing, S3Credentials, S3Spec, Validators};

use super::names::Names;
use super::s3_server::{KEY, KEY_ID, S3, key};
use super::support::{fetch, limits, origins, refusal};

#[tokio::test]
async fn an_object_is_read_with_a_signature() {
    let s3 = S3::start(None).await;
    s3.put("a/b.jpg", b"picture");
    let original = fetch(&origins(&s3.spec()), "s3://pictures/a/b.jpg").await.expect("an object");
    assert_eq!(&original.bytes[..], b"picture");
    assert_eq!(original.validators.size, Some(7));
    assert!(original.validators.etag.expect("a tag").starts_with('"'));
    assert!(original.validators.last_modified.is_some() && original.last_modified_s.is_some());
}

#[tokio::test]
async fn keys_are_literal() {
    let s3 = S3::start(None).await;
    let origins = origins(&s3.spec());
    let keys =
        ["a b.jpg", "100%.jpg", "a%20b.jpg", "%2e%2e/x", "ü/ñ 日本.jpg", "a+b&c=d;e.jpg", "#1.jpg", "(a)'!*~$@,.jpg"];
    for key in keys {
        s3.put(key, key.as_bytes());
        let source = format!("s3://pictures/{key}");
        let original = fetch(&origins, &source).await.expect(&source);
        assert_eq!(&original.bytes[..], key.as_bytes(), "{key}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_asked_for_are_not_asked_for() {
    let s3 = S3::start(None).await;
    s3.put("a/b.jpg", b"picture");
    let origins = origins(&s3.spec());
    for key in ["a//b.jpg", "a/../a/b.jpg", "a/./b.jpg", "a/b.jpg/", "", "/"] {
        assert_eq!(refusal(&origins, &format!("s3://pictures/{key}")).await, (404, "source-invalid"), "{key}");
    }
    assert_eq!(refusal(&origins, "s3://127.0.0.1:1/a").await, (404, "source-invalid"));
    assert_eq!(s3.served.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn not_there_and_not_allowed_are_different_answers() {
    let s3 = S3::start(None).await;
    s3.put("a.jpg", b"picture");
    let spec = s3.spec();
    let valid = origins(&spec);
    assert_eq!(refusal(&valid, "s3://pictures/missing.jpg").await, (404, "original-not-found"));
    assert_eq!(refusal(&valid, "s3://missing/a.jpg").await, (404, "original-not-found"));
    let others = [key(KEY_ID, "wrong"), key("AKIAUNKNOWN", KEY), S3Credentials::Anonymous];
    for credentials in others {
        let s3 = S3Spec { credentials, ..spec.s3.clone() };
        let stranger = origins(&OriginsSpec { s3, ..spec.clone() });
        assert_eq!(refusal(&stranger, "s3://pictures/a.jpg").await, (403, "origin-status"));
    }
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let s3 = S3::start(None).await;
    s3.put("a.jpg", b"one");
    let origins = origins(&s3.spec());
    let source = "s3://pictures/a.jpg";
    let known = fetch(&origins, source).await.expect("an object").validators;
    let again = origins.fetch(source, Some(&known)).await.expect("an answer");
    assert!(matches!(again, Fetched::NotModified { .. }), "{again:?}");
    s3.put("a.jpg", b"two");
    for known in [known, Validators { etag: Some("\"other\"".to_owned()), ..Validators::default() }] {
        match origins.fetch(source, Some(&known)).await.expect("an answer") {
            Fetched::Body(original) => assert_eq!(&original.bytes[..], b"two"),
            Fetched::NotModified { .. } => panic!("it did change"),
        }
    }
}

#[tokio::test]
async fn an_object_may_be_as_large_as_the_limit() {
    let s3 = S3::start(None).await;
    let max = usize::try_from(limits().source_bytes_max).expect("a small limit");
    s3.put("max.jpg", &vec![b'x'; max]);
    s3.put("more.jpg", &vec![b'x'; max + 1]);
    let origins = origins(&s3.spec());
    assert_eq!(fetch(&origins, "s3://pictures/max.jpg").await.expect("at the limit").bytes.len(), max);
    assert_eq!(refusal(&origins, "s3://pictures/more.jpg").await, (422, "original-too-large"));
}

#[tokio::test]
async fn a_bucket_may_stand_before_the_host() {
    let s3 = S3::start(Some("store.example")).await;
    s3.put("a.jpg", b"picture");
    fs::create_dir(s3.folder.path().join("dotted.name")).expect("a bucket");
    fs::write(s3.folder.path().join("dotted.name/a.jpg"), b"dotted").expect("an object");
    // Only the names that have to be asked for exist.
    let table: &[(&str, &[&str])] = &[("pictures.store.example", &["127.0.0.1"]), ("store.example", &["127.0.0.1"])];
    let names = Names::start(table).await;
    let mut spec = s3.spec();
    spec.nameservers = vec![names.addr()];
    spec.s3.endpoint = Some(format!("http://store.example:{}", s3.addr.port()));
    spec.s3.addressing = S3Addressing::VirtualHost;
    let origins = origins(&spec);
    assert_eq!(&fetch(&origins, "s3://pictures/a.jpg").await.expect("before").bytes[..], b"picture");
    assert_eq!(&fetch(&origins, "s3://dotted.name/a.jpg").await.expect("in the path").bytes[..], b"dotted");
}

//! A real S3 server over a folder, which checks signatures.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::host::SingleDomain;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tintype::origin::{Fetched, OriginsSpec, S3Addressing, S3Credentials, S3Spec, Validators};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::names::Names;
use super::support::{fetch, limits, origins, refusal};

const KEY_ID: &str = "AKIAEXAMPLE";
const KEY: &str = "example/secret+key";

/// The server, with one bucket `pictures`.
struct S3 {
    addr: SocketAddr,
    folder: TempDir,
    served: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl S3 {
    async fn start(domain: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("pictures")).expect("a bucket");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("a bound socket");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("a store");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY_ID, KEY));
        if let Some(domain) = domain {
            let domain = format!("{domain}:{}", addr.port());
            builder.set_host(SingleDomain::new(&domain).expect("a domain"));
        }
        let served = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(listener, builder.build(), Arc::clone(&served)));
        Self { addr, folder, served, accepting }
    }

    fn put(&self, key: &str, body: &[u8]) {
        let path = self.folder.path().join("pictures").join(key);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, body).expect("an object");
    }

    fn spec(&self) -> OriginsSpec {
        OriginsSpec {
            s3: S3Spec {
                enabled: true,
                endpoint: Some(format!("http://{}", self.addr)),
                region: Some("eu-central-1".to_owned()),
                addressing: S3Addressing::Path,
                credentials: key(KEY_ID, KEY),
            },
            limits: limits(),
            ..OriginsSpec::default()
        }
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn key(id: &str, secret: &str) -> S3Credentials {
    S3Credentials::Static { access_key_id: id.into(), secret_access_key: secret.into(), session_token: None }
}

async fn accept(listener: TcpListener, service: S3Service, served: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (service, served) = (service.clone(), Arc::clone(&served));
        let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (service, served) = (service.clone(), Arc::clone(&served));
            async move {
                served.fetch_add(1, Ordering::SeqCst);
                let known = request.headers().get("if-none-match").cloned();
                let answered = hyper::service::Service::call(&service, request).await?;
                // The server checks signatures but not conditions on reads: those are added here.
                if known.is_some() && known.as_ref() == answered.headers().get("etag") {
                    let mut unchanged = hyper::Response::new(s3s::Body::empty());
                    *unchanged.status_mut() = hyper::StatusCode::NOT_MODIFIED;
                    return Ok(unchanged);
                }
                Ok::<_, s3s::HttpError>(answered)
            }
        });
        let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(serving);
    }
}

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

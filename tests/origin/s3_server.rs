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
use tintype::origin::{OriginsSpec, S3Addressing, S3Credentials, S3Spec};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::support::limits;

pub const KEY_ID: &str = "AKIAEXAMPLE";
pub const KEY: &str = "example/secret+key";

/// The server, with one bucket `pictures`.
pub struct S3 {
    pub addr: SocketAddr,
    pub folder: TempDir,
    pub served: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl S3 {
    pub async fn start(domain: Option<&str>) -> Self {
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

    pub fn put(&self, key: &str, body: &[u8]) {
        let path = self.folder.path().join("pictures").join(key);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, body).expect("an object");
    }

    pub fn spec(&self) -> OriginsSpec {
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

pub fn key(id: &str, secret: &str) -> S3Credentials {
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

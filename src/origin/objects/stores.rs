//! One store for each bucket that is asked for, made when it is first asked for. All buckets of a backend share its
//! credentials, so that a role is asked for a token once and not once for each bucket.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::azure::{AzureCredentialProvider, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use url::{Host, Url};

use super::super::client::Clients;
use super::super::error::{OriginError, OriginSetupError};
use super::super::source::Backend;
use super::super::spec::{AzSpec, GsSpec, OriginsSpec, S3Addressing, S3Credentials, S3Spec};
use super::connector::Connector;

/// Second and third tries of one request; `object_store` retries broken connections, 5xx and 429.
const RETRIES_MAX: usize = 2;
/// No retry begins later than this after the first try.
const RETRY_MS_MAX: u64 = 4_000;
const BACKOFF_MS_MIN: u64 = 50;
const BACKOFF_MS_MAX: u64 = 1_000;
/// Stands for a bucket while the configuration is tried out; nothing is sent.
const TRIAL_BUCKET: &str = "trial";

/// The stores in use, and how to make another.
pub(in crate::origin) struct Stores {
    s3: Option<S3Backend>,
    gs: Option<GsBackend>,
    az: Option<AzBackend>,
    open: Cache<(Backend, String), Arc<dyn ObjectStore>>,
    connector: Connector,
}

struct S3Backend {
    spec: S3Spec,
    credentials: AwsCredentialProvider,
}

struct GsBackend {
    spec: GsSpec,
    credentials: GcpCredentialProvider,
}

struct AzBackend {
    spec: AzSpec,
    credentials: AzureCredentialProvider,
}

// === impl Stores ===

impl Stores {
    /// Tries the configuration of each backend that is enabled, so that mistakes show at start.
    pub(in crate::origin) fn new(spec: &OriginsSpec, clients: &Arc<Clients>) -> Result<Self, OriginSetupError> {
        let connector = Connector::new(clients, &spec.limits);
        let s3 = spec.s3.enabled.then(|| S3Backend::new(&spec.s3, &connector)).transpose()?;
        let gs = spec.gs.enabled.then(|| GsBackend::new(&spec.gs, &connector)).transpose()?;
        let az = spec.az.enabled.then(|| AzBackend::new(&spec.az, &connector)).transpose()?;
        Ok(Self { s3, gs, az, open: Cache::new(spec.limits.buckets_max), connector })
    }

    /// The store of a bucket.
    pub(in crate::origin) fn get(&self, backend: Backend, bucket: &str) -> Result<Arc<dyn ObjectStore>, OriginError> {
        if let Some(store) = self.open.get(&(backend, bucket.to_owned())) {
            return Ok(store);
        }
        let made = match backend {
            Backend::S3 => self.s3.as_ref().map(|s3| s3.store(bucket, &self.connector)),
            Backend::Gs => self.gs.as_ref().map(|gs| gs.store(bucket, &self.connector)),
            Backend::Az => self.az.as_ref().map(|az| az.store(bucket, &self.connector)),
        };
        let store = made.ok_or(OriginError::UnsupportedScheme)?.map_err(OriginError::unreachable)?;
        self.open.insert((backend, bucket.to_owned()), Arc::clone(&store));
        Ok(store)
    }
}

// === impl S3Backend ===

impl S3Backend {
    fn new(spec: &S3Spec, connector: &Connector) -> Result<Self, OriginSetupError> {
        let trial = s3_builder(spec, TRIAL_BUCKET, connector)?.build().map_err(|error| setup(Backend::S3, error))?;
        Ok(Self { spec: spec.clone(), credentials: Arc::clone(trial.credentials()) })
    }

    fn store(&self, bucket: &str, connector: &Connector) -> object_store::Result<Arc<dyn ObjectStore>> {
        let builder = s3_builder(&self.spec, bucket, connector).map_err(as_store_error)?;
        Ok(Arc::new(builder.with_credentials(Arc::clone(&self.credentials)).build()?))
    }
}

// === impl GsBackend ===

impl GsBackend {
    fn new(spec: &GsSpec, connector: &Connector) -> Result<Self, OriginSetupError> {
        let trial = gs_builder(spec, TRIAL_BUCKET, connector)?.build().map_err(|error| setup(Backend::Gs, error))?;
        Ok(Self { spec: spec.clone(), credentials: Arc::clone(trial.credentials()) })
    }

    fn store(&self, bucket: &str, connector: &Connector) -> object_store::Result<Arc<dyn ObjectStore>> {
        let builder = gs_builder(&self.spec, bucket, connector).map_err(as_store_error)?;
        Ok(Arc::new(builder.with_credentials(Arc::clone(&self.credentials)).build()?))
    }
}

// === impl AzBackend ===

impl AzBackend {
    fn new(spec: &AzSpec, connector: &Connector) -> Result<Self, OriginSetupError> {
        let trial = az_builder(spec, TRIAL_BUCKET, connector)?.build().map_err(|error| setup(Backend::Az, error))?;
        Ok(Self { spec: spec.clone(), credentials: Arc::clone(trial.credentials()) })
    }

    fn store(&self, bucket: &str, connector: &Connector) -> object_store::Result<Arc<dyn ObjectStore>> {
        let builder = az_builder(&self.spec, bucket, connector).map_err(as_store_error)?;
        Ok(Arc::new(builder.with_credentials(Arc::clone(&self.credentials)).build()?))
    }
}

fn s3_builder(spec: &S3Spec, bucket: &str, connector: &Connector) -> Result<AmazonS3Builder, OriginSetupError> {
    let env = AmazonS3Builder::from_env();
    let from_env = |key| env.get_config_value(&key);
    let endpoint = spec
        .endpoint
        .clone()
        .or_else(|| from_env(AmazonS3ConfigKey::S3Endpoint))
        .or_else(|| from_env(AmazonS3ConfigKey::Endpoint));
    let region = spec
        .region
        .clone()
        .or_else(|| from_env(AmazonS3ConfigKey::Region))
        .or_else(|| from_env(AmazonS3ConfigKey::DefaultRegion));
    let mut builder = match &spec.credentials {
        S3Credentials::Environment => env,
        S3Credentials::Anonymous => AmazonS3Builder::new().with_skip_signature(true),
        // Not on top of the environment: its session token would not belong to this key.
        S3Credentials::Static { access_key_id, secret_access_key, session_token } => {
            let builder =
                AmazonS3Builder::new().with_access_key_id(access_key_id).with_secret_access_key(secret_access_key);
            match session_token {
                Some(token) => builder.with_token(token),
                None => builder,
            }
        }
    };
    let mut is_virtual = spec.addressing == S3Addressing::VirtualHost && !bucket.contains('.');
    let mut options = ClientOptions::new();
    if let Some(endpoint) = endpoint {
        let url = parse_endpoint(&endpoint)?;
        is_virtual &= matches!(url.host(), Some(Host::Domain(_)));
        options = options.with_allow_http(url.scheme() == "http");
        let address = if is_virtual { before_host(&url, bucket) } else { endpoint };
        // Of the two keys the environment may have set either; the first one rules.
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, address);
    }
    if let Some(region) = region {
        builder = builder.with_region(region);
    }
    Ok(builder
        .with_bucket_name(bucket)
        .with_virtual_hosted_style_request(is_virtual)
        .with_client_options(options)
        .with_retry(retry())
        .with_http_connector(connector.clone()))
}

fn gs_builder(
    spec: &GsSpec,
    bucket: &str,
    connector: &Connector,
) -> Result<GoogleCloudStorageBuilder, OriginSetupError> {
    let mut builder = GoogleCloudStorageBuilder::from_env();
    if spec.anonymous {
        builder = builder.with_skip_signature(true);
    }
    let mut options = ClientOptions::new();
    if let Some(endpoint) = &spec.endpoint {
        options = options.with_allow_http(parse_endpoint(endpoint)?.scheme() == "http");
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    Ok(builder
        .with_bucket_name(bucket)
        .with_client_options(options)
        .with_retry(retry())
        .with_http_connector(connector.clone()))
}

fn az_builder(
    spec: &AzSpec,
    container: &str,
    connector: &Connector,
) -> Result<MicrosoftAzureBuilder, OriginSetupError> {
    let mut builder = MicrosoftAzureBuilder::from_env();
    if spec.anonymous {
        builder = builder.with_skip_signature(true);
    }
    let mut options = ClientOptions::new();
    if let Some(endpoint) = &spec.endpoint {
        options = options.with_allow_http(parse_endpoint(endpoint)?.scheme() == "http");
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
    }
    if let Some(account) = &spec.account {
        builder = builder.with_account(account);
    }
    Ok(builder
        .with_container_name(container)
        .with_client_options(options)
        .with_retry(retry())
        .with_http_connector(connector.clone()))
}

fn retry() -> RetryConfig {
    RetryConfig {
        max_retries: RETRIES_MAX,
        retry_timeout: Duration::from_millis(RETRY_MS_MAX),
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(BACKOFF_MS_MIN),
            max_backoff: Duration::from_millis(BACKOFF_MS_MAX),
            base: 2.0,
        },
    }
}

fn parse_endpoint(endpoint: &str) -> Result<Url, OriginSetupError> {
    let fault = || OriginSetupError::Endpoint { endpoint: endpoint.to_owned() };
    let url = Url::parse(endpoint).map_err(|_| fault())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain { Ok(url) } else { Err(fault()) }
}

/// The endpoint with a bucket's name before its host.
fn before_host(endpoint: &Url, bucket: &str) -> String {
    let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = endpoint.host_str().unwrap_or_default();
    format!("{}://{bucket}.{host}{port}{}", endpoint.scheme(), endpoint.path().trim_end_matches('/'))
}

fn setup(backend: Backend, error: object_store::Error) -> OriginSetupError {
    OriginSetupError::ObjectStore { scheme: backend.scheme(), cause: Arc::new(error) }
}

fn as_store_error(error: OriginSetupError) -> object_store::Error {
    object_store::Error::Generic { store: "origin", source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_addresses_of_hosts() {
        for endpoint in ["http://minio:9000", "https://s3.example/", "https://s3.example/prefix", "http://[::1]:9000"] {
            parse_endpoint(endpoint).expect(endpoint);
        }
        for endpoint in ["", "minio:9000", "s3.example", "ftp://h", "http://u@h", "http://h?x", "http://h#x"] {
            assert!(matches!(parse_endpoint(endpoint), Err(OriginSetupError::Endpoint { .. })), "{endpoint}");
        }
    }

    #[test]
    fn a_bucket_stands_before_the_host() {
        let url = |text| parse_endpoint(text).expect(text);
        assert_eq!(before_host(&url("http://s3.example:9000/"), "b"), "http://b.s3.example:9000");
        assert_eq!(before_host(&url("https://s3.example/p/"), "b"), "https://b.s3.example/p");
    }
}

//! What the room is set up with: plain data, safe on the open internet by default.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::OriginSetupError;
use super::query::QueryRule;
use crate::semantics::loops::Identity;

/// Says whether a source, written as a URL, is among the allowed ones.
pub type SourceAllowed = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Where originals may come from, and how.
#[derive(Clone)]
pub struct OriginsSpec {
    /// The folder of `local://` sources; `None` switches them off.
    pub local_root: Option<PathBuf>,
    /// Whether 127.0.0.0/8 and `::1` may be fetched from, on any port.
    pub allow_loopback: bool,
    /// Whether 169.254.0.0/16 and `fe80::/10` may be fetched from, on any port, but not those at which
    /// clouds hand out credentials.
    pub allow_link_local: bool,
    /// Whether 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and `fc00::/7` may be fetched from, on any port.
    pub allow_private: bool,
    /// Whether `64:ff9b::/96` stands for the IPv4 address inside it (RFC 6052); refused otherwise.
    pub allow_nat64: bool,
    /// Ports of public addresses.
    pub allowed_ports: Vec<u16>,
    /// Exact `host:port` pairs that are trusted as written, whatever they resolve to.
    pub trusted_hosts: Vec<String>,
    /// Asked about the address of every HTTP fetch and of each redirect, in the parser's normal form: lower-case
    /// scheme and host, no `.` or `..` segments, no fragment.
    pub source_allowed: SourceAllowed,
    /// Query parameters that are no part of an original's identity.
    pub ignored_query: Vec<QueryRule>,
    /// What separates an object's key from its version, and a local path from nothing; `None` cuts nothing.
    pub query_separator: Option<char>,
    /// `s3://bucket/key`.
    pub s3: S3Spec,
    /// `gs://bucket/key`.
    pub gs: GsSpec,
    /// `az://container/key`, also written `abs://`.
    pub az: AzSpec,
    /// This server in `CDN-Loop` and `Via` of every fetch.
    pub identity: Identity,
    /// `User-Agent` of every fetch.
    pub user_agent: String,
    /// Name servers to ask instead of the system's.
    pub nameservers: Vec<SocketAddr>,
    /// Limits of every fetch.
    pub limits: OriginLimits,
}

/// Limits of every fetch. None of them may be 0, except `redirects_max`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginLimits {
    /// Bytes of an original.
    pub source_bytes_max: u64,
    /// Redirects followed; 0 follows none.
    pub redirects_max: u32,
    /// Name, connection and TLS together.
    pub connect_ms_max: u64,
    /// From the start of a request, its connection included, to the end of the answer's header.
    pub first_byte_ms_max: u64,
    /// Between two pieces of a body.
    pub idle_ms_max: u64,
    /// A fetch as a whole, redirects, retries and the wait for a slot included.
    pub total_ms_max: u64,
    /// Bytes of an answer's header.
    pub header_bytes_max: u32,
    /// Fetches from one host or bucket at a time.
    pub per_origin_fetches_max: usize,
    /// Fetches at a time.
    pub fetches_max: usize,
    /// Wait for one of these fetches to end.
    pub slot_wait_ms_max: u64,
    /// Local files read at a time; each occupies a thread.
    pub local_reads_max: usize,
    /// Buckets that are kept connected.
    pub buckets_max: u64,
}

/// Amazon S3 and everything that speaks its protocol.
#[derive(Debug, Clone, Default)]
pub struct S3Spec {
    /// Whether `s3://` is a scheme.
    pub enabled: bool,
    /// `http` or `https` address of the service, trusted as written; `None` is `AWS_ENDPOINT_URL_S3`,
    /// `AWS_ENDPOINT` or Amazon itself.
    pub endpoint: Option<String>,
    /// `None` is `AWS_REGION`, `AWS_DEFAULT_REGION` or us-east-1.
    pub region: Option<String>,
    /// How a bucket is addressed.
    pub addressing: S3Addressing,
    /// Who asks.
    pub credentials: S3Credentials,
}

/// How a bucket is addressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum S3Addressing {
    /// By its name in the path, which every compatible service understands.
    #[default]
    Path,
    /// By its name before the host. A bucket with a dot in its name is still addressed by path, since no
    /// certificate would match.
    VirtualHost,
}

/// Who asks an S3 service.
#[derive(Clone, Default)]
pub enum S3Credentials {
    /// Whoever the environment names: keys, a web identity, a container's or an instance's role.
    #[default]
    Environment,
    /// Nobody: requests are not signed.
    Anonymous,
    /// A key written in the configuration.
    Static {
        /// Identifier of the key.
        access_key_id: String,
        /// The key.
        secret_access_key: String,
        /// Token of a temporary key.
        session_token: Option<String>,
    },
}

/// Google Cloud Storage; credentials come from the environment.
#[derive(Debug, Clone, Default)]
pub struct GsSpec {
    /// Whether `gs://` is a scheme.
    pub enabled: bool,
    /// `http` or `https` address of the service, trusted as written; `None` is Google itself.
    pub endpoint: Option<String>,
    /// Whether requests go without credentials.
    pub anonymous: bool,
}

/// Azure Blob Storage; credentials come from the environment.
#[derive(Debug, Clone, Default)]
pub struct AzSpec {
    /// Whether `az://` and `abs://` are schemes.
    pub enabled: bool,
    /// Name of the storage account; `None` is `AZURE_STORAGE_ACCOUNT_NAME`.
    pub account: Option<String>,
    /// `http` or `https` address of the service, trusted as written; `None` is Azure itself.
    pub endpoint: Option<String>,
    /// Whether requests go without credentials.
    pub anonymous: bool,
}

// === impl OriginsSpec ===

impl Default for OriginsSpec {
    fn default() -> Self {
        Self {
            local_root: None,
            allow_loopback: false,
            allow_link_local: false,
            allow_private: false,
            allow_nat64: false,
            allowed_ports: vec![80, 443],
            trusted_hosts: Vec::new(),
            source_allowed: Arc::new(|_| true),
            ignored_query: QueryRule::presigned(),
            query_separator: Some('?'),
            s3: S3Spec::default(),
            gs: GsSpec::default(),
            az: AzSpec::default(),
            identity: Identity::default(),
            user_agent: concat!("tintype/", env!("CARGO_PKG_VERSION")).to_owned(),
            nameservers: Vec::new(),
            limits: OriginLimits::default(),
        }
    }
}

// === impl OriginLimits ===

impl Default for OriginLimits {
    fn default() -> Self {
        Self {
            source_bytes_max: 64 * 1024 * 1024,
            redirects_max: 3,
            connect_ms_max: 2_000,
            first_byte_ms_max: 5_000,
            idle_ms_max: 5_000,
            total_ms_max: 20_000,
            header_bytes_max: 32 * 1024,
            per_origin_fetches_max: 64,
            fetches_max: 128,
            slot_wait_ms_max: 3_000,
            local_reads_max: 16,
            buckets_max: 64,
        }
    }
}

impl OriginLimits {
    pub(super) fn check(&self) -> Result<(), OriginSetupError> {
        let limits = [
            ("source_bytes_max", self.source_bytes_max == 0),
            ("connect_ms_max", self.connect_ms_max == 0),
            ("first_byte_ms_max", self.first_byte_ms_max == 0),
            ("idle_ms_max", self.idle_ms_max == 0),
            ("total_ms_max", self.total_ms_max == 0),
            ("header_bytes_max", self.header_bytes_max == 0),
            ("per_origin_fetches_max", self.per_origin_fetches_max == 0),
            ("fetches_max", self.fetches_max == 0),
            ("slot_wait_ms_max", self.slot_wait_ms_max == 0),
            ("local_reads_max", self.local_reads_max == 0),
            ("buckets_max", self.buckets_max == 0),
        ];
        match limits.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(OriginSetupError::ZeroLimit { name }),
            None => Ok(()),
        }
    }
}

// === impl S3Credentials ===

impl fmt::Debug for S3Credentials {
    /// Names the kind only: a key must not get into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Anonymous => "Anonymous",
            Self::Static { .. } => "Static(redacted)",
        })
    }
}

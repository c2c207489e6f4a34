//! The configuration as typed values, in the groups in which rooms take them.
//!
//! Each field is the setting of the same name; the table says what it is for and in which range it is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::cidr::Cidr;
use super::mounts::Mount;
use super::secret::Secret;
use super::values::Values;

/// The effective configuration of a process. Plain data; `Debug` shows no secrets.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub admin: Admin,
    pub signing: Signing,
    pub urls: Urls,
    pub presets: Presets,
    pub sources: Sources,
    pub stores: Stores,
    pub fetch: Fetch,
    pub formats: Formats,
    pub pixels: Pixels,
    pub limits: Limits,
    pub engine: Engine,
    pub cache: Cache,
    pub shared: Shared,
    pub freshness: Freshness,
    pub mounts: Mounts,
    pub logging: Logging,
    /// What the groups were made from, for [`Config::effective`] and [`Config::reloaded`].
    pub(super) values: Values,
}

/// The listener for images and its answers.
#[derive(Debug, Clone)]
pub struct Server {
    pub listen: SocketAddr,
    pub connections_max: usize,
    /// Whether connections of trusted proxies begin with the PROXY protocol.
    pub proxy_protocol: bool,
    /// Who may say whose requests it passes on.
    pub trusted_proxies: Vec<Cidr>,
    /// Names of fields in lower case.
    pub forwarded_fields: Vec<&'static str>,
    pub misses_max: usize,
    /// 0 for any number.
    pub client_misses_max: usize,
    pub header_bytes_max: usize,
    pub header_timeout: Duration,
    pub keep_alive_timeout: Duration,
    pub request_timeout: Duration,
    pub drain_delay: Duration,
    pub drain_timeout: Duration,
    /// `None` sends no header.
    pub cors_origin: Option<String>,
    pub server_timing: bool,
    pub cache_status_name: String,
    /// Names of fields in lower case.
    pub tag_headers: Vec<&'static str>,
}

/// The listener for operations.
#[derive(Debug, Clone)]
pub struct Admin {
    /// `None` for no such listener.
    pub listen: Option<SocketAddr>,
    pub token: Option<Secret>,
}

/// Who may ask.
#[derive(Debug, Clone)]
pub struct Signing {
    pub keys: Vec<KeyPair>,
    pub algorithm: SignatureAlgorithm,
    /// Bytes, 1 to 32.
    pub size_bytes: usize,
    pub trusted: Vec<Secret>,
    pub allow_unsigned: bool,
    /// The token that every image request must carry, where one is set.
    pub bearer: Option<Secret>,
}

/// A key of signatures with its salt, both decoded.
#[derive(Debug, Clone)]
pub struct KeyPair {
    pub key: Secret,
    pub salt: Secret,
}

/// How signatures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    HmacSha256,
    Blake3,
}

/// The shape of a URL.
#[derive(Debug, Clone)]
pub struct Urls {
    /// Empty, or with a slash at its beginning and none at its end.
    pub path_prefix: String,
    /// At least one character.
    pub arguments_separator: String,
    pub only_presets: bool,
    /// Empty allows all.
    pub allowed_options: Vec<String>,
    pub base_url: String,
    /// Patterns and what takes their place, in order.
    pub replacements: Vec<(String, String)>,
    pub base64_includes_filename: bool,
    pub bytes_max: usize,
    pub options_max: usize,
    pub query: UrlQuery,
}

/// What becomes of a query string behind an image URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlQuery {
    Ignore,
    /// 400.
    Refuse,
    /// 308 to the URL without it.
    Redirect,
}

/// Where presets come from.
#[derive(Debug, Clone)]
pub struct Presets {
    /// `None` for the shipped ones.
    pub path: Option<PathBuf>,
}

/// Where originals may come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Patterns of beginnings; empty allows all.
    pub allowed: Vec<String>,
    /// `None` for no `local://` sources.
    pub local_root: Option<PathBuf>,
    pub allow_loopback: bool,
    pub allow_link_local: bool,
    pub allow_private: bool,
    pub allowed_ports: Vec<u16>,
    /// Whether what object stores and CDNs add to signed links is ignored.
    pub ignore_presigned: bool,
    /// Further names of query parameters that are ignored; `*` at an end stands for any rest.
    pub ignored_query_parameters: Vec<String>,
    /// Between the key of an object and its version; `None` never cuts.
    pub query_separator: Option<char>,
}

/// Object stores; each `None` unless enabled.
#[derive(Debug, Clone)]
pub struct Stores {
    pub s3: Option<S3>,
    pub gs: Option<Gs>,
    pub az: Option<Az>,
}

/// Amazon S3 and what speaks its protocol.
#[derive(Debug, Clone)]
pub struct S3 {
    /// `None` leaves it to the environment of the AWS tools, and without that it is Amazon's.
    pub endpoint: Option<String>,
    /// `None` leaves it to the environment of the AWS tools.
    pub region: Option<String>,
    pub path_style: bool,
    pub anonymous: bool,
}

/// Google Cloud Storage.
#[derive(Debug, Clone)]
pub struct Gs {
    pub endpoint: Option<String>,
    pub anonymous: bool,
}

/// Azure Blob Storage.
#[derive(Debug, Clone)]
pub struct Az {
    pub endpoint: Option<String>,
    /// `None` leaves it to the environment of the Azure tools.
    pub account: Option<String>,
    pub anonymous: bool,
}

/// Limits of fetches.
#[derive(Debug, Clone)]
pub struct Fetch {
    pub fetches_max: usize,
    pub source_fetches_max: usize,
    pub redirects_max: usize,
    pub connect_timeout: Duration,
    pub first_byte_timeout: Duration,
    pub idle_timeout: Duration,
    pub timeout: Duration,
    pub source_bytes_max: u64,
    /// `None` gives every process a name of its own.
    pub loop_name: Option<String>,
    pub loop_hops_max: usize,
}

/// Which formats come out, and how good.
#[derive(Debug, Clone)]
pub struct Formats {
    /// Some of `avif`, `webp` and `jxl`, best first.
    pub preference: Vec<&'static str>,
    /// 1 to 100, for formats without their own.
    pub quality: u8,
    /// Names of formats, none twice, each with 1 to 100.
    pub format_quality: Vec<(&'static str, u8)>,
    /// Names of formats.
    pub skip_processing: Vec<&'static str>,
    /// Whether an original whose data end too early is refused, not shown as far as it goes.
    pub refuse_truncated: bool,
}

/// What happens to pixels and metadata where options say nothing.
#[derive(Debug, Clone)]
pub struct Pixels {
    pub linear_light: bool,
    pub auto_rotate: bool,
    pub strip_metadata: bool,
    pub keep_copyright: bool,
    pub strip_color_profile: bool,
    pub epoch: u32,
}

/// Limits of pictures.
#[derive(Debug, Clone)]
pub struct Limits {
    pub source_pixels_max: u64,
    pub source_side_max: u32,
    pub frames_max: u32,
    /// `None` counts all frames together against `source_pixels_max`.
    pub frame_pixels_max: Option<u64>,
    pub output_side_max: u32,
    pub output_pixels_max: u64,
}

/// The workers and their queue.
#[derive(Debug, Clone)]
pub struct Engine {
    /// `None` for one per core.
    pub workers: Option<usize>,
    pub isolation: Isolation,
    pub sandbox: Sandbox,
    /// Address space of a worker process; 0 for any.
    pub worker_memory_bytes: u64,
    /// Memory in RAM beyond which a worker process is replaced; 0 for never.
    pub worker_resident_bytes_max: u64,
    /// Pictures after which a worker process is replaced; 0 for never.
    pub worker_jobs_max: u64,
    pub queue_jobs_max: usize,
    pub queue_timeout: Duration,
    pub transform_timeout: Duration,
}

/// Where pictures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// In processes where there can be.
    Auto,
    Process,
    Thread,
}

/// How much must confine worker processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    Require,
    Prefer,
    Off,
}

/// Tiers.
#[derive(Debug, Clone)]
pub struct Cache {
    /// 0 keeps none.
    pub memory_bytes: u64,
    /// 0 keeps none.
    pub originals_memory_bytes: u64,
    /// `None` keeps nothing on disk.
    pub disk_path: Option<PathBuf>,
    pub disk_bytes: u64,
    pub originals_disk_bytes: u64,
    pub files_disk_bytes: u64,
    pub disk_queue_bytes: u64,
    pub disk_retry: Duration,
}

/// The bucket that nodes share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// `None` for none.
    pub bucket: Option<SharedBucket>,
    pub get_timeout: Duration,
    pub queue_bytes_max: u64,
    pub marks_poll: Duration,
    pub keep: Duration,
    pub clock_skew: Duration,
}

/// Where the shared bucket is.
#[derive(Debug, Clone)]
pub struct SharedBucket {
    pub store: SharedStore,
    pub name: String,
    /// Without slashes at its ends; empty for none.
    pub prefix: String,
}

/// The store of the shared bucket, with the settings of its kind.
#[derive(Debug, Clone)]
pub enum SharedStore {
    S3(S3),
    Gs(Gs),
    Az(Az),
}

/// How long things are good.
#[derive(Debug, Clone)]
pub struct Freshness {
    pub ttl: Duration,
    pub ttl_truncated: Duration,
    pub origin_ttl: Duration,
    /// Whether an origin's own fields decide where it sends them.
    pub honours_origin: bool,
    pub stale_while_revalidate: Duration,
    pub stale_if_error: Duration,
    /// 0 sends no field of its own to CDNs.
    pub ttl_cdn: Duration,
    pub not_found: Duration,
    pub refused: Duration,
    pub origin_error: Duration,
    pub undecodable: Duration,
}

/// Pass-through mounts.
#[derive(Debug, Clone)]
pub struct Mounts {
    /// No two of the same prefix, and none where images are.
    pub list: Vec<Mount>,
    /// 0 keeps none.
    pub memory_bytes: u64,
    pub body_bytes_max: u64,
    pub request_bytes_max: u64,
}

/// What is logged, and how: names that the logs know.
#[derive(Debug, Clone, Copy)]
pub struct Logging {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// `text` or `json`.
    pub format: &'static str,
}

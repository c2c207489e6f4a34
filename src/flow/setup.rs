//! From the configuration to a flow: each room gets plain data of its own, made here and nowhere else.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::behind::Outdated;
use super::looped::identity;
use super::mount::Mounts;
use super::shared::shared_spec;
use super::{Flow, FlowLimits, LiveRules, Originals, Rules};
use crate::cache::{
    DiskBudgets, DiskError, DiskSpec, DiskTier, FlightLimits, Flights, Labels, Marks, MarksError, Negative, SharedTier,
    Stamp, Stamps, TierNames, Tiers,
};
use crate::config::{self, Config};
use crate::engine::vips::VipsError;
use crate::engine::{Broken, Limits, Patience, Pool, PoolSpec};
use crate::origin::{
    AzSpec, GsSpec, ObjectBucket, OriginLimits, OriginSetupError, Origins, OriginsSpec, QueryRule, S3Addressing,
    S3Credentials, S3Spec,
};
use crate::policy::{Policy, Preset};
use crate::url::{
    self, DialectSpec, KeyPair, PresetProblem, Replacement, ReplacementError, SignatureAlgorithm, Signing,
    source_matches,
};

/// Why a flow cannot be set up; read by who configured it.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("libvips cannot be used")]
    Engine(#[from] VipsError),
    #[error("originals cannot be fetched as configured")]
    Origins(#[from] OriginSetupError),
    #[error("the disk tier cannot be used")]
    Disk(#[from] DiskError),
    #[error("the journal of purges in cache.disk_path cannot be used")]
    Marks(#[from] MarksError),
    #[error("the shared bucket cannot be used as configured")]
    Shared(#[source] OriginSetupError),
    #[error("url_replacements cannot be used")]
    Replacements(#[from] ReplacementError),
    #[error("{} of the presets cannot be used: {}", .0.len(), listed(.0))]
    Presets(Vec<PresetProblem>),
}

/// Raised by whoever changes what the pipeline makes of the same transform.
const PIPELINE_VERSION: u32 = 1;

/// Renewals under way that nobody waits for, most of which wait for an origin.
const RENEWALS_MAX: usize = 64;

const VARIANTS: TierNames = TierNames { memory: "memory", disk: "disk" };
const ORIGINALS: TierNames = TierNames { memory: "originals_memory", disk: "originals_disk" };

/// In the folder of the disk tier.
const MARKS_FILE: &str = "purges";

/// Pictures that failed a moment ago, at most.
const FAILED_MAX: usize = 10_000;

// === impl Flow ===

impl Flow {
    /// A flow of this configuration and these presets; starts libvips and the engine's threads.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn try_new(config: &Config, presets: &[Preset], tracker: TaskTracker) -> Result<Arc<Self>, SetupError> {
        let workers = config.engine.workers.unwrap_or_else(cores);
        let pool = Pool::start(PoolSpec { workers, queue_jobs_max: config.engine.queue_jobs_max })?;
        let rules = rules(config, presets, &pool)?;
        let rules = Arc::new(LiveRules::from_pointee(rules));
        let live = Arc::clone(&rules);
        // Redirects follow the rules in force, not those of the start.
        let source_allowed = Arc::new(move |source: &str| live.load().allows(source));
        let identity = identity(config);
        let spec = OriginsSpec { source_allowed, identity: identity.clone(), ..origins_spec(config) };
        let origins = Arc::new(Origins::new(&spec)?);
        let (disk, marks) = disk_and_marks(config)?;
        let stop = CancellationToken::new();
        let shared = shared(config, &marks, &tracker, &stop)?;
        let originals = Tiers::new(config.cache.originals_memory_bytes, Arc::clone(&marks), ORIGINALS);
        let variants = Tiers::new(config.cache.memory_bytes, Arc::clone(&marks), VARIANTS);
        let name = &config.server.cache_status_name;
        let (disk_of_files, marks_of_files) = (disk.clone(), Arc::clone(&marks));
        let mounts =
            Mounts::new(&config.mounts, name, Arc::clone(&origins), disk_of_files, marks_of_files, tracker.clone())?;
        Ok(Arc::new(Self {
            rules,
            mounts: Arc::new(mounts),
            config: config.clone(),
            originals: Originals::new(origins, originals.with_disk(disk.clone()), Arc::clone(&marks), tracker.clone()),
            variants: variants.with_disk(disk.clone()).with_shared(shared.clone()),
            disk,
            shared,
            marks,
            is_journal_behind: Arc::default(),
            failed: Negative::new(FAILED_MAX),
            flights: Flights::new(FlightLimits::of("variant")),
            looks: Flights::new(FlightLimits::of("look")),
            behind: Arc::new(Semaphore::new(RENEWALS_MAX)),
            outdated: Outdated::default(),
            fingerprint: fingerprint(config, &pool),
            pool,
            identity,
            tracker,
            stop,
        }))
    }

    /// Takes what of a new configuration can be taken while running, and names the settings that need a start.
    ///
    /// # Errors
    /// [`SetupError`]; then the old rules stay.
    pub fn reload(&self, fresh: &Config, presets: &[Preset]) -> Result<Vec<&'static str>, SetupError> {
        let (config, needs_start) = self.config.reloaded(fresh);
        self.rules.store(Arc::new(rules(&config, presets, &self.pool)?));
        Ok(needs_start)
    }
}

/// The disk tier where one is configured, and the marks of purges, which lie in its folder. The folder is locked before
/// the marks are read: two processes that write one journal would lose purges.
fn disk_and_marks(config: &Config) -> Result<(Option<DiskTier>, Arc<Marks>), SetupError> {
    let cache = &config.cache;
    let Some(folder) = &cache.disk_path else {
        return Ok((None, Arc::new(Marks::in_memory(Stamps::default()))));
    };
    let budgets = DiskBudgets {
        variants_bytes: cache.disk_bytes,
        originals_bytes: cache.originals_disk_bytes,
        files_bytes: cache.files_disk_bytes,
    };
    let opened: Arc<OnceLock<Arc<Marks>>> = Arc::default();
    let asked = Arc::clone(&opened);
    let spec = DiskSpec::new(folder.clone(), budgets, cache.disk_queue_bytes);
    let spec = DiskSpec { retry_after: cache.disk_retry, ..spec };
    let is_gone = move |stamp: Stamp, labels: &Labels| {
        let marks = asked.wait();
        // Kept while the clock was ahead, before it was put right: no purge of now would be younger.
        stamp > marks.stamps().now() || marks.is_gone(stamp, labels)
    };
    let disk = DiskTier::open(spec, Arc::new(is_gone))?;
    let marks = Arc::new(Marks::open(&folder.join(MARKS_FILE), Stamps::default())?);
    opened.get_or_init(|| Arc::clone(&marks));
    Ok((Some(disk), marks))
}

/// The shared tier where one is configured.
fn shared(
    config: &Config,
    marks: &Arc<Marks>,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Option<SharedTier>, SetupError> {
    let Some((spec, bucket)) = shared_spec(config) else {
        return Ok(None);
    };
    let bucket = ObjectBucket::new(&bucket).map_err(SetupError::Shared)?;
    Ok(Some(SharedTier::start(spec, Arc::new(bucket), Arc::clone(marks), tracker, stop)))
}

/// What makes pixels here. Two servers with the same one make the same bytes of the same transform.
fn fingerprint(config: &Config, pool: &Pool) -> String {
    let libvips = pool.vips().caps.fingerprint();
    format!("pipeline {PIPELINE_VERSION}, {libvips}, linear light {}", config.pixels.linear_light)
}

fn rules(config: &Config, presets: &[Preset], pool: &Pool) -> Result<Rules, SetupError> {
    let dialect = dialect(config, presets)?;
    let problems = url::check_presets(&dialect, crate::telemetry::clock::now_unix_s());
    if !problems.is_empty() {
        return Err(SetupError::Presets(problems));
    }
    Ok(Rules {
        dialect,
        policy: Policy::new(config, |format| pool.vips().saves(format)),
        bearer: config.signing.bearer.clone(),
        pixel_epoch: config.pixels.epoch,
        limits: limits(config),
        mount: "native",
        preset_ttls: presets.iter().filter_map(|preset| Some((preset.name.clone(), preset.ttl?))).collect(),
    })
}

/// How URLs are read under this configuration.
///
/// # Errors
/// The replacements of sources are not of their form.
pub fn dialect(config: &Config, presets: &[Preset]) -> Result<DialectSpec, ReplacementError> {
    let urls = &config.urls;
    let options = |preset: &Preset| (preset.name.clone(), preset.options.clone());
    let list: Vec<String> = urls.replacements.iter().map(|(from, to)| format!("{from}={to}")).collect();
    Ok(DialectSpec {
        path_prefix: urls.path_prefix.clone(),
        separator: urls.arguments_separator.clone(),
        presets: presets.iter().map(options).collect(),
        only_presets: urls.only_presets,
        only_presets_with_handling: false,
        allowed_options: (!urls.allowed_options.is_empty()).then(|| urls.allowed_options.iter().cloned().collect()),
        base_url: urls.base_url.clone(),
        replacements: Replacement::parse_list(&list.join(";"))?,
        options_max: urls.options_max,
        base64_filename: urls.base64_includes_filename,
        signing: signing(&config.signing),
    })
}

fn signing(signing: &config::Signing) -> Signing {
    let pair = |pair: &config::KeyPair| KeyPair { key: pair.key.expose().to_vec(), salt: pair.salt.expose().to_vec() };
    let text = |secret: &config::Secret| String::from_utf8_lossy(secret.expose()).into_owned();
    Signing {
        keys: signing.keys.iter().map(pair).collect(),
        algorithm: match signing.algorithm {
            config::SignatureAlgorithm::HmacSha256 => SignatureAlgorithm::HmacSha256,
            config::SignatureAlgorithm::Blake3 => SignatureAlgorithm::Blake3,
        },
        size: signing.size_bytes,
        trusted: signing.trusted.iter().map(text).collect(),
        allow_unsigned: signing.allow_unsigned,
    }
}

/// How originals are fetched under this configuration.
pub fn origins_spec(config: &Config) -> OriginsSpec {
    let sources = &config.sources;
    let allowed = sources.allowed.clone();
    let mut ignored_query = if sources.ignore_presigned { QueryRule::presigned() } else { Vec::new() };
    ignored_query.extend(sources.ignored_query_parameters.iter().map(|name| QueryRule::always(name)));
    let stores = &config.stores;
    OriginsSpec {
        local_root: sources.local_root.clone(),
        allow_loopback: sources.allow_loopback,
        allow_link_local: sources.allow_link_local,
        allow_private: sources.allow_private,
        allowed_ports: sources.allowed_ports.clone(),
        trusted_hosts: trusted_hosts(&sources.allowed),
        source_allowed: Arc::new(move |source| {
            allowed.is_empty() || allowed.iter().any(|pattern| source_matches(pattern, source))
        }),
        ignored_query,
        query_separator: sources.query_separator,
        s3: stores.s3.as_ref().map(s3).unwrap_or_default(),
        gs: stores.gs.as_ref().map(gs).unwrap_or_default(),
        az: stores.az.as_ref().map(az).unwrap_or_default(),
        limits: origin_limits(&config.fetch),
        ..OriginsSpec::default()
    }
}

pub(super) fn s3(s3: &config::S3) -> S3Spec {
    S3Spec {
        enabled: true,
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        addressing: if s3.path_style { S3Addressing::Path } else { S3Addressing::VirtualHost },
        credentials: if s3.anonymous { S3Credentials::Anonymous } else { S3Credentials::Environment },
    }
}

pub(super) fn gs(gs: &config::Gs) -> GsSpec {
    GsSpec { enabled: true, endpoint: gs.endpoint.clone(), anonymous: gs.anonymous }
}

pub(super) fn az(az: &config::Az) -> AzSpec {
    AzSpec { enabled: true, account: az.account.clone(), endpoint: az.endpoint.clone(), anonymous: az.anonymous }
}

fn origin_limits(fetch: &config::Fetch) -> OriginLimits {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1);
    OriginLimits {
        source_bytes_max: fetch.source_bytes_max,
        redirects_max: u32::try_from(fetch.redirects_max).unwrap_or(u32::MAX),
        connect_ms_max: ms(fetch.connect_timeout),
        first_byte_ms_max: ms(fetch.first_byte_timeout),
        idle_ms_max: ms(fetch.idle_timeout),
        total_ms_max: ms(fetch.timeout),
        fetches_max: fetch.fetches_max,
        ..OriginLimits::default()
    }
}

/// Patterns that name one host and port exactly: who wrote them meant that server, wherever it stands.
fn trusted_hosts(patterns: &[String]) -> Vec<String> {
    let host_and_port = |pattern: &String| {
        let rest = pattern.strip_prefix("http://").or_else(|| pattern.strip_prefix("https://"))?;
        let authority = rest.split('/').next().unwrap_or_default();
        let exact = !authority.contains(['*', '@']) && rest.len() > authority.len();
        let (host, port) = authority.rsplit_once(':')?;
        (exact && !host.is_empty() && port.parse::<u16>().is_ok()).then(|| authority.to_owned())
    };
    patterns.iter().filter_map(host_and_port).collect()
}

fn limits(config: &Config) -> FlowLimits {
    FlowLimits {
        request_timeout: config.server.request_timeout,
        patience: Patience { queue: config.engine.queue_timeout, run: config.engine.transform_timeout },
        engine: engine_limits(config),
    }
}

/// What one picture may cost under this configuration.
pub fn engine_limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        source_pixels_max: limits.source_pixels_max,
        source_side_max: limits.source_side_max,
        frames_max: limits.frames_max,
        frame_pixels_max: limits.frame_pixels_max.unwrap_or(limits.source_pixels_max),
        output_side_max: limits.output_side_max,
        output_pixels_max: limits.output_pixels_max,
        linear_light: config.pixels.linear_light,
        broken: if config.formats.refuse_truncated { Broken::Refuse } else { Broken::Show },
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn listed(problems: &[PresetProblem]) -> String {
    let texts: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.preset, problem.error)).collect();
    texts.join("; ")
}

//! From the configuration to a flow: each room gets plain data of its own, made here and nowhere else.

mod origins;
mod tiers;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::behind::Outdated;
use super::known::KnownUrls;
use super::looped::identity;
use super::misses::Misses;
use super::mount::Mounts;
use super::poison::Poison;
use super::{Flow, FlowLimits, LiveRules, Originals, Rules};
use crate::cache::{DiskError, FlightLimits, Flights, MarksError, Negative, TierNames, Tiers};
use crate::config::{self, Config};
use crate::engine::{Broken, Isolation, Limits, Patience, Pool, PoolSpec, StartError};
use crate::origin::{OriginSetupError, Origins, OriginsSpec};
use crate::policy::{Policy, Preset};
use crate::telemetry::machine;
use crate::url::{
    self, DialectSpec, KeyPair, PresetProblem, Replacement, ReplacementError, SignatureAlgorithm, Signing,
};

#[cfg(target_os = "linux")]
use crate::engine::{
    Retirement,
    sandbox::{Demand, SandboxSpec},
    worker::NurserySpec,
};

pub use origins::origins_spec;
pub(super) use origins::{az, gs, s3};
use tiers::{disk_and_marks, shared};

/// Why a flow cannot be set up; read by who configured it.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("no picture can be made here")]
    Engine(#[from] StartError),
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

/// Pictures that failed a moment ago, at most.
const FAILED_MAX: usize = 10_000;

// === impl Flow ===

impl Flow {
    /// A flow of this configuration and these presets; starts libvips and the engine's threads.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn try_new(config: &Config, presets: &[Preset], tracker: TaskTracker) -> Result<Arc<Self>, SetupError> {
        let pool = Pool::start(&pool_spec(config))?;
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
        let misses = Arc::new(Misses::new(config.server.misses_max, config.server.client_misses_max));
        let name = &config.server.cache_status_name;
        let (disk_of_files, marks_of_files) = (disk.clone(), Arc::clone(&marks));
        let mounts = Mounts::new(
            &config.mounts,
            name,
            Arc::clone(&origins),
            disk_of_files,
            marks_of_files,
            tracker.clone(),
            Arc::clone(&misses),
        )?;
        Ok(Arc::new(Self {
            rules,
            known: KnownUrls::new(),
            mounts: Arc::new(mounts),
            config: config.clone(),
            originals: Originals::new(origins, originals.with_disk(disk.clone()), Arc::clone(&marks), tracker.clone()),
            variants: variants.with_disk(disk.clone()).with_shared(shared.clone()),
            disk,
            shared,
            marks,
            is_journal_behind: Arc::default(),
            failed: Negative::new(FAILED_MAX),
            poison: Poison::default(),
            flights: Flights::new(FlightLimits::of("variant")),
            looks: Flights::new(FlightLimits::of("look")),
            behind: Arc::new(Semaphore::new(RENEWALS_MAX)),
            outdated: Outdated::default(),
            fingerprint: fingerprint(config, &pool),
            misses,
            admission: Admission::new(config.engine.queue_jobs_max),
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

/// The engine under this configuration.
fn pool_spec(config: &Config) -> PoolSpec {
    let engine = &config.engine;
    PoolSpec {
        workers: engine.workers.unwrap_or_else(machine::cpus),
        queue_jobs_max: engine.queue_jobs_max,
        isolation: isolation(engine),
    }
}

/// Where pictures are made under this configuration.
pub fn isolation(engine: &config::Engine) -> Isolation {
    match engine.isolation {
        config::Isolation::Thread => Isolation::Thread,
        #[cfg(target_os = "linux")]
        config::Isolation::Auto | config::Isolation::Process => processes(engine),
        #[cfg(not(target_os = "linux"))]
        config::Isolation::Auto | config::Isolation::Process => Isolation::Thread,
    }
}

/// Worker processes are of the very program that runs, even where its file was replaced meanwhile.
#[cfg(target_os = "linux")]
fn processes(engine: &config::Engine) -> Isolation {
    let demand = match engine.sandbox {
        config::Sandbox::Require => Demand::Require,
        config::Sandbox::Prefer => Demand::Prefer,
        config::Sandbox::Off => Demand::Off,
    };
    let sandbox = SandboxSpec { demand, memory_bytes_max: engine.worker_memory_bytes, read_only: Vec::new() };
    Isolation::Process {
        nursery: NurserySpec { program: "/proc/self/exe".into(), sandbox },
        retirement: Retirement {
            jobs_max: engine.worker_jobs_max,
            resident_bytes_max: engine.worker_resident_bytes_max,
        },
    }
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

fn listed(problems: &[PresetProblem]) -> String {
    let texts: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.preset, problem.error)).collect();
    texts.join("; ")
}

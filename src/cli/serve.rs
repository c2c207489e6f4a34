//! `tintype serve`: everything is set up before a port is opened, and drained before the process ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::settings::{Settings, presets};
use crate::config::Config;
use crate::flow::Flow;
use crate::http::{
    Admin, DrainSpec, EndSignals, Extra, Listener, ListenerSpec, Main, Proxies, ResponseSpec, Serving, drain,
};
use crate::telemetry::health::Health;
use crate::telemetry::metrics::{Counter, engine_info};
use crate::telemetry::recorder::Recorder;
use crate::telemetry::{clock, log, machine};

/// What its help ends with.
pub const EXAMPLES: &str = "Examples:\n  \
    tintype serve                                     with the settings of the environment\n  \
    tintype serve --config tintype.toml               with those of a file\n  \
    tintype serve --local-root photos --unsigned allow --listen 127.0.0.1:8080\n\n\
    A flag beats the environment, the environment beats the file. SIGHUP reads them again; SIGTERM and \
    SIGINT answer what is under way and end. `--help` lists all settings, `tintype check` those in force.";

/// How often metrics are brought up to date.
const UPKEEP: Duration = Duration::from_secs(1);

/// Runs until a signal ends it.
pub fn run(settings: &Settings) -> anyhow::Result<()> {
    let config = settings.load()?;
    log::init(config.logging.level, config.logging.format)?;
    for remark in config.advice() {
        tracing::warn!("{remark}");
    }
    raise_open_files(&config);
    on_threads(|connections| serve(settings, config, None, connections))
}

/// Runs a server on two sets of threads, so that hits do not stand behind what a miss has to do: those of `serve` for
/// all work, and those of its connections.
pub fn on_threads<F>(serve: impl FnOnce(Handle) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let threads = |name: &str, count: usize| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(count).thread_name(name).enable_all().build().context("no runtime")
    };
    let work = threads("work", machine::cpus())?;
    let connections = threads("connections", machine::cpus())?;
    work.block_on(serve(connections.handle().clone()))
}

/// Many systems give a process 1024 descriptors to begin with and let it have more: fewer than connections.
fn raise_open_files(config: &Config) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        let open_max = limit.current;
        tracing::warn!(%error, open_max, wanted = config.server.connections_max, "open files cannot be raised");
    }
}

/// Serves a configuration, with pages beside the images where `extra` has some.
pub async fn serve(
    settings: &Settings,
    config: Config,
    extra: Option<Arc<dyn Extra>>,
    connections: Handle,
) -> anyhow::Result<()> {
    // First of all: from here on a signal drains, or has settings read again, instead of killing.
    let mut ends = EndSignals::listen().context("no signal handlers")?;
    let hangup = signal(SignalKind::hangup()).context("no signal handlers")?;
    let recorder = Arc::new(Recorder::install()?);
    let tracker = TaskTracker::new();
    let flow = Flow::try_new(&config, &presets(&config)?, tracker.clone())?;
    flow.settle().await;
    engine_info(env!("CARGO_PKG_VERSION"), &flow.libvips_version(), flow.fingerprint());
    let readiness = Arc::new(Health::starting());
    let main = Main::try_new(Arc::clone(&flow), extra, Arc::clone(&readiness), response_spec(&config))
        .context("cors_origin cannot stand in a header")?;
    let admin_listener = config.admin.listen.map(Listener::bind).transpose()?;
    let listener = {
        let _entered = connections.enter();
        Listener::bind(config.server.listen)?
    };
    let main = Serving::start_on(&connections, listener, listener_spec(&config), main);
    let admin = admin_listener.map(|listener| {
        let handler = admin(&config, &flow, &recorder, &readiness);
        // No CDN stands before it.
        Serving::start(listener, ListenerSpec { proxies: Arc::default(), ..listener_spec(&config) }, handler)
    });
    readiness.set_ready();
    tracing::info!(
        listen = %main.address(),
        admin = admin.as_ref().map(|admin| tracing::field::display(admin.address())),
        libvips = flow.libvips_version(),
        sandbox = flow.sandbox(),
        "ready"
    );
    let stop = CancellationToken::new();
    tracker.spawn(upkeep(Arc::clone(&flow), recorder, stop.clone()));
    tracker.spawn(Arc::clone(&flow).repaint(stop.clone()));
    tracker.spawn(reload_on_hangup(settings.clone(), Arc::clone(&flow), hangup, stop.clone()));
    let name = ends.next().await;
    tracing::info!(signal = name, "ending; the same signal again ends at once");
    let spec = DrainSpec { drain_delay: config.server.drain_delay, drain_timeout: config.server.drain_timeout };
    drain(spec, &readiness, &main, async move {
        ends.next().await;
    })
    .await;
    stop.cancel();
    flow.close().await;
    if let Some(admin) = admin {
        admin.abort().await;
    }
    Ok(())
}

fn admin(config: &Config, flow: &Arc<Flow>, recorder: &Arc<Recorder>, readiness: &Arc<Health>) -> Admin {
    let (shown, metrics) = (Arc::clone(flow), Arc::clone(recorder));
    let (phase, started) = (Arc::clone(readiness), clock::instant());
    let purging = Arc::clone(flow);
    Admin {
        bearer: config.admin.token.as_ref().map(|token| token.expose().to_vec()),
        health: Arc::clone(readiness),
        metrics: Box::new(move || metrics.render()),
        status: Box::new(move || {
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "state": phase.phase().name(),
                "uptime_s": started.elapsed().as_secs(),
                "flow": shown.status(),
            })
        }),
        purge: Box::new(move |order| {
            let flow = Arc::clone(&purging);
            Box::pin(async move { flow.purge(order).await })
        }),
    }
}

fn response_spec(config: &Config) -> ResponseSpec {
    ResponseSpec {
        cache_name: config.server.cache_status_name.clone(),
        allow_origin: config.server.cors_origin.clone(),
        server_timing: config.server.server_timing,
        url_bytes_max: config.urls.bytes_max,
        query: config.urls.query,
        tag_headers: config.server.tag_headers.clone(),
    }
}

fn listener_spec(config: &Config) -> ListenerSpec {
    let server = &config.server;
    ListenerSpec {
        connections_max: server.connections_max,
        proxies: Arc::new(Proxies {
            trusted: server.trusted_proxies.clone(),
            fields: server.forwarded_fields.clone(),
            proxy_protocol: server.proxy_protocol,
        }),
        header_bytes_max: server.header_bytes_max,
        header_timeout: server.header_timeout,
        // The time for an answer includes the body that it depends on.
        body_timeout: server.request_timeout,
        keep_alive_timeout: server.keep_alive_timeout,
        // The flow answers within request_timeout; after it a slow reader gets as long again.
        exchange_timeout: server.request_timeout * 2,
    }
}

async fn upkeep(flow: Arc<Flow>, recorder: Arc<Recorder>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {
                flow.upkeep();
                recorder.upkeep();
            }
        }
    }
}

/// A broken configuration changes nothing: the old one stays, and says so.
async fn reload_on_hangup(settings: Settings, flow: Arc<Flow>, mut hangup: Signal, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = hangup.recv() => {}
        }
        let reloaded = settings.load().and_then(|fresh| Ok(flow.reload(&fresh, &presets(&fresh)?)?));
        match reloaded {
            Ok(needs_start) => {
                Counter::Reloads.add(1, &[("result", "ok")]);
                tracing::info!(needs_start = needs_start.join(" "), "settings reloaded");
            }
            Err(error) => {
                Counter::Reloads.add(1, &[("result", "refused")]);
                tracing::error!(error = format!("{error:#}"), "settings not reloaded, the old ones stay");
            }
        }
    }
}

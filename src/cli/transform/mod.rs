//! `tintype transform`: a file through the same parser, policy and pipeline as on the server, without one.

mod files;

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;

use self::files::{Input, Target};
use super::settings::{Settings, presets};
use super::url::option_segments;
use super::{out, refusal};
use crate::config::Config;
use crate::engine::vips::{Vips, VipsSpec, Watch};
use crate::engine::{EngineError, Job, Output, Rendered, run as run_job};
use crate::flow::{dialect, engine_limits, negotiated};
use crate::policy::Policy;
use crate::telemetry::clock;
use crate::transform::{Asked, Format};
use crate::url::{DialectSpec, Replacement, SourceEncoding, build, parse};

/// What `tintype transform` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype transform in.jpg out.webp w:300 q:75            300 pixels wide, as WebP\n  \
    tintype transform in.jpg out.avif rs:fill:640:360/g:sm  cut to 16:9 around what matters\n  \
    tintype transform in.jpg out.jpg pr:card                a preset\n  \
    tintype transform in.jpg out --accept image/avif        what such a client would get\n  \
    tintype transform - - w:300 f:png < in.jpg > out.png    between other programs\n\n\
    The format is that of an option (f:png), else that of OUT's extension, else negotiated as on the \
    server. OUT is written whole or not at all. Keys, allowed_options and only_presets are for clients \
    and do not count here; `--help` lists the settings that do, such as --quality.")]
pub struct TransformArgs {
    /// The original; `-` reads the standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The result; `-` writes the standard output
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Options as in a URL, such as `w:300` or `rs:fill:300:200/q:80`
    #[arg(value_name = "OPTION")]
    options: Vec<String>,
    /// Negotiate the format as for a client with this `Accept` field; OUT's extension does not count then
    #[arg(long, value_name = "TYPES")]
    accept: Option<String>,
    /// Say nothing where it went well
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Reads, makes, writes, and says what became of it.
pub fn run(args: &TransformArgs) -> anyhow::Result<()> {
    let config = args.settings.load()?;
    let mut asked = asked(&args.options, &config)?;
    if asked.format.is_none() && args.accept.is_none() {
        asked.format = format_of(&args.output)?;
    }
    let input = Input::named(&args.input);
    let target = Target::for_input(&args.output, &input)?;
    let original = input.read(config.fetch.source_bytes_max)?;
    let original_bytes = original.len();
    // A server starts libvips once; what takes its time here is the picture.
    let vips = Vips::start(VipsSpec { threads: cores() })?;
    let started = clock::instant();
    let rendered = render(vips, original, &asked, args.accept.as_deref().unwrap_or_default(), &config)?;
    let took = started.elapsed();
    target.write(&rendered.bytes)?;
    if !args.quiet {
        out::remark(&summary(args, original_bytes, &rendered, took));
    }
    Ok(())
}

/// The words of the options, as a URL with them would set them.
fn asked(options: &[String], config: &Config) -> anyhow::Result<Asked> {
    let mut spec = DialectSpec {
        only_presets: false,
        allowed_options: None,
        base_url: String::new(),
        replacements: Vec::<Replacement>::new(),
        ..dialect(config, &presets(config)?)?
    };
    spec.signing.keys.clear();
    spec.signing.allow_unsigned = true;
    let segments = option_segments(options, &spec)?;
    let path = build(&segments.join("/"), "local:///in", None, SourceEncoding::Plain, &spec);
    let parsed = parse(&path, &spec, clock::now_unix_s()).map_err(|error| refusal::explained(&error))?;
    if parsed.asked.raw == Some(true) {
        bail!("option raw asks for the original itself; nothing is to be made");
    }
    Ok(parsed.asked)
}

/// The format that a file's name promises; none where the name has no extension.
fn format_of(output: &Path) -> anyhow::Result<Option<Format>> {
    let Some(extension) = output.extension() else { return Ok(None) };
    let name = extension.to_string_lossy().to_ascii_lowercase();
    let name = if name == "tif" { "tiff" } else { &name };
    Format::from_name(name).map(Some).ok_or_else(|| {
        let known: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
        anyhow!("no format has the extension `{name}`; accepted: {}, or an option such as f:webp", known.join(", "))
    })
}

/// Runs the engine's pipeline on this thread.
fn render(vips: &Vips, original: Bytes, asked: &Asked, accept: &str, config: &Config) -> anyhow::Result<Rendered> {
    let policy = Policy::new(config, |format| vips.saves(format));
    let transform = policy.transform(asked);
    let candidates = negotiated(&policy, &transform, accept);
    let job =
        Job { inputs: vec![original], outputs: vec![Output { transform, candidates }], limits: engine_limits(config) };
    let watch = Watch::new(clock::instant() + config.engine.transform_timeout, Arc::default());
    let mut made = None;
    run_job(&job, &watch, |(_, outcome)| {
        made = Some(outcome);
        ControlFlow::Break(())
    });
    made.context("the engine gave no result")?.map_err(|error| {
        let flag = flag_for(&error).map(|flag| format!("; see {flag}")).unwrap_or_default();
        anyhow!("{:#}{flag}", anyhow::Error::new(error))
    })
}

/// The flag that lifts what is in the way, where it is a setting.
fn flag_for(error: &EngineError) -> Option<String> {
    match error {
        EngineError::Limit { of, .. } => Some(format!("--{}", of.setting().replace(['_', '.'], "-"))),
        EngineError::Deadline => Some("--transform-timeout".to_owned()),
        EngineError::Truncated => Some("--truncated".to_owned()),
        _ => None,
    }
}

/// One picture has the machine to itself; on the server each of many has one thread.
fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

/// One line: what came in, what went out, how long it took.
fn summary(args: &TransformArgs, original_bytes: usize, rendered: &Rendered, took: Duration) -> String {
    let original = &rendered.original;
    let frames = |frames: u32| if frames > 1 { format!(" {frames} frames") } else { String::new() };
    let mut line = format!(
        "{}x{}{} {} {} bytes -> {}x{}{} {} {} bytes, {} ms",
        original.width,
        original.height,
        frames(original.frames),
        original.format.name(),
        original_bytes,
        rendered.width,
        rendered.height,
        frames(rendered.frames),
        rendered.format.name(),
        rendered.bytes.len(),
        took.as_millis(),
    );
    if rendered.truncated {
        line.push_str("; the original ends too early");
    }
    match format_of(&args.output) {
        Ok(Some(named)) if named != rendered.format => {
            let _ = write!(line, "; the extension of {} says {}", args.output.display(), named.name());
        }
        _ => {}
    }
    line
}

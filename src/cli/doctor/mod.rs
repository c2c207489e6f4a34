//! `tintype doctor`: what this machine can do, which limits hold, and whether everything that is configured is there.
//! Nothing is changed; each configured source is asked for an original that cannot exist.

mod machine;
mod report;
mod sources;

use std::process::ExitCode;

use self::report::{Finding, FormatRow, Report};
use super::out::{self, ReportFormat};
use super::settings::{Settings, presets};
use super::{FAILED, refusal};
use crate::config::{Config, Effective};
use crate::engine::vips::{Vips, VipsSpec};
use crate::flow::dialect;
use crate::telemetry::clock;
use crate::telemetry::machine::cpus;
use crate::transform::Format;
use crate::url::{self, DialectSpec};

/// What `tintype doctor` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype doctor                            this machine with the settings in force\n  \
    tintype doctor --config tintype.toml      with those of a file\n  \
    tintype doctor --format json              for programs\n\n\
    Marks: ok is fine, warn works but is perhaps not what was meant, fail does not work; one fail makes \
    the exit status 1. Every setting is a flag too; `--help` lists them.")]
pub struct DoctorArgs {
    /// How the result is written
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    settings: Settings,
}

/// Looks at everything, prints it, and fails where something does not work.
pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let report = examined(&args.settings);
    match args.format {
        ReportFormat::Text => out::print(&report.text())?,
        ReportFormat::Json => out::print_json(&report.json())?,
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn examined(settings: &Settings) -> Report {
    let mut findings = Vec::new();
    let config = settings.try_load();
    match &config {
        Ok(config) => findings.extend(configured(config)),
        Err(mistakes) => {
            findings.extend(mistakes.iter().map(|mistake| Finding::fail("settings", mistake.to_string())));
        }
    }
    let config = config.ok();
    findings.extend(machine::grants());
    let vips = Vips::start(VipsSpec { threads: 1 });
    let (libvips, formats) = match &vips {
        Ok(vips) => {
            findings.extend(machine::libvips(vips, config.as_ref()));
            (Some(vips.caps.version), formats(vips))
        }
        Err(error) => {
            findings.push(Finding::fail("libvips", error.to_string()));
            (None, Vec::new())
        }
    };
    if let Some(config) = &config {
        findings.push(machine::files(config));
        findings.push(machine::workers(config));
        findings.extend(sources::findings(config));
    }
    Report { libvips, cores: cpus(), formats, limits: limits(config.as_ref()), findings }
}

/// What settings and presets say about themselves.
fn configured(config: &Config) -> Vec<Finding> {
    let remarks = config.advice().into_iter().map(|remark| Finding::warn("settings", remark.to_owned()));
    let mut findings: Vec<_> = remarks.collect();
    if findings.is_empty() {
        findings.push(Finding::ok("settings", "no mistakes".to_owned()));
    }
    match presets(config).map(|presets| (dialect(config, &presets), presets.len())) {
        Err(error) => findings.push(Finding::fail("presets", error.to_string())),
        Ok((Err(error), _)) => findings.push(Finding::fail("settings", format!("url.replacements: {error}"))),
        Ok((Ok(dialect), count)) => findings.extend(presets_finding(&dialect, count)),
    }
    findings
}

fn presets_finding(dialect: &DialectSpec, count: usize) -> Vec<Finding> {
    let problems = url::check_presets(dialect, clock::now_unix_s());
    if problems.is_empty() {
        return vec![Finding::ok("presets", format!("{count}, without mistakes"))];
    }
    let finding = |problem: &url::PresetProblem| {
        Finding::fail("presets", format!("`{}`: {}", problem.preset, refusal::explained(&problem.error)))
    };
    problems.iter().map(finding).collect()
}

fn formats(vips: &Vips) -> Vec<FormatRow> {
    let row = |format: Format| FormatRow { format, reads: vips.loads(format), writes: vips.saves(format) };
    Format::ALL.into_iter().map(row).collect()
}

/// Settings that bound something, in the order of the documentation.
fn limits(config: Option<&Config>) -> Vec<Effective> {
    let is_limit = |key: &str| ["_max", "timeout", "_bytes", "workers"].iter().any(|end| key.ends_with(end));
    let mut settings = config.map(Config::effective).unwrap_or_default();
    settings.retain(|setting| is_limit(setting.key));
    settings
}

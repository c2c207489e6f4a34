//! `tintype check`: every mistake in settings and presets with its place, or everything that is in force and where it
//! was given. Nothing is opened but these files: whether a machine can serve with them is what `tintype doctor` says.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::out::{self, ReportFormat};
use super::settings::{Settings, try_presets};
use super::{FAILED, refusal};
use crate::config::{Config, Effective, GROUPS, Mistake, Position, Provenance};
use crate::flow::dialect;
use crate::policy::{Preset, PresetMistake};
use crate::telemetry::clock;
use crate::url::{self, PresetProblem};

/// What `tintype check` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype check --config tintype.toml       are they right, and what is in force?\n  \
    tintype check --changed                   only what is not at its default\n  \
    tintype check --format json | jq .ok      for programs\n\n\
    Flags beat the environment, the environment beats the file, the file beats the defaults. Every \
    setting is a flag of this command too; `--help` lists them. Presets are looked at once the settings \
    are right, since these say which presets are meant.")]
pub struct CheckArgs {
    /// Show only settings that are not at their default
    #[arg(long)]
    changed: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    settings: Settings,
}

/// A mistake and where it is.
struct Found {
    place: Provenance,
    problem: String,
}

/// What is right.
struct Sound {
    config: Config,
    presets: Vec<Preset>,
}

// === impl Found ===

impl Found {
    /// A preset whose options make no sense: the place of the segment at fault in the preset's file.
    fn of_preset(problem: &PresetProblem, folder: Option<&Path>) -> Self {
        let text = format!("preset `{}`: {}", problem.preset, refusal::explained(&problem.error));
        let place = folder.map_or(Provenance::Default, |folder| {
            let path = folder.join(format!("{}.toml", problem.preset));
            let position = std::fs::read_to_string(&path).ok().and_then(|file| {
                let from = file.find("options")?;
                let at = problem.error.segment().and_then(|segment| file[from..].find(segment));
                Some(Position::of(&file, from + at.unwrap_or(0)))
            });
            Provenance::File { path, position }
        });
        Self { place, problem: text }
    }

    fn json(&self) -> Value {
        json!({ "place": source_json(&self.place), "problem": self.problem })
    }
}

impl From<Mistake> for Found {
    fn from(mistake: Mistake) -> Self {
        Self { problem: mistake.problem.to_string(), place: mistake.place }
    }
}

impl From<PresetMistake> for Found {
    fn from(mistake: PresetMistake) -> Self {
        let place = Provenance::File { path: mistake.path, position: mistake.position };
        Self { place, problem: mistake.problem.to_string() }
    }
}

// === impl Sound ===

impl Sound {
    /// The settings to show, in the order of the documentation.
    fn settings(&self, changed: bool) -> Vec<Effective> {
        let mut settings = self.config.effective();
        settings.retain(|setting| !changed || setting.provenance != Provenance::Default);
        settings
    }

    fn text(&self, changed: bool) -> String {
        let settings = self.settings(changed);
        let rows: Vec<_> = settings.iter().map(row).collect();
        let lines = out::aligned(&rows);
        let mut lines = lines.lines();
        let mut text = String::new();
        for group in GROUPS {
            let is_here = |setting: &&Effective| group.settings.iter().any(|known| known.key == setting.key);
            let count = settings.iter().filter(is_here).count();
            if count > 0 {
                let _ = writeln!(text, "{}", group.title);
                for line in lines.by_ref().take(count) {
                    let _ = writeln!(text, "{line}");
                }
                text.push('\n');
            }
        }
        if !changed || self.config.presets.path.is_some() {
            let row = |preset: &Preset| [preset.name.clone(), preset.options.clone(), preset.description.clone()];
            let rows: Vec<_> = self.presets.iter().map(row).collect();
            let _ = writeln!(text, "Named options\n{}", out::aligned(&rows));
        }
        for remark in self.config.advice() {
            let _ = writeln!(text, "Remark: {remark}.");
        }
        text + &self.verdict(changed)
    }

    fn verdict(&self, changed: bool) -> String {
        let is_changed = |setting: &Effective| setting.provenance != Provenance::Default;
        let all = self.config.effective();
        let count = all.iter().filter(|setting| is_changed(setting)).count();
        let presets = match (&self.config.presets.path, self.presets.len()) {
            (None, count) => format!("{count} shipped presets"),
            (Some(folder), 1) => format!("1 preset of {}", folder.display()),
            (Some(folder), count) => format!("{count} presets of {}", folder.display()),
        };
        let settings = match (changed, count) {
            (_, 0) => "all at their defaults".to_owned(),
            (true, count) => format!("{} at their defaults", all.len() - count),
            (false, count) => format!("{count} given"),
        };
        format!("No mistakes: {} settings, {settings}; {presets}.\n", all.len())
    }
}

/// Prints the settings in force, or all mistakes; which of the two is the exit status.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let checked = checked(&args.settings);
    match (&checked, args.format) {
        (Ok(sound), ReportFormat::Text) => out::print(&sound.text(args.changed))?,
        (Err(found), ReportFormat::Text) => out::remark(&mistakes_text(found)),
        (checked, ReportFormat::Json) => out::print_json(&json(checked, args.changed))?,
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Settings, then presets, then how both go together. Without settings nobody knows which presets are meant.
fn checked(settings: &Settings) -> Result<Sound, Vec<Found>> {
    let config = settings.try_load().map_err(found)?;
    let mut mistakes = Vec::new();
    let presets = try_presets(&config).unwrap_or_else(|wrong| {
        mistakes.extend(found(wrong));
        Vec::new()
    });
    match dialect(&config, &presets) {
        Ok(dialect) => {
            let problems = url::check_presets(&dialect, clock::now_unix_s());
            let folder = config.presets.path.as_deref();
            mistakes.extend(problems.iter().map(|problem| Found::of_preset(problem, folder)));
        }
        Err(error) => {
            let place = place_of("url.replacements", &config);
            mistakes.push(Found { place, problem: format!("`url.replacements`: {error}") });
        }
    }
    if mistakes.is_empty() { Ok(Sound { config, presets }) } else { Err(mistakes) }
}

fn found<T>(mistakes: Vec<T>) -> Vec<Found>
where
    Found: From<T>,
{
    mistakes.into_iter().map(Found::from).collect()
}

fn place_of(key: &str, config: &Config) -> Provenance {
    let effective = config.effective().into_iter().find(|effective| effective.key == key);
    effective.map_or(Provenance::Default, |effective| effective.provenance)
}

fn mistakes_text(found: &[Found]) -> String {
    let mut text = match found.len() {
        1 => "there is a mistake:".to_owned(),
        many => format!("there are {many} mistakes:"),
    };
    for Found { place, problem } in found {
        let _ = write!(text, "\n  {place}: {}", problem.replace('\n', "\n  "));
    }
    text
}

fn row(setting: &Effective) -> [String; 3] {
    let value = if setting.value.is_empty() { "(none)".to_owned() } else { setting.value.clone() };
    [setting.key.to_owned(), value, setting.provenance.to_string()]
}

fn json(checked: &Result<Sound, Vec<Found>>, changed: bool) -> Value {
    let sound = match checked {
        Ok(sound) => sound,
        Err(found) => {
            return json!({ "ok": false, "mistakes": found.iter().map(Found::json).collect::<Vec<_>>() });
        }
    };
    let setting = |setting: Effective| {
        let source = source_json(&setting.provenance);
        json!({ "key": setting.key, "value": setting.value, "source": source })
    };
    let preset =
        |preset: &Preset| json!({ "name": preset.name, "options": preset.options, "description": preset.description });
    json!({
        "ok": true,
        "mistakes": [],
        "remarks": sound.config.advice(),
        "settings": sound.settings(changed).into_iter().map(setting).collect::<Vec<_>>(),
        "presets": sound.presets.iter().map(preset).collect::<Vec<_>>(),
    })
}

fn source_json(place: &Provenance) -> Value {
    match place {
        Provenance::Default => json!({ "kind": "default" }),
        Provenance::File { path, position } => json!({
            "kind": "file",
            "path": path.display().to_string(),
            "line": position.map(|position| position.line),
            "column": position.map(|position| position.column),
        }),
        Provenance::Environment(name) => json!({ "kind": "environment", "name": name }),
        Provenance::Flag(name) => json!({ "kind": "flag", "name": format!("--{name}") }),
    }
}

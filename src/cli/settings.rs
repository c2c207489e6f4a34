//! The settings as flags: made from the one table, so that none can be missing.

use std::fmt::{Display, Write as _};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, Args, FromArgMatches};

use crate::config::{self, Config, GROUPS, Mistake, Problem, Setting};
use crate::policy::{Preset, PresetMistake, builtin_presets, load_presets};
use crate::url::DEFAULT_SEPARATOR;

/// Where the settings come from: a file and flags; the environment is read beside them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub file: Option<PathBuf>,
    pub flags: Vec<(String, String)>,
}

// === impl Settings ===

impl Settings {
    /// The effective configuration, or every mistake in it.
    pub fn try_load(&self) -> Result<Config, Vec<Mistake>> {
        config::load(self.file.as_deref(), config::environment(), &self.flags)
    }

    /// The same, with the mistakes as one error.
    pub fn load(&self) -> anyhow::Result<Config> {
        self.try_load().map_err(|mistakes| all("the settings", &mistakes))
    }
}

/// The presets of this configuration, or every mistake in their files.
pub fn try_presets(config: &Config) -> Result<Vec<Preset>, Vec<PresetMistake>> {
    if let Some(folder) = &config.presets.path {
        return load_presets(folder);
    }
    let mut presets = builtin_presets();
    // The shipped ones are written with the default separator; those of a folder with the one in force.
    for preset in &mut presets {
        preset.options = preset.options.replace(DEFAULT_SEPARATOR, &config.urls.arguments_separator);
    }
    Ok(presets)
}

/// The same, with the mistakes as one error.
pub fn presets(config: &Config) -> anyhow::Result<Vec<Preset>> {
    try_presets(config).map_err(|mistakes| all("the presets", &mistakes))
}

/// One error of several mistakes, a line each.
pub fn all<T: Display>(what: &str, mistakes: &[T]) -> anyhow::Error {
    let mut text = match mistakes.len() {
        1 => format!("{what} have a mistake:"),
        many => format!("{what} have {many} mistakes:"),
    };
    for mistake in mistakes {
        let _ = write!(text, "\n  {mistake}");
    }
    anyhow::Error::msg(text)
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &'static Setting| {
            let flag = setting.flag()?;
            let value = matches.get_one::<String>(setting.key)?;
            Some((flag, value.clone()))
        };
        Ok(Self {
            file: matches.get_one::<PathBuf>("config").cloned(),
            flags: config::settings().filter_map(given).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Settings {
    fn augment_args(command: clap::Command) -> clap::Command {
        let file = Arg::new("config")
            .long("config")
            .short('c')
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("File of settings in TOML; also TINTYPE_CONFIG");
        GROUPS.iter().fold(command.arg(file), |command, group| {
            let flags = group.settings.iter().filter_map(|setting| flag(setting, group.title));
            command.args(flags)
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

fn flag(setting: &'static Setting, heading: &'static str) -> Option<Arg> {
    let summary = setting.doc.split_inclusive(". ").next().unwrap_or_default().trim();
    let default = if setting.default.is_empty() { "none" } else { setting.default };
    Some(
        Arg::new(setting.key)
            .long(setting.flag()?)
            .value_name("VALUE")
            .help_heading(heading)
            .hide_short_help(true)
            .help(summary)
            .long_help(format!("{}\n[default: {default}] [environment: {}]", setting.doc, setting.environment())),
    )
}

/// What is wrong with a command line that gives a secret as a flag. clap would call the flag unexpected and suggest
/// another one; this says where the secret belongs.
pub fn secret_flag(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_given = |setting: &&Setting| given.trim_start_matches('-') == setting.key.replace(['.', '_'], "-");
    let setting = config::settings().filter(|setting| setting.kind.is_secret()).find(is_given)?;
    let problem = Problem::SecretFlag { key: setting.key, instead: setting.environment() };
    Some(format!("flag {given}: {problem}"))
}

//! The settings as flags: made from the one table, so that none can be missing.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Arg, ArgMatches, Args, FromArgMatches};

use crate::config::{self, Config, GROUPS, Mistake, Setting};
use crate::policy::{Preset, builtin_presets, load_presets};

/// Where the settings come from: a file and flags; the environment is read beside them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub file: Option<PathBuf>,
    pub flags: Vec<(String, String)>,
}

// === impl Settings ===

impl Settings {
    /// The effective configuration, or every mistake in it.
    pub fn load(&self) -> anyhow::Result<Config> {
        config::load(self.file.as_deref(), config::environment(), &self.flags).map_err(|mistakes| told(&mistakes))
    }
}

/// Every mistake on a line of its own.
pub fn told(mistakes: &[Mistake]) -> anyhow::Error {
    let mut text = match mistakes.len() {
        1 => "the settings have a mistake:".to_owned(),
        many => format!("the settings have {many} mistakes:"),
    };
    for mistake in mistakes {
        text = format!("{text}\n  {mistake}");
    }
    anyhow::Error::msg(text)
}

/// The presets of this configuration, or every mistake in them.
pub fn presets(config: &Config) -> anyhow::Result<Vec<Preset>> {
    let Some(folder) = &config.presets.path else {
        return Ok(builtin_presets());
    };
    match load_presets(folder) {
        Ok(presets) => Ok(presets),
        Err(mistakes) => {
            let lines: Vec<_> = mistakes.iter().map(|mistake| format!("\n  {mistake}")).collect();
            bail!("the presets have {} mistakes:{}", mistakes.len(), lines.concat())
        }
    }
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

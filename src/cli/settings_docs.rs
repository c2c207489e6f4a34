//! `tintype settings`: the table of settings as a file to start from or as a page.

use clap::ValueEnum;

use super::out;
use crate::config;

/// What `tintype settings` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype settings > tintype.toml           a file to start from: all at their defaults\n  \
    tintype settings --format markdown        the page of the documentation\n\n\
    `tintype check` shows the settings in force.")]
pub struct SettingsArgs {
    /// How it is written
    #[arg(long, value_enum, default_value = "toml")]
    format: SettingsFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SettingsFormat {
    /// A file of settings with every one at its default
    Toml,
    /// A table for people
    Markdown,
}

/// Prints the table.
pub fn run(args: &SettingsArgs) -> anyhow::Result<()> {
    out::print(&match args.format {
        SettingsFormat::Toml => config::example_toml(),
        SettingsFormat::Markdown => config::settings_markdown(),
    })
}

//! `tintype man`: pages of the manual, made from the command line itself.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::out;
use crate::config;

/// What `tintype man` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype man | man -l -                       read the first page\n  \
    tintype man url | man -l -                   read the page of a command\n  \
    tintype man --out ~/.local/share/man/man1    write all pages where man(1) finds them")]
pub struct ManArgs {
    /// The command whose page is printed; without it the page of tintype itself
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,
    /// Write all pages to this folder, which is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The one command whose page lists every setting; the others refer to it.
const WITH_SETTINGS: &str = "serve";

/// What the commentary of a command begins with, and what ends its examples.
const EXAMPLES: &str = "Examples:\n";
const BLANK: &str = "\n\n";

/// Prints a page or writes all of them.
pub fn run(args: &ManArgs) -> anyhow::Result<()> {
    // The pages refer to each other; one of the command `help` would have nothing to say.
    let mut root = super::command().disable_help_subcommand(true);
    root.build();
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        for command in std::iter::once(&root).chain(root.get_subcommands().filter(|command| !command.is_hide_set())) {
            let path = folder.join(Man::new(command.clone()).get_filename());
            let page = page(command).context("the page cannot be made")?;
            fs::write(&path, page).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        return Ok(());
    }
    let command = match &args.command {
        None => &root,
        Some(name) => match root.find_subcommand(name) {
            Some(found) => found,
            None => bail!("there is no command `{name}`; `tintype help` lists them"),
        },
    };
    out::print_bytes(&page(command).context("the page cannot be made")?)
}

/// One page. The synopsis names no settings: ninety flags in a row tell nobody anything.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = |command: Command| Man::new(command).source(concat!("tintype ", env!("CARGO_PKG_VERSION")));
    let brief = man(without_settings(command));
    let mut page = Vec::new();
    brief.render_title(&mut page)?;
    brief.render_name_section(&mut page)?;
    brief.render_synopsis_section(&mut page)?;
    if command.has_subcommands() {
        brief.render_subcommands_section(&mut page)?;
    }
    let full = if command.get_name() == WITH_SETTINGS { &man(command.clone()) } else { &brief };
    full.render_options_section(&mut page)?;
    let commentary = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    commentary_sections(&commentary).to_writer(&mut page)?;
    Ok(page)
}

fn without_settings(command: &Command) -> Command {
    command.clone().mut_args(|arg| {
        let is_setting = config::setting(arg.get_id().as_str()).is_some();
        if is_setting { arg.hide(true) } else { arg }
    })
}

/// The examples line by line, what follows them as text.
fn commentary_sections(commentary: &str) -> Roff {
    let commentary = commentary.strip_prefix(EXAMPLES).unwrap_or(commentary);
    let (examples, notes) = commentary.split_once(BLANK).unwrap_or((commentary, ""));
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.lines() {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
    if !notes.is_empty() {
        roff.control("SH", ["NOTES"]).text([roman(notes)]);
    }
    roff
}

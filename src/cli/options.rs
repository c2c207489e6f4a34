//! `tintype options`: the table of options of a URL, whole or one of them in full.

use std::fmt::Write as _;

use anyhow::anyhow;
use clap::ValueEnum;

use super::out;
use crate::url::{self, OptionSpec};

/// What `tintype options` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype options                           every option, a line each\n  \
    tintype options resize                    one option in full\n  \
    tintype options --format json             the table for programs")]
pub struct OptionsArgs {
    /// The name of an option or one of its aliases; without it all are listed
    name: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value = "text")]
    format: TableFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableFormat {
    /// For a terminal
    Text,
    /// A page of documentation
    Markdown,
    /// For programs
    Json,
}

/// Columns of a line of text, at most.
const LINE_CHARS_MAX: usize = 88;

/// Prints the table or an option.
pub fn run(args: &OptionsArgs) -> anyhow::Result<()> {
    let Some(name) = &args.name else {
        return match args.format {
            TableFormat::Text => {
                out::print(&(url::options_text() + "\n`tintype options NAME` shows one of them in full.\n"))
            }
            TableFormat::Markdown => out::print(&url::options_markdown()),
            TableFormat::Json => out::print_json(&url::options_json()),
        };
    };
    // Whoever copies an option from a URL copies its arguments as well.
    let bare = name.split(url::DEFAULT_SEPARATOR).next().unwrap_or_default();
    let option = url::find(bare).ok_or_else(|| unknown(bare))?;
    match args.format {
        TableFormat::Text => out::print(&text(option)),
        TableFormat::Markdown => out::print(&section(&url::options_markdown(), option.name)),
        TableFormat::Json => {
            let table = url::options_json();
            let row = table.as_array().and_then(|rows| rows.iter().find(|row| row["name"] == option.name));
            out::print_json(row.unwrap_or(&serde_json::Value::Null))
        }
    }
}

fn unknown(name: &str) -> anyhow::Error {
    match url::nearest(name) {
        Some(nearest) => anyhow!("unknown option `{name}`; did you mean `{nearest}`?"),
        None => anyhow!("unknown option `{name}`; `tintype options` lists them"),
    }
}

/// One option in full, for a terminal.
fn text(option: &OptionSpec) -> String {
    let names = [&[option.name], option.aliases].concat().join(", ");
    let mut page = format!("{names} ({})\n\n", option.group.title());
    for line in wrapped(&format!("{} {}", option.summary, option.detail)) {
        let _ = writeln!(page, "  {line}");
    }
    let _ = writeln!(page, "\n  Form      {}", option.form);
    if !option.default.is_empty() {
        let _ = writeln!(page, "  Default   {}", option.default);
    }
    for (index, example) in option.examples.iter().enumerate() {
        let label = if index == 0 { "Examples" } else { "" };
        let _ = writeln!(page, "  {label:8}  {example}");
    }
    page
}

/// The part of the page that begins with the heading of this option.
fn section(page: &str, name: &str) -> String {
    let mut lines = page.lines().skip_while(|line| *line != format!("### {name}"));
    let heading = lines.next().unwrap_or_default();
    let body: Vec<&str> = lines.take_while(|line| !line.starts_with('#')).collect();
    format!("{heading}\n{}\n", body.join("\n").trim_end())
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| line.chars().count() + word.chars().count() < LINE_CHARS_MAX);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

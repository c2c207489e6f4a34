//! The command line: one file a command. The only room that prints and that ends the process.

mod check;
mod completions;
pub mod demo;
mod doctor;
mod keygen;
mod man;
mod options;
mod out;
mod purge;
mod refusal;
mod serve;
mod settings;
mod settings_docs;
mod transform;
mod url;
mod worker;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// What a bad setting, a bad original or a failed check ends with.
const FAILED: u8 = 1;

/// What a command line that makes no sense ends with; clap ends with the same.
const MISUSED: u8 = 2;

#[derive(Debug, Parser)]
#[command(
    name = "tintype",
    version,
    about = "The image origin that a CDN asks: a signed URL in, the right picture out, made once",
    after_help = "Examples:\n  \
        tintype keygen                                    make a key and a salt\n  \
        tintype url local:///a.jpg w:300 --ext webp       a signed URL for a picture 300 pixels wide\n  \
        tintype serve --config tintype.toml               serve\n  \
        tintype transform in.jpg out.webp w:300 q:75      the same pipeline from the shell\n  \
        tintype doctor                                    what this machine can do\n\n\
        `tintype help COMMAND` says more. Every setting is a key of a file, a variable of the environment \
        and a flag: `tintype settings` lists them, `tintype check` shows those in force."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve images
    #[command(after_help = serve::EXAMPLES)]
    Serve(settings::Settings),
    Demo(demo::Demo),
    /// Build and sign a URL
    Url(url::UrlArgs),
    /// Make a key and a salt for signatures
    Keygen(keygen::KeygenArgs),
    /// Check settings and presets, and show what is in force
    Check(check::CheckArgs),
    /// Make a picture from a file, as the server would
    Transform(transform::TransformArgs),
    /// Have a running server forget pictures, originals, or everything of a place
    Purge(purge::PurgeArgs),
    /// Say what this machine can do and whether the sources answer
    Doctor(doctor::DoctorArgs),
    /// List the options of a URL
    Options(options::OptionsArgs),
    /// List the settings
    Settings(settings_docs::SettingsArgs),
    /// Write completions for a shell
    Completions(completions::CompletionsArgs),
    /// Write pages of the manual
    Man(man::ManArgs),
    /// Make pictures for a server, which starts this by itself
    #[command(hide = true, after_help = worker::EXAMPLES)]
    Worker,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let matched = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    match matched.map(|cli| run(cli.command)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            out::remark(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
        Err(error) => match settings::secret_flag(&error) {
            Some(reason) => {
                out::remark(&reason);
                ExitCode::from(MISUSED)
            }
            // Help and version come this way too, and end well.
            None => error.exit(),
        },
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Serve(settings) => serve::run(&settings),
        Command::Demo(demo) => demo::run(&demo),
        Command::Url(args) => url::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        // These two end with a verdict of their own after they reported everything.
        Command::Check(args) => return check::run(&args),
        Command::Transform(args) => transform::run(&args),
        Command::Purge(args) => purge::run(&args),
        Command::Doctor(args) => return doctor::run(&args),
        Command::Options(args) => options::run(&args),
        Command::Settings(args) => settings_docs::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Worker => worker::run(),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// The whole command line, of which help, completions and the man page are made.
fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_fits_together() {
        super::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_examples() {
        for command in super::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Examples:\n"), "{}", command.get_name());
        }
    }
}

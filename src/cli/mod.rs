//! The command line: one file a command. The only room that prints and that ends the process.

pub mod demo;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// What a bad setting, a bad argument or a failed check ends with.
const FAILED: u8 = 1;

#[derive(Debug, Parser)]
#[command(
    name = "tintype",
    version,
    about = "The image origin that a CDN asks: a signed URL in, the right picture out, made once",
    after_help = "Examples:\n  \
        tintype keygen                                    make a key and a salt\n  \
        tintype url --source local:///a.jpg w:300         a signed URL for a picture 300 pixels wide\n  \
        tintype serve --config tintype.toml               serve\n  \
        tintype transform in.jpg out.webp w:300 q:75      the same pipeline from the shell\n  \
        tintype doctor                                    what this machine can do\n\n\
        Every setting is a flag, a variable of the environment and a key of the file; `tintype check` shows them."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve images.
    Serve(settings::Settings),
    Demo(demo::Demo),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        Command::Serve(settings) => serve::run(&settings),
        Command::Demo(demo) => demo::run(&demo),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tintype: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

/// The whole command line, of which help, completions and the man page are made.
fn command() -> clap::Command {
    Cli::command()
}

//! `tintype completions`: a script with which a shell completes commands and flags, made from the command line itself.

use clap_complete::{Shell, generate};

use super::out;

/// What `tintype completions` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype completions bash > ~/.local/share/bash-completion/completions/tintype\n  \
    tintype completions zsh > ~/.zfunc/_tintype\n  \
    tintype completions fish > ~/.config/fish/completions/tintype.fish")]
pub struct CompletionsArgs {
    /// The shell that will read it
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut super::command(), "tintype", &mut script);
    out::print_bytes(&script)
}

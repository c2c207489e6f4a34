//! `tintype keygen`: a key and a salt from the kernel's random source, in the form in which settings take them.

use std::fmt::Write as _;

use anyhow::anyhow;

use super::out;

/// What `tintype keygen` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype keygen >> tintype.env             two lines for the environment\n  \
    tintype keygen --toml >> tintype.toml     two lines for the file of settings\n\n\
    Whoever has both can sign URLs. To change keys without a gap, give several, separated by commas: \
    the first one signs, all of them are accepted.")]
pub struct KeygenArgs {
    /// As lines of the file of settings, not of the environment
    #[arg(long)]
    toml: bool,
    /// Length of each, in bytes
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(16..=64))]
    bytes: u16,
}

/// Prints both.
pub fn run(args: &KeygenArgs) -> anyhow::Result<()> {
    let (key, salt) = (random_hex(args.bytes)?, random_hex(args.bytes)?);
    out::print(&if args.toml {
        format!("key = \"{key}\"\nsalt = \"{salt}\"\n")
    } else {
        format!("TINTYPE_KEY={key}\nTINTYPE_SALT={salt}\n")
    })
}

fn random_hex(len: u16) -> anyhow::Result<String> {
    let mut bytes = vec![0; usize::from(len)];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the kernel gives no random bytes: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

//! `tintype demo`: originals made by code, a server over them, and a page to play with. Needs no network, no bucket and
//! no settings.

pub mod originals;

mod folder;
mod page;
mod playground;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::serve::{on_threads, serve};
use super::settings::{Settings, presets};
use crate::config::{self, Config};
use crate::flow::dialect;
use crate::telemetry::log;
use crate::url::{DialectSpec, SourceEncoding, build};

pub use folder::fill as make_originals;

/// Make demo originals, serve them, and open a playground at `/`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  \
    tintype demo                                    everything by default, on http://127.0.0.1:8080/\n  \
    tintype demo --listen 127.0.0.1:9000            on another port\n  \
    tintype demo --folder ~/Pictures --no-originals your own pictures instead of ours")]
pub struct Demo {
    /// Where to serve.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Folder of the originals; made and filled where it is missing [default: a folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Serve what is in the folder and make no originals.
    #[arg(long)]
    no_originals: bool,
}

/// Options of the three URLs that are printed, with their sources and what they show.
const EXAMPLES: [(&str, &str, &str); 3] = [
    ("rs:fill:800:500/g:sm", "landscape.jpg", "cut to what is interesting, in the format your browser likes best"),
    ("rs:fit:400:400/bg:ffe0b0/pd:20", "badge.png", "transparency on a background with a border"),
    ("rs:fill:600:400/bl:2/q:60", "dunes.jpg", "blurred, at lower quality"),
];

/// Runs until a signal ends it.
pub fn run(demo: &Demo) -> anyhow::Result<()> {
    let folder = demo.folder.clone().unwrap_or_else(|| std::env::temp_dir().join("tintype-demo"));
    let config = configure(demo, &folder)?;
    log::init(config.logging.level, config.logging.format)?;
    if !demo.no_originals {
        folder::fill(&folder).with_context(|| format!("no demo originals in {}", folder.display()))?;
    }
    let presets = presets(&config)?;
    let spec = dialect(&config, &presets)?;
    introduce(demo, &folder, &spec);
    let page = playground::Playground::new(&folder, &presets, spec)?;
    let settings = Settings::default();
    on_threads(|connections| serve(&settings, config, Some(Arc::new(page)), connections))
}

/// A server over one local folder with a key of its own, made for this run. The environment is read as always, so that
/// every setting can be tried; what the demo needs is set over it.
fn configure(demo: &Demo, folder: &std::path::Path) -> anyhow::Result<Config> {
    let secret = || -> anyhow::Result<String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        Ok(blake3::Hash::from_bytes(bytes).to_hex().to_string())
    };
    let folder_text = folder.to_str().context("the folder's name is not UTF-8")?;
    std::fs::create_dir_all(folder).with_context(|| format!("{folder_text} cannot be made"))?;
    let own = [("TINTYPE_KEY", secret()?), ("TINTYPE_SALT", secret()?)];
    let is_own = |name: &str| own.iter().any(|(own, _)| *own == name);
    let environment: Vec<_> = config::environment()
        .filter(|(name, _)| !is_own(name))
        .chain(own.clone().map(|(name, value)| (name.to_owned(), value)))
        .collect();
    let flags =
        [("listen", demo.listen.to_string()), ("admin-listen", String::new()), ("local-root", folder_text.into())]
            .map(|(name, value)| (name.to_owned(), value));
    config::load(None, environment.into_iter(), &flags)
        .map_err(|mistakes| super::settings::all("the settings", &mistakes))
}

fn introduce(demo: &Demo, folder: &std::path::Path, spec: &DialectSpec) {
    println!("originals: {}", folder.display());
    println!("playground: http://{}/", demo.listen);
    if demo.no_originals {
        return;
    }
    println!("\nthree URLs to try:");
    for (options, name, shows) in EXAMPLES {
        let path = build(options, &format!("local:///{name}"), None, SourceEncoding::Plain, spec);
        println!("  # {shows}\n  http://{}{path}", demo.listen);
    }
    println!("\nctrl-c ends it\n");
}

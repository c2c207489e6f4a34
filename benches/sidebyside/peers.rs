//! The servers that are compared: how each is found, started on equal settings, and asked for a picture.
//!
//! Contract: one table of differences and nothing else. A peer runs as its own documentation and its own container
//! start it, with its defaults; what is set for all is where originals are, the quality that a work asks for, and that
//! only failures are logged. A variable that the caller has set beats what stands here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::formats::Format;
use super::plan::Plan;

/// A server that can be started.
#[derive(Debug, Clone)]
pub struct Peer {
    kind: Kind,
    /// In tables.
    pub name: String,
    pub program: PathBuf,
    /// Settings of this row alone, by their whole names in the environment.
    settings: Vec<(String, String)>,
    /// A cache stands before it.
    pub behind_nginx: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tintype,
    Imgproxy,
    Imagor,
    Oximg,
}

/// What a server is started for.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The folder of originals.
    pub originals: &'a Path,
    /// Quality of every picture; each server's own without it.
    pub quality: Option<u8>,
    /// What pictures may be kept, in bytes, in memory alone; tintype's usual tiers without it.
    pub cache_bytes: Option<u64>,
}

/// A picture to ask for: the original made to fit a box, never larger than it is.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    pub original: &'a str,
    pub width: u32,
    pub height: u32,
    pub format: Format,
    pub quality: Option<u8>,
}

/// Peers by name, in the order in which they are compared unless somebody asks for another.
const PEERS: [(&str, Kind); 3] = [("imgproxy", Kind::Imgproxy), ("imagor", Kind::Imagor), ("oximg", Kind::Oximg)];
const OURS: &str = env!("CARGO_BIN_EXE_tintype");
/// Reductions kept for the works that say so, and none for all others, so that a cold picture is cold.
const MEZZANINE: &str = "TINTYPE_CACHE_MEZZANINE_BYTES";
const MEZZANINE_BYTES: &str = "256MiB";
/// Where Debian and its kin put the allocator that the container of imagor loads.
const JEMALLOC: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2"];

// === impl Peer ===

impl Peer {
    fn tintype(name: &str, settings: Vec<(String, String)>) -> Self {
        let program = std::env::var_os("TINTYPE").map_or_else(|| PathBuf::from(OURS), PathBuf::from);
        Self { kind: Kind::Tintype, name: name.to_owned(), program, settings, behind_nginx: false }
    }

    /// The same server with a cache of nginx before it.
    #[must_use]
    pub fn with_nginx(&self) -> Self {
        Self { name: format!("{} + nginx", self.name), behind_nginx: true, ..self.clone() }
    }

    pub fn is_tintype(&self) -> bool {
        self.kind == Kind::Tintype
    }

    /// The first line of what it says about itself.
    pub fn version(&self) -> String {
        let flag = match self.kind {
            Kind::Imgproxy => "version",
            Kind::Imagor => "-version",
            Kind::Tintype | Kind::Oximg => "--version",
        };
        let output = self.program().arg(flag).stdin(Stdio::null()).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        text.lines().next().unwrap_or("version unknown").to_owned()
    }

    /// The path of a picture.
    pub fn path(&self, picture: &Picture) -> String {
        let Picture { original, width, height, format, quality } = *picture;
        match self.kind {
            Kind::Tintype | Kind::Imgproxy => {
                let quality = quality.map(|quality| format!("/q:{quality}")).unwrap_or_default();
                format!("/unsafe/rs:fit:{width}:{height}{quality}/plain/local:///{original}@{}", format.name())
            }
            Kind::Imagor => {
                let name = if format == Format::Jpg { "jpeg" } else { format.name() };
                let quality = quality.map(|quality| format!(":quality({quality})")).unwrap_or_default();
                let filters = format!("filters:no_upscale(){quality}:format({name}):strip_exif()");
                format!("/unsafe/fit-in/{width}x{height}/{filters}/{original}")
            }
            // The quality is that of its start.
            Kind::Oximg => format!("/resize/{width}/{height}/{original}@{}", format.name()),
        }
    }

    /// How it is started on this port of the loopback address; `folder` is its own, for what it keeps.
    pub fn command(&self, port: u16, folder: &Path, situation: &Situation) -> Command {
        let mut command = self.program();
        let (originals, bind) = (situation.originals.display().to_string(), format!("127.0.0.1:{port}"));
        // The address is nobody's choice; a caller may well have a `PORT` of another program.
        let address = [("TINTYPE_LISTEN", &bind), ("IMGPROXY_BIND", &bind), ("PORT", &port.to_string())];
        command.envs(address).env("TINTYPE_ADMIN_LISTEN", "");
        let mut set = |name: &str, value: &str| {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        };
        match self.kind {
            Kind::Tintype => {
                set("TINTYPE_LOCAL_ROOT", &originals);
                set("TINTYPE_UNSIGNED", "allow");
                set("TINTYPE_LOG_LEVEL", "error");
                match situation.cache_bytes {
                    Some(bytes) => set("TINTYPE_CACHE_MEMORY_BYTES", &bytes.to_string()),
                    None => set("TINTYPE_CACHE_DISK_PATH", &folder.join("cache").display().to_string()),
                }
                if self.knows_mezzanine() {
                    set(MEZZANINE, "0");
                }
                command.arg("serve");
            }
            Kind::Imgproxy => {
                set("IMGPROXY_LOCAL_FILESYSTEM_ROOT", &originals);
                set("IMGPROXY_LOG_LEVEL", "error");
                // As its container sets them.
                set("VIPS_WARNING", "0");
                set("MALLOC_ARENA_MAX", "2");
            }
            Kind::Imagor => {
                // As its container sets them.
                set("VIPS_WARNING", "0");
                set("MALLOC_ARENA_MAX", "2");
                if let Some(library) = JEMALLOC.iter().find(|path| Path::new(path).exists()) {
                    set("LD_PRELOAD", library);
                }
                command.args(["-imagor-unsafe", "-file-loader-base-dir", &originals, "-port", &port.to_string()]);
            }
            Kind::Oximg => {
                set("OXIMG_BIND", "127.0.0.1");
                set("IMAGES_DIR", &originals);
                if let Some(quality) = situation.quality {
                    for name in ["QUALITY", "OXIMG_WEBP_QUALITY", "OXIMG_AVIF_QUALITY"] {
                        set(name, &quality.to_string());
                    }
                }
            }
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// With the libraries that were installed beside it, unless the caller names some for all.
    fn program(&self) -> Command {
        let mut command = Command::new(&self.program);
        let beside = |up: usize| self.program.ancestors().nth(up).map(|folder| folder.join("lib"));
        let libraries = [beside(1), beside(2)].into_iter().flatten().find(|folder| folder.is_dir());
        if let Some(folder) = libraries.filter(|_| !self.is_tintype() && std::env::var_os("LD_LIBRARY_PATH").is_none())
        {
            command.env("LD_LIBRARY_PATH", folder);
        }
        command
    }

    /// Whether this build can keep reductions at all: a setting that it does not know ends it.
    fn knows_mezzanine(&self) -> bool {
        let help = Command::new(&self.program).args(["serve", "--help"]).output();
        help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--cache-mezzanine-bytes"))
    }
}

/// tintype with its further rows, and every peer that is there; says who is not.
pub fn found(plan: &Plan) -> Vec<Peer> {
    let mut peers = vec![Peer::tintype("tintype", Vec::new())];
    for variant in &plan.variants {
        let whole = |(name, value): &(String, String)| (format!("TINTYPE_{name}"), value.clone());
        peers.push(Peer::tintype(&format!("tintype {}", variant.name), variant.settings.iter().map(whole).collect()));
    }
    for name in &plan.peers {
        let Some((name, kind)) = PEERS.iter().find(|(known, _)| known == name) else {
            println!("skipped: {name}, which is no peer; there are imgproxy, imagor and oximg");
            continue;
        };
        match program(name) {
            Some(program) => {
                let (kind, name) = (*kind, (*name).to_owned());
                peers.push(Peer { kind, name, program, settings: Vec::new(), behind_nginx: false });
            }
            None => println!("skipped: {name} is not in PATH, and {} names none", name.to_uppercase()),
        }
    }
    peers
}

/// tintype with threads, and with worker processes.
pub fn isolations() -> Vec<Peer> {
    let row =
        |name: &str, value: &str| Peer::tintype(name, vec![("TINTYPE_ENGINE_ISOLATION".to_owned(), value.to_owned())]);
    vec![row("processes", "process"), row("threads", "thread")]
}

/// tintype that keeps reductions of originals, and that keeps none; nothing where it cannot.
pub fn mezzanines() -> Option<Vec<Peer>> {
    let row = |name: &str, value: &str| Peer::tintype(name, vec![(MEZZANINE.to_owned(), value.to_owned())]);
    let peers = vec![row("mezzanine on", MEZZANINE_BYTES), row("mezzanine off", "0")];
    peers[0].knows_mezzanine().then_some(peers)
}

/// A program by its own variable (`IMGPROXY` for imgproxy), or by `PATH`.
pub fn program(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(name.to_uppercase()).map(PathBuf::from).filter(|path| path.is_file());
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    named.or_else(|| folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}

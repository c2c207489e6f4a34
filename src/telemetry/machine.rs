//! How much of the machine this process may use: processors and memory, as its control groups grant them (cgroup v2 and
//! v1), else as the machine has them. Contract: what cannot be read grants nothing and takes nothing away; pure but for
//! [`machine`], which reads once.
//!
//! A limit of any group on the way from the root to this process holds, so that the least one counts. In a container
//! the path that the kernel names is often that of the host, and what is mounted begins at the container itself: then
//! the groups that are there are looked at.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What was found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub cpus: Found<usize>,
    /// `None` where nobody knows.
    pub memory_bytes: Option<Found<u64>>,
}

/// A number with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    pub value: T,
    pub source: Source,
}

/// Who grants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The machine, or how many of its processors this process is bound to.
    Host,
    /// The file of a control group.
    Cgroup(PathBuf),
}

/// The files of a system; the root is another one in tests.
#[derive(Debug)]
struct System<'a> {
    root: &'a Path,
}

/// Where control groups are mounted.
const MOUNT: &str = "sys/fs/cgroup";
/// Which groups this process is in: a line `number:controllers:path` for each hierarchy, `0::path` for version 2.
const OWN_GROUPS: &str = "proc/self/cgroup";
/// Where a hierarchy of version 1 can be mounted that has the controller of processors.
const V1_CPU: [&str; 3] = ["cpu,cpuacct", "cpuacct,cpu", "cpu"];
const V1_MEMORY: [&str; 1] = ["memory"];

/// What this process may use; read once, at the first call.
pub fn machine() -> &'static Machine {
    static FOUND: OnceLock<Machine> = OnceLock::new();
    FOUND.get_or_init(|| System { root: Path::new("/") }.machine(bound_to()))
}

/// Processors that this process may use, at least 1; a part of one counts as one.
pub fn cpus() -> usize {
    machine().cpus.value
}

/// Memory that this process may use; `None` where nobody knows.
pub fn memory_bytes() -> Option<u64> {
    machine().memory_bytes.as_ref().map(|found| found.value)
}

/// One part in `parts` of the memory that this process may use, at most `most_bytes`, which is also what it is where
/// nobody knows how much there is.
pub fn memory_share(parts: u64, most_bytes: u64) -> u64 {
    memory_bytes().map_or(most_bytes, |bytes| (bytes / parts.max(1)).min(most_bytes))
}

// === impl Source ===

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => formatter.write_str("the machine"),
            Self::Cgroup(file) => write!(formatter, "{}", file.display()),
        }
    }
}

// === impl System ===

impl System<'_> {
    fn machine(&self, bound_to: usize) -> Machine {
        let cpus = Found { value: bound_to.max(1), source: Source::Host };
        let granted = self.least(|folder| self.quota(folder), &V1_CPU);
        let cpus = granted.filter(|granted| granted.value < cpus.value).unwrap_or(cpus);
        let host = self.read("proc/meminfo").and_then(|text| total_bytes(&text));
        let host = host.map(|value| Found { value, source: Source::Host });
        let granted = self.least(|folder| self.memory_limit(folder), &V1_MEMORY);
        // Without a limit version 1 says a number that no machine has.
        let memory_bytes = match (granted, host) {
            (Some(granted), Some(host)) if granted.value >= host.value => Some(host),
            (Some(granted), _) => Some(granted),
            (None, host) => host,
        };
        Machine { cpus, memory_bytes }
    }

    /// The least of what the groups of this process say, in version 2 or in a hierarchy of version 1 with one of these
    /// names.
    fn least<T: Ord>(&self, ask: impl Fn(&Path) -> Option<(T, PathBuf)>, v1_names: &[&str]) -> Option<Found<T>> {
        let own = self.read(OWN_GROUPS).unwrap_or_default();
        let mount = Path::new(MOUNT);
        let v2 = own_path(&own, None).map(|path| (mount.to_owned(), path));
        // The controllers of a line are named like the folder, in whatever order.
        let v1 = v1_names.iter().map(|name| {
            let controller = name.split(',').next();
            (mount.join(name), own_path(&own, controller).unwrap_or("/"))
        });
        let folders = v2.into_iter().chain(v1).flat_map(|(mount, path)| groups(&mount, path));
        let least = folders.filter_map(|folder| ask(&folder)).min_by(|(one, _), (other, _)| one.cmp(other));
        least.map(|(value, file)| Found { value, source: Source::Cgroup(Path::new("/").join(file)) })
    }

    fn quota(&self, folder: &Path) -> Option<(usize, PathBuf)> {
        let v2 = folder.join("cpu.max");
        if let Some(text) = self.read(&v2) {
            let (quota_us, period_us) = text.trim().split_once(' ')?;
            return quota(quota_us, period_us).map(|cpus| (cpus, v2));
        }
        let file = folder.join("cpu.cfs_quota_us");
        let [quota_us, period_us] = [self.read(&file)?, self.read(folder.join("cpu.cfs_period_us"))?];
        quota(quota_us.trim(), period_us.trim()).map(|cpus| (cpus, file))
    }

    fn memory_limit(&self, folder: &Path) -> Option<(u64, PathBuf)> {
        ["memory.max", "memory.limit_in_bytes"].into_iter().find_map(|name| {
            let file = folder.join(name);
            // `max` is no number.
            let bytes = self.read(&file)?.trim().parse::<u64>().ok().filter(|bytes| *bytes > 0)?;
            Some((bytes, file))
        })
    }

    fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        std::fs::read_to_string(self.root.join(path)).ok()
    }
}

/// The path of this process in the hierarchy with this controller; in that of version 2 without one.
fn own_path<'a>(own: &'a str, controller: Option<&str>) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let is_it = match controller {
            Some(controller) => controllers.split(',').any(|name| name == controller),
            None => controllers.is_empty(),
        };
        is_it.then_some(path)
    })
}

/// The folders of a group and of those around it, the outermost first. A path that leads out of what is mounted stands
/// for where it begins.
fn groups(mount: &Path, path: &str) -> Vec<PathBuf> {
    let mut folders = vec![mount.to_owned()];
    let names: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if names.contains(&"..") {
        return folders;
    }
    for name in names {
        let inner = folders[folders.len() - 1].join(name);
        folders.push(inner);
    }
    folders
}

/// Whole processors of a quota and its period in the same unit, rounded up; nothing where it is `max` or -1.
fn quota(quota: &str, period: &str) -> Option<usize> {
    let quota = quota.parse::<u64>().ok()?;
    let period = period.parse::<u64>().ok().filter(|period| *period > 0)?;
    usize::try_from(quota.div_ceil(period)).ok().map(|cpus| cpus.max(1))
}

/// The memory of the machine.
fn total_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Processors that this process is bound to, quotas left out.
fn bound_to() -> usize {
    #[cfg(target_os = "linux")]
    if let Ok(set) = rustix::thread::sched_getaffinity(None) {
        return usize::try_from(set.count()).unwrap_or(1);
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests;

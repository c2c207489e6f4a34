//! Servers seen from outside: CPU time and memory of a process and of everything that it started, by `/proc`.
//!
//! Contract: what cannot be read counts as nothing, and where nothing can be read there is `None`, never a wrong 0.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// What `/proc` says of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pub parent: u32,
    /// Its own and that of children that it has buried, in ticks of the kernel's clock.
    pub cpu_ticks: u64,
}

/// Looks at the memory of servers again and again until it is asked for the most that it has seen.
pub struct Peak {
    is_over: Arc<AtomicBool>,
    most_kb: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

/// The time of the whole machine, in ticks.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    busy_ticks: u64,
    all_ticks: u64,
}

// === impl Peak ===

impl Peak {
    pub fn watch(roots: &[u32], pace: Duration) -> Self {
        let (is_over, most_kb) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (over, most, roots) = (Arc::clone(&is_over), Arc::clone(&most_kb), roots.to_vec());
        let thread = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(pss_kb(&roots).unwrap_or(0), Ordering::Relaxed);
                thread::sleep(pace);
            }
        });
        Self { is_over, most_kb, thread }
    }

    /// In megabytes; nothing where memory cannot be read.
    pub fn end_mb(self) -> Option<f64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watching thread");
        let most_kb = self.most_kb.load(Ordering::Relaxed);
        (most_kb > 0).then(|| most_kb as f64 / 1024.0)
    }
}

// === impl Machine ===

impl Machine {
    pub fn now() -> Self {
        Self::parse(&std::fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    /// Of the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
    pub fn parse(text: &str) -> Self {
        let numbers = text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
        let ticks: Vec<u64> = numbers.filter_map(|number| number.parse().ok()).collect();
        let all_ticks = ticks.iter().sum();
        let idle = ticks.get(3).copied().unwrap_or(0) + ticks.get(4).copied().unwrap_or(0);
        Self { busy_ticks: all_ticks - idle, all_ticks }
    }

    /// The part of the machine's time since then that went to neither the servers nor this process: 0 is a quiet
    /// machine.
    pub fn foreign_since(&self, then: &Self, ours_ms: f64) -> f64 {
        let busy_ms = (self.busy_ticks - then.busy_ticks) as f64 * tick_ms();
        let all_ms = (self.all_ticks - then.all_ticks) as f64 * tick_ms();
        ((busy_ms - ours_ms) / all_ms.max(1.0)).max(0.0)
    }
}

/// CPU time of these processes and all below them, in milliseconds, the dead ones included.
pub fn cpu_ms(roots: &[u32]) -> f64 {
    let all = all();
    let ticks: u64 = tree(&all, roots).iter().filter_map(|pid| all.get(pid)).map(|process| process.cpu_ticks).sum();
    ticks as f64 * tick_ms()
}

/// Proportional set size of these processes and all below them: a page that several share counts once.
pub fn pss_kb(roots: &[u32]) -> Option<u64> {
    let sizes: Vec<u64> = tree(&all(), roots).into_iter().filter_map(own_pss_kb).collect();
    (!sizes.is_empty()).then(|| sizes.iter().sum())
}

fn own_pss_kb(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

/// The roots and everything below them.
pub fn tree(all: &BTreeMap<u32, Process>, roots: &[u32]) -> Vec<u32> {
    let mut found: Vec<u32> = roots.iter().copied().filter(|root| all.contains_key(root)).collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn all() -> BTreeMap<u32, Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// Of the text of `/proc/<pid>/stat` (proc(5)); a program's name may hold blanks and brackets.
pub fn parse(text: &str) -> Option<Process> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // Behind the name the fields are counted from the third: parent 4, utime 14, stime 15, cutime 16, cstime 17.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let cpu_ticks = (14..=17).map(number).sum::<Option<u64>>()?;
    Some(Process { parent: u32::try_from(number(4)?).ok()?, cpu_ticks })
}

fn tick_ms() -> f64 {
    1000.0 / rustix::param::clock_ticks_per_second() as f64
}

/// Lets this thread, and what it starts, run on these cores alone; gives those that it had. None named, none changed.
pub fn pin(cpus: &[usize]) -> Option<CpuSet> {
    if cpus.is_empty() {
        return None;
    }
    let before = sched_getaffinity(None).ok()?;
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu);
    }
    sched_setaffinity(None, &set).expect("cores that there are");
    Some(before)
}

/// Undoes [`pin`].
pub fn unpin(before: Option<&CpuSet>) {
    if let Some(before) = before {
        sched_setaffinity(None, before).expect("the cores from before");
    }
}

/// The machine in a line.
pub fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("machine: {cores} cores of {}, Linux {}", model.unwrap_or("an unnamed processor"), kernel.trim())
}

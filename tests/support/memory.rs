//! Memory of processes as the kernel counts it: the proportional set size, in which shared pages are split.

use std::fs;

/// Of one process, in bytes; 0 where it is gone.
pub fn pss_bytes(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kibibytes| kibibytes << 10)
}

/// Of a process and all below it, in bytes.
pub fn tree_pss_bytes(pid: u32) -> u64 {
    pss_bytes(pid) + children(pid).into_iter().map(tree_pss_bytes).sum::<u64>()
}

/// The processes that a process has started, any of its threads.
pub fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

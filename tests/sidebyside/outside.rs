//! Processes seen from outside.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::processes::{Machine, Peak, Process, cpu_ms, machine, parse, pin, pss_kb, tree, unpin};

#[test]
fn a_line_of_the_kernel_is_read_behind_any_name() {
    let fields = "S 7 41 41 0 -1 4194560 9 8 7 6 100 20 3 4 20 0 1 0 99 1000 50";
    for name in ["(tintype)", "(a b)", "((sd-pam))", "(x) R 1)"] {
        assert_eq!(parse(&format!("41 {name} {fields}")), Some(Process { parent: 7, cpu_ticks: 127 }), "{name}");
    }
    assert_eq!(parse("41 (tintype) S 7 41"), None);
    assert_eq!(parse(""), None);
}

#[test]
fn a_tree_is_everything_below_its_roots() {
    let processes = [(1, 0), (10, 1), (11, 10), (12, 11), (20, 1), (21, 20), (30, 1)];
    let process = |parent| Process { parent, cpu_ticks: 1 };
    let all: BTreeMap<u32, Process> = processes.into_iter().map(|(pid, parent)| (pid, process(parent))).collect();
    assert_eq!(tree(&all, &[10, 20]), [10, 20, 11, 21, 12]);
    assert_eq!(tree(&all, &[99]), [0; 0]);
}

#[test]
fn a_child_counts_for_its_parent_also_when_it_has_ended() {
    let own = [std::process::id()];
    let before_ms = cpu_ms(&own);
    // Some work, so that there is something to count.
    let script = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
    let status = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).status().unwrap();
    assert!(status.success());
    assert!(cpu_ms(&own) > before_ms);
}

#[test]
fn memory_is_seen_at_its_most() {
    let own = [std::process::id()];
    let before_mb = pss_kb(&own).expect("this process") as f64 / 1024.0;
    let peak = Peak::watch(&own, Duration::from_millis(1));
    let held = vec![1_u8; 64 << 20];
    let now_mb = pss_kb(&own).expect("this process") as f64 / 1024.0;
    assert_eq!(held.iter().step_by(4096).map(|byte| usize::from(*byte)).sum::<usize>(), held.len() / 4096);
    // Whatever the watching thread has seen, it was asked once at least.
    let most_mb = peak.end_mb().expect("this process");
    assert!(now_mb > before_mb + 32.0 && most_mb > 0.0, "{before_mb} {now_mb} {most_mb}");
    assert_eq!(pss_kb(&[u32::MAX]), None);
}

#[test]
fn what_others_do_is_told() {
    let ticks = |user: u64, idle: u64| Machine::parse(&format!("cpu  {user} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2\n"));
    let tick_ms = 1000.0 / rustix::param::clock_ticks_per_second() as f64;
    let foreign = ticks(300, 1700).foreign_since(&ticks(100, 900), 100.0 * tick_ms);
    assert!((foreign - 0.1).abs() < 1e-9, "{foreign}");
    // The clocks of processes and machine tick apart: less than nothing is nothing.
    assert_eq!(ticks(300, 1700).foreign_since(&ticks(100, 900), 300.0 * tick_ms), 0.0);
    assert_eq!(Machine::parse("").foreign_since(&Machine::parse(""), 0.0), 0.0);
    assert!(Machine::now().foreign_since(&Machine::now(), 0.0) <= 1.0);
    assert!(machine().contains("cores of"));
}

#[test]
fn cores_are_given_back() {
    let before = pin(&[]);
    assert!(before.is_none());
    unpin(before.as_ref());
    let all = rustix::thread::sched_getaffinity(None).unwrap();
    let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).unwrap();
    let before = pin(&[first]);
    assert_eq!(rustix::thread::sched_getaffinity(None).unwrap().count(), 1);
    unpin(before.as_ref());
    assert_eq!(rustix::thread::sched_getaffinity(None).unwrap().count(), all.count());
}

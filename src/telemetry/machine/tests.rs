//! Systems as folders: containers and machines, with limits and without, of both versions.

use std::fs;

use super::*;

const MIB: u64 = 1 << 20;

/// What a system with these files gives a process that is bound to four processors.
fn machine_of(files: &[(&str, &str)]) -> Machine {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        fs::write(path, text).expect("a writable folder");
    }
    System { root: root.path() }.machine(4)
}

fn cgroup<T>(value: T, file: &str) -> Found<T> {
    Found { value, source: Source::Cgroup(PathBuf::from(file)) }
}

fn host<T>(value: T) -> Found<T> {
    Found { value, source: Source::Host }
}

const MEMORY: (&str, &str) = ("proc/meminfo", "MemTotal:       16777216 kB\nMemFree:  1 kB\n");
const HOST_BYTES: u64 = 16 << 30;

#[test]
fn a_system_without_groups_is_the_machine() {
    let found = machine_of(&[MEMORY]);
    assert_eq!(found, Machine { cpus: host(4), memory_bytes: Some(host(HOST_BYTES)) });
    assert_eq!(machine_of(&[]), Machine { cpus: host(4), memory_bytes: None });
}

#[test]
fn a_container_of_version_2_sees_its_own_group_at_the_root() {
    let found = machine_of(&[
        MEMORY,
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
        ("sys/fs/cgroup/memory.max", "536870912\n"),
    ]);
    assert_eq!(found.cpus, cgroup(2, "/sys/fs/cgroup/cpu.max"), "a part of a processor is one");
    assert_eq!(found.memory_bytes, Some(cgroup(512 * MIB, "/sys/fs/cgroup/memory.max")));
}

#[test]
fn the_least_of_nested_groups_counts() {
    let found = machine_of(&[
        MEMORY,
        ("proc/self/cgroup", "0::/system.slice/tintype.service/inner\n"),
        ("sys/fs/cgroup/system.slice/cpu.max", "100000 100000"),
        ("sys/fs/cgroup/system.slice/memory.max", "max"),
        ("sys/fs/cgroup/system.slice/tintype.service/cpu.max", "300000 100000"),
        ("sys/fs/cgroup/system.slice/tintype.service/memory.max", "1073741824"),
        ("sys/fs/cgroup/system.slice/tintype.service/inner/cpu.max", "max 100000"),
        ("sys/fs/cgroup/system.slice/tintype.service/inner/memory.max", "2147483648"),
        ("sys/fs/cgroup/other.slice/memory.max", "1"),
    ]);
    assert_eq!(found.cpus, cgroup(1, "/sys/fs/cgroup/system.slice/cpu.max"));
    let file = "/sys/fs/cgroup/system.slice/tintype.service/memory.max";
    assert_eq!(found.memory_bytes, Some(cgroup(1024 * MIB, file)));
}

#[test]
fn version_1_has_a_folder_for_each_controller() {
    let found = machine_of(&[
        MEMORY,
        ("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n"),
        ("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "50000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "268435456\n"),
    ]);
    assert_eq!(found.cpus, cgroup(1, "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us"));
    let file = "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes";
    assert_eq!(found.memory_bytes, Some(cgroup(256 * MIB, file)));
}

#[test]
fn a_path_of_the_host_that_is_not_mounted_leads_to_what_is() {
    let found = machine_of(&[
        MEMORY,
        ("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu:/docker/abc\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000"),
        ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456"),
    ]);
    assert_eq!(found.cpus, cgroup(2, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
    assert_eq!(found.memory_bytes, Some(cgroup(256 * MIB, "/sys/fs/cgroup/memory/memory.limit_in_bytes")));
    let beside = machine_of(&[("proc/self/cgroup", "0::/../other\n"), ("sys/fs/cgroup/memory.max", "268435456")]);
    assert_eq!(beside.memory_bytes, Some(cgroup(256 * MIB, "/sys/fs/cgroup/memory.max")));
}

#[test]
fn what_says_nothing_takes_nothing_away() {
    for (cpu, memory) in [("max 100000", "max"), ("", ""), ("-1 100000", "-1"), ("1 0", "0"), ("a b", "many")] {
        let found = machine_of(&[
            MEMORY,
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/cpu.max", cpu),
            ("sys/fs/cgroup/memory.max", memory),
        ]);
        assert_eq!(found, Machine { cpus: host(4), memory_bytes: Some(host(HOST_BYTES)) }, "{cpu} {memory}");
    }
    let more = [MEMORY, ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1"), ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "1000")];
    assert_eq!(machine_of(&more).cpus, host(4));
    let large = [MEMORY, ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/cpu.max", "9900000 100000")];
    assert_eq!(machine_of(&large).cpus, host(4), "a quota gives no processors that there are not");
}

#[test]
fn this_machine_has_something() {
    assert!(cpus() >= 1);
    assert!(memory_bytes().is_none_or(|bytes| bytes > MIB));
    assert_eq!(memory_share(1, 5), 5);
    assert!(memory_share(2, u64::MAX) > 0);
}

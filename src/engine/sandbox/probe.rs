//! What a confined process can still do, tried from inside. For tests of the sandbox, in debug builds only.
//!
//! An attempt does nothing that lasts where it succeeds: what would write, connect or execute is aimed at what is not
//! there, so that the answer of the sandbox (`EPERM`, `EACCES`) differs from that of the kernel behind it.

#![expect(unsafe_code, reason = "system calls are made raw, as an intruder would make them")]

use std::ffi::{CString, c_long};
use std::fs;
use std::path::PathBuf;
use std::thread;

use rustix::io::Errno;

/// What became of an attempt that did not end the process.
type Tried = Result<(), Errno>;

/// One thing to try, and what a fully confined worker gets for it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    pub name: &'static str,
    /// `ok`, the name of an error number, or the name of the signal that ends the process.
    pub expected: &'static str,
    act: fn() -> Tried,
}

const fn to(name: &'static str, expected: &'static str, act: fn() -> Tried) -> Attempt {
    Attempt { name, expected, act }
}

/// Everything that is tried.
pub const ATTEMPTS: &[Attempt] = &[
    to("read a library", "ok", || open("/etc/ld.so.cache", libc::O_RDONLY)),
    to("list the fonts' settings", "ok", || open("/etc/fonts", libc::O_RDONLY | libc::O_DIRECTORY)),
    to("read /etc/passwd", "EACCES", || open("/etc/passwd", libc::O_RDONLY)),
    to("list the root", "EACCES", || open("/", libc::O_RDONLY | libc::O_DIRECTORY)),
    to("list the home folder", "EACCES", || open(&home(), libc::O_RDONLY | libc::O_DIRECTORY)),
    to("read another process's environment", "EACCES", || open("/proc/1/environ", libc::O_RDONLY)),
    to("read its own environment", "EACCES", || open("/proc/self/environ", libc::O_RDONLY)),
    to("write a temporary file", "EPERM", || open(&temporary(), libc::O_WRONLY | libc::O_CREAT)),
    to("write shared memory by name", "EPERM", || open("/dev/shm/tintype-probe", libc::O_RDWR | libc::O_CREAT)),
    to("write what it may read", "EPERM", || open("/dev/null", libc::O_WRONLY)),
    to("cut a file", "EPERM", || call(libc::SYS_truncate, &[text(&temporary()).as_ptr() as c_long, 0])),
    to("remove a file", "EPERM", || at(libc::SYS_unlinkat, &temporary(), 0)),
    to("make a folder", "EPERM", || at(libc::SYS_mkdirat, &temporary(), 0o700)),
    to("open by the newer call", "ENOSYS", || at(libc::SYS_openat2, "/etc/ld.so.cache", 0)),
    to("make an internet socket", "EPERM", || socket(libc::AF_INET, libc::SOCK_STREAM)),
    to("make a datagram socket", "EPERM", || socket(libc::AF_INET6, libc::SOCK_DGRAM)),
    to("make a unix socket", "EPERM", || socket(libc::AF_UNIX, libc::SOCK_STREAM)),
    to("make a netlink socket", "EPERM", || socket(libc::AF_NETLINK, libc::SOCK_RAW)),
    to("make a packet socket", "EPERM", || socket(libc::AF_PACKET, libc::SOCK_RAW)),
    to("make a pair of sockets", "EPERM", || call(libc::SYS_socketpair, &[libc::AF_UNIX.into(), 1, 0, 0])),
    to("connect what it was given", "EPERM", || call(libc::SYS_connect, &[0, 0, 0])),
    to("accept on what it was given", "EPERM", || call(libc::SYS_accept4, &[0, 0, 0, 0])),
    to("send to an address", "EPERM", || call(libc::SYS_sendto, &[0, 0, 0, 0, 1, 16])),
    to("fork", "EPERM", || child(libc::SYS_clone, &[libc::SIGCHLD.into(), 0, 0, 0, 0])),
    to("fork by the old call", "EPERM", old_fork),
    to("share memory with a child", "EPERM", || {
        child(libc::SYS_clone, &[c_long::from(libc::CLONE_VFORK | libc::SIGCHLD), 0, 0, 0, 0])
    }),
    to("clone by the newer call", "ENOSYS", || call(libc::SYS_clone3, &[0, 0])),
    to("make a call of the future", "ENOSYS", || call(470, &[0, 0])),
    to("start a thread", "ok", start_a_thread),
    to("make memory with a descriptor", "ok", make_memory),
    to("signal its parent", "EPERM", || call(libc::SYS_kill, &[parent(), 0])),
    to("signal everyone", "EPERM", || call(libc::SYS_kill, &[-1, 0])),
    to("signal a thread of its parent", "EPERM", || call(libc::SYS_tgkill, &[parent(), parent(), 0])),
    to("signal itself", "ok", || call(libc::SYS_kill, &[std::process::id().into(), 0])),
    to("hold its parent", "EPERM", || call(libc::SYS_pidfd_open, &[parent(), 0])),
    to("slow everyone down", "EPERM", || call(libc::SYS_setpriority, &[libc::PRIO_USER.into(), 0, 19])),
    to("be slower itself", "ok", || call(libc::SYS_setpriority, &[libc::PRIO_PROCESS.into(), 0, 19])),
    to("move its parent to a processor", "EPERM", || call(libc::SYS_sched_setaffinity, &[parent(), 0, 0])),
    to("lift a limit", "EPERM", || call(libc::SYS_prlimit64, &[0, libc::RLIMIT_CORE.into(), 1, 0])),
    to("let itself be looked at", "EPERM", || call(libc::SYS_prctl, &[libc::PR_SET_DUMPABLE.into(), 1, 0, 0, 0])),
    to("put on a filter", "EPERM", || call(libc::SYS_seccomp, &[1, 0, 0])),
    to("type into the terminal", "EPERM", || call(libc::SYS_ioctl, &[0, libc::TIOCSTI as c_long, 0])),
    to("have signals sent", "EPERM", || call(libc::SYS_fcntl, &[0, libc::F_SETOWN.into(), 1])),
    to("use a semaphore", "EPERM", || call(libc::SYS_semget, &[0, 1, 0o600])),
    to("execute", "SIGSYS", || call(libc::SYS_execve, &[text("/bin/true").as_ptr() as c_long, 0, 0])),
    to("execute a descriptor", "SIGSYS", || call(libc::SYS_execveat, &[0, 0, 0, 0, 0])),
    to("trace", "SIGSYS", || call(libc::SYS_ptrace, &[libc::PTRACE_ATTACH.into(), parent(), 0, 0])),
    to("read other memory", "SIGSYS", || call(libc::SYS_process_vm_readv, &[parent(), 0, 0, 0, 0, 0])),
    to("take a descriptor", "SIGSYS", || call(libc::SYS_pidfd_getfd, &[0, 0, 0])),
    to("mount", "SIGSYS", || call(libc::SYS_mount, &[0, 0, 0, 0, 0])),
    to("leave the root", "SIGSYS", || call(libc::SYS_chroot, &[0])),
    to("make a namespace", "SIGSYS", || call(libc::SYS_unshare, &[0])),
    to("enter a namespace", "SIGSYS", || call(libc::SYS_setns, &[0, 0])),
    to("queue calls", "SIGSYS", || call(libc::SYS_io_uring_setup, &[0, 0])),
    to("load into the kernel", "SIGSYS", || call(libc::SYS_bpf, &[0, 0, 0])),
    to("load a module", "SIGSYS", || call(libc::SYS_init_module, &[0, 0, 0])),
    to("watch events of the processor", "SIGSYS", || call(libc::SYS_perf_event_open, &[0, 0, 0, -1, 0])),
    to("handle faults of memory", "SIGSYS", || call(libc::SYS_userfaultfd, &[0])),
    to("use keys", "SIGSYS", || call(libc::SYS_keyctl, &[0, 0, 0, 0, 0])),
    to("become another user", "SIGSYS", || call(libc::SYS_setresuid, &[1, 1, 1])),
    to("open by a handle", "SIGSYS", || call(libc::SYS_open_by_handle_at, &[0, 0, 0])),
    to("abort", "SIGABRT", || std::process::abort()),
];

/// Makes one attempt and says what became of it: `ok`, the name of an error number, or `unknown attempt`. It may end
/// the process instead.
pub fn attempt(name: &str) -> String {
    match ATTEMPTS.iter().find(|attempt| attempt.name == name) {
        Some(attempt) => said((attempt.act)()),
        None => "unknown attempt".to_owned(),
    }
}

/// Makes every attempt that a confined process survives.
pub fn probe() -> Vec<(&'static str, String)> {
    let survived = ATTEMPTS.iter().filter(|attempt| !attempt.expected.starts_with("SIG"));
    survived.map(|attempt| (attempt.name, said((attempt.act)()))).collect()
}

fn said(tried: Tried) -> String {
    match tried {
        Ok(()) => "ok".to_owned(),
        Err(Errno::PERM) => "EPERM".to_owned(),
        Err(Errno::ACCESS) => "EACCES".to_owned(),
        Err(Errno::NOSYS) => "ENOSYS".to_owned(),
        Err(errno) => format!("{errno:?}"),
    }
}

/// A system call; missing arguments are zeros.
fn call(number: c_long, args: &[c_long]) -> Tried {
    let arg = |place: usize| args.get(place).copied().unwrap_or(0);
    // SAFETY: pointers among the arguments are null, wrong, or to text that the caller holds; the kernel checks them.
    let result = unsafe { libc::syscall(number, arg(0), arg(1), arg(2), arg(3), arg(4), arg(5)) };
    if result < 0 {
        return Err(Errno::from_raw_os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)));
    }
    Ok(())
}

/// As [`call`], for what comes back twice where it succeeds: the child ends at once.
fn child(number: c_long, args: &[c_long]) -> Tried {
    let arg = |place: usize| args.get(place).copied().unwrap_or(0);
    // SAFETY: as in `call`; no memory is shared with the child, which does nothing but end.
    let result = unsafe { libc::syscall(number, arg(0), arg(1), arg(2), arg(3), arg(4)) };
    if result == 0 {
        // SAFETY: ends this process without running anything of it.
        unsafe { libc::_exit(0) };
    }
    if result < 0 {
        return Err(Errno::from_raw_os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)));
    }
    Ok(())
}

#[cfg(target_arch = "x86_64")]
fn old_fork() -> Tried {
    child(libc::SYS_fork, &[])
}

/// There is none on newer processors.
#[cfg(not(target_arch = "x86_64"))]
fn old_fork() -> Tried {
    Err(Errno::PERM)
}

fn open(path: &str, flags: i32) -> Tried {
    at(libc::SYS_openat, path, flags.into())
}

/// A call that takes a folder, a path and one more argument.
fn at(number: c_long, path: &str, more: c_long) -> Tried {
    call(number, &[libc::AT_FDCWD.into(), text(path).as_ptr() as c_long, more, 0])
}

fn socket(family: i32, kind: i32) -> Tried {
    call(libc::SYS_socket, &[family.into(), kind.into(), 0])
}

fn start_a_thread() -> Tried {
    let number = thread::Builder::new().spawn(|| 7).map_err(|_| Errno::AGAIN)?.join();
    if number.is_ok_and(|number| number == 7) { Ok(()) } else { Err(Errno::IO) }
}

/// Memory as results travel in: made, filled, sealed.
fn make_memory() -> Tried {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
    let memory = memfd_create(c"probe", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&memory, 4096)?;
    rustix::io::write(&memory, b"seen")?;
    fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)
}

fn parent() -> c_long {
    std::os::unix::process::parent_id().into()
}

fn text(path: &str) -> CString {
    CString::new(path).unwrap_or_default()
}

fn temporary() -> String {
    std::env::temp_dir().join("tintype-probe").to_string_lossy().into_owned()
}

fn home() -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    home.filter(is_there).map_or_else(|| "/home".to_owned(), |path| path.to_string_lossy().into_owned())
}

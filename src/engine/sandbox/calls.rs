//! Which system calls may be made: filters of seccomp, stacked.
//!
//! A filter has one action for what it lists and one for the rest, so there are several, and the kernel takes the
//! strictest answer of all that are stacked: ending the process before an error number before letting it through.
//!
//! 1. *Killed*: what no codec does. Ends the process by `SIGSYS`.
//! 2. *Absent*: calls for which the C library has another way, which it takes on `ENOSYS` alone. `EPERM` for `clone3`
//!    would leave a process without threads. Calls that are newer than our knowledge belong here too.
//! 3. *Allowed* in the template: all others fail with `EPERM`. It lists what is killed or absent as well, so that its
//!    own answer never competes with theirs: of two error numbers the younger filter's would win.
//! 4. *Allowed* in a worker, on top: the same without making processes, and signals to itself only.
//!
//! A filter sees numbers and not what a pointer leads to, so paths are landlock's matter; that a file is opened for
//! reading only is seen here. Calls of another architecture (32-bit ones of a 64-bit processor) end the process.

mod names;

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::layers::Why;

/// Rules by number of the call; no rule at all is any arguments.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// One thing that must hold for an argument.
struct Condition {
    /// Place of the argument, from 0.
    place: u8,
    /// A pointer is compared whole; all else are 32 bits to the kernel, whatever stands above them.
    length: SeccompCmpArgLen,
    op: SeccompCmpOp,
    value: u64,
}

/// What the two kinds of process may do that the other may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Template,
    /// With its own process id, as it sees it itself.
    Worker(u64),
}

/// Flags that make new namespaces.
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;
const A_THREAD: u64 = libc::CLONE_THREAD as u64;
/// Flags of `open` that could change a file.
const WRITING: u64 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64;

/// Names a region of memory; not in every C library's headers.
const PR_SET_VMA: u64 = 0x5356_4d41;
const PRCTL_BOTH: [u64; 4] =
    [libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64, libc::PR_CAPBSET_READ as u64, PR_SET_VMA];
const PRCTL_TEMPLATE: [u64; 3] =
    [libc::PR_SET_NO_NEW_PRIVS as u64, libc::PR_GET_NO_NEW_PRIVS as u64, libc::PR_SET_PDEATHSIG as u64];
/// Questions that standard libraries ask of descriptors.
const IOCTLS: [libc::Ioctl; 5] = [libc::TCGETS, libc::FIONBIO, libc::FIOCLEX, libc::FIONCLEX, libc::FIONREAD];
/// All but those that make the kernel send signals.
const FCNTLS: [i32; 14] = [
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GETLK,
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_GETLK,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
    libc::F_ADD_SEALS,
    libc::F_GET_SEALS,
];

/// Puts the template's filters on this thread and all that come from it.
pub(super) fn template() -> Result<(), Why> {
    let killed = names::KILLED.iter().chain(names::KILLED_HERE).map(|call| (*call, Vec::new())).collect();
    let killed = program(killed, SeccompAction::KillProcess, SeccompAction::Allow)?;
    let absent = absent().map(|call| (call, Vec::new())).collect();
    let absent = program(absent, SeccompAction::Errno(libc::ENOSYS as u32), SeccompAction::Allow)?;
    let allowed = allowed(Role::Template)?;
    [killed, absent, allowed].iter().try_for_each(put_on)
}

/// Puts a worker's filter on top.
pub(super) fn worker() -> Result<(), Why> {
    let own = u64::from(rustix::process::getpid().as_raw_nonzero().get().unsigned_abs());
    put_on(&allowed(Role::Worker(own))?)
}

fn allowed(role: Role) -> Result<BpfProgram, Why> {
    let passed_on = names::KILLED.iter().chain(names::KILLED_HERE).copied().chain(absent());
    let plain = names::PLAIN.iter().chain(names::PLAIN_HERE).copied();
    let template: &[&[i64]] = if role == Role::Template { &[names::TEMPLATE, names::TEMPLATE_HERE] } else { &[] };
    let all = passed_on.chain(plain).chain(template.concat());
    let mut rules: Rules = all.map(|call| (call, Vec::new())).collect();
    for (call, ways) in conditional(role) {
        rules.insert(call, ways.into_iter().map(rule).collect::<Result<_, _>>()?);
    }
    program(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32))
}

/// Calls that are allowed with some arguments: for each the ways in which it is, of which one must hold whole.
fn conditional(role: Role) -> Vec<(i64, Vec<Vec<Condition>>)> {
    let one_of = |place: u8, values: &[u64]| values.iter().map(|value| vec![is(place, *value)]).collect::<Vec<_>>();
    let fcntls: Vec<u64> = FCNTLS.iter().map(|command| u64::from(command.unsigned_abs())).collect();
    // The kernel looks at 32 bits; musl gives the numbers as signed ones.
    let ioctls = IOCTLS.map(|request| u64::from(request as u32));
    let mut calls = vec![
        (libc::SYS_openat, vec![vec![has_of(2, WRITING, 0)]]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, vec![vec![has_of(1, WRITING, 0)]]),
        (libc::SYS_fcntl, one_of(1, &fcntls)),
        (libc::SYS_ioctl, one_of(1, &ioctls)),
        // To nobody but the other end.
        (libc::SYS_sendto, vec![vec![is_null(4)]]),
        (libc::SYS_sched_setaffinity, one_of(0, &[0])),
    ];
    match role {
        Role::Template => calls.extend([
            (libc::SYS_clone, vec![vec![has_of(0, NAMESPACES, 0)]]),
            (libc::SYS_prctl, one_of(0, &[&PRCTL_BOTH[..], &PRCTL_TEMPLATE].concat())),
            (libc::SYS_socketpair, one_of(0, &[libc::AF_UNIX as u64])),
        ]),
        Role::Worker(own) => calls.extend([
            (libc::SYS_clone, vec![vec![has_of(0, NAMESPACES | A_THREAD, A_THREAD)]]),
            (libc::SYS_prctl, one_of(0, &PRCTL_BOTH)),
            // `abort` and what reports a fault; nobody else is signalled.
            (libc::SYS_kill, one_of(0, &[own])),
            (libc::SYS_tgkill, one_of(0, &[own])),
            // Limits are read, never set.
            (libc::SYS_prlimit64, vec![vec![is_null(2)]]),
            (libc::SYS_setpriority, vec![vec![is(0, u64::from(libc::PRIO_PROCESS)), is(1, 0)]]),
        ]),
    }
    calls
}

fn is(place: u8, value: u64) -> Condition {
    Condition { place, length: SeccompCmpArgLen::Dword, op: SeccompCmpOp::Eq, value }
}

fn is_null(place: u8) -> Condition {
    Condition { place, length: SeccompCmpArgLen::Qword, op: SeccompCmpOp::Eq, value: 0 }
}

/// Of these bits exactly those are set.
fn has_of(place: u8, bits: u64, set: u64) -> Condition {
    Condition { place, length: SeccompCmpArgLen::Dword, op: SeccompCmpOp::MaskedEq(bits), value: set }
}

fn absent() -> impl Iterator<Item = i64> {
    names::ABSENT.iter().copied().chain(names::UNKNOWN)
}

fn rule(conditions: Vec<Condition>) -> Result<SeccompRule, Why> {
    let condition = |it: Condition| SeccompCondition::new(it.place, it.length, it.op, it.value);
    let conditions = conditions.into_iter().map(condition).collect::<Result<_, _>>();
    conditions.and_then(SeccompRule::new).map_err(|error| unbuilt(&error))
}

fn program(rules: Rules, listed: SeccompAction, rest: SeccompAction) -> Result<BpfProgram, Why> {
    let arch = std::env::consts::ARCH.try_into().map_err(|_| Why::System)?;
    let filter = SeccompFilter::new(rules, rest, listed, arch);
    filter.and_then(BpfProgram::try_from).map_err(|error| unbuilt(&error))
}

fn unbuilt(error: &seccompiler::BackendError) -> Why {
    tracing::debug!(%error, "seccomp");
    Why::System
}

fn put_on(program: &BpfProgram) -> Result<(), Why> {
    seccompiler::apply_filter(program).map_err(|error| {
        tracing::debug!(%error, "seccomp");
        match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => match error.raw_os_error() {
                Some(libc::ENOSYS | libc::EINVAL) | None => Why::Kernel,
                Some(number) => Why::Refused(number),
            },
            _ => Why::System,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_call_is_in_two_lists() {
        let lists =
            [names::KILLED, names::KILLED_HERE, names::ABSENT, names::PLAIN, names::PLAIN_HERE, names::TEMPLATE];
        let all: Vec<i64> = lists.concat().into_iter().chain(names::UNKNOWN).collect();
        let unique: BTreeSet<i64> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len());
        for role in [Role::Template, Role::Worker(1)] {
            for (call, _) in conditional(role) {
                assert!(!unique.contains(&call) || names::TEMPLATE.contains(&call), "call {call} has two rules");
            }
        }
    }

    #[test]
    fn a_worker_may_do_nothing_that_the_template_may_not() {
        let calls = |role: Role| conditional(role).into_iter().map(|(call, _)| call).collect::<BTreeSet<i64>>();
        let template: BTreeSet<i64> =
            calls(Role::Template).into_iter().chain(names::TEMPLATE.iter().copied()).collect();
        for call in calls(Role::Worker(1)) {
            assert!(template.contains(&call), "call {call}");
        }
    }

    #[test]
    fn filters_fit_the_kernel() {
        for role in [Role::Template, Role::Worker(1)] {
            assert!(allowed(role).unwrap().len() < 4096);
        }
    }
}

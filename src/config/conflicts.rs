//! What is wrong between settings that are each right.

use std::net::SocketAddr;

use super::mistake::{Mistake, Problem};
use super::mounts::{Mount, faults};
use super::values::Values;

/// Every conflict, placed at the setting to change. Settings that other mistakes obscure take no part, since the
/// defaults in their places would only mislead.
pub(super) fn conflicts(values: &Values, mistakes: &[Mistake]) -> Vec<Mistake> {
    let is_obscured = |key: &str| mistakes.iter().any(|mistake| mistake.obscures(key));
    let mut found = Vec::new();
    let mut check = |keys: [&'static str; 2], blamed: &str, problem: Option<Problem>| {
        if let Some(problem) = problem.filter(|_| !keys.iter().any(|key| is_obscured(key))) {
            found.push(Mistake { place: values.provenance(blamed), problem });
        }
    };

    let (keys, salts) = (values.secrets("key").len(), values.secrets("salt").len());
    let blamed = if values.is_default("salt") { "key" } else { "salt" };
    check(["key", "salt"], blamed, (keys != salts).then_some(Problem::Unpaired { keys, salts }));

    let addresses = values.address("listen").zip(values.address("admin.listen"));
    let overlap = addresses.is_some_and(|(images, operations)| overlap(images, operations));
    let blamed = if values.is_default("admin.listen") { "listen" } else { "admin.listen" };
    check(["listen", "admin.listen"], blamed, overlap.then_some(Problem::SameAddress));
    let has = |setting: &str| match setting {
        "local_root" => values.path(setting).is_some(),
        _ => values.bool(setting),
    };
    let mounts: Vec<_> = values.texts("mounts").iter().filter_map(|text| Mount::parse(text)).collect();
    for fault in faults(&mounts, &values.text("path_prefix"), has) {
        check(["mounts", "path_prefix"], "mounts", Some(Problem::Mount(fault)));
    }
    found
}

/// Whether both cannot be listened on. Port 0 is a free port of the kernel's choice.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same_host = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_host
}

//! The conformance suite of http-tests/cache-tests, run against a mount before its own origin server. Contract: the
//! suite is installed by whoever runs this (`make conformance`), and what it says must be what the list beside this
//! file expects.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::eventually;
use crate::support::server::Launch;

/// Where the suite is, a folder as npm unpacks it.
const SUITE: &str = "TINTYPE_CACHE_TESTS";
/// Prints the kind of every test that is for proxies.
const KINDS: &str = "
    const sets = (await import(process.argv[1] + '/tests/index.mjs')).default
    sets.push((await import(process.argv[1] + '/tests/surrogate-control.mjs')).default)
    const tests = sets.flatMap(set => set.tests).filter(test => !test.browser_only)
    console.log(JSON.stringify(Object.fromEntries(tests.map(test => [test.id, test.kind ?? 'required']))))";

/// The suite's origin server, ended with this.
struct Origin(Child);

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn node(suite: &PathBuf, port: u16, base: &str) -> Command {
    let mut node = Command::new("node");
    node.current_dir(suite).stdin(Stdio::null()).arg("--no-warnings");
    // What npm would set from the suite's own manifest.
    let variables = [("PROTOCOL", "http"), ("PORT", &port.to_string()), ("BASE", base), ("PIDFILE", "server.pid")];
    for (name, value) in variables {
        node.env(format!("npm_config_{}", name.to_lowercase()), value);
    }
    node.env("npm_package_config_id", "").env_remove("npm_config_id");
    node
}

fn output(command: &mut Command) -> Value {
    let output = command.stderr(Stdio::inherit()).output().expect("node starts");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
#[ignore = "conformance: needs node and the suite, see `make conformance`"]
fn the_suite_says_what_is_expected_of_it() {
    let suite = PathBuf::from(std::env::var_os(SUITE).expect("the folder of the suite"));
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let free = TcpListener::bind(address(0)).expect("a port").local_addr().expect("an address").port();
    let _origin = Origin(node(&suite, free, "").arg("server/server.mjs").stdout(Stdio::null()).spawn().expect("node"));
    eventually("the suite's server listens", || TcpStream::connect(address(free)).is_ok());
    let server = Launch::new()
        .set("PATH_PREFIX", "/images")
        .set("MOUNTS", &format!("/=http://127.0.0.1:{free}"))
        // One test has a body without an end, which the suite's server closes after five seconds.
        .set("FETCH_IDLE_TIMEOUT", "10s")
        .start();

    let kinds = output(node(&suite, free, "").args(["--input-type=module", "--eval", KINDS]).arg(&suite));
    let results = output(node(&suite, free, &format!("http://{}", server.addr)).arg("cli.mjs"));
    let listed = include_str!("conformance.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let expected: BTreeSet<&str> = listed.filter_map(|line| line.split(' ').next()).collect();

    let (mut counts, mut failed) = (BTreeMap::new(), BTreeMap::new());
    for (id, kind) in kinds.as_object().expect("tests by name") {
        let kind = kind.as_str().expect("a kind");
        let (passed, all): &mut (usize, usize) = counts.entry(kind).or_default();
        *all += 1;
        if results[id] == Value::Bool(true) {
            *passed += 1;
        } else if kind != "check" {
            failed.insert(id.as_str(), results[id].to_string());
        }
    }
    for (kind, (passed, all)) in counts {
        eprintln!("{kind}: {passed} of {all}");
    }
    let new: Vec<_> = failed.iter().filter(|(id, _)| !expected.contains(*id)).collect();
    let gone: Vec<_> = expected.iter().filter(|id| !failed.contains_key(*id)).collect();
    assert!(new.is_empty(), "failed, and not expected to: {new:#?}");
    assert!(gone.is_empty(), "expected to fail, and passed: {gone:#?}");
}

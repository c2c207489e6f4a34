//! Hits beside nginx, which serves the same bytes as a static file: requests a second, 99th percentiles, and ratios.
//!
//! `make bench-static`. Both stand on the same machine as wrk, which asks over 64 connections and is not excused; they
//! take turns, round by round, because a machine is not the same from one minute to the next, and the ratio of each
//! round counts, not that of two means. nginx has its cache of open files, `sendfile`, and no access log; tintype logs
//! errors. What is measured are hits from memory at two sizes, hits from disk at both (memory switched off), and their
//! like from nginx. Where nginx or wrk is absent a line says so, and nothing is measured.

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use support::client;
use tempfile::TempDir;
use tintype::cli::demo::make_originals;

/// Rounds of each case.
const ROUNDS: usize = 5;
const ROUND_S: u32 = 4;
const CONNECTIONS: u32 = 64;
/// Sides of the pictures in pixels: an icon of a few kilobytes, and a picture of some tens.
const SIDES: [u32; 2] = [96, 512];
/// How long a server may take to listen.
const START_TRIES: u32 = 200;
const START_PAUSE: Duration = Duration::from_millis(50);

/// A server that ends with this.
struct Running {
    child: Child,
    addr: SocketAddr,
}

/// What wrk saw in one round.
#[derive(Clone, Copy)]
struct Round {
    per_s: f64,
    p99_ms: f64,
}

fn main() -> ExitCode {
    // Not asked to measure: cargo runs benches with `--test` among the tests.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    for program in ["nginx", "wrk"] {
        if !is_here(program) {
            println!("skipped: {program} is not here");
            return ExitCode::SUCCESS;
        }
    }
    let originals = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-originals");
    make_originals(&originals).expect("originals can be made");
    let name = first_jpeg(&originals);
    let root = public_folder();
    let start = |tier: &str, memory: &str| tintype(&originals, &root.path().join(tier), memory);
    let (memory, disk) = (start("memory", "auto"), start("disk", "0"));
    let nginx = nginx(root.path());
    println!(
        "{:<26} {:>9} {:>9} {:>7} {:>9} {:>9} {:>7}",
        "hits", "req/s", "nginx", "ratio", "p99 ms", "nginx", "ratio"
    );
    for (tier, server) in [("memory", &memory), ("disk", &disk)] {
        for side in SIDES {
            let target = format!("/_/rs:fit:{side}:{side}/q:80/plain/local:///{name}@jpg");
            let body = kept_body(server.addr, &target);
            let file = format!("{side}.jpg");
            std::fs::write(root.path().join(&file), &body).expect("a file");
            let one = || (wrk(server.addr, &target), wrk(nginx.addr, &format!("/{file}")));
            let rounds: Vec<(Round, Round)> = (0..ROUNDS).map(|_| one()).collect();
            report(&format!("{tier}, {side} px, {} B", body.len()), &rounds);
        }
    }
    ExitCode::SUCCESS
}

fn is_here(program: &str) -> bool {
    let asked = Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    !matches!(asked, Err(error) if error.kind() == io::ErrorKind::NotFound)
}

fn first_jpeg(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("a folder of originals");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.ends_with(".jpg")).min().expect("a JPEG among the originals")
}

/// A folder that nginx's workers may read, whoever they run as.
fn public_folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    folder
}

/// tintype with its disk tier in `folder`, and so much memory for variants.
fn tintype(originals: &Path, folder: &Path, memory: &str) -> Running {
    let [addr, admin] = [free_addr(), free_addr()];
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.arg("serve").env("TINTYPE_LISTEN", addr.to_string()).env("TINTYPE_ADMIN_LISTEN", admin.to_string());
    command.env("TINTYPE_LOCAL_ROOT", originals).env("TINTYPE_UNSIGNED", "allow").env("TINTYPE_LOG_LEVEL", "error");
    command.env("TINTYPE_CACHE_DISK_PATH", folder).env("TINTYPE_CACHE_MEMORY_BYTES", memory);
    Running::start(command, addr)
}

fn nginx(root: &Path) -> Running {
    let addr = free_addr();
    let (root, file) = (root.display(), root.join("nginx.conf"));
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: Vec<String> = kinds.iter().map(|kind| format!("  {kind}_temp_path {root};\n")).collect();
    let temporary = temporary.concat();
    let conf = format!(
        "worker_processes auto;\npid {root}/nginx.pid;\nerror_log /dev/null;\ndaemon off;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  open_file_cache max=100;\n  sendfile on;\n  tcp_nopush on;\n\
         {temporary}  keepalive_requests 1000000000;\n  types {{ image/jpeg jpg; }}\n\
         \n  server {{ listen {addr}; root {root}; }}\n}}\n"
    );
    std::fs::write(&file, conf).expect("a file");
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&file);
    Running::start(command, addr)
}

fn free_addr() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address")
}

/// The bytes of a picture that is a hit by now.
fn kept_body(addr: SocketAddr, target: &str) -> Vec<u8> {
    let mut answer = client::get(addr, target);
    for _ in 0..START_TRIES {
        assert_eq!(answer.status, 200, "{target}");
        if answer.field("cache-status").is_some_and(|status| status.contains("; hit")) {
            return answer.body;
        }
        thread::sleep(START_PAUSE);
        answer = client::get(addr, target);
    }
    panic!("{target} is never a hit");
}

fn wrk(addr: SocketAddr, target: &str) -> Round {
    let (connections, duration) = (format!("-c{CONNECTIONS}"), format!("-d{ROUND_S}"));
    let url = format!("http://{addr}{target}");
    let output = Command::new("wrk").args(["-t1", &connections, &duration, "--latency", &url]).output().expect("wrk");
    let text = String::from_utf8(output.stdout).expect("a text");
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.expect("a line of wrk").trim().to_owned()
    };
    Round { per_s: value("Requests/sec:").parse().expect("a number"), p99_ms: ms(&value("99%")) }
}

/// A time as wrk writes it, in milliseconds.
fn ms(text: &str) -> f64 {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let parsed = units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    parsed.expect("a time")
}

fn report(name: &str, rounds: &[(Round, Round)]) {
    let of = |value: &dyn Fn(&(Round, Round)) -> f64| median(rounds.iter().map(value).collect());
    println!(
        "{name:<26} {:>9.0} {:>9.0} {:>6.2}x {:>9.2} {:>9.2} {:>6.2}x",
        of(&|(own, _)| own.per_s),
        of(&|(_, nginx)| nginx.per_s),
        of(&|(own, nginx)| own.per_s / nginx.per_s),
        of(&|(own, _)| own.p99_ms),
        of(&|(_, nginx)| nginx.p99_ms),
        of(&|(own, nginx)| own.p99_ms / nginx.p99_ms),
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

// === impl Running ===

impl Running {
    /// Starts a program and waits until it listens.
    fn start(mut command: Command, addr: SocketAddr) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let running = Self { child: child.expect("a program"), addr };
        for _ in 0..START_TRIES {
            if TcpStream::connect(addr).is_ok() {
                return running;
            }
            thread::sleep(START_PAUSE);
        }
        panic!("{command:?} does not listen");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first: nginx's workers would outlive a master that is killed.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

//! A peer that runs: started, waited for, and ended with everything that it left behind.
//!
//! Contract: whatever happens to the bench, dropping a [`Server`] ends its processes and removes its folder. What it
//! wrote to standard error is told where it does not start.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};
use tintype::telemetry::clock;

use super::formats::Format;
use super::http::Client;
use super::peers::{Peer, Picture, Situation, program};
use super::processes;

/// A server that answers.
pub struct Server {
    pub addr: SocketAddr,
    peer: Peer,
    children: Vec<Child>,
    folder: PathBuf,
}

/// A server that does not listen by then does not start.
const START: Duration = Duration::from_secs(15);
/// What a server may take to end.
const END: Duration = Duration::from_secs(5);
const PACE: Duration = Duration::from_millis(10);
/// For pictures that are asked for outside of any load.
const PATIENCE: Duration = Duration::from_mins(2);
const NAME_OF_ERRORS: &str = "stderr";

// === impl Server ===

impl Server {
    /// Starts a peer, with nginx before it where it is to be so, and waits until it listens.
    ///
    /// # Errors
    /// Why there is no such server, in a line.
    pub fn start(peer: &Peer, situation: &Situation, server_cpus: &[usize]) -> Result<Self, String> {
        let folder = new_folder();
        let addr = free_port();
        let mut server = Self { addr, peer: peer.clone(), children: Vec::new(), folder };
        server.spawn(peer.command(addr.port(), &server.folder, situation), addr, server_cpus)?;
        if peer.behind_nginx {
            let front = free_port();
            let program = program("nginx").ok_or("nginx is not in PATH, and NGINX names none")?;
            let settings = server.folder.join("nginx.conf");
            let text = nginx(&server.folder, front, addr, situation.cache_bytes.unwrap_or(1 << 30));
            fs::write(&settings, text).map_err(|error| error.to_string())?;
            let mut command = Command::new(program);
            command.arg("-p").arg(&server.folder).arg("-e").arg(NAME_OF_ERRORS).arg("-c").arg(&settings);
            server.spawn(command, front, server_cpus)?;
            server.addr = front;
        }
        Ok(server)
    }

    fn spawn(&mut self, mut command: Command, addr: SocketAddr, cpus: &[usize]) -> Result<(), String> {
        let errors = self.folder.join(NAME_OF_ERRORS);
        let file = File::options().create(true).append(true).open(&errors).map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let before = processes::pin(cpus);
        let child = command.spawn();
        processes::unpin(before.as_ref());
        self.children.push(child.map_err(|error| error.to_string())?);
        let begun = clock::instant();
        while TcpStream::connect(addr).is_err() {
            let child = self.children.last_mut().expect("the one from above");
            let has_ended = child.try_wait().is_ok_and(|status| status.is_some());
            if has_ended || begun.elapsed() > START {
                let said = fs::read_to_string(&errors).unwrap_or_default();
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
                return Err(format!("does not start: {last}"));
            }
            thread::sleep(PACE);
        }
        Ok(())
    }

    /// One picture, outside of any load.
    ///
    /// # Errors
    /// What came instead of a picture in this format.
    pub fn picture(&self, picture: &Picture) -> Result<Vec<u8>, String> {
        let path = self.peer.path(picture);
        let answer = Client::new(self.addr, PATIENCE).ask(&path).map_err(|error| format!("{path}: {error}"))?;
        let wanted = picture.format;
        match (answer.status, Format::of(&answer.body)) {
            (200, Some(format)) if format == wanted => Ok(answer.body),
            (200, got) => {
                Err(format!("{path} gives {} and not {}", got.map_or("no picture", Format::name), wanted.name()))
            }
            (status, _) => {
                let text = String::from_utf8_lossy(&answer.body);
                let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect();
                Err(format!("{path} gives {status} {text}"))
            }
        }
    }

    pub fn path(&self, picture: &Picture) -> String {
        self.peer.path(picture)
    }

    /// The processes that were started here; what they started is found below them.
    pub fn roots(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    pub fn cpu_ms(&self) -> f64 {
        processes::cpu_ms(&self.roots())
    }

    /// In megabytes; nothing where memory cannot be read.
    pub fn memory_mb(&self) -> Option<f64> {
        processes::pss_kb(&self.roots()).map(|kb| kb as f64 / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The one in front first, so that nothing is asked of what is gone.
        for child in self.children.iter_mut().rev() {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::TERM);
            }
            let begun = clock::instant();
            while matches!(child.try_wait(), Ok(None)) && begun.elapsed() < END {
                thread::sleep(PACE);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A cache of nginx as its documentation sets one up: requests for the same picture wait for one of them, and what is
/// kept stays for an hour whatever the server behind says.
fn nginx(folder: &Path, front: SocketAddr, behind: SocketAddr, cache_bytes: u64) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nworker_processes auto;\npid {folder}/nginx.pid;\nerror_log {folder}/{NAME_OF_ERRORS} crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n  \
         client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  \
         fastcgi_temp_path {folder}/fcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  \
         proxy_cache_path {folder}/cache levels=1:2 keys_zone=pictures:32m max_size={cache_bytes} inactive=60m \
         use_temp_path=off;\n  open_file_cache max=10000;\n  \
         upstream images {{ server {behind}; keepalive 64; }}\n  \
         server {{\n    listen {front} backlog=4096;\n    location / {{\n      proxy_pass http://images;\n      \
         proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n      proxy_cache pictures;\n      \
         proxy_cache_lock on;\n      proxy_cache_valid 200 60m;\n      \
         proxy_ignore_headers Cache-Control Expires Vary Set-Cookie X-Accel-Expires;\n      \
         add_header X-Cache-Status $upstream_cache_status;\n    }}\n  }}\n}}\n"
    )
}

/// A folder that nobody else has; workers of nginx run as somebody else and must write into it.
fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tintype-sidebyside-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a folder of ours");
    folder
}

/// Free a moment ago; nobody else is asked to start here.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}

/// As many descriptors as the system lets anyone have: a thousand connections have both ends on this machine.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the maximum anyone may");
}

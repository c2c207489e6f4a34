//! The real program as a child process. Contract: ports are chosen by the kernel and read from the log, readiness is
//! the log line that says so, and dropping a server kills it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};
use serde_json::Value;

use super::PATIENCE;
use super::client::{Answer, Pending, get, post, send};
use super::origin::Origin;

/// How a server is to be started; can be used again for a second one.
#[derive(Debug, Clone)]
pub struct Launch {
    environment: BTreeMap<String, String>,
}

/// A running server.
pub struct Server {
    child: Child,
    pub addr: SocketAddr,
    pub admin: SocketAddr,
    /// Asked for by the operations listener.
    token: Option<String>,
    log: Arc<Log>,
}

/// What a server has written to standard error.
#[derive(Default)]
struct Log {
    state: Mutex<LogState>,
    grown: Condvar,
}

#[derive(Default)]
struct LogState {
    lines: Vec<String>,
    has_ended: bool,
}

// === impl Launch ===

impl Launch {
    /// Free ports, every URL answered without a signature, nothing to serve yet.
    pub fn new() -> Self {
        Self { environment: BTreeMap::new() }
            .set("LISTEN", "127.0.0.1:0")
            .set("ADMIN_LISTEN", "127.0.0.1:0")
            .set("LOG_FORMAT", "json")
            .set("UNSIGNED", "allow")
    }

    /// With originals from this origin alone.
    pub fn before(origin: &Origin) -> Self {
        Self::new().set("ALLOWED_SOURCES", &origin.url("/"))
    }

    /// With `local://` over this folder.
    pub fn over(folder: &Path) -> Self {
        Self::new().set("LOCAL_ROOT", &folder.display().to_string())
    }

    /// With one setting more, by its name in the environment without the prefix.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(format!("TINTYPE_{name}"), value.to_owned());
        self
    }

    /// With a variable of the environment by its whole name, for what is no setting.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts it and waits until it is ready.
    pub fn start(&self) -> Server {
        let (mut child, log) = self.spawn();
        let is_ready = |line: &Value| line["message"] == "ready";
        let Some(ready) = log.wait(is_ready) else {
            let _ = child.kill();
            panic!("the server did not become ready:\n{}", log.text());
        };
        let addr = |name: &str| ready[name].as_str().and_then(|text| text.parse().ok()).expect("an address");
        let token = self.environment.get("TINTYPE_ADMIN_TOKEN").cloned();
        Server { addr: addr("listen"), admin: addr("admin"), token, child, log }
    }

    /// Starts one that must not come up; gives its exit code and what it wrote.
    pub fn fail(&self) -> (Option<i32>, String) {
        let (mut child, log) = self.spawn();
        if log.wait(|line| line["message"] == "ready").is_some() {
            let _ = child.kill();
            panic!("the server came up");
        }
        (child.wait().expect("a child").code(), log.text())
    }

    fn spawn(&self) -> (Child, Arc<Log>) {
        raise_open_files();
        let kept = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var_os(name)));
        let kept = kept.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut child = Command::new(env!("CARGO_BIN_EXE_tintype"))
            .arg("serve")
            .env_clear()
            .envs(kept)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Arc::new(Log::default());
        let stderr = child.stderr.take().expect("a pipe");
        let reading = Arc::clone(&log);
        thread::spawn(move || reading.read(stderr));
        (child, log)
    }
}

// === impl Server ===

impl Server {
    /// Asks for a picture without naming any format.
    pub fn get(&self, target: &str) -> Answer {
        get(self.addr, target)
    }

    /// The same with fields of the request.
    pub fn ask(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(target, fields).receive()
    }

    /// Sends a request and does not wait for its answer.
    pub fn send(&self, target: &str, fields: &[(&str, &str)]) -> Pending {
        send(self.addr, "GET", target, fields)
    }

    /// The sum of all series of a metric that have these labels, each written as `name="value"`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let token = format!("Bearer {}", self.token.as_deref().unwrap_or_default());
        let page = send(self.admin, "GET", "/metrics", &[("authorization", &token)]).receive();
        let text = String::from_utf8(page.body).expect("a text");
        let series = text.lines().filter_map(|line| line.rsplit_once(' ')).filter(|(series, _)| {
            series.split('{').next() == Some(name) && labels.iter().all(|label| series.contains(label))
        });
        let values: Vec<u64> = series.map(|(_, value)| value.parse().expect("a whole number")).collect();
        assert!(!values.is_empty(), "no {name} with {labels:?} in\n{text}");
        values.iter().sum()
    }

    /// Orders a purge, with the token where the server has one.
    pub fn purge(&self, order: &Value) -> Answer {
        let token = format!("Bearer {}", self.token.as_deref().unwrap_or_default());
        post(self.admin, "/purge", &[("authorization", &token)], &order.to_string())
    }

    /// What `/status` says.
    pub fn status(&self) -> Value {
        let token = format!("Bearer {}", self.token.as_deref().unwrap_or_default());
        let page = send(self.admin, "GET", "/status", &[("authorization", &token)]).receive();
        serde_json::from_slice(&page.body).expect("a JSON document")
    }

    /// How often the engine made a picture, or tried to.
    pub fn transforms(&self) -> u64 {
        self.metric("tintype_transforms_total", &[])
    }

    /// How often an origin was asked.
    pub fn fetches(&self) -> u64 {
        self.metric("tintype_origin_fetches_total", &[])
    }

    /// The first line of the log with this message, waited for.
    pub fn logged(&self, message: &str) -> Value {
        let found = self.log.wait(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("`{message}` was not logged:\n{}", self.log.text()))
    }

    /// Makes the server read its settings again, and gives the line that tells how that went. Only lines after the
    /// signal count: those of an earlier reload would tell of nothing.
    pub fn reload(&self) -> Value {
        let before = self.log.len();
        self.signal(Signal::HUP);
        let is_told = |line: &Value| line["message"].as_str().is_some_and(|message| message.starts_with("settings "));
        let found = self.log.wait_after(before, is_told);
        found.unwrap_or_else(|| panic!("no reload was logged:\n{}", self.log.text()))
    }

    /// The line that the request with this id left, waited for.
    pub fn logged_request(&self, id: &str) -> Value {
        let found = self.log.wait(|line| line["message"] == "request" && line["id"] == id);
        found.unwrap_or_else(|| panic!("no line for the request {id}:\n{}", self.log.text()))
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a process of ours");
    }

    /// Waits for the end that something has brought about.
    pub fn ended(mut self) -> ExitStatus {
        let is_over = self.log.wait_end();
        assert!(is_over, "the server did not end:\n{}", self.log.text());
        self.child.wait().expect("a child")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl Log ===

impl Log {
    fn read(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            self.state.lock().expect("no panic").lines.push(line);
            self.grown.notify_all();
        }
        self.state.lock().expect("no panic").has_ended = true;
        self.grown.notify_all();
    }

    /// The first line that is JSON and `wanted`; nothing where the process ends or patience does.
    fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        self.wait_after(0, wanted)
    }

    /// The same among the lines after the first `seen`.
    fn wait_after(&self, mut seen: usize, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let mut found = None;
        let state = self.state.lock().expect("no panic");
        let waited = self.grown.wait_timeout_while(state, PATIENCE, |state| {
            let lines = state.lines[seen..].iter().filter_map(|line| serde_json::from_str(line).ok());
            found = lines.into_iter().find(&wanted);
            seen = state.lines.len();
            found.is_none() && !state.has_ended
        });
        drop(waited);
        found
    }

    fn len(&self) -> usize {
        self.state.lock().expect("no panic").lines.len()
    }

    fn wait_end(&self) -> bool {
        let state = self.state.lock().expect("no panic");
        let waited = self.grown.wait_timeout_while(state, PATIENCE, |state| !state.has_ended);
        waited.expect("no panic").0.has_ended
    }

    fn text(&self) -> String {
        self.state.lock().expect("no panic").lines.join("\n")
    }
}

/// A thousand connections need more descriptors than many systems give to begin with; children inherit the number.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the maximum anyone may");
}

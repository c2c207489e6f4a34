//! An HTTP origin that answers as a test says and counts who asked. Contract: one exchange a connection, so that the
//! number of connections is the number of requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::PATIENCE;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub target: String,
    /// All fields, in lower case.
    head: String,
    pub body: Vec<u8>,
}

/// What an origin says.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    is_broken_off: bool,
}

/// A running origin.
pub struct Origin {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    handler: Box<dyn Fn(&Asked) -> Reply + Send + Sync>,
    is_gone: AtomicBool,
    asked: Mutex<Vec<Asked>>,
    grown: Condvar,
}

/// Holds back who waits at it until it is opened, once and for all.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

// === impl Reply ===

impl Reply {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, fields: Vec::new(), body: body.into(), is_broken_off: false }
    }

    /// A part of a body; the field that says which one is the test's to give.
    pub fn partial(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 206, ..Self::ok(body) }
    }

    pub fn status(status: u16) -> Self {
        Self { status, fields: Vec::new(), body: Vec::new(), is_broken_off: false }
    }

    /// Whose connection breaks off in its body.
    #[must_use]
    pub fn broken_off(mut self) -> Self {
        self.is_broken_off = true;
        self
    }

    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let lines: Vec<_> = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = match self.status {
            304 => String::new(),
            _ if self.fields.iter().any(|(name, _)| name == "content-length") => String::new(),
            _ => format!("content-length: {}\r\n", self.body.len() + usize::from(self.is_broken_off)),
        };
        let head = format!("HTTP/1.1 {} Said\r\n{}{length}connection: close\r\n\r\n", self.status, lines.concat());
        [head.as_bytes(), &self.body].concat()
    }
}

// === impl Asked ===

impl Asked {
    /// The value of a field, in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }
}

// === impl Origin ===

impl Origin {
    /// An origin on a free port.
    pub fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            is_gone: AtomicBool::new(false),
            asked: Mutex::default(),
            grown: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { addr, shared }
    }

    /// An origin with the same bytes everywhere.
    pub fn of(body: Vec<u8>) -> Self {
        Self::start(move |_| Reply::ok(body.clone()))
    }

    /// The address of a path on it, as it stands in the setting of allowed sources or in a URL.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// From now on connections are closed without a word.
    pub fn refuse_connections(&self) {
        self.shared.is_gone.store(true, Ordering::SeqCst);
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no panic").clone()
    }

    /// Waits until so many requests have come.
    pub fn wait_for(&self, count: usize) {
        let asked = self.shared.asked.lock().expect("no panic");
        let waited = self.shared.grown.wait_timeout_while(asked, PATIENCE, |asked| asked.len() < count);
        let asked = waited.expect("no panic").0.len();
        assert!(asked >= count, "{asked} of {count} requests came");
    }
}

// === impl Shared ===

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        if self.is_gone.load(Ordering::SeqCst) {
            return;
        }
        let mut reader = BufReader::new(&stream);
        let mut lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let Some(first) = lines.next() else { return };
        let head = lines.map(|line| line.to_ascii_lowercase()).collect::<Vec<_>>().join("\n");
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut asked = Asked { method, target, head, body: Vec::new() };
        let len = asked.field("content-length").map_or(0, |len| len.parse().expect("a length"));
        // A client that left in the middle is no concern of an origin.
        let _ = reader.take(len).read_to_end(&mut asked.body);
        self.asked.lock().expect("no panic").push(asked.clone());
        self.grown.notify_all();
        // A client that left in the meantime is no concern of an origin.
        let _ = stream.write_all(&(self.handler)(&asked).bytes());
    }
}

// === impl Gate ===

impl Gate {
    /// Waits until it is open.
    pub fn pass(&self) {
        let (is_open, opened) = &*self.0;
        let waited = opened.wait_timeout_while(is_open.lock().expect("no panic"), PATIENCE, |is_open| !*is_open);
        drop(waited);
    }

    pub fn open(&self) {
        let (is_open, opened) = &*self.0;
        *is_open.lock().expect("no panic") = true;
        opened.notify_all();
    }
}

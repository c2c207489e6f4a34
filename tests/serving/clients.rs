//! One client among many: how it is told apart, what it may have under way, and that a CDN is no client.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::client::{Answer, Pending};
use crate::support::eventually;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// What the tests below let one client have under way.
const CAP: usize = 2;
const ONE: (&str, &str) = ("x-forwarded-for", "203.0.113.9");
const OTHER: (&str, &str) = ("x-forwarded-for", "203.0.113.10");

/// An origin that holds back everything below `/slow`, and a server before it that caps clients.
struct Held {
    gate: Gate,
    origin: Origin,
    next: usize,
}

// === impl Held ===

impl Held {
    fn new() -> Self {
        let gate = Gate::default();
        let (held, picture) = (gate.clone(), marks(64, 48).png());
        let origin = Origin::start(move |asked| {
            if asked.target.starts_with("/slow") {
                held.pass();
            }
            Reply::ok(picture.clone())
        });
        Self { gate, origin, next: 0 }
    }

    fn launch(&self) -> Launch {
        let launch = Launch::before(&self.origin).set("CLIENTS_MISSES_MAX", &CAP.to_string());
        let launch = launch.set("FETCH_FIRST_BYTE_TIMEOUT", "2m").set("FETCH_TIMEOUT", "2m");
        launch.set("REQUEST_TIMEOUT", "2m")
    }

    fn path(&self, name: &str) -> String {
        format!("/_/w:32/plain/{}@png", self.origin.url(name))
    }

    /// A picture that nobody has asked for and that does not come before the gate is open.
    fn slow(&mut self) -> String {
        self.next += 1;
        self.path(&format!("/slow/{}.png", self.next))
    }

    /// As many misses of whoever these fields tell of as a client may have, all of them under way.
    fn fill(&mut self, server: &Server, fields: &[(&str, &str)]) -> Vec<Pending> {
        let before = waiting(server);
        let held: Vec<_> = (0..CAP).map(|_| server.send(&self.slow(), fields)).collect();
        eventually("its misses are under way", || waiting(server) == before + CAP as u64);
        held
    }

    /// Whether whoever these fields tell of may have one more miss.
    fn is_let_in(&mut self, server: &Server, fields: &[(&str, &str)]) -> bool {
        let answer =
            server.ask(&self.path(&format!("/quick/{}.png", waiting(server) * 1000 + self.next as u64)), fields);
        self.next += 1;
        if answer.status == 429 {
            assert_refused(&answer);
        }
        answer.status == 200
    }
}

fn waiting(server: &Server) -> u64 {
    server.status()["flow"]["misses"].as_u64().expect("a number")
}

fn assert_refused(answer: &Answer) {
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["type"]), (429, &"urn:tintype:too-many-requests".into()), "{problem}");
    assert_eq!(problem["setting"], "clients.misses_max");
    assert_eq!((answer.field("cache-control"), answer.field("retry-after")), (Some("no-store"), Some("1")));
}

#[test]
fn a_client_has_its_own_cap_and_hits_are_beside_it() {
    let mut held = Held::new();
    let server = held.launch().set("TRUSTED_PROXIES", "127.0.0.1").start();
    let kept = held.path("/quick/kept.png");
    assert_eq!(server.ask(&kept, &[ONE]).status, 200);
    let pending = held.fill(&server, &[ONE]);
    assert!(!held.is_let_in(&server, &[ONE]), "one more than it may");
    assert!(held.is_let_in(&server, &[OTHER]), "another client");
    assert_eq!(server.ask(&kept, &[ONE]).status, 200, "hits never count");
    assert_eq!(server.metric("tintype_shed_total", &["reason=\"client_full\""]), 1);
    // Waiting for another one's flight is waiting.
    assert_eq!(server.ask(&held.path("/slow/1.png"), &[ONE]).status, 429);
    held.gate.open();
    assert!(pending.into_iter().all(|pending| pending.receive().status == 200));
    assert!(held.is_let_in(&server, &[ONE]), "its requests are over");
}

#[test]
fn what_disk_has_is_a_hit_for_a_client_at_its_cap() {
    let (mut held, folder) = (Held::new(), tempfile::tempdir().expect("a folder"));
    let disk = folder.path().join("disk").display().to_string();
    let launch = held.launch().set("TRUSTED_PROXIES", "127.0.0.1");
    let server = launch.set("CACHE_DISK_PATH", &disk).set("CACHE_MEMORY_BYTES", "0").start();
    let kept = held.path("/quick/kept.png");
    assert_eq!(server.ask(&kept, &[ONE]).status, 200);
    eventually("it is on disk", || {
        server.ask(&kept, &[OTHER]).expect("cache-status").contains("hit") && server.transforms() == 1
    });
    let _pending = held.fill(&server, &[ONE]);
    let hit = server.ask(&kept, &[ONE]);
    assert_eq!((hit.status, server.transforms()), (200, 1), "{hit:?}");
    assert!(!held.is_let_in(&server, &[ONE]));
    held.gate.open();
}

#[test]
fn requests_that_a_mount_passes_on_count_and_those_it_answers_itself_do_not() {
    let held = Held::new();
    let mount = format!("/files={}", held.origin.url("/"));
    let server = held.launch().set("TRUSTED_PROXIES", "127.0.0.1").set("MOUNTS", &mount).start();
    assert_eq!(server.ask("/files/quick/a", &[ONE]).status, 200);
    let pending = ["/files/slow/1", "/files/slow/2"].map(|path| server.send(path, &[ONE]));
    eventually("both are passed on", || waiting(&server) == 2);
    assert_refused(&server.ask("/files/quick/b", &[ONE]));
    assert_eq!(server.ask("/files/quick/b", &[OTHER]).status, 200);
    held.gate.open();
    assert!(pending.into_iter().all(|pending| pending.receive().status == 200));
    assert_eq!(server.ask("/files/quick/c", &[ONE]).status, 200);
}

#[test]
fn a_proxy_that_names_nobody_is_not_one_client() {
    let mut held = Held::new();
    let server = held.launch().set("TRUSTED_PROXIES", "127.0.0.0/8").start();
    let _pending: Vec<_> = (0..3).map(|_| held.fill(&server, &[])).collect();
    assert!(held.is_let_in(&server, &[]), "no cap for the proxy itself");
    assert!(held.is_let_in(&server, &[("x-forwarded-for", "127.0.0.9")]), "nor for proxies among themselves");
    assert!(held.is_let_in(&server, &[("forwarded", "for=unknown")]));
    held.gate.open();
}

#[test]
fn nobody_gets_out_of_a_cap_by_what_it_sends() {
    let mut held = Held::new();
    let server = held.launch().set("TRUSTED_PROXIES", "127.0.0.1").start();
    let _pending = held.fill(&server, &[ONE]);
    // A CDN adds to the right of what it gets.
    for sent in ["9.9.9.9, 203.0.113.9", "garbage,, 203.0.113.9", "127.0.0.1, 203.0.113.9:80", "::ffff:203.0.113.9"] {
        assert!(!held.is_let_in(&server, &[("x-forwarded-for", sent)]), "{sent}");
    }
    assert!(!held.is_let_in(&server, &[("forwarded", "for=203.0.113.9")]), "the other field names the same client");
    // What makes no sense counts as the proxy's own, all of it together.
    let _nonsense = held.fill(&server, &[("x-forwarded-for", "garbage")]);
    assert!(!held.is_let_in(&server, &[("x-forwarded-for", "more garbage")]));
    assert!(!held.is_let_in(&server, &[("forwarded", "for=\"9.9.9.9"), OTHER]), "fields that disagree");
    held.gate.open();
}

#[test]
fn an_ipv6_client_is_its_network() {
    let mut held = Held::new();
    let server = held.launch().set("TRUSTED_PROXIES", "127.0.0.1").start();
    let _pending = held.fill(&server, &[("x-forwarded-for", "2001:db8:1:2::1")]);
    assert!(!held.is_let_in(&server, &[("x-forwarded-for", "2001:db8:1:2:ffff::7")]));
    assert!(!held.is_let_in(&server, &[("forwarded", "for=\"[2001:db8:1:2:3::]:4711\"")]));
    assert!(held.is_let_in(&server, &[("x-forwarded-for", "2001:db8:1:3::1")]));
    held.gate.open();
}

#[test]
fn without_trusted_proxies_the_peer_is_the_client_whatever_it_says() {
    let mut held = Held::new();
    let server = held.launch().start();
    let _pending = held.fill(&server, &[ONE]);
    assert!(!held.is_let_in(&server, &[OTHER]) && !held.is_let_in(&server, &[]));
    held.gate.open();
}

/// Sends a preamble and a request over one connection.
fn introduced(server: &Server, preamble: &[u8], path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr).expect("a listening server");
    stream.set_read_timeout(Some(crate::support::PATIENCE)).expect("a time above 0");
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(&[preamble, request.as_bytes()].concat()).expect("an open connection");
    stream
}

fn status(mut stream: TcpStream) -> Option<u16> {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok()?;
    String::from_utf8_lossy(&text).split(' ').nth(1)?.parse().ok()
}

#[test]
fn the_proxy_protocol_names_the_client_of_a_connection() {
    let mut held = Held::new();
    let server = held.launch().set("TRUSTED_PROXIES", "127.0.0.1").set("PROXY_PROTOCOL", "true").start();
    let v1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n".as_slice();
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\xc0\0\x02\x01\x12\x67\x01\xbb".as_slice();
    let other = b"PROXY TCP4 203.0.113.10 192.0.2.1 4711 443\r\n".as_slice();
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".as_slice();
    let _pending: Vec<_> = [v1, v2].map(|preamble| introduced(&server, preamble, &held.slow())).into();
    eventually("both are under way", || waiting(&server) == 2);
    for (number, (preamble, wanted)) in [(v1, 429), (v2, 429), (other, 200), (local, 200)].into_iter().enumerate() {
        let path = held.path(&format!("/quick/{number}.png"));
        assert_eq!(status(introduced(&server, preamble, &path)), Some(wanted), "{number}");
    }
    // A connection that does not begin with it is none of the proxy's.
    assert_eq!(status(introduced(&server, b"", &held.path("/quick/none.png"))), None);
    assert_eq!(status(introduced(&server, b"PROXY TCP4 a b c d\r\n", &held.path("/quick/none.png"))), None);
    held.gate.open();
}

#[test]
fn nobody_else_introduces_itself() {
    let held = Held::new();
    let server = held.launch().set("TRUSTED_PROXIES", "192.0.2.1").set("PROXY_PROTOCOL", "true").start();
    let path = held.path("/quick/a.png");
    assert_eq!(status(introduced(&server, b"", &path)), Some(200), "who is not trusted speaks plain HTTP");
    let v1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n";
    assert_eq!(status(introduced(&server, v1, &path)), Some(400));
}

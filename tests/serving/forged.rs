//! Requests forged through this server: whatever is written, nobody inside is connected to. Each row of the table is
//! asked for directly and by a redirect of an allowed origin; a listener on this machine sees who came, and where
//! loopback is allowed, that the same rows do come.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::eventually;
use crate::support::forged::{HOSTS, Means, TRICKS};
use crate::support::origin::{Origin, Reply};
use crate::support::server::{Launch, Server};

/// Listens on one port of 127.0.0.1, and of `::1` where this machine has it, and writes down who came.
struct Witness {
    port: u16,
    has_v6: bool,
    came: Arc<Mutex<Vec<String>>>,
}

// === impl Witness ===

impl Witness {
    fn new() -> Self {
        let v4 = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = v4.local_addr().expect("a bound socket").port();
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok();
        let has_v6 = v6.is_some();
        let came: Arc<Mutex<Vec<String>>> = Arc::default();
        for listener in [Some(v4), v6].into_iter().flatten() {
            let came = Arc::clone(&came);
            thread::spawn(move || {
                for mut stream in listener.incoming().map_while(Result::ok) {
                    let mut head = vec![0; 4096];
                    let read = stream.read(&mut head).unwrap_or(0);
                    let line = String::from_utf8_lossy(&head[..read]).lines().next().unwrap_or_default().to_owned();
                    came.lock().expect("no panic").push(line);
                    let _ = stream.write_all(b"HTTP/1.1 404 None\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                }
            });
        }
        Self { port, has_v6, came }
    }

    fn came(&self) -> Vec<String> {
        self.came.lock().expect("no panic").clone()
    }

    /// Connects by itself, to each listener: connections are accepted in their order, so earlier ones are here then.
    fn assert_untouched(&self) {
        let localhosts = ["127.0.0.1", "::1"].into_iter().take(1 + usize::from(self.has_v6));
        let mut own = Vec::new();
        for ip in localhosts {
            let address = SocketAddr::new(ip.parse().expect("an address"), self.port);
            let mut stream = TcpStream::connect(address).expect("a listening socket");
            stream.write_all(b"own\r\n").expect("an open socket");
            own.push("own".to_owned());
        }
        eventually("own connections arrive", || self.came().iter().filter(|line| *line == "own").count() == own.len());
        assert_eq!(self.came(), own, "someone connected before");
    }
}

/// The path that asks for a source, whatever characters it has.
fn path(source: &str) -> String {
    format!("/_/w:8/{}.png", URL_SAFE_NO_PAD.encode(source))
}

/// Status and kind of the refusal.
fn refusal(server: &Server, source: &str) -> (u16, String) {
    let answer = server.get(&path(source));
    let kind = answer.problem()["type"].as_str().expect("a type").replace("urn:tintype:", "");
    (answer.status, kind)
}

fn expected(means: Means, by_redirect: bool) -> (u16, String) {
    let (status, kind) = match means {
        Means::Loopback | Means::LoopbackV6 | Means::Inside => (404, "source-address-refused"),
        Means::Malformed if by_redirect => (502, "origin-redirect"),
        Means::Malformed | Means::User => (404, "source-invalid"),
    };
    (status, kind.to_owned())
}

#[test]
fn the_table_is_long_enough_and_names_nothing_twice() {
    let mut hosts: Vec<_> = HOSTS.iter().map(|(host, _)| host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    assert_eq!(hosts.len(), HOSTS.len());
    assert!(HOSTS.len() >= 80 + 40, "{}", HOSTS.len());
}

#[test]
fn no_spelling_reaches_this_machine_or_its_network() {
    let witness = Witness::new();
    let port = witness.port;
    // The port is allowed, so that the address alone is what refuses.
    let server = Launch::new().set("ALLOWED_PORTS", &format!("80,443,{port}")).start();
    for (number, (host, means)) in HOSTS.iter().enumerate() {
        let source = format!("http://{host}:{port}/{number}");
        assert_eq!(refusal(&server, &source), expected(*means, false), "{source}");
    }
    for trick in TRICKS {
        let source = trick.replace("PORT", &port.to_string());
        let (status, kind) = refusal(&server, &source);
        assert_eq!(status, 404, "{source}");
        assert!(
            ["source-address-refused", "source-invalid", "source-scheme"].contains(&kind.as_str()),
            "{source} {kind}"
        );
    }
    witness.assert_untouched();
    assert_eq!(server.metric("tintype_origin_bytes_total", &[]), 0);
}

#[test]
fn no_redirect_reaches_this_machine_or_its_network() {
    let witness = Witness::new();
    let port = witness.port;
    let targets: Vec<String> = HOSTS
        .iter()
        .enumerate()
        .map(|(number, (host, _))| format!("http://{host}:{port}/{number}"))
        .chain(TRICKS.iter().map(|trick| trick.replace("PORT", &port.to_string())))
        .collect();
    let locations = targets.clone();
    let origin = Origin::start(move |asked| {
        let number: usize = asked.target.trim_start_matches('/').parse().expect("a number");
        Reply::status(302).with("location", &locations[number])
    });
    // The origin is trusted as it is written out; the other patterns let everything through to the guard.
    let allowed = format!("{},http://*/,https://*/", origin.url("/"));
    let server = Launch::new().set("ALLOWED_SOURCES", &allowed).set("ALLOWED_PORTS", &format!("80,443,{port}")).start();
    for (number, target) in targets.iter().enumerate() {
        let means = HOSTS.get(number).map_or(Means::Loopback, |(_, means)| *means);
        assert_eq!(refusal(&server, &origin.url(&format!("/{number}"))), expected(means, true), "{target}");
    }
    assert_eq!(origin.asked().len(), targets.len(), "every redirect was read");
    witness.assert_untouched();
}

#[test]
fn the_same_spellings_arrive_where_loopback_is_allowed() {
    let witness = Witness::new();
    let server = Launch::new().set("ALLOW_LOOPBACK_SOURCES", "true").start();
    let mut arrived = Vec::new();
    for (number, (host, means)) in HOSTS.iter().enumerate() {
        let is_here = match means {
            Means::Loopback => true,
            Means::LoopbackV6 => witness.has_v6,
            Means::Inside | Means::Malformed | Means::User => false,
        };
        let source = format!("http://{host}:{}/{number}", witness.port);
        if is_here {
            assert_eq!(refusal(&server, &source), (404, "original-not-found".to_owned()), "{source}");
            arrived.push(format!("GET /{number} HTTP/1.1"));
        }
    }
    assert!(arrived.len() >= 25);
    assert_eq!(witness.came(), arrived, "each of them comes once");
}

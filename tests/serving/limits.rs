//! Origins and clients that send too much, too slowly, or without end: each meets a limit that the refusal names, and
//! the next request is served as if nothing had been.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::support::client::Answer;
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// Between two bytes of a slow origin.
const PAUSE: Duration = Duration::from_millis(10);

/// An origin that writes whatever it is told, right or wrong, to whoever asks for a path.
struct Wild(SocketAddr);

// === impl Wild ===

impl Wild {
    fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("a bound socket");
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
                    let mut lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                    let path = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.to_owned()));
                    lines.for_each(drop);
                    answer(&path.unwrap_or_default(), &mut stream);
                });
            }
        });
        Self(addr)
    }

    fn launch(&self) -> Launch {
        Launch::new().set("ALLOWED_SOURCES", &format!("http://{}/", self.0))
    }

    fn target(&self, path: &str) -> String {
        format!("/_/w:8/plain/http://{}{path}@png", self.0)
    }
}

/// Writes these bytes again and again until the other side is gone.
fn endless(stream: &mut TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {}
}

/// The same, slowly. The other side says nothing, so that reading is waiting, and ends when it is gone.
fn drip(stream: &mut TcpStream, byte: u8) {
    stream.set_read_timeout(Some(PAUSE)).expect("a time above 0");
    while stream.write_all(&[byte]).is_ok() && !matches!(stream.read(&mut [0]), Ok(0)) {}
}

fn head(fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{fields}connection: close\r\n\r\n").into_bytes()
}

fn whole(stream: &mut TcpStream, fields: &str, body: &[u8]) {
    let head = head(&format!("{fields}content-length: {}\r\n", body.len()));
    // A server that has seen enough leaves.
    let _ = stream.write_all(&[head, body.to_vec()].concat());
}

fn refused(answer: &Answer, status: u16, kind: &str, setting: Option<&str>) {
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["type"]), (status, &format!("urn:tintype:{kind}").into()), "{problem}");
    assert_eq!(problem["setting"].as_str(), setting, "{problem}");
    if let Some(setting) = setting {
        assert!(tintype::config::setting(setting).is_some(), "{setting} is no setting");
        assert!(problem["limit"].as_str().is_some_and(|limit| limit.contains(char::is_numeric)), "{problem}");
    }
}

fn is_well(server: &Server, wild: &Wild) {
    assert_eq!(server.get(&wild.target("/plain")).status, 200);
}

#[test]
fn slow_origins_are_left() {
    let wild = Wild::start(|path, stream| match path {
        "/head" => drip(stream, b'H'),
        "/field" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").expect("an open socket");
            drip(stream, b'x');
        }
        "/body" => {
            stream.write_all(&head("content-length: 100000\r\n")).expect("an open socket");
            drip(stream, b'x');
        }
        "/silence" => {
            stream.write_all(&head("content-length: 100000\r\n")).expect("an open socket");
            let _ = stream.read(&mut [0]);
        }
        _ => whole(stream, "", &marks(64, 48).png()),
    });
    let server = wild
        .launch()
        .set("FETCH_FIRST_BYTE_TIMEOUT", "500ms")
        .set("FETCH_IDLE_TIMEOUT", "700ms")
        .set("FETCH_TIMEOUT", "1s")
        .start();
    for (path, setting) in [
        ("/head", "fetch.first_byte_timeout"),
        ("/field", "fetch.first_byte_timeout"),
        ("/body", "fetch.timeout"),
        ("/silence", "fetch.idle_timeout"),
    ] {
        refused(&server.get(&wild.target(path)), 504, "origin-timeout", Some(setting));
        is_well(&server, &wild);
    }
    let server = wild.launch().set("REQUEST_TIMEOUT", "300ms").start();
    refused(&server.get(&wild.target("/silence")), 503, "request-timeout", Some("request_timeout"));
}

#[test]
fn bodies_end_at_the_limit() {
    let picture = marks(64, 48).png();
    let max = picture.len();
    let body = picture.clone();
    let wild = Wild::start(move |path, stream| match path {
        "/endless" => {
            stream.write_all(&head("")).expect("an open socket");
            endless(stream, &[0; 4096]);
        }
        "/chunks" => {
            stream.write_all(&head("transfer-encoding: chunked\r\n")).expect("an open socket");
            endless(stream, b"1\r\nx\r\n");
        }
        "/extensions" => {
            stream.write_all(&head("transfer-encoding: chunked\r\n")).expect("an open socket");
            endless(stream, b"1;a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n");
        }
        "/extension" => {
            stream.write_all(&head("transfer-encoding: chunked\r\n")).expect("an open socket");
            stream.write_all(b"1;a=").expect("an open socket");
            endless(stream, &[b'a'; 4096]);
        }
        "/announced" => {
            stream.write_all(&head("content-length: 4611686018427387904\r\n")).expect("an open socket");
            let _ = stream.read(&mut [0]);
        }
        "/more" => whole(stream, "", &[&body[..], b"\0"].concat()),
        "/gzip" => whole(stream, "content-encoding: gzip\r\n", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        "/br" => whole(stream, "content-encoding: br\r\n", &[0xff; 64]),
        "/both" => whole(stream, "content-encoding: identity, gzip\r\n", &[0xff; 64]),
        _ => whole(stream, "", &body),
    });
    let server = wild.launch().set("SOURCE_BYTES_MAX", &max.to_string()).start();
    for path in ["/endless", "/chunks", "/announced", "/more"] {
        refused(&server.get(&wild.target(path)), 422, "original-too-large", Some("source.bytes_max"));
        is_well(&server, &wild);
    }
    // The client below ends these at limits of its own; whichever is first, they end.
    for path in ["/extensions", "/extension"] {
        let answer = server.get(&wild.target(path));
        assert!(matches!(answer.status, 422 | 502), "{path}: {answer:?}");
        is_well(&server, &wild);
    }
    for path in ["/gzip", "/br", "/both"] {
        refused(&server.get(&wild.target(path)), 422, "original-encoded", None);
        is_well(&server, &wild);
    }
    let just_below = wild.launch().set("SOURCE_BYTES_MAX", &(max - 1).to_string()).start();
    refused(&just_below.get(&wild.target("/plain")), 422, "original-too-large", Some("source.bytes_max"));
    assert_eq!(
        wild.launch().set("SOURCE_BYTES_MAX", &(max + 1).to_string()).start().get(&wild.target("/plain")).status,
        200
    );
}

#[test]
fn headers_of_origins_have_a_size() {
    let picture = marks(64, 48).png();
    let wild = Wild::start(move |path, stream| {
        let number = path.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let fields = match path.split('/').nth(1) {
            Some("long") => format!("x: {}\r\n", "y".repeat(number)),
            Some("many") => "x: y\r\n".repeat(number),
            Some("endless") => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n").expect("an open socket");
                return endless(stream, b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
            }
            _ => String::new(),
        };
        whole(stream, &fields, &picture);
    });
    let server = wild.launch().start();
    for path in ["/long/32000", "/many/80"] {
        assert_eq!(server.get(&wild.target(path)).status, 200, "{path}");
    }
    for path in ["/long/33000", "/long/1000000", "/many/200", "/many/30000", "/endless"] {
        let answer = server.get(&wild.target(path));
        refused(&answer, 502, "origin-header-too-large", None);
        assert_eq!(answer.problem()["limit"], "32768 bytes");
        is_well(&server, &wild);
    }
}

#[test]
fn redirects_end_at_the_limit() {
    let picture = marks(64, 48).png();
    let wild = Wild::start(move |path, stream| {
        let to = |location: &str| format!("HTTP/1.1 302 F\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let answer = match path {
            "/loop" => to("/loop"),
            "/ping" => to("/pong"),
            "/pong" => to("/ping"),
            "/1" | "/2" | "/3" | "/4" => to(&format!("/{}", path[1..].parse::<u32>().expect("a number") - 1)),
            path if path.starts_with("/long") => to(&format!("{path}{}", "/long".repeat(1000))),
            _ => return whole(stream, "", &picture),
        };
        stream.write_all(answer.as_bytes()).expect("an open socket");
    });
    let server = wild.launch().start();
    for path in ["/1", "/2", "/3"] {
        assert_eq!(server.get(&wild.target(path)).status, 200, "{path}");
    }
    for path in ["/4", "/loop", "/ping", "/long"] {
        refused(&server.get(&wild.target(path)), 502, "origin-redirects", Some("redirects_max"));
        is_well(&server, &wild);
    }
    let none = wild.launch().set("REDIRECTS_MAX", "0").start();
    refused(&none.get(&wild.target("/1")), 502, "origin-redirects", Some("redirects_max"));
    is_well(&none, &wild);
}

#[test]
fn urls_end_at_the_limit() {
    let picture = marks(64, 48).png();
    let wild = Wild::start(move |_, stream| whole(stream, "", &picture));
    let server = wild.launch().set("URL_BYTES_MAX", "1KiB").set("URL_OPTIONS_MAX", "10").start();
    let long = |bytes: usize| {
        let target = wild.target("/");
        target.replace("@png", &format!("{}@png", "a".repeat(bytes - target.len())))
    };
    let options = |count: usize| format!("/_{}/plain/http://{}/a@png", "/bl:1".repeat(count), wild.0);
    for target in [long(1023), long(1024), options(9), options(10)] {
        assert_eq!(server.get(&target).status, 200, "{target}");
    }
    for target in [long(1025), long(8_000), long(60_000)] {
        refused(&server.get(&target), 414, "url-too-long", Some("url.bytes_max"));
        is_well(&server, &wild);
    }
    for target in [options(11), options(100)] {
        refused(&server.get(&target), 404, "too-many-options", Some("url.options_max"));
        is_well(&server, &wild);
    }
}

#[test]
fn heads_of_requests_have_a_size() {
    let picture = marks(64, 48).png();
    let wild = Wild::start(move |_, stream| whole(stream, "", &picture));
    let server = wild.launch().set("HEADER_BYTES_MAX", "8KiB").start();
    let ask = |field: usize| {
        let mut stream = TcpStream::connect(server.addr).expect("a listening server");
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {}\r\n\r\n",
            wild.target("/"),
            "y".repeat(field)
        );
        // It may answer before all of it is read.
        let _ = stream.write_all(request.as_bytes());
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line);
        line.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(ask(7_000), "200");
    assert_eq!(ask(9_000), "431");
    let refusal = ask(1_000_000);
    assert!(["431", ""].contains(&refusal.as_str()), "{refusal}");
    is_well(&server, &wild);
}

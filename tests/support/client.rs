//! An HTTP/1.1 client that sends exactly what it is told: no path is tidied, no field is added but `Host` and
//! `Connection`. Contract: one exchange a connection; an answer whose body is not as long as announced is a failure.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::PATIENCE;

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// In their order, names in lower case.
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A request that was sent and whose answer nobody has read yet.
pub struct Pending {
    stream: TcpStream,
    has_body: bool,
}

/// Asks for a picture without naming any format.
pub fn get(addr: SocketAddr, target: &str) -> Answer {
    send(addr, "GET", target, &[]).receive()
}

/// The same of a server that may go away meanwhile: no answer where it did.
pub fn try_get(addr: SocketAddr, target: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(stream, "GET {target} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n").ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let answer = Answer::read(bytes)?;
    let length: usize = answer.field("content-length")?.parse().ok()?;
    (length == answer.body.len()).then_some(answer)
}

/// Sends a request; the answer is read when the test wants it.
pub fn send(addr: SocketAddr, method: &str, target: &str, fields: &[(&str, &str)]) -> Pending {
    submit(addr, method, target, fields, None)
}

/// Sends a body.
pub fn post(addr: SocketAddr, target: &str, fields: &[(&str, &str)], body: &str) -> Answer {
    submit(addr, "POST", target, fields, Some(body.as_bytes())).receive()
}

/// Sends a request, with a body where one is given.
pub fn submit(addr: SocketAddr, method: &str, target: &str, fields: &[(&str, &str)], body: Option<&[u8]>) -> Pending {
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE).expect("a listening server");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time above 0");
    let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.map(|body| format!("content-length: {}\r\n", body.len())).unwrap_or_default();
    let lines = lines.concat() + &length;
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{lines}\r\n");
    stream.write_all(&[head.as_bytes(), body.unwrap_or_default()].concat()).expect("an open connection");
    Pending { stream, has_body: method != "HEAD" }
}

/// Asks for all of these one after another over one connection, as a CDN does; only the statuses are kept.
pub fn statuses(addr: SocketAddr, targets: &[String]) -> Vec<u16> {
    let stream = TcpStream::connect_timeout(&addr, PATIENCE).expect("a listening server");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time above 0");
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(stream);
    let one = |target: &String| {
        let head = format!("GET {target} HTTP/1.1\r\nhost: {addr}\r\n\r\n");
        reader.get_mut().write_all(head.as_bytes()).expect("an open connection");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).expect("an answer in time") > 0, "the connection ended: {head}");
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<u64>().ok());
        let length = length.expect("a length");
        let read = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).expect("a body");
        assert_eq!(read, length);
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    };
    targets.iter().map(one).collect()
}

// === impl Pending ===

impl Pending {
    /// Reads the answer to its end.
    pub fn receive(mut self) -> Answer {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("an answer in time");
        let answer = Answer::read(bytes).expect("a complete head");
        if let Some(len) = answer.field("content-length").filter(|_| self.has_body) {
            assert_eq!(len.parse(), Ok(answer.body.len()), "the body is not as long as announced: {answer:?}");
        }
        answer
    }
}

// === impl Answer ===

impl Answer {
    /// An answer from all bytes of a connection; nothing where not even its head is whole.
    fn read(mut bytes: Vec<u8>) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok())?;
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Some(Self { status, fields, body: bytes.split_off(end + 4) })
    }

    /// The value of a field that may stand once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert!(values.next().is_none(), "{name} stands twice");
        first
    }

    /// The same for a field that must be there.
    pub fn expect(&self, name: &str) -> &str {
        self.field(name).unwrap_or_else(|| panic!("no {name} in {} {:?}", self.status, self.fields))
    }

    /// The media type, empty where there is none.
    pub fn content_type(&self) -> &str {
        self.field("content-type").unwrap_or_default()
    }

    /// The problem document in it.
    pub fn problem(&self) -> Value {
        assert_eq!(self.content_type(), "application/problem+json", "{self:?}");
        serde_json::from_slice(&self.body).expect("a JSON document")
    }

    /// Whether this text stands anywhere in the answer.
    pub fn mentions(&self, text: &str) -> bool {
        let in_fields = self.fields.iter().any(|(_, value)| value.contains(text));
        in_fields || self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

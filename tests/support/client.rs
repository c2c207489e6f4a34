//! An HTTP/1.1 client that sends exactly what it is told: no path is tidied, no field is added but `Host` and
//! `Connection`. Contract: one exchange a connection; an answer whose body is not as long as announced is a failure.

use std::io::{Read, Write};
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

/// Sends a request; the answer is read when the test wants it.
pub fn send(addr: SocketAddr, method: &str, target: &str, fields: &[(&str, &str)]) -> Pending {
    submit(addr, method, target, fields, None)
}

/// The same with a body.
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

// === impl Pending ===

impl Pending {
    /// Reads the answer to its end.
    pub fn receive(mut self) -> Answer {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("an answer in time");
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a complete head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let answer = Answer { status, fields, body: bytes.split_off(end + 4) };
        if let Some(len) = answer.field("content-length").filter(|_| self.has_body) {
            assert_eq!(len.parse(), Ok(answer.body.len()), "the body is not as long as announced: {head}");
        }
        answer
    }
}

// === impl Answer ===

impl Answer {
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

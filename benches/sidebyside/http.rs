//! A client of HTTP/1.1 as small as a fair generator can be: one connection, one request at a time, no redirects.
//!
//! Contract: an answer is taken whole before the next request is sent; a connection that the server ended is opened
//! anew. Bodies by `Content-Length`, in chunks, or up to the end of the connection (RFC 9112, section 6.3).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection to one server, there or not.
pub struct Client {
    addr: SocketAddr,
    patience: Duration,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer as far as benches care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// It came out of a cache: of tintype's (`Cache-Status`, RFC 9211) or of nginx (`X-Cache-Status`).
    pub is_hit: bool,
    pub body: Vec<u8>,
}

/// What the fields of a head say about its body and about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub is_hit: bool,
    pub body: Body,
    pub closes: bool,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    Bytes(u64),
    Chunks,
    ToTheEnd,
}

/// A server that says more in its head is broken.
const HEAD_BYTES_MAX: u64 = 64 << 10;
/// A picture of more bytes is not one of ours.
const BODY_BYTES_MAX: u64 = 256 << 20;

// === impl Client ===

impl Client {
    /// One that waits so long for any part of an answer; nothing is connected yet.
    pub const fn new(addr: SocketAddr, patience: Duration) -> Self {
        Self { addr, patience, stream: None }
    }

    /// Opens the connection, if there is none.
    pub fn connect(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.addr)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(self.patience))?;
            self.stream = Some(BufReader::with_capacity(64 << 10, stream));
        }
        Ok(())
    }

    /// Asks and waits for the whole answer.
    pub fn ask(&mut self, path: &str) -> io::Result<Answer> {
        self.connect()?;
        // Gone unless the exchange went well: what is left of a broken one belongs to no other.
        let mut stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\naccept: image/*\r\n\r\n", self.addr);
        stream.get_mut().write_all(request.as_bytes())?;
        let head = head(&mut stream)?;
        let body = body(&mut stream, head.body)?;
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(Answer { status: head.status, is_hit: head.is_hit, body })
    }
}

// === impl Head ===

impl Head {
    /// Of the text of a head, which begins with the status line.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
        let mut head = Self { status, is_hit: false, body: Body::ToTheEnd, closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let (name, value) = (name.to_ascii_lowercase(), value.trim().to_ascii_lowercase());
            match name.as_str() {
                "content-length" if head.body != Body::Chunks => head.body = Body::Bytes(value.parse().ok()?),
                "transfer-encoding" if value.ends_with("chunked") => head.body = Body::Chunks,
                "connection" => head.closes |= value.split(',').any(|word| word.trim() == "close"),
                "cache-status" => head.is_hit |= value.split(';').any(|word| word.trim() == "hit"),
                "x-cache-status" => head.is_hit |= value == "hit",
                _ => {}
            }
        }
        head.closes |= head.body == Body::ToTheEnd;
        Some(head)
    }
}

fn head(stream: &mut impl BufRead) -> io::Result<Head> {
    let mut text = String::new();
    let mut limited = stream.take(HEAD_BYTES_MAX);
    while limited.read_line(&mut text)? > 2 {}
    if !text.ends_with("\r\n\r\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Head::parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Reads a body whole.
pub fn body(stream: &mut impl BufRead, body: Body) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match body {
        Body::Bytes(len) => exactly(stream, len, &mut bytes)?,
        Body::ToTheEnd => drop(stream.take(BODY_BYTES_MAX).read_to_end(&mut bytes)?),
        Body::Chunks => loop {
            let len = chunk_len(stream)?;
            exactly(stream, len, &mut bytes)?;
            // Behind each chunk an empty line; behind the last one trailers, of which none is asked for.
            stream.read_line(&mut String::new())?;
            if len == 0 {
                break;
            }
        },
    }
    Ok(bytes)
}

fn exactly(stream: &mut impl BufRead, len: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    if len > BODY_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let read = stream.take(len).read_to_end(bytes)? as u64;
    if read == len { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn chunk_len(stream: &mut impl BufRead) -> io::Result<u64> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let digits = line.trim_end().split(';').next().unwrap_or_default();
    u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData.into())
}

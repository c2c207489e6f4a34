//! The generator's client: what it takes for an answer, for a hit, and for an error.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::formats::Format;
use crate::http::{Answer, Body, Client, Head, body};

fn head(fields: &str) -> Head {
    Head::parse(&format!("HTTP/1.1 200 OK\r\n{fields}")).expect("a head")
}

#[test]
fn a_head_says_how_long_the_body_is() {
    assert_eq!(head("Content-Length: 12").body, Body::Bytes(12));
    assert_eq!(head("content-length: 12\r\nTransfer-Encoding: chunked").body, Body::Chunks);
    assert_eq!(head("Transfer-Encoding: gzip, chunked\r\ncontent-length: 12").body, Body::Chunks);
    let endless = head("server: x");
    assert_eq!((endless.body, endless.closes), (Body::ToTheEnd, true));
    assert!(head("content-length: 0\r\nConnection: keep-alive, close").closes);
    assert!(!head("content-length: 0\r\nConnection: keep-alive").closes);
    assert_eq!(Head::parse("HTTP/1.1 503 Busy").map(|head| head.status), Some(503));
    assert_eq!(Head::parse("content-length: 3"), None);
    assert_eq!(Head::parse("HTTP/1.1 200 OK\r\ncontent-length: x"), None);
}

#[test]
fn a_hit_is_told_from_a_picture_that_was_made() {
    for hit in ["cache-status: tintype; hit; ttl=5", "Cache-Status: t;detail=mem;hit", "X-Cache-Status: HIT"] {
        assert!(head(hit).is_hit, "{hit}");
    }
    for made in ["cache-status: tintype; fwd=uri-miss; stored", "x-cache-status: MISS", "cache-status: hit-or-miss"] {
        assert!(!head(made).is_hit, "{made}");
    }
}

#[test]
fn a_body_is_whole_or_an_error() {
    let read = |bytes: &str, len| body(&mut Cursor::new(bytes.to_owned()), len).ok();
    assert_eq!(read("abcdef", Body::Bytes(3)), Some(b"abc".to_vec()));
    assert_eq!(read("ab", Body::Bytes(3)), None);
    assert_eq!(read("abc", Body::ToTheEnd), Some(b"abc".to_vec()));
    assert_eq!(read("2\r\nab\r\nA;x=y\r\ncdefghijkl\r\n0\r\n\r\n", Body::Chunks), Some(b"abcdefghijkl".to_vec()));
    assert_eq!(read("2\r\nab\r\n4\r\ncd", Body::Chunks), None);
    assert_eq!(read("zz\r\n", Body::Chunks), None);
    assert_eq!(read("", Body::Bytes(u64::MAX)), None);
}

#[test]
fn a_connection_is_kept_until_the_server_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = Client::new(listener.local_addr().unwrap(), Duration::from_secs(20));
    let server = thread::spawn(move || {
        let mut paths = Vec::new();
        for answers in [["content-length: 1\r\n\r\na", "connection: close\r\ncontent-length: 1\r\n\r\nb"]; 2] {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            for answer in answers {
                let mut request = String::new();
                while stream.read_line(&mut request).unwrap() > 2 {}
                paths.push(request.split(' ').nth(1).unwrap().to_owned());
                stream.get_mut().write_all(format!("HTTP/1.1 200 OK\r\n{answer}").as_bytes()).unwrap();
            }
            // Nothing is sent behind the last request.
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
        paths
    });
    let bodies: Vec<Answer> = ["/1", "/2", "/3", "/4"].into_iter().map(|path| client.ask(path).unwrap()).collect();
    assert_eq!(bodies.iter().map(|answer| answer.body[0]).collect::<Vec<_>>(), b"abab");
    assert_eq!(server.join().unwrap(), ["/1", "/2", "/3", "/4"]);
}

#[test]
fn a_server_that_goes_away_is_an_error_and_not_an_empty_picture() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = Client::new(listener.local_addr().unwrap(), Duration::from_secs(20));
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-").unwrap();
        // Read, or the end of the connection would throw away what was written.
        let mut request = BufReader::new(stream);
        while request.read_line(&mut String::new()).unwrap() > 2 {}
    });
    assert!(client.ask("/1").is_err());
    server.join().unwrap();
}

#[test]
fn formats_are_told_by_their_first_bytes() {
    assert_eq!(Format::of(&[0xFF, 0xD8, 0xFF, 0xE0]), Some(Format::Jpg));
    assert_eq!(Format::of(b"\x89PNG\r\n"), Some(Format::Png));
    assert_eq!(Format::of(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some(Format::Webp));
    assert_eq!(Format::of(b"\0\0\0\x20ftypavif"), Some(Format::Avif));
    for other in [&b"RIFF\x01\x02\x03\x04WAVE"[..], b"{\"status\":404}", b""] {
        assert_eq!(Format::of(other), None);
    }
    assert_eq!([Format::Jpg, Format::Avif].map(Format::name), ["jpg", "avif"]);
}

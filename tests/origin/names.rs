//! A name server with a table, one that changes its mind, and one that never answers.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Type codes of RFC 1035 §3.2.2 and RFC 3596 §2.1.
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;

pub struct Names {
    addr: SocketAddr,
    answering: JoinHandle<()>,
}

impl Names {
    /// Answers with the addresses of the table, and NXDOMAIN for any other name. Answers are not to be kept.
    pub async fn start(table: &[(&str, &[&str])]) -> Self {
        let table: HashMap<String, Vec<IpAddr>> = table
            .iter()
            .map(|(name, ips)| ((*name).to_owned(), ips.iter().map(|ip| ip.parse().expect(ip)).collect()))
            .collect();
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let addr = socket.local_addr().expect("a bound socket");
        let answering = tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut query).await {
                let answer = answer(&query[..length], &table);
                socket.send_to(&answer, peer).await.expect("an answer");
            }
        });
        Self { addr, answering }
    }

    /// Answers with the first addresses to the first question for each type of this name, and with the others from then
    /// on. Answers are not to be kept.
    pub async fn rebinding(name: &str, first: &[&str], then: &[&str]) -> Self {
        let table =
            |ips: &[&str]| HashMap::from([(name.to_owned(), ips.iter().map(|ip| ip.parse().expect(ip)).collect())]);
        let (first, then) = (table(first), table(then));
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let addr = socket.local_addr().expect("a bound socket");
        let answering = tokio::spawn(async move {
            let (mut query, mut known) = ([0; 512], Vec::new());
            while let Ok((length, peer)) = socket.recv_from(&mut query).await {
                let question = query[12..length].to_ascii_lowercase();
                let table = if known.contains(&question) { &then } else { &first };
                let answer = answer(&query[..length], table);
                known.push(question);
                socket.send_to(&answer, peer).await.expect("an answer");
            }
        });
        Self { addr, answering }
    }

    /// Takes questions and says nothing.
    pub async fn silent() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let addr = socket.local_addr().expect("a bound socket");
        let answering = tokio::spawn(async move {
            let mut query = [0; 512];
            while socket.recv_from(&mut query).await.is_ok() {}
        });
        Self { addr, answering }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// A response to a query with one question (RFC 1035 §4.1).
fn answer(query: &[u8], table: &HashMap<String, Vec<IpAddr>>) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    let question = &query[12..at + 5];
    let asked = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let found = table.get(&labels.join("."));
    let data: Vec<Vec<u8>> = found
        .into_iter()
        .flatten()
        .filter_map(|ip| match ip {
            IpAddr::V4(ip) if asked == TYPE_A => Some(ip.octets().to_vec()),
            IpAddr::V6(ip) if asked == TYPE_AAAA => Some(ip.octets().to_vec()),
            _ => None,
        })
        .collect();
    let flags: [u8; 2] = if found.is_some() { [0x81, 0x80] } else { [0x81, 0x83] };
    let count = u8::try_from(data.len()).expect("a small table");
    let mut answer = [&query[..2], &flags, &[0, 1, 0, count, 0, 0, 0, 0], question].concat();
    for data in data {
        // A pointer to the name in the question, the class of the internet, and no time to live.
        answer.extend_from_slice(&[0xc0, 0x0c]);
        answer.extend_from_slice(&asked.to_be_bytes());
        answer.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, u8::try_from(data.len()).expect("an address")]);
        answer.extend_from_slice(&data);
    }
    answer
}

//! What the PROXY protocol says before the first byte of HTTP, in its versions 1 (a line of text) and 2 (binary):
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>. Contract: pure, up to [`read`]; says how much of the
//! bytes it was and leaves the rest alone.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// A whole preamble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// Bytes that it took up.
    pub len: usize,
    /// Who is at the other end of the proxy; `None` where the proxy speaks for itself or does not say.
    pub source: Option<SocketAddr>,
}

/// These bytes begin no preamble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the PROXY protocol")]
pub struct NoPreamble;

/// What version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What version 1 begins with.
const WORD: &[u8; 6] = b"PROXY ";
/// Bytes of a line of version 1, its end included (section 2.1).
const LINE_BYTES_MAX: usize = 107;
/// Bytes of version 2 before the addresses.
const HEAD_BYTES: usize = 16;
/// Bytes of addresses and further facts in version 2; balancers write some hundred.
const REST_BYTES_MAX: usize = 4096;

/// Reads the preamble of a connection; gives what it says and the bytes that were read beyond it.
///
/// # Errors
/// The connection ended or failed, or begins with something else.
pub async fn read<T: AsyncRead + Unpin>(socket: &mut T) -> io::Result<(Option<SocketAddr>, Vec<u8>)> {
    let mut seen = Vec::with_capacity(256);
    loop {
        if socket.read_buf(&mut seen).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match parse(&seen) {
            Ok(Some(preamble)) => return Ok((preamble.source, seen.split_off(preamble.len))),
            Ok(None) => {}
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

/// The preamble that these bytes begin with; nothing yet where more of it must come.
///
/// # Errors
/// They can no longer become one.
pub fn parse(bytes: &[u8]) -> Result<Option<Preamble>, NoPreamble> {
    if begins_alike(bytes, WORD) {
        return line(bytes);
    }
    if begins_alike(bytes, SIGNATURE) { binary(bytes) } else { Err(NoPreamble) }
}

/// Whether `bytes` begin with `whole`, or are a beginning of it.
fn begins_alike(bytes: &[u8], whole: &[u8]) -> bool {
    let len = bytes.len().min(whole.len());
    bytes[..len] == whole[..len]
}

fn line(bytes: &[u8]) -> Result<Option<Preamble>, NoPreamble> {
    let shown = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = shown.windows(2).position(|two| two == b"\r\n") else {
        return if bytes.len() < LINE_BYTES_MAX { Ok(None) } else { Err(NoPreamble) };
    };
    let text = std::str::from_utf8(&bytes[WORD.len()..end]).map_err(|_| NoPreamble)?;
    let words: Vec<&str> = text.split(' ').collect();
    let source = match words.as_slice() {
        // What follows is to be ignored.
        ["UNKNOWN", ..] => None,
        ["TCP4", source, target, port, target_port] => {
            let address: Ipv4Addr = source.parse().map_err(|_| NoPreamble)?;
            target.parse::<Ipv4Addr>().map_err(|_| NoPreamble)?;
            Some((IpAddr::V4(address), port, target_port))
        }
        ["TCP6", source, target, port, target_port] => {
            let address: Ipv6Addr = source.parse().map_err(|_| NoPreamble)?;
            target.parse::<Ipv6Addr>().map_err(|_| NoPreamble)?;
            Some((IpAddr::V6(address), port, target_port))
        }
        _ => return Err(NoPreamble),
    };
    let source = match source {
        Some((address, port, target_port)) => {
            number(target_port)?;
            Some(SocketAddr::new(address, number(port)?))
        }
        None => None,
    };
    Ok(Some(Preamble { len: end + 2, source }))
}

fn number(text: &str) -> Result<u16, NoPreamble> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain).ok_or(NoPreamble)
}

fn binary(bytes: &[u8]) -> Result<Option<Preamble>, NoPreamble> {
    let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) else { return Ok(None) };
    let (command, family) = (head[12], head[13]);
    let rest_len = usize::from(u16::from_be_bytes([head[14], head[15]]));
    // The upper half is the version.
    if !matches!(command, 0x20 | 0x21) || rest_len > REST_BYTES_MAX {
        return Err(NoPreamble);
    }
    let Some(rest) = rest.get(..rest_len) else { return Ok(None) };
    let is_local = command == 0x20;
    let source = match family {
        // The proxy asks for itself, most often whether we live.
        _ if is_local => None,
        0x11 => {
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *rest.first_chunk::<12>().ok_or(NoPreamble)?;
            Some(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low])))
        }
        0x21 => {
            let fields = rest.first_chunk::<36>().ok_or(NoPreamble)?;
            let (address, rest) = fields.split_first_chunk::<16>().ok_or(NoPreamble)?;
            Some(SocketAddr::new(Ipv6Addr::from(*address).into(), u16::from_be_bytes([rest[16], rest[17]])))
        }
        // Datagrams, sockets of the same machine, and what nobody has named: no address that counts here.
        0x00 | 0x12 | 0x22 | 0x31 | 0x32 => None,
        _ => return Err(NoPreamble),
    };
    Ok(Some(Preamble { len: HEAD_BYTES + rest_len, source }))
}

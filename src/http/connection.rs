//! One connection from its first byte to its last: which version of HTTP it speaks, hyper with every limit set, and the
//! deadlines that hyper does not have. Contract: ends by itself, whatever the peer does or fails to do.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;

use super::access::Record;
use super::bell::unless;
use super::client::{Proxies, preamble};
use super::listener::Life;
use super::pulse::{Protocol, Pulse};
use super::reply::{Reply, ReplyBody};
use super::request::Request;
use super::spec::ListenerSpec;
use super::watch::watch;
use super::wire::Wire;
use super::within::within;
use crate::telemetry::clock;

/// Answers every request of a listener, whatever is wrong with it. Dropped when the client goes away.
pub trait Handler: Send + Sync + 'static {
    fn handle(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// The path of `request` as it may stand in a log.
    fn shown_path(&self, request: &Request) -> String {
        request.path().to_owned()
    }
}

/// Runs the streams of an HTTP/2 connection as tracked tasks that end with the listener.
#[derive(Debug, Clone)]
struct StreamExecutor(Life);

/// The bytes that every HTTP/2 connection begins with (RFC 9113, section 3.4), and no HTTP/1.1 request.
const H2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Header fields of an HTTP/1.1 request; browsers and CDNs send about 30.
const HEADERS_MAX: usize = 100;
/// Below this hyper refuses to build a connection.
const H1_BUFFER_BYTES_MIN: usize = 8192;
/// Bytes of answers that one HTTP/2 stream may buffer before it must wait for its peer.
const H2_SEND_BUFFER_BYTES_MAX: usize = 400 * 1024;
/// What peers may send unasked on a stream and a connection: the protocol's own start values, as bodies are rare and
/// small.
const H2_WINDOW_BYTES: u32 = 65_535;
/// Requests at once on an HTTP/2 connection.
const H2_STREAMS_MAX: u32 = 200;
/// An HTTP/2 peer from which nothing comes is asked for a sign of life after so long, and has so long to give it.
const H2_PING_INTERVAL: Duration = Duration::from_secs(20);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);
const H2_FRAME_BYTES_MAX: u32 = 16_384;
const H2_HEADER_TABLE_BYTES: u32 = 4096;
/// Streams that a peer opened and reset before we saw them, and streams that we reset for its mistakes: a peer that
/// goes beyond is attacking (rapid reset), and its connection is closed.
const H2_PENDING_RESETS_MAX: usize = 20;
const H2_LOCAL_RESETS_MAX: usize = 1024;

// === impl StreamExecutor ===

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        let abort = self.0.abort.clone();
        self.0.tracker.spawn(async move { unless(abort.cancelled(), stream).await });
    }
}

/// Serves one connection until its end.
pub(super) async fn serve<H: Handler>(
    mut socket: TcpStream,
    peer: SocketAddr,
    spec: &ListenerSpec,
    handler: Arc<H>,
    life: Life,
) {
    let accepted = clock::instant();
    // Answers are written whole; waiting for more to fill a segment only delays their end. Fails where the peer has
    // gone already, which the first read will tell.
    let _ = socket.set_nodelay(true);
    let met = tokio::select! {
        biased;
        met = tokio::time::timeout_at(accepted + spec.header_timeout, meet(&mut socket, peer, &spec.proxies)) => met,
        // hyper would take a connection without a byte for one that is busy, and the drain would wait for it.
        () = life.finish.cancelled() => return,
        () = life.door.heard() => return,
    };
    let Ok(Ok((peer, protocol, first))) = met else { return };
    let pulse = Arc::new(Pulse::new(protocol, spec, accepted));
    let io = TokioIo::new(Wire::new(socket, first, Arc::clone(&pulse)));
    let service = {
        let (pulse, body_timeout) = (Arc::clone(&pulse), spec.body_timeout);
        let (proxies, work) = (Arc::clone(&spec.proxies), life.work.clone());
        service_fn(move |request: hyper::Request<Incoming>| {
            let exchange = pulse.begin();
            let (head, body) = request.into_parts();
            let request = Request::new(head, peer, &proxies).with_body(body, body_timeout);
            let mut record = Record::begin(&request, || handler.shown_path(&request));
            let (handler, work) = (Arc::clone(&handler), work.clone());
            async move {
                let Reply { response, rest, notes } = within(&work, handler.handle(request)).await;
                record.answered(&response, rest.is_none(), notes);
                Ok::<_, Infallible>(response.map(|bytes| ReplyBody::new(bytes, rest, record, exchange)))
            }
        })
    };
    let (ends, grace) = (life.clone(), spec.exchange_timeout);
    match protocol {
        Protocol::Http1 => watch(h1_builder(spec).serve_connection(io, service), &pulse, &ends, grace).await,
        Protocol::Http2 => watch(h2_builder(spec, life).serve_connection(io, service), &pulse, &ends, grace).await,
    }
}

/// Learns who is at the other end and what it speaks; what was read of that is handed on.
async fn meet(
    socket: &mut TcpStream,
    peer: SocketAddr,
    proxies: &Proxies,
) -> io::Result<(SocketAddr, Protocol, Bytes)> {
    let (peer, seen) = if proxies.introduces(peer.ip()) {
        let (source, seen) = preamble::read(socket).await?;
        (source.unwrap_or(peer), seen)
    } else {
        (peer, Vec::new())
    };
    let (protocol, first) = sniff(socket, seen).await?;
    Ok((peer, protocol, first))
}

/// Reads until it is clear which protocol this is; what was read is handed on.
async fn sniff<T: AsyncRead + Unpin>(socket: &mut T, mut seen: Vec<u8>) -> io::Result<(Protocol, Bytes)> {
    let mut piece = [0u8; H2_PREFACE.len()];
    loop {
        let len = seen.len().min(H2_PREFACE.len());
        if seen[..len] != H2_PREFACE[..len] {
            return Ok((Protocol::Http1, Bytes::from(seen)));
        }
        if len == H2_PREFACE.len() {
            return Ok((Protocol::Http2, Bytes::from(seen)));
        }
        let got = socket.read(&mut piece[len..]).await?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        seen.extend_from_slice(&piece[len..len + got]);
    }
}

fn h1_builder(spec: &ListenerSpec) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // For hyper the wait between two requests belongs to the second one's head. The pulse knows the difference, and
        // the connection's task has one alarm for everything.
        .header_read_timeout(None)
        .keep_alive(true)
        // A peer that closes its side is gone, and its request is dropped.
        .half_close(false)
        .max_headers(HEADERS_MAX)
        .max_header_size(spec.header_bytes_max)
        .max_buf_size(spec.header_bytes_max.max(H1_BUFFER_BYTES_MIN))
        // Head and body leave in one system call, and the body is not copied behind the head.
        .writev(true)
        .pipeline_flush(false)
        .ignore_invalid_headers(false)
        .auto_date_header(true);
    builder
}

fn h2_builder(spec: &ListenerSpec, life: Life) -> http2::Builder<StreamExecutor> {
    let mut builder = http2::Builder::new(StreamExecutor(life));
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(H2_PING_INTERVAL)
        .keep_alive_timeout(H2_PING_TIMEOUT)
        .max_concurrent_streams(H2_STREAMS_MAX)
        .max_header_list_size(u32::try_from(spec.header_bytes_max).unwrap_or(u32::MAX))
        .header_table_size(H2_HEADER_TABLE_BYTES)
        .max_pending_accept_reset_streams(H2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(H2_LOCAL_RESETS_MAX)
        .max_send_buf_size(H2_SEND_BUFFER_BYTES_MAX)
        .max_frame_size(H2_FRAME_BYTES_MAX)
        .initial_stream_window_size(H2_WINDOW_BYTES)
        .initial_connection_window_size(H2_WINDOW_BYTES)
        .auto_date_header(true);
    builder
}

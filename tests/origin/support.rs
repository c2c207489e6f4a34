//! What the tests of this room share.

use std::net::SocketAddr;

use tintype::origin::{Fetched, OriginError, OriginLimits, Original, Origins, OriginsSpec};
use tokio::net::{TcpListener, TcpStream};

/// Limits that a healthy local server is far below, on a busy machine too. A test of a limit sets it for itself.
pub fn limits() -> OriginLimits {
    OriginLimits {
        source_bytes_max: 64 * 1024,
        redirects_max: 3,
        connect_ms_max: 10_000,
        first_byte_ms_max: 10_000,
        idle_ms_max: 10_000,
        total_ms_max: 30_000,
        slot_wait_ms_max: 10_000,
        ..OriginLimits::default()
    }
}

/// A spec in which nothing but these exact hosts may be reached.
pub fn trusting(hosts: &[SocketAddr]) -> OriginsSpec {
    OriginsSpec {
        trusted_hosts: hosts.iter().map(ToString::to_string).collect(),
        limits: limits(),
        ..OriginsSpec::default()
    }
}

pub fn origins(spec: &OriginsSpec) -> Origins {
    Origins::new(spec).expect("a valid spec")
}

/// Fetches without conditions.
pub async fn fetch(origins: &Origins, source: &str) -> Result<Original, OriginError> {
    match origins.fetch(source, None).await? {
        Fetched::Body(original) => Ok(original),
        Fetched::NotModified { .. } => panic!("not modified, although nothing was known of {source}"),
    }
}

/// Fetches what must fail, as (status, kind).
pub async fn refusal(origins: &Origins, source: &str) -> (u16, &'static str) {
    let error = fetch(origins, source).await.expect_err(source);
    (error.status(), error.kind())
}

/// A listener that nobody must ever connect to.
pub struct Witness {
    listener: TcpListener,
}

impl Witness {
    pub async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port") }
    }

    pub fn addr(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket")
    }

    /// Connects by itself: connections are accepted in their order, so an earlier one would come first.
    pub async fn assert_untouched(self) {
        let own = TcpStream::connect(self.addr()).await.expect("a listening socket");
        let (_, first) = self.listener.accept().await.expect("a connection");
        assert_eq!(first, own.local_addr().expect("a connected socket"), "someone connected before");
    }
}

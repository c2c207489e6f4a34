//! Names become addresses: by our own resolver, since the system's has no deadline, and through the guard.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

use super::guard::{Guard, Reach};
use super::spec::OriginsSpec;

/// Answers kept, so that a hot origin costs no lookup.
const CACHED_ANSWERS_MAX: u64 = 1024;
/// An answer is asked for again after this long, whatever its TTL says: hosts move.
const ANSWER_S_MAX: u64 = 300;
/// A missing name is asked for again after this long: it may have just been made.
const NEGATIVE_S_MAX: u64 = 5;

/// Names become addresses; one for all clients, so that they share the answers.
#[derive(Clone)]
pub(super) struct Names {
    // `None` where the system has no configuration of name servers; local files and literal addresses need none.
    resolver: Option<Arc<TokioResolver>>,
    wait_ms_max: u64,
}

/// Names for requests of one reach: what may not be dialled is dropped from every answer.
pub(super) struct GuardedNames {
    pub(super) names: Names,
    pub(super) guard: Arc<Guard>,
    pub(super) reach: Reach,
}

/// Why a name has no address to dial.
#[derive(Debug, thiserror::Error)]
pub(super) enum NameError {
    /// All of its addresses are refused.
    #[error("{name} has only refused addresses")]
    Refused { name: String },
    /// The name exists, but not with an address.
    #[error("{name} has no address")]
    NoAddress { name: String },
    #[error("{name} was not resolved in time")]
    Timeout { name: String },
    #[error("{name} was not resolved")]
    Failed {
        name: String,
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    #[error("no name servers are configured")]
    NoServers,
}

// === impl Names ===

impl Names {
    pub(super) fn new(spec: &OriginsSpec) -> Self {
        let wait_ms_max = spec.limits.connect_ms_max;
        let resolver = match build(spec) {
            Ok(resolver) => Some(Arc::new(resolver)),
            Err(error) => {
                tracing::warn!(error = &*error, "no name servers, names of origins will not be resolved");
                None
            }
        };
        Self { resolver, wait_ms_max }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        let resolver = self.resolver.as_ref().ok_or(NameError::NoServers)?;
        match timeout(Duration::from_millis(self.wait_ms_max), resolver.lookup_ip(name)).await {
            Ok(Ok(found)) => Ok(found.iter().collect()),
            Ok(Err(error)) => Err(NameError::Failed { name: name.to_owned(), cause: error.into() }),
            Err(_) => Err(NameError::Timeout { name: name.to_owned() }),
        }
    }
}

// === impl GuardedNames ===

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, guard, reach) = (self.names.clone(), Arc::clone(&self.guard), self.reach);
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            let permitted = permitted(&guard, reach, name.as_str(), found)?;
            // The connector puts the URL's port in the place of 0.
            Ok(Box::new(permitted.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

fn permitted(guard: &Guard, reach: Reach, name: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, NameError> {
    if found.is_empty() {
        return Err(NameError::NoAddress { name: name.to_owned() });
    }
    let permitted: Vec<IpAddr> = found.into_iter().filter(|ip| guard.permits(reach, *ip)).collect();
    if permitted.is_empty() { Err(NameError::Refused { name: name.to_owned() }) } else { Ok(permitted) }
}

fn build(spec: &OriginsSpec) -> Result<TokioResolver, Box<dyn Error + Send + Sync>> {
    let mut builder = if spec.nameservers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = spec.nameservers.iter().copied().map(nameserver).collect();
        TokioResolver::builder_with_config(ResolverConfig::from_name_servers(servers), TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    // A lost packet leaves time for a second try; the third never ends before the time for a connection does, of which
    // the name is a part, so that silence is always a time-out and never a failure.
    options.timeout = Duration::from_millis((spec.limits.connect_ms_max / 2).max(1));
    options.attempts = 3;
    options.cache_size = CACHED_ANSWERS_MAX;
    options.positive_max_ttl = Some(Duration::from_secs(ANSWER_S_MAX));
    options.negative_max_ttl = Some(Duration::from_secs(NEGATIVE_S_MAX));
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    Ok(builder.build()?)
}

fn nameserver(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

#[cfg(test)]
mod tests {
    use super::super::spec::OriginLimits;
    use super::*;

    #[tokio::test]
    async fn silence_is_a_timeout() {
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let limits = OriginLimits { connect_ms_max: 100, ..OriginLimits::default() };
        let nameservers = vec![silent.local_addr().expect("a bound socket")];
        let spec = OriginsSpec { nameservers, limits, ..OriginsSpec::default() };
        let error = Names::new(&spec).addresses("name.example").await.expect_err("nobody answers");
        assert!(matches!(error, NameError::Timeout { .. }), "{error:?}");
    }

    #[test]
    fn refused_addresses_are_dropped_from_an_answer() {
        let guard = Guard::new(&OriginsSpec::default()).expect("a guard");
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        let mixed = vec![ip("127.0.0.1"), ip("93.184.216.34"), ip("fd00::1"), ip("::ffff:10.0.0.1")];
        assert_eq!(permitted(&guard, Reach::Public, "n", mixed.clone()).expect("one"), [ip("93.184.216.34")]);
        assert!(matches!(permitted(&guard, Reach::Inner, "n", mixed.clone()), Err(NameError::Refused { .. })));
        assert_eq!(permitted(&guard, Reach::Trusted, "n", mixed.clone()).expect("all"), mixed);
        assert!(matches!(permitted(&guard, Reach::Trusted, "n", Vec::new()), Err(NameError::NoAddress { .. })));
    }
}

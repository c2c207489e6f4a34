//! From the configuration to what the room of origins needs.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Config};
use crate::origin::{AzSpec, GsSpec, OriginLimits, OriginsSpec, QueryRule, S3Addressing, S3Credentials, S3Spec};
use crate::url::source_matches;

/// How originals are fetched under this configuration.
pub fn origins_spec(config: &Config) -> OriginsSpec {
    let sources = &config.sources;
    let allowed = sources.allowed.clone();
    let mut ignored_query = if sources.ignore_presigned { QueryRule::presigned() } else { Vec::new() };
    ignored_query.extend(sources.ignored_query_parameters.iter().map(|name| QueryRule::always(name)));
    let stores = &config.stores;
    OriginsSpec {
        local_root: sources.local_root.clone(),
        allow_loopback: sources.allow_loopback,
        allow_link_local: sources.allow_link_local,
        allow_private: sources.allow_private,
        allowed_ports: sources.allowed_ports.clone(),
        trusted_hosts: trusted_hosts(&sources.allowed),
        source_allowed: Arc::new(move |source| {
            allowed.is_empty() || allowed.iter().any(|pattern| source_matches(pattern, source))
        }),
        ignored_query,
        query_separator: sources.query_separator,
        s3: stores.s3.as_ref().map(s3).unwrap_or_default(),
        gs: stores.gs.as_ref().map(gs).unwrap_or_default(),
        az: stores.az.as_ref().map(az).unwrap_or_default(),
        limits: origin_limits(&config.fetch),
        ..OriginsSpec::default()
    }
}

pub fn s3(s3: &config::S3) -> S3Spec {
    S3Spec {
        enabled: true,
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        addressing: if s3.path_style { S3Addressing::Path } else { S3Addressing::VirtualHost },
        credentials: if s3.anonymous { S3Credentials::Anonymous } else { S3Credentials::Environment },
    }
}

pub fn gs(gs: &config::Gs) -> GsSpec {
    GsSpec { enabled: true, endpoint: gs.endpoint.clone(), anonymous: gs.anonymous }
}

pub fn az(az: &config::Az) -> AzSpec {
    AzSpec { enabled: true, account: az.account.clone(), endpoint: az.endpoint.clone(), anonymous: az.anonymous }
}

fn origin_limits(fetch: &config::Fetch) -> OriginLimits {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1);
    OriginLimits {
        source_bytes_max: fetch.source_bytes_max,
        redirects_max: u32::try_from(fetch.redirects_max).unwrap_or(u32::MAX),
        connect_ms_max: ms(fetch.connect_timeout),
        first_byte_ms_max: ms(fetch.first_byte_timeout),
        idle_ms_max: ms(fetch.idle_timeout),
        total_ms_max: ms(fetch.timeout),
        fetches_max: fetch.fetches_max,
        per_origin_fetches_max: fetch.source_fetches_max,
        ..OriginLimits::default()
    }
}

/// Patterns that name one host and port exactly: who wrote them meant that server, wherever it stands.
fn trusted_hosts(patterns: &[String]) -> Vec<String> {
    let host_and_port = |pattern: &String| {
        let rest = pattern.strip_prefix("http://").or_else(|| pattern.strip_prefix("https://"))?;
        let authority = rest.split('/').next().unwrap_or_default();
        let exact = !authority.contains(['*', '@']) && rest.len() > authority.len();
        let (host, port) = authority.rsplit_once(':')?;
        (exact && !host.is_empty() && port.parse::<u16>().is_ok()).then(|| authority.to_owned())
    };
    patterns.iter().filter_map(host_and_port).collect()
}

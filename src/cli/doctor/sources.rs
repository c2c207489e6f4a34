//! Whether the configured sources answer: each is asked, through the same guard and with the same limits as on the
//! server, for an original that cannot exist. "Not found" is the answer that is hoped for.

use futures_util::future::join_all;

use super::report::Finding;
use crate::config::Config;
use crate::flow::origins_spec;
use crate::origin::{Fetched, OriginError, Origins};

/// The name of an original that nobody has.
const NOBODYS: &str = "tintype-doctor-asks-for-nothing";

/// A source to ask, and what it stands for.
#[derive(Debug, PartialEq, Eq)]
struct Probe {
    subject: String,
    source: String,
}

/// What every configured source says.
pub fn findings(config: &Config) -> Vec<Finding> {
    let origins = match Origins::new(&origins_spec(config)) {
        Ok(origins) => origins,
        Err(error) => return vec![Finding::fail("sources", chain(&anyhow::Error::new(error)))],
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::fail("sources", format!("no runtime: {error}"))],
    };
    let (probes, mut findings) = probes(config);
    findings.extend(runtime.block_on(join_all(probes.into_iter().map(|probe| asked(&origins, probe)))));
    if findings.is_empty() {
        let text = "none is configured: only https:// and http:// of public hosts are read";
        findings.push(Finding::ok("sources", text.to_owned()));
    }
    findings
}

/// What can be asked, and what cannot.
fn probes(config: &Config) -> (Vec<Probe>, Vec<Finding>) {
    let mut probes = Vec::new();
    let mut findings = Vec::new();
    if let Some(root) = &config.sources.local_root {
        let source = format!("local:///{NOBODYS}");
        probes.push(Probe { subject: format!("local:// ({})", root.display()), source });
    }
    for pattern in &config.sources.allowed {
        match probe(pattern) {
            Some(source) => probes.push(Probe { subject: pattern.clone(), source }),
            // The root was asked for already.
            None if pattern.starts_with("local:") => {}
            None => {
                findings.push(Finding::ok(pattern.clone(), "allowed; names no single place to ask".to_owned()));
            }
        }
    }
    let stores = [
        ("s3", config.stores.s3.as_ref().map(|s3| &s3.endpoint)),
        ("gs", config.stores.gs.as_ref().map(|gs| &gs.endpoint)),
        ("az", config.stores.az.as_ref().map(|az| &az.endpoint)),
    ];
    for (scheme, endpoint) in stores {
        let Some(endpoint) = endpoint else { continue };
        let is_asked = probes.iter().any(|probe| probe.source.starts_with(&format!("{scheme}://")));
        match endpoint {
            // An endpoint of one's own answers for any bucket; a cloud's is asked for a bucket that is meant.
            Some(endpoint) if !is_asked => {
                let source = format!("{scheme}://tintype-doctor/{NOBODYS}");
                probes.push(Probe { subject: format!("{scheme}:// ({endpoint})"), source });
            }
            None if !is_asked => {
                let text = format!("enabled; name a bucket in allowed_sources (`{scheme}://name/`) to have it asked");
                findings.push(Finding::ok(format!("{scheme}://"), text));
            }
            _ => {}
        }
    }
    (probes, findings)
}

/// A source under this pattern, if it names one host or bucket.
fn probe(pattern: &str) -> Option<String> {
    let (scheme, rest) = pattern.split_once("://")?;
    let literal = rest.split('*').next().unwrap_or_default();
    let is_whole = literal.len() == rest.len();
    if scheme == "local" || scheme.contains('*') || literal.is_empty() {
        return None;
    }
    match literal.rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => Some(format!("{scheme}://{folder}/{NOBODYS}")),
        None if is_whole => Some(format!("{scheme}://{literal}/{NOBODYS}")),
        _ => None,
    }
}

async fn asked(origins: &Origins, Probe { subject, source }: Probe) -> Finding {
    let error = match origins.fetch(&source, None).await {
        Ok(Fetched::Body(_) | Fetched::NotModified { .. }) => return Finding::ok(subject, "answers".to_owned()),
        Err(error) => error,
    };
    let is_store = !source.starts_with("http");
    match &error {
        OriginError::NotFound => Finding::ok(subject, "answers".to_owned()),
        OriginError::Status { code: 401 | 403 } if is_store => {
            let text = "answers, but lets us read nothing, or not see what is missing: check the credentials";
            Finding::warn(subject, text.to_owned())
        }
        OriginError::Status { code } => Finding::ok(subject, format!("answers ({code} for what is not there)")),
        OriginError::UnsupportedScheme => {
            Finding::warn(subject, "allowed, but sources of this scheme are not enabled".to_owned())
        }
        OriginError::Upstream { code } => Finding::warn(subject, format!("answers {code}")),
        OriginError::AddressRefused(_) => {
            let text = "has an address that is refused unless allow_private_sources, allow_loopback_sources or \
                        allow_link_local_sources says otherwise, or the port is not among allowed_ports";
            Finding::fail(subject, text.to_owned())
        }
        _ => Finding::fail(subject, chain(&anyhow::Error::new(error))),
    }
}

/// The error and its first cause: who asks the doctor may read what a client may not. Libraries repeat in each error
/// what the next one says, so the ones between would only be noise.
fn chain(error: &anyhow::Error) -> String {
    match error.chain().skip(1).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_asked_where_it_names_one_place() {
        let cases = [
            ("https://a.example/", Some("https://a.example/")),
            ("https://a.example", Some("https://a.example/")),
            ("http://a.example:8080/b/c*.jpg", Some("http://a.example:8080/b/")),
            ("s3://photos/", Some("s3://photos/")),
            ("https://*.example.com/", None),
            ("https://a.exam*", None),
            ("s3://*", None),
            ("*://a.example/", None),
            ("local:///a/", None),
            ("nonsense", None),
        ];
        for (pattern, wanted) in cases {
            assert_eq!(probe(pattern), wanted.map(|place| format!("{place}{NOBODYS}")), "{pattern}");
        }
    }
}

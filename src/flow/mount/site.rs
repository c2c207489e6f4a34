//! One mount as the flow uses it: where its requests go, and by which rules its responses are kept.

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, Method};
use percent_encoding::percent_decode_str;
use url::Url;

use super::stored::Stored;
use crate::cache::Key;
use crate::config;
use crate::origin::{OriginSetupError, Upstream};
use crate::semantics::cache_control::CacheControl;
use crate::semantics::freshness::{Expires, is_heuristically_cacheable};
use crate::semantics::reuse::{Reuse, ReusePolicy, StoredMeta};
use crate::semantics::storing::{Exchange, NotStored, may_store};
use crate::semantics::surrogate::surrogate_control;
use crate::semantics::targeted::Directives;

/// A mount at work.
#[derive(Debug)]
pub(super) struct Site {
    prefix: String,
    origin: Origin,
    policy: ReusePolicy,
    ignores_cache_control: bool,
    pub(super) obeys_requests: bool,
}

/// Where the requests of a mount go.
#[derive(Debug)]
enum Origin {
    Http(Upstream),
    /// A bucket or folder, as the beginning of a source; ends with a slash.
    Store(String),
}

/// What a request names at the origin.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The URL that is asked for, or one that stands for the object.
    pub(super) url: Url,
    /// The source of a bucket or folder; `None` for HTTP.
    pub(super) source: Option<String>,
    /// The key of all that is kept of it.
    pub(super) key: Key,
}

/// The name by which origins may address this kind of cache in `Surrogate-Control`.
pub(super) const SURROGATE: &str = "tintype";

/// Fields whose directives are for caches like this one, the most particular first (RFC 9213).
const TARGETS: [HeaderName; 2] =
    [HeaderName::from_static("tintype-cache-control"), HeaderName::from_static("cdn-cache-control")];
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

// === impl Target ===

impl Target {
    /// The scheme of its origin as a label of metrics.
    pub(super) fn scheme(&self) -> &'static str {
        let scheme = self.source.as_deref().unwrap_or(self.url.as_str()).split(':').next().unwrap_or_default();
        let known = ["https", "local", "s3", "gs", "az"];
        known.into_iter().find(|known| *known == scheme).unwrap_or("http")
    }
}

// === impl Site ===

impl Site {
    pub(super) fn new(mount: &config::Mount) -> Result<Self, OriginSetupError> {
        let origin = match mount.scheme() {
            "http" | "https" => Origin::Http(Upstream::parse(&mount.origin)?),
            _ => Origin::Store(format!("{}/", mount.origin)),
        };
        Ok(Self {
            prefix: mount.prefix.clone(),
            origin,
            policy: ReusePolicy {
                // A lifetime that the operator names is better than a guess.
                is_heuristic: mount.is_heuristic && mount.ttl.is_none(),
                lifetime_s: mount.ttl.map(|ttl| ttl.as_secs()),
                stale_while_revalidate_s: mount.stale_while_revalidate.as_secs(),
                stale_if_error_s: mount.stale_if_error.as_secs(),
            },
            ignores_cache_control: mount.ignores_cache_control,
            obeys_requests: mount.obeys_requests,
        })
    }

    /// What of a path stands behind the prefix, without a slash before it; `None` for a path that is not below.
    pub(super) fn claims<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.prefix == "/" {
            return path.strip_prefix('/');
        }
        let rest = path.strip_prefix(self.prefix.as_str())?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// Characters of the prefix; the longest one wins.
    pub(super) fn prefix_len(&self) -> usize {
        self.prefix.len()
    }

    /// What a request below the prefix names; `None` when it leads elsewhere.
    pub(super) fn target(&self, rest: &str, query: Option<&str>) -> Option<Target> {
        match &self.origin {
            Origin::Http(upstream) => upstream.url(rest, query).map(|url| self.target_of(url, None)),
            Origin::Store(root) => {
                let name = percent_decode_str(rest).decode_utf8().ok()?;
                let source = format!("{root}{name}");
                // A URL of its own, so that keys and invalidation work alike; nobody resolves it.
                let mut url = Url::parse("http://store.invalid/").ok()?;
                url.set_path(&format!("{root}{rest}"));
                Some(self.target_of(url, Some(source)))
            }
        }
    }

    /// The same for another URL of this origin.
    pub(super) fn target_of(&self, url: Url, source: Option<String>) -> Target {
        let key = Key::of("mount", &[self.prefix.as_bytes(), url.as_str().as_bytes()]);
        Target { url, source, key }
    }

    /// What a response says about its reuse, to this mount.
    pub(super) fn meta(&self, status: u16, headers: &HeaderMap, requested_s: u64, received_s: u64) -> StoredMeta {
        let mut meta = StoredMeta::read(status, headers, &TARGETS, requested_s, received_s);
        if self.ignores_cache_control {
            let control = CacheControl::default();
            meta.directives = Directives { control, expires: Expires::Absent, is_targeted: false };
        } else if !meta.directives.is_targeted
            && let Some(control) = surrogate_control(headers.get_all(SURROGATE_CONTROL), SURROGATE)
        {
            meta.directives = Directives { control, expires: Expires::Absent, is_targeted: true };
        }
        meta
    }

    /// Whether an answer may be kept here.
    pub(super) fn may_store(&self, exchange: &Exchange<'_>) -> Result<(), NotStored> {
        // With the origin's own rules out of force, a cookie is the only sign left that an answer is for one client.
        if self.ignores_cache_control && exchange.response.contains_key(SET_COOKIE) {
            return Err(NotStored::Private);
        }
        may_store(exchange, &self.policy_for(exchange.meta.status))
    }

    /// Whether a response may still be kept after what the origin said of it anew, in answer to this request.
    pub(super) fn may_keep(&self, target: &Target, request: &HeaderMap, stored: &Stored) -> Result<(), NotStored> {
        let meta = self.meta(stored.status.as_u16(), &stored.headers, stored.requested_s, stored.received_s);
        // Whatever brought the news, what is kept answers GET.
        let (method, target, response) = (&Method::GET, &target.url, &stored.headers);
        self.may_store(&Exchange { method, target, request, response, meta: &meta })
    }

    /// What may be done with a stored response now, by its age alone.
    pub(super) fn reuse(&self, stored: &Stored, now_s: u64) -> Reuse {
        let meta = self.meta(stored.status.as_u16(), &stored.headers, stored.requested_s, stored.received_s);
        Reuse::of(&meta, &self.policy_for(meta.status), now_s)
    }

    /// A lifetime of the mount's own is for what went well: nobody means to keep an origin's error for an hour.
    fn policy_for(&self, status: u16) -> ReusePolicy {
        let is_lasting = status < 400 && (is_heuristically_cacheable(status) || status == 206);
        ReusePolicy { lifetime_s: self.policy.lifetime_s.filter(|_| is_lasting), ..self.policy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mount;

    fn site(text: &str) -> Site {
        let mut mount = Mount {
            prefix: String::new(),
            origin: String::new(),
            ttl: None,
            ignores_cache_control: false,
            stale_while_revalidate: std::time::Duration::ZERO,
            stale_if_error: std::time::Duration::ZERO,
            is_heuristic: true,
            obeys_requests: false,
        };
        let (prefix, origin) = text.split_once('=').unwrap();
        (mount.prefix, mount.origin) = (prefix.to_owned(), origin.to_owned());
        Site::new(&mount).unwrap()
    }

    #[test]
    fn prefixes_end_at_segment_borders() {
        let assets = site("/a/b=http://h");
        for (path, rest) in [
            ("/a/b", Some("")),
            ("/a/b/", Some("")),
            ("/a/b/c/d", Some("c/d")),
            ("/a/b//c", Some("/c")),
            ("/a/bc", None),
            ("/a", None),
            ("/A/b", None),
        ] {
            assert_eq!(assets.claims(path), rest, "{path}");
        }
        let root = site("/=http://h");
        assert_eq!((root.claims("/"), root.claims("/x/y"), root.claims("*")), (Some(""), Some("x/y"), None));
    }

    #[test]
    fn objects_are_named_by_decoded_paths() {
        let target = site("/a=s3://bucket/base").target("x%20y/z", Some("ignored")).unwrap();
        assert_eq!(target.source.as_deref(), Some("s3://bucket/base/x y/z"));
        assert!(site("/a=s3://bucket").target("%ff", None).is_none());
        let local = site("/a=local://").target("x.css", None).unwrap();
        assert_eq!(local.source.as_deref(), Some("local:///x.css"));
    }
}

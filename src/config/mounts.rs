//! Pass-through mounts as they are written in the settings: `PREFIX=ORIGIN`, then options, each behind a `;`.
//!
//! Contract: what [`Mount::parse`] takes can be used; what mounts may not do to each other and to images is in
//! [`faults`].

use std::time::Duration;

use super::units::parse_duration;

/// A part of the URL space that is served verbatim from an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `/`, or a path with a slash at its beginning and none at its end.
    pub prefix: String,
    /// `http(s)://host[:port][/base]`, `s3://bucket[/base]`, `gs://…`, `az://…` or `local:///[base]`, without a slash
    /// at its end.
    pub origin: String,
    /// The lifetime of responses that name none.
    pub ttl: Option<Duration>,
    /// Whether `ttl` counts whatever the origin says.
    pub ignores_cache_control: bool,
    /// Where a response names no such window.
    pub stale_while_revalidate: Duration,
    /// Where a response names no such window.
    pub stale_if_error: Duration,
    /// Whether a lifetime may be guessed from `Last-Modified`.
    pub is_heuristic: bool,
    /// Whether `Cache-Control` of requests is obeyed.
    pub obeys_requests: bool,
}

/// Why mounts that are each well written cannot be served together with the rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MountFault {
    #[error("`{0}` is mounted twice; give each mount a prefix of its own")]
    Twice(String),
    #[error("`/` is mounted and images are there as well; set `path_prefix`, such as to `/img`, to move the images")]
    OverImages,
    #[error("`{0}` is inside the `path_prefix` of the images; mount it elsewhere or change `path_prefix`")]
    InsideImages(String),
    #[error("`{0}` is a page of tintype itself; mount another prefix")]
    Reserved(String),
    #[error("`{0}` needs the setting `{1}`")]
    NeedsBackend(String, &'static str),
    #[error("`{0}` ignores the origin's Cache-Control and names no `ttl`; add `;ttl=1h` or another")]
    NeedsTtl(String),
}

/// What a mount looks like, in words that follow "accepted: ".
pub(super) const SAYS: &str = "`PREFIX=ORIGIN` with options such as `;ttl=1h` behind it, several separated by commas";

/// The longest time of an option, as that of the settings of freshness.
const TIME_MAX: Duration = Duration::from_hours(24 * 365 * 10);

/// Paths that stay tintype's own, whatever is mounted.
const RESERVED: [&str; 2] = ["/live", "/health"];

/// Schemes of origins that are no URL of a host, and the setting that switches each on.
const BACKENDS: [(&str, &str); 4] =
    [("s3", "s3.enabled"), ("gs", "gs.enabled"), ("az", "az.enabled"), ("local", "local_root")];

// === impl Mount ===

impl Mount {
    /// Reads one mount; `None` when it is not well written.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (prefix, origin) = parts.next()?.split_once('=')?;
        let mut mount = Self {
            prefix: prefix_of(prefix.trim())?,
            origin: origin_of(origin.trim())?,
            ttl: None,
            ignores_cache_control: false,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            is_heuristic: true,
            obeys_requests: false,
        };
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            mount.set(name.trim(), value.trim())?;
        }
        Some(mount)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let time = || parse_duration(value).filter(|time| *time <= TIME_MAX);
        let switch = |off: &str, on: &str| match value {
            _ if value == on => Some(true),
            _ if value == off => Some(false),
            _ => None,
        };
        match name {
            "ttl" => self.ttl = Some(time()?),
            "cache_control" => self.ignores_cache_control = switch("obey", "ignore")?,
            "stale_while_revalidate" => self.stale_while_revalidate = time()?,
            "stale_if_error" => self.stale_if_error = time()?,
            "heuristic" => self.is_heuristic = switch("off", "on")?,
            "request_directives" => self.obeys_requests = switch("off", "on")?,
            _ => return None,
        }
        Some(())
    }

    /// The scheme of its origin.
    pub fn scheme(&self) -> &str {
        self.origin.split(':').next().unwrap_or_default()
    }
}

/// Everything that keeps these mounts from being served. `path_prefix` is that of the images; `has` tells whether a
/// setting is on.
pub(super) fn faults(mounts: &[Mount], path_prefix: &str, has: impl Fn(&str) -> bool) -> Vec<MountFault> {
    let mut found = Vec::new();
    for (place, mount) in mounts.iter().enumerate() {
        let prefix = &mount.prefix;
        if mounts[..place].iter().any(|other| other.prefix == *prefix) {
            found.push(MountFault::Twice(prefix.clone()));
        }
        if prefix == "/" && path_prefix.is_empty() {
            found.push(MountFault::OverImages);
        }
        let is_inside = !path_prefix.is_empty()
            && prefix.strip_prefix(path_prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if is_inside {
            found.push(MountFault::InsideImages(prefix.clone()));
        }
        if RESERVED.contains(&prefix.as_str()) {
            found.push(MountFault::Reserved(prefix.clone()));
        }
        let backend = BACKENDS.iter().find(|(scheme, _)| *scheme == mount.scheme());
        if let Some((_, setting)) = backend.filter(|(_, setting)| !has(setting)) {
            found.push(MountFault::NeedsBackend(mount.origin.clone(), setting));
        }
        if mount.ignores_cache_control && mount.ttl.is_none() {
            found.push(MountFault::NeedsTtl(prefix.clone()));
        }
    }
    found
}

/// Segments of plain characters: what stands in a request's path is compared as it was sent.
fn prefix_of(text: &str) -> Option<String> {
    let rest = text.strip_prefix('/')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+:@".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    (rest.is_empty() || rest.split('/').all(is_segment)).then(|| text.to_owned())
}

fn origin_of(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\\"<>`{}|^".contains(&byte);
    let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
    let has_host = match scheme {
        "http" | "https" | "s3" | "gs" | "az" => !host.is_empty(),
        "local" => host.is_empty() && rest.starts_with('/'),
        _ => false,
    };
    let is_well = has_host
        && rest.bytes().all(is_plain)
        && !base.contains("//")
        && !base.split('/').any(|segment| matches!(segment, "." | ".."));
    is_well.then(|| format!("{scheme}://{}", rest.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_their_options() {
        let plain = Mount::parse("/=http://127.0.0.1:8000").expect("a mount");
        assert_eq!((plain.prefix.as_str(), plain.origin.as_str()), ("/", "http://127.0.0.1:8000"));
        assert_eq!((plain.ttl, plain.is_heuristic, plain.obeys_requests), (None, true, false));
        let text = "/a/b = https://o.example/base/ ; ttl=1h;cache_control=ignore; stale_while_revalidate=60s;\
                    stale_if_error=1d;heuristic=off;request_directives=on;";
        let expected = Mount {
            prefix: "/a/b".to_owned(),
            origin: "https://o.example/base".to_owned(),
            ttl: Some(Duration::from_hours(1)),
            ignores_cache_control: true,
            stale_while_revalidate: Duration::from_mins(1),
            stale_if_error: Duration::from_hours(24),
            is_heuristic: false,
            obeys_requests: true,
        };
        assert_eq!(Mount::parse(text), Some(expected));
        for origin in ["s3://bucket", "s3://bucket/a/b", "gs://b", "az://c", "http://[::1]:80/x"] {
            assert_eq!(Mount::parse(&format!("/a={origin}")).expect(origin).origin, origin);
        }
        assert_eq!(Mount::parse("/a=local:///").expect("the root").origin, "local://");
        assert_eq!(Mount::parse("/a=local:///b").expect("a folder").origin, "local:///b");
    }

    #[test]
    fn what_is_not_well_written_is_refused() {
        for text in [
            "",
            "/a",
            "/a=",
            "a=http://h",
            "/a/=http://h",
            "//a=http://h",
            "/a/../b=http://h",
            "/a b=http://h",
            "/a%20=http://h",
            "/a=h",
            "/a=ftp://h",
            "/a=http://",
            "/a=http:///b",
            "/a=http://u@h",
            "/a=http://h?x",
            "/a=http://h/#x",
            "/a=http://h/a//b",
            "/a=http://h/../b",
            "/a=local://h/b",
            "/a=s3://",
            "/a=http://h;ttl",
            "/a=http://h;ttl=1",
            "/a=http://h;heuristic=yes",
            "/a=http://h;cache_control=on",
            "/a=http://h;colour=red",
        ] {
            assert_eq!(Mount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn mounts_leave_room_for_images_and_for_each_other() {
        let found = |texts: &[&str], path_prefix: &str| {
            let mounts: Vec<_> = texts.iter().map(|text| Mount::parse(text).expect(text)).collect();
            faults(&mounts, path_prefix, |setting| setting == "s3.enabled")
        };
        assert_eq!(found(&["/=http://h", "/a=s3://b", "/imgs=http://h"], "/img"), []);
        assert_eq!(found(&["/a=http://h", "/a=http://i"], ""), [MountFault::Twice("/a".to_owned())]);
        assert_eq!(found(&["/=http://h"], ""), [MountFault::OverImages]);
        assert_eq!(found(&["/img/x=http://h"], "/img"), [MountFault::InsideImages("/img/x".to_owned())]);
        assert_eq!(found(&["/live=http://h"], ""), [MountFault::Reserved("/live".to_owned())]);
        let needed = MountFault::NeedsBackend("local:///x".to_owned(), "local_root");
        assert_eq!(found(&["/a=local:///x"], ""), [needed]);
        assert_eq!(found(&["/a=http://h;cache_control=ignore"], ""), [MountFault::NeedsTtl("/a".to_owned())]);
    }
}

//! `Surrogate-Control` (the W3C note "Edge Architecture Specification", section 2.2): the elder of `CDN-Cache-Control`,
//! which many origins still send.
//!
//! It is read as `Cache-Control` is, with one thing more: a directive may carry the name of the cache that it is for.

use http::HeaderValue;
use http::header::GetAll;

use super::cache_control::CacheControl;
use super::fields::{members, pieces, text_of, trim};

/// The directives for a cache of this name; `None` when there are none that we know, so that the field does not exist
/// for it.
pub fn surrogate_control(lines: GetAll<'_, HeaderValue>, name: &str) -> Option<CacheControl> {
    let mut mine = String::new();
    for line in lines {
        for member in members(&text_of(line)) {
            let mut parts = pieces(member, b';').map(trim);
            let directive = parts.next().unwrap_or_default();
            let is_mine = parts.next().is_none_or(|first| first == name || parts.any(|other| other == name));
            if is_mine {
                mine.push_str(directive);
                mine.push(',');
            }
        }
    }
    let control = CacheControl::parse([mine]);
    (control != CacheControl::default()).then_some(control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semantics::cache_control::Flag;

    fn read(lines: &[&'static str]) -> Option<CacheControl> {
        let name = http::HeaderName::from_static("surrogate-control");
        let mut headers = http::HeaderMap::new();
        for line in lines {
            headers.append(&name, HeaderValue::from_static(line));
        }
        surrogate_control(headers.get_all(&name), "me")
    }

    #[test]
    fn directives_for_all_and_for_this_cache_count() {
        let max_age = |lines: &[&'static str]| read(lines).and_then(|control| control.max_age_s);
        for (line, expected) in [
            ("max-age=3600", Some(3600)),
            ("MaX-aGe=3600", Some(3600)),
            ("foobar, max-age=3600", Some(3600)),
            ("max-age=3600;me", Some(3600)),
            ("max-age=3600;you;me", Some(3600)),
            ("max-age=3600;you", None),
            ("max-age=3600 ; me, max-age=1;you", Some(3600)),
            ("max-age=0", Some(0)),
            ("max-age =100", None),
            ("content=\"ESI/1.0;x, max-age=5\"", None),
        ] {
            assert_eq!(max_age(&[line]), expected, "{line}");
        }
        assert!(read(&["no-store"]).is_some_and(|control| control.has(Flag::NoStore)));
        assert_eq!(max_age(&["foo", "max-age=5"]), Some(5));
        assert_eq!((read(&[]), read(&["foo"]), read(&["no-store;you"])), (None, None, None));
    }
}

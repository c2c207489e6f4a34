//! Fields that belong to one connection: neither kept nor passed on (RFC 9110 §7.6.1, RFC 9111 §3.1).

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_RANGE, COOKIE, HOST, RANGE, VARY};
use http::{HeaderMap, HeaderName};

use super::fields::{lines, members};

const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authentication-info"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
    HeaderName::from_static("transfer-encoding"),
    HeaderName::from_static("upgrade"),
    HeaderName::from_static("http2-settings"),
];

/// Fields that `Connection` cannot take away: with them gone, an answer for one would look like an answer for all. They
/// are meant for every recipient, so that no sender may name them there (RFC 9110 §7.6.1).
const END_TO_END: [HeaderName; 7] = [AUTHORIZATION, CACHE_CONTROL, CONTENT_RANGE, COOKIE, HOST, RANGE, VARY];

/// Takes every such field out, and those that `Connection` names.
pub fn strip(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Whether a field is hop-by-hop by itself.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// The fields that the lines of `Connection` name, as far as they can be names.
pub fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let mut names: Vec<HeaderName> = Vec::new();
    for line in lines(headers, CONNECTION) {
        let named = members(&line).filter_map(|member| HeaderName::from_bytes(member.as_bytes()).ok());
        names.extend(named.filter(|name| !END_TO_END.contains(name)));
    }
    names
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn fields_of_one_connection_go() {
        for name in HOP_BY_HOP {
            let mut all = HeaderMap::new();
            all.append(&name, "x".parse().expect("a value"));
            all.append("set-cookie", "a=b".parse().expect("a value"));
            strip(&mut all);
            assert_eq!(names(&all), ["set-cookie"], "{name}");
            assert!(is_hop_by_hop(&name), "{name}");
        }
        assert!(!is_hop_by_hop(&VARY));
    }

    #[test]
    fn fields_that_connection_names_go_too() {
        let mut all =
            headers(&[("connection", "a, B"), ("connection", "close"), ("a", "1"), ("b", "2"), ("b", "3"), ("c", "4")]);
        strip(&mut all);
        assert_eq!(names(&all), ["c"]);
        let mut odd = headers(&[("connection", "é, a b, , \"c\""), ("a", "1"), ("c", "2")]);
        strip(&mut odd);
        assert_eq!(names(&odd), ["a", "c"]);
    }

    #[test]
    fn connection_takes_nothing_away_that_decides_who_may_see_it() {
        for name in END_TO_END {
            let mut all = headers(&[("connection", name.as_str())]);
            all.append(&name, "x".parse().expect("a value"));
            strip(&mut all);
            assert_eq!(names(&all), [name.as_str()]);
        }
    }

    proptest! {
        #[test]
        fn twice_is_as_once(connection in "[a-c, ]{0,12}", count in 0_usize..=4) {
            let others = headers(&[("te", "x"), ("b", "1"), ("c", "1"), ("d", "1")][..count]);
            let mut once = headers(&[("connection", &connection)]);
            once.extend(others);
            strip(&mut once);
            let mut twice = once.clone();
            strip(&mut twice);
            prop_assert!(!once.contains_key(CONNECTION) && !once.contains_key("te"));
            prop_assert_eq!(once, twice);
        }
    }
}

//! Patterns of sources: literal text with `*` for any run of characters other than a slash, anchored at the start.
//!
//! Used in two places: rewriting sources ([`Replacement`](super::Replacement)) and saying which sources are allowed
//! ([`source_matches`]). Both read patterns from the operator and text from anyone, so matching takes time in
//! proportion to the length of the text, whatever the pattern.

use url::Url;

/// A pattern's match at the start of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match<'t> {
    /// What each `*` stood for, in order.
    pub(super) captures: Vec<&'t str>,
    /// Bytes of the text that matched.
    pub(super) len: usize,
}

/// Matches the start of `text`. Each `*`, from left to right, takes as much as it can.
pub(super) fn match_start<'t>(pattern: &str, text: &'t str) -> Option<Match<'t>> {
    let mut pieces = pattern.split('*');
    let head = pieces.next().unwrap_or_default();
    let stars: Vec<&str> = pieces.collect();
    text.strip_prefix(head)?;

    let ends = star_ends(&stars, text.as_bytes());
    let mut at = head.len();
    let mut captures = Vec::with_capacity(stars.len());
    for (piece, ends) in stars.iter().zip(&ends) {
        let end = ends[at]?;
        captures.push(text.get(at..end)?);
        at = end + piece.len();
    }
    Some(Match { captures, len: at })
}

/// For each star, where it would end if it began at each byte of the text so that the rest still matches, the furthest
/// such place; one pass from right to left for each star.
fn star_ends(pieces: &[&str], text: &[u8]) -> Vec<Vec<Option<usize>>> {
    let mut ends: Vec<Vec<Option<usize>>> = vec![Vec::new(); pieces.len()];
    for star in (0..pieces.len()).rev() {
        let piece = pieces[star].as_bytes();
        let mut row = vec![None; text.len() + 1];
        for at in (0..=text.len()).rev() {
            let within_run = text.get(at).is_some_and(|byte| *byte != b'/');
            let further = if within_run { row[at + 1] } else { None };
            row[at] = further.or_else(|| {
                let rest_matches = || ends.get(star + 1).is_none_or(|next| next[at + piece.len()].is_some());
                (text[at..].starts_with(piece) && rest_matches()).then_some(at)
            });
        }
        ends[star] = row;
    }
    ends
}

/// Whether `pattern` allows `source`, the decoded URL of an original or of a redirect's target.
///
/// A pattern is the start of a URL with `*` for any run of characters other than a slash (`https://*.example.com/`,
/// `s3://bucket/`), or the exact host of an HTTP source, with its port unless that is the scheme's own (`example.com`,
/// `example.com:8080`).
///
/// Stricter than the native dialect's textual rule in three ways, because what is compared must be what is fetched:
/// HTTP sources are compared in normalised form without user name and password (so neither `http://evil/?.example.com/`
/// nor `http://example.com@evil/` passes for example.com, and `..` is resolved first), an HTTP pattern that ends inside
/// the host name matches only that whole host (any port), and other sources with a `.` or `..` segment never match.
pub fn source_matches(pattern: &str, source: &str) -> bool {
    if pattern.is_empty() {
        return false;
    }
    match Url::parse(source) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => http_matches(pattern, url),
        _ if begins_like_http(source) => false,
        _ => !has_dot_segment(source) && match_start(pattern, source).is_some(),
    }
}

fn http_matches(pattern: &str, mut url: Url) -> bool {
    // Both fail only for URLs that cannot have credentials, and HTTP URLs can.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let Some((scheme, rest)) = pattern.split_once("://") else {
        let host = url.host_str().unwrap_or_default();
        let exact = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        return pattern.eq_ignore_ascii_case(&exact) || match_start(pattern, url.as_str()).is_some();
    };
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let authority = authority.to_ascii_lowercase();
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
    let normalised = format!("{scheme}://{authority}{path}");
    let Some(matched) = match_start(&normalised, url.as_str()) else { return false };
    let ends_in_host = path.is_empty() && !authority.is_empty();
    !ends_in_host || url.as_str()[matched.len..].starts_with(['/', ':'])
}

fn begins_like_http(source: &str) -> bool {
    let head = source.trim_start_matches(|c: char| c <= ' ').as_bytes();
    head.len() >= 4 && head[..4].eq_ignore_ascii_case(b"http")
}

fn has_dot_segment(source: &str) -> bool {
    source.split(['/', '\\']).any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, by trying everything: slow, and plainly right.
    fn by_trying<'t>(pieces: &[&str], text: &'t str) -> Option<Vec<&'t str>> {
        let Some((piece, rest)) = pieces.split_first() else { return Some(vec![]) };
        let run_len = text.find('/').unwrap_or(text.len());
        let mut lens = (0..=run_len).rev().filter(|len| text.is_char_boundary(*len));
        lens.find_map(|len| {
            let after = text[len..].strip_prefix(piece)?;
            Some([vec![&text[..len]], by_trying(rest, after)?].concat())
        })
    }

    proptest! {
        #[test]
        fn patterns_match_as_defined(pattern in "[ab/é*]{0,8}", text in "[ab/é]{0,12}") {
            let (head, stars) = pattern.split_once('*').map_or((pattern.as_str(), None), |(h, s)| (h, Some(s)));
            let pieces: Vec<&str> = stars.map(|stars| stars.split('*').collect()).unwrap_or_default();
            let defined = text.strip_prefix(head).and_then(|rest| by_trying(&pieces, rest));
            prop_assert_eq!(captures(&pattern, &text), defined);
        }

        #[test]
        fn no_source_makes_a_comparison_panic(pattern in any::<String>(), source in any::<String>()) {
            let _ = source_matches(&pattern, &source);
            let _ = source_matches(&format!("http://{pattern}"), &format!("http://{source}"));
        }
    }

    fn captures<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
        match_start(pattern, text).map(|found| found.captures)
    }

    #[test]
    fn stars_take_what_they_can_and_give_back_what_they_must() {
        assert_eq!(captures("a", "abc"), Some(vec![]));
        assert_eq!(captures("b", "abc"), None);
        assert_eq!(captures("a*", "abc/d"), Some(vec!["bc"]));
        assert_eq!(captures("s3://*/", "s3://items/i.jpg"), Some(vec!["items"]));
        assert_eq!(captures("*.*.c/", "a.b.b.c/"), Some(vec!["a.b", "b"]));
        assert_eq!(captures("*x*y", "xxzyzy"), Some(vec!["x", "zyz"]));
        assert_eq!(captures("**", "é/"), Some(vec!["é", ""]));
        assert_eq!(captures("*/*", "/"), Some(vec!["", ""]));
        assert_eq!(captures("*a", "b/a"), None);
        assert_eq!(captures("", ""), Some(vec![]));
        assert_eq!(match_start("a*c", "abcd").map(|found| found.len), Some(3));
    }

    #[test]
    fn allowed_sources_are_compared_as_they_will_be_fetched() {
        let allowed = [
            ("https://example.com/", "https://example.com/a.jpg"),
            ("https://example.com/", "HTTPS://EXAMPLE.com:443/a.jpg"),
            ("https://Example.com:443/", "https://example.com/a.jpg"),
            ("https://example.com", "https://example.com:8443/a.jpg"),
            ("http://*.example.com/", "http://img.example.com/a.jpg"),
            ("http://*.example.com/", "http://user:word@img.example.com/a.jpg"),
            ("https://", "https://anywhere/a"),
            ("http", "https://anywhere/a"),
            ("s3://bucket/", "s3://bucket/a%b?c"),
            ("s3://my-", "s3://my-bucket/a"),
            ("local:///public/", "local:///public/a..b.jpg"),
            ("example.com", "https://example.com/a.jpg"),
            ("example.com:8080", "http://example.com:8080/a.jpg"),
            ("[::1]:8080", "http://[::1]:8080/a.jpg"),
        ];
        for (pattern, source) in allowed {
            assert!(source_matches(pattern, source), "{pattern} should allow {source}");
        }
        let refused = [
            ("https://example.com", "https://example.com.evil/a.jpg"),
            ("https://example.com", "https://example.com@evil/a.jpg"),
            ("https://example.com", "https://example.com:443@evil/a.jpg"),
            ("http://*.example.com/", "http://evil?x.example.com/"),
            ("http://*.example.com/", "http://evil#x.example.com/"),
            ("http://*.example.com/", "http://evil\\x.example.com/"),
            ("http://*.example.com/", "http://a/b.example.com/"),
            ("http://example.com/public/", "http://example.com/public/../private/a.jpg"),
            ("http://example.com/public/", "http://example.com/public/%2e%2E/private/a.jpg"),
            ("local:///public/", "local:///public/../private/a.jpg"),
            ("s3://bucket/", "s3://bucket2/a"),
            ("example.com", "https://example.com:8443/a.jpg"),
            ("example.com", "https://img.example.com/a.jpg"),
            ("http://", "http://"),
            ("", "http://example.com/"),
        ];
        for (pattern, source) in refused {
            assert!(!source_matches(pattern, source), "{pattern} should refuse {source}");
        }
    }
}

//! Repair of paths that intermediaries broke: a doubled slash made one, a colon percent-encoded.
//!
//! The path here is what stands after the signature, without a leading slash and without the query.
//! Source of the greedy form: imgproxy reference, section 3.1. It also changes a `:/` deep inside a source, which is
//! why it is used for nothing but signatures of clients that rely on it; sources are read with only their leading
//! scheme repaired.

const PLAIN: &str = "plain/";
const PLAIN_INSIDE: &str = "/plain/";

/// The path with the options' colons and the source's leading scheme repaired.
pub(super) fn repair(rest: &str) -> String {
    repaired_with(rest, repair_scheme)
}

/// The path as imgproxy repairs and signs it.
pub(super) fn repair_greedily(rest: &str) -> String {
    repaired_with(rest, |source| {
        let space_at = source.find(char::is_whitespace).unwrap_or(source.len());
        let colons = source[..space_at].match_indices(":/").map(|(at, _)| at);
        let last = colons.filter(|at| *at > 0 && lacks_slash(source, *at)).last();
        last.map_or_else(|| source.to_owned(), |colon_at| with_slashes(source, colon_at))
    })
}

/// The source with `scheme:/x` made `scheme://x`, or `local:///x` for files.
fn repair_scheme(source: &str) -> String {
    match source.find(':') {
        Some(colon_at) if is_scheme(&source[..colon_at]) && lacks_slash(source, colon_at) => {
            with_slashes(source, colon_at)
        }
        _ => source.to_owned(),
    }
}

fn repaired_with(rest: &str, repair_source: impl Fn(&str) -> String) -> String {
    let (options, source) = match rest.strip_prefix(PLAIN) {
        Some(source) => ("", Some(source)),
        None => match rest.split_once(PLAIN_INSIDE) {
            Some((options, source)) => (options, Some(source)),
            None => (rest, None),
        },
    };
    // Only the upper-case form: it is what the intermediaries in question write.
    let mut path = options.replace("%3A", ":");
    if let Some(source) = source {
        path.push_str(PLAIN_INSIDE);
        path.push_str(&repair_source(source));
    }
    match path.strip_prefix('/') {
        Some(stripped) => stripped.to_owned(),
        None => path,
    }
}

/// Whether exactly one slash, and then something, follows the colon at this place.
fn lacks_slash(source: &str, colon_at: usize) -> bool {
    let mut after = source[colon_at + 1..].chars();
    after.next() == Some('/') && after.next().is_some_and(|next| next != '/')
}

fn with_slashes(source: &str, colon_at: usize) -> String {
    let (before, after) = source.split_at(colon_at);
    let slashes = if before == "local" { "//" } else { "/" };
    format!("{before}:{slashes}{}", &after[1..])
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_damage_is_repaired() {
        let cases = [
            ("rs:fill:300:200/plain/https:/example.com/a.jpg", "rs:fill:300:200/plain/https://example.com/a.jpg"),
            ("plain/local:/image.jpg", "plain/local:///image.jpg"),
            ("plain/local://image.jpg", "plain/local://image.jpg"),
            ("/plain/http:/test", "plain/http://test"),
            ("plain/http:", "plain/http:"),
            ("plain/http:/", "plain/http:/"),
            ("plain/", "plain/"),
            ("w:1/plain/example.com/a.jpg", "w:1/plain/example.com/a.jpg"),
            ("rs%3Afill%3A300%3A200/abc/abc", "rs:fill:300:200/abc/abc"),
            ("rs%3afill/plain/http://a/b", "rs%3afill/plain/http://a/b"),
            ("w%3A1/plain/http%3A/a/b", "w:1/plain/http%3A/a/b"),
            ("/http:/example.com/a.jpg", "http:/example.com/a.jpg"),
            ("w:1/plain/http://a/plain/b", "w:1/plain/http://a/plain/b"),
        ];
        for (rest, wanted) in cases {
            assert_eq!(repair(rest), wanted, "{rest}");
            assert_eq!(repair_greedily(rest), wanted, "{rest}, greedily");
        }
    }

    #[test]
    fn only_the_greedy_form_touches_the_inside_of_a_source() {
        let cases = [
            ("plain/http://a.com/x:/y", "plain/http://a.com/x:/y", "plain/http://a.com/x://y"),
            ("plain/http:/a.com/x:/y", "plain/http://a.com/x:/y", "plain/http:/a.com/x://y"),
            ("plain/a/b:/c", "plain/a/b:/c", "plain/a/b://c"),
            ("plain/:/c", "plain/:/c", "plain/:/c"),
            ("plain/http:/a b:/c", "plain/http://a b:/c", "plain/http://a b:/c"),
        ];
        for (rest, scheme_only, greedy) in cases {
            assert_eq!(repair(rest), scheme_only, "{rest}");
            assert_eq!(repair_greedily(rest), greedy, "{rest}, greedily");
        }
    }
}

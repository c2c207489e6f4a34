//! Query parameters that say who may read an original, not which original it is: signatures, keys and dates.
//!
//! They are left out of an original's identity, so that a freshly signed URL finds the cached original, and masked
//! wherever an address is shown.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Stands for a value that is not shown.
const MASK: &str = "redacted";

/// Parameters that are ignored together. Names compare exactly; a trailing `*` stands for the rest of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRule {
    /// The rule holds where all of these are present; always, where empty. Azure's `st` and `sr` are short enough to
    /// mean something else in a URL without an Azure signature.
    pub with: Vec<String>,
    /// What is ignored then.
    pub ignore: Vec<String>,
}

// === impl QueryRule ===

impl QueryRule {
    /// Ignores one name, or all names with one beginning, in every URL.
    pub fn always(pattern: &str) -> Self {
        Self { with: Vec::new(), ignore: vec![pattern.to_owned()] }
    }

    /// What the usual object stores and CDNs add to a signed URL.
    pub fn presigned() -> Vec<Self> {
        const RULES: &[(&[&str], &[&str])] = &[
            (&[], &["X-Amz-*", "x-amz-security-token"]),
            (&[], &["X-Goog-*"]),
            (&["AWSAccessKeyId", "Signature"], &["AWSAccessKeyId", "Signature", "Expires"]),
            (&["GoogleAccessId", "Signature"], &["GoogleAccessId", "Signature", "Expires"]),
            (&["KeyName", "Signature"], &["KeyName", "Signature", "Expires", "URLPrefix"]),
            (&["Key-Pair-Id", "Signature"], &["Key-Pair-Id", "Signature", "Expires", "Policy", "Hash-Algorithm"]),
            (
                &["sv", "sig"],
                &[
                    "sv", "sig", "se", "sp", "st", "spr", "sr", "ss", "srt", "sip", "si", "skoid", "sktid", "skt",
                    "ske", "sks", "skv", "saoid", "suoid", "scid", "sdd", "ses",
                ],
            ),
        ];
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        RULES.iter().map(|(with, ignore)| Self { with: own(with), ignore: own(ignore) }).collect()
    }

    fn holds(&self, names: &[Cow<'_, str>]) -> bool {
        self.with.iter().all(|needed| names.iter().any(|name| matches(needed, name)))
    }
}

/// The query without ignored parameters, the rest untouched and in its order; `None` where nothing is left.
pub(super) fn kept(query: &str, rules: &[QueryRule]) -> Option<String> {
    let (pairs, ignored) = judge(query, rules);
    if !ignored.contains(&true) {
        return Some(query.to_owned());
    }
    let left: Vec<&str> =
        pairs.into_iter().zip(ignored).filter_map(|(pair, is_ignored)| (!is_ignored).then_some(pair)).collect();
    (!left.is_empty()).then(|| left.join("&"))
}

/// The query with the values of ignored parameters masked.
pub(super) fn masked(query: &str, rules: &[QueryRule]) -> String {
    let (pairs, ignored) = judge(query, rules);
    let shown: Vec<Cow<'_, str>> = pairs
        .into_iter()
        .zip(ignored)
        .map(|(pair, is_ignored)| match pair.split_once('=') {
            Some((name, _)) if is_ignored => Cow::Owned(format!("{name}={MASK}")),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    shown.join("&")
}

/// The parameters of a query, and which of them are ignored.
fn judge<'q>(query: &'q str, rules: &[QueryRule]) -> (Vec<&'q str>, Vec<bool>) {
    let pairs: Vec<&str> = query.split('&').collect();
    let names: Vec<Cow<'_, str>> = pairs
        .iter()
        .map(|pair| percent_decode_str(pair.split_once('=').map_or(*pair, |(name, _)| name)).decode_utf8_lossy())
        .collect();
    let active: Vec<&QueryRule> = rules.iter().filter(|rule| rule.holds(&names)).collect();
    let ignored = names
        .iter()
        .map(|name| active.iter().any(|rule| rule.ignore.iter().any(|pattern| matches(pattern, name))))
        .collect();
    (pairs, ignored)
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_no_part_of_the_identity() {
        let cases = [
            ("v=2&X-Amz-Signature=abc&X-Amz-Date=1&w=3", Some("v=2&w=3")),
            ("X-Goog-Signature=abc", None),
            ("X%2DAmz-Signature=abc&v=1", Some("v=1")),
            ("Expires=1&Signature=s&AWSAccessKeyId=k&versionId=7", Some("versionId=7")),
            ("Policy=p&Signature=s&Key-Pair-Id=k", None),
            ("sv=2020&st=1&se=2&sr=b&sp=r&sig=x&snapshot=5", Some("snapshot=5")),
        ];
        for (query, expected) in cases {
            assert_eq!(kept(query, &QueryRule::presigned()).as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn short_names_mean_themselves_without_a_signature() {
        for query in ["st=2&sr=1", "Expires=1", "Signature=s", "Policy=x&Expires=3", "", "a", "a&&b=", "sig=1&st=2"] {
            assert_eq!(kept(query, &QueryRule::presigned()).as_deref(), Some(query));
        }
    }

    #[test]
    fn rules_of_the_operator_are_exact_or_by_beginning() {
        let rules = [QueryRule::always("utm_*"), QueryRule::always("token")];
        assert_eq!(kept("utm_source=a&token=b&tokens=c&utm=d", &rules).as_deref(), Some("tokens=c&utm=d"));
    }

    #[test]
    fn masks_values_only() {
        let shown = masked("v=2&X-Amz-Signature=abc&X-Amz-Empty&w=3", &QueryRule::presigned());
        assert_eq!(shown, "v=2&X-Amz-Signature=redacted&X-Amz-Empty&w=3");
    }
}

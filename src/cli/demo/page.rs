//! The playground's page with its style and script inside, and the policy that lets nothing else run in it.
//!
//! The page asks `GET /playground/catalogue` for `{ originals, presets, options }` and
//! `GET /playground/sign?options=…&source=…&ext=…` for `{ path }`; what is wrong with a request comes as a problem
//! document, which the page explains.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The page, HTML.
pub(super) const PAGE: &str = include_str!("../../../demo/playground.html");

/// The page's `Content-Security-Policy`: its own style and script by their digests, pictures and answers from where
/// it came from, and nothing else.
pub(super) fn content_security_policy() -> String {
    let style = digest("<style>", "</style>");
    let script = digest("<script>", "</script>");
    format!(
        "default-src 'none'; style-src '{style}'; script-src '{script}'; img-src 'self' blob: data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The digest of what stands between two tags, as a policy names it (CSP 3, section 2.3.1).
fn digest(open: &str, close: &str) -> String {
    let inside = PAGE.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map_or("", |(inside, _)| inside);
    format!("sha256-{}", STANDARD.encode(Sha256::digest(inside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for (tag, count) in [("<style>", 1), ("<script>", 1), ("<style ", 0), ("<script ", 0), ("<iframe", 0)] {
            assert_eq!(PAGE.matches(tag).count(), count, "{tag}");
        }
        for inline in [" style=\"", " onclick=\"", " onchange=\"", "javascript:", "eval(", "@import", "innerHTML"] {
            assert!(!PAGE.contains(inline), "{inline}");
        }
        let elsewhere = PAGE.match_indices("://").filter(|(at, _)| !PAGE[at + 3..].starts_with("www.w3.org/"));
        assert_eq!(elsewhere.count(), 0);
    }

    #[test]
    fn the_policy_names_the_style_and_the_script() {
        let policy = content_security_policy();
        assert_eq!(policy.matches("'sha256-").count(), 2);
        assert_ne!(digest("<style>", "</style>"), digest("<script>", "</script>"));
        assert_ne!(digest("<style>", "</style>"), format!("sha256-{}", STANDARD.encode(Sha256::digest(""))));
        assert!(!policy.contains("unsafe"));
    }
}

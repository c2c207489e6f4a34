//! Vectors and properties of sources and identities.

use proptest::prelude::*;

use super::*;

fn grammar(separator: Option<char>) -> Grammar {
    let mut spec =
        OriginsSpec { local_root: Some("/srv".into()), query_separator: separator, ..OriginsSpec::default() };
    spec.s3.enabled = true;
    spec.gs.enabled = true;
    spec.az.enabled = true;
    Grammar::new(&spec)
}

fn identity(source: &str) -> Result<String, OriginError> {
    let grammar = grammar(Some('?'));
    grammar.parse(source).map(|parsed| grammar.identity(&parsed).as_str().to_owned())
}

#[test]
fn identities() {
    let cases = [
        ("HTTP://Example.COM:80/a/../b%20c.jpg#top", "http://example.com/b%20c.jpg"),
        ("https://example.com:443", "https://example.com/"),
        ("https://example.com:8443/A?b=1&c=2", "https://example.com:8443/A?b=1&c=2"),
        ("https://h/a?X-Amz-Signature=s&v=1", "https://h/a?v=1"),
        ("https://h/a?X-Amz-Signature=s", "https://h/a"),
        ("https://h/a?", "https://h/a?"),
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC"),
        ("local:///a/b.jpg", "local:///a/b.jpg"),
        ("local://ignored//a//50%.jpg?v=1", "local:///a/50%.jpg"),
        ("s3://bucket/a b/c%20d#e.jpg", "s3://bucket/a b/c%20d#e.jpg"),
        ("S3://bucket///a.jpg?v1", "s3://bucket/a.jpg?v1"),
        ("s3://bucket/a.jpg?", "s3://bucket/a.jpg"),
        ("gs://bucket/a.jpg?12", "gs://bucket/a.jpg?12"),
        ("gs://bucket/a.jpg?latest", "gs://bucket/a.jpg"),
        ("az://$web/a.jpg?x", "az://$web/a.jpg"),
        ("abs://container/ü/a.jpg", "az://container/ü/a.jpg"),
    ];
    for (source, expected) in cases {
        assert_eq!(identity(source).expect(source), expected, "{source}");
    }
}

#[test]
fn refusals() {
    let cases = [
        ("", "source-scheme"),
        ("a.jpg", "source-scheme"),
        ("ftp://h/a", "source-scheme"),
        (" http://h/a", "source-scheme"),
        ("swift://c/a", "source-scheme"),
        ("http://", "source-invalid"),
        ("http:///", "source-invalid"),
        ("http://user@h/a", "source-invalid"),
        ("http://:pass@h/a", "source-invalid"),
        ("http://h/a\nb", "source-invalid"),
        ("ht\ttp://h/a", "source-invalid"),
        ("local://", "original-not-found"),
        ("local:///", "original-not-found"),
        ("local:///a/", "original-not-found"),
        ("local:///../a", "original-not-found"),
        ("local:///a/./b", "original-not-found"),
        ("local:///a\0b", "source-invalid"),
        ("s3://bucket", "source-invalid"),
        ("s3://bucket/", "source-invalid"),
        ("s3:///a", "source-invalid"),
        ("s3://bucket/a//b", "source-invalid"),
        ("s3://bucket/a/", "source-invalid"),
        ("s3://bucket/a/../b", "source-invalid"),
        ("s3://evil.example:80/a", "source-invalid"),
        ("s3://user@evil/a", "source-invalid"),
        ("s3://a..b/a", "source-invalid"),
        ("s3://.a/a", "source-invalid"),
        ("s3://buck%65t/a", "source-invalid"),
        ("s3://$web/a", "source-invalid"),
    ];
    for (source, kind) in cases {
        assert_eq!(identity(source).expect_err(source).kind(), kind, "{source}");
    }
}

#[test]
fn schemes_are_off_until_configured() {
    let grammar = Grammar::new(&OriginsSpec::default());
    for source in ["local:///a", "s3://b/a", "gs://b/a", "az://b/a", "abs://b/a"] {
        assert_eq!(grammar.parse(source).expect_err(source).kind(), "source-scheme", "{source}");
    }
}

#[test]
fn without_a_separator_nothing_is_cut() {
    let grammar = grammar(None);
    let parsed = grammar.parse("s3://bucket/what?.jpg").expect("a key");
    assert_eq!(grammar.identity(&parsed).as_str(), "s3://bucket/what?.jpg");
}

#[test]
fn what_counts_as_identity_may_still_be_secret() {
    let grammar = Grammar::new(&OriginsSpec { ignored_query: Vec::new(), ..OriginsSpec::default() });
    let id = grammar.identity(&grammar.parse("https://h/a?X-Amz-Signature=s&v=1").expect("a url"));
    assert_eq!(id.as_str(), "https://h/a?X-Amz-Signature=s&v=1");
    assert_eq!(id.redacted(), "https://h/a?X-Amz-Signature=redacted&v=1");
    assert!(!format!("{id:?}").contains("=s&"));
}

/// Sources made of what the grammar gives a meaning to.
const SOURCES: &str = r"(http|https|local|s3|gs|az|x)://[a-zA-Z0-9/.?%#@:&=_ \\ü-]{0,40}";

proptest! {
    #[test]
    fn never_panics_and_an_identity_is_its_own_identity(source in SOURCES) {
        let grammar = grammar(Some('?'));
        if let Ok(parsed) = grammar.parse(&source) {
            let id = grammar.identity(&parsed);
            let again = grammar.parse(id.as_str()).map(|parsed| grammar.identity(&parsed));
            prop_assert_eq!(again.expect("an identity is a source"), id);
        }
    }
}

//! How what an order names is read.

use super::*;

#[test]
fn a_url_is_read_with_and_without_its_host_and_its_prefix() {
    for (url, path) in [
        ("https://img.example/img/_/w:1/plain/a", Some("/img/_/w:1/plain/a")),
        ("HTTP://img.example:8080/_/plain/http://a/b", Some("/img/_/plain/http://a/b")),
        ("/_/plain/http://a/b", Some("/img/_/plain/http://a/b")),
        ("/imgs/plain/http://a/b", Some("/img/imgs/plain/http://a/b")),
        ("https://img.example", None),
        ("img.example/_/plain/a", None),
        ("s3://bucket/a", None),
        ("", None),
    ] {
        assert_eq!(sent_path(url).map(|path| with_prefix(path, "/img")).as_deref(), path, "{url}");
    }
    assert_eq!(with_prefix("/_/plain/a", ""), "/_/plain/a");
}

#[test]
fn prefixes_take_the_form_of_identities() {
    for (text, prefix) in [
        ("", Some("")),
        ("http://Photos.Example", Some("http://photos.example")),
        ("HTTP://Photos.Example:80/A b/", Some("http://photos.example/A%20b/")),
        ("https://a/b?v=1#x", Some("https://a/b?v=1")),
        ("local:///Holidays/", Some("local:///Holidays/")),
        ("ABS://box/a", Some("az://box/a")),
        ("s3://", Some("s3://")),
        ("photos/", None),
        ("ftp://a/", None),
        ("http:///", None),
    ] {
        assert_eq!(beginning(text).as_deref(), prefix, "{text}");
    }
}

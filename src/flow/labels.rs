//! By which words what is kept can be purged: the tags of originals and variants. Pure.
//!
//! | tag | names |
//! |---|---|
//! | `s-` and 16 hex digits | an original and all that was made of it: BLAKE3 of its identity |
//! | `h-` and a host or bucket | all that comes from there; `h-local` for files |
//! | `p-` and a name | variants that a URL asked for by this preset |
//! | `u-` and 16 hex digits | one picture in all formats that were negotiated for it: what its URLs mean |
//! | `o-` and 16 hex digits | an original alone |
//!
//! Equal originals and pictures have equal tags on every node, and in every version that reads URLs the same way. The
//! source of the labels is the identity of the original: normalised, without the query parameters that are no part of
//! it, such as signatures of presigned links.

use crate::cache::{Key, Labels, Tag};
use crate::origin::OriginalId;

/// Bytes of a digest that stand in a tag.
const DIGEST_BYTES: usize = 8;
const TAG_BYTES_MAX: usize = 64;

/// Names an original and all that was made of it.
pub fn source_tag(original: &OriginalId) -> Tag {
    text_tag(original.as_str())
}

/// The same for what has no identity of its own, only a name.
pub fn text_tag(source: &str) -> Tag {
    digest_tag("s-", blake3::hash(source.as_bytes()).as_bytes())
}

/// Names an original alone.
pub fn original_tag(original: &OriginalId) -> Tag {
    digest_tag("o-", blake3::hash(original.as_str().as_bytes()).as_bytes())
}

/// Names a picture by the canonical text of its transform: all URLs with this meaning, in all formats that were
/// negotiated for them.
pub fn picture_tag(mount: &str, original: &OriginalId, canonical: &str) -> Tag {
    let key = Key::of("picture", &[mount.as_bytes(), original.as_str().as_bytes(), canonical.as_bytes()]);
    digest_tag("u-", key.as_bytes())
}

/// The labels of a kept original.
pub fn original_labels(original: &OriginalId) -> Labels {
    Labels {
        source: original.as_str().to_owned(),
        tags: vec![source_tag(original), host_tag(original), original_tag(original)],
    }
}

/// The labels of a response of a pass-through mount: those of its source, so that whoever purges that purges both, and
/// the tags that its origin gave it.
pub fn file_labels(source: &OriginalId, own: impl IntoIterator<Item = Tag>) -> Labels {
    let mut tags = vec![source_tag(source), host_tag(source)];
    for tag in own {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Labels { source: source.as_str().to_owned(), tags }
}

/// The labels of a variant. `presets` are those that the URL named; one that is named twice counts once.
pub fn picture_labels(mount: &str, original: &OriginalId, canonical: &str, presets: &[String]) -> Labels {
    let mut tags = vec![source_tag(original), host_tag(original), picture_tag(mount, original, canonical)];
    for tag in presets.iter().map(|name| word_tag("p-", name)) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Labels { source: original.as_str().to_owned(), tags }
}

fn host_tag(original: &OriginalId) -> Tag {
    let rest = original.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    // A port is no other host, and an IPv6 address has colons of its own, inside brackets.
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_matches(['[', ']']);
    word_tag("h-", if host.is_empty() { "local" } else { host })
}

/// A tag of a word that someone else chose: in lower case, other characters as `-`, and cut where a tag ends.
fn word_tag(kind: &str, word: &str) -> Tag {
    let plain = |byte: u8| {
        let byte = byte.to_ascii_lowercase();
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte) { char::from(byte) } else { '-' }
    };
    let word: String = word.bytes().take(TAG_BYTES_MAX - kind.len()).map(plain).collect();
    Tag::new(&[kind, &word].concat()).expect("invariant: every character was made one of a tag")
}

fn digest_tag(kind: &str, digest: &[u8; 32]) -> Tag {
    let start = digest.first_chunk::<DIGEST_BYTES>().expect("invariant: a digest is longer");
    let tag = format!("{kind}{:016x}", u64::from_be_bytes(*start));
    Tag::new(&tag).expect("invariant: hex digits stand in a tag")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::{Origins, OriginsSpec};
    use crate::transform::{Format, Transform};

    fn id(source: &str) -> OriginalId {
        let spec = OriginsSpec { local_root: Some(std::env::temp_dir()), ..OriginsSpec::default() };
        Origins::new(&spec).unwrap().identify(source).unwrap()
    }

    fn texts(labels: &Labels) -> Vec<&str> {
        labels.tags.iter().map(Tag::as_str).collect()
    }

    /// Operators keep such tags in their CDNs: they are the same in every version.
    #[test]
    fn tags_stay_what_they_were() {
        let original = id("http://photos.example/a.jpg");
        let tags = ["s-d8bb215071c9f3b7", "h-photos.example", "o-d8bb215071c9f3b7"];
        assert_eq!(texts(&original_labels(&original)), tags);
        let presets = ["Thumb".to_owned(), "thumb".to_owned()];
        let variant = picture_labels("native", &original, &Transform::default().canonical(), &presets);
        let tags = texts(&variant);
        assert_eq!((tags.len(), &tags[..2], tags[3]), (4, &["s-d8bb215071c9f3b7", "h-photos.example"][..], "p-thumb"));
        assert!(tags[2].starts_with("u-") && tags[2].len() == 18, "{tags:?}");
        assert_eq!(variant.source, "http://photos.example/a.jpg");
    }

    #[test]
    fn hosts_and_buckets_become_tags_whatever_they_look_like() {
        for (source, tag) in [
            ("http://Photos.Example/a", "h-photos.example"),
            ("https://photos.example:8443/a", "h-photos.example"),
            ("http://photos.example?a", "h-photos.example"),
            ("http://[2001:db8::1]:81/a", "h-2001-db8--1"),
            ("http://[2001:db8::1]/a", "h-2001-db8--1"),
            ("http://127.0.0.1/a", "h-127.0.0.1"),
            ("local:///a/b.jpg", "h-local"),
        ] {
            assert_eq!(host_tag(&id(source)).as_str(), tag, "{source}");
        }
        let long = format!("http://{}.example/a", vec!["x".repeat(60); 3].join("."));
        assert_eq!(host_tag(&id(&long)).as_str().len(), 64);
        assert_eq!(word_tag("p-", "\u{c4}_b c").as_str(), "p---_b-c");
    }

    #[test]
    fn a_picture_is_its_mount_its_original_and_what_is_made_of_it() {
        let (one, other) = (id("http://a/b"), id("http://a/c"));
        let transform = Transform::default().canonical();
        let webp = Transform { format: Some(Format::Webp), ..Transform::default() }.canonical();
        let tags = [
            picture_tag("native", &one, &transform),
            picture_tag("native", &other, &transform),
            picture_tag("native", &one, &webp),
            picture_tag("files", &one, &transform),
        ];
        for (place, tag) in tags.iter().enumerate() {
            assert!(!tags[..place].contains(tag), "{place}");
        }
        assert_eq!(tags[0], picture_tag("native", &id("HTTP://a:80/b"), &transform));
    }
}

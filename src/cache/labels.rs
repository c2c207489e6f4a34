//! By which words a kept thing can be purged: tags, and the source it was made of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One tag: 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`. Lower case only, because some CDNs compare tags without case and
/// some with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Box<str>);

/// The labels of one kept thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The identity of its original, in the one form that purges by prefix compare with.
    pub source: String,
    /// In the order in which they are sent; none twice.
    pub tags: Vec<Tag>,
}

/// What a purge names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selector {
    Tag(Tag),
    /// Every source that begins with this text; empty names all that have a source.
    Prefix(String),
}

/// A text that is no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no tag: 1 to 64 of a-z, 0-9, `.`, `_` and `-`")]
pub struct BadTag(pub String);

/// The longest tag.
const TAG_BYTES_MAX: usize = 64;

// === impl Tag ===

impl Tag {
    /// # Errors
    /// The text is no tag; nothing is repaired, so that two systems cannot repair it differently.
    pub fn new(text: &str) -> Result<Self, BadTag> {
        let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if (1..=TAG_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_known) {
            Ok(Self(text.into()))
        } else {
            Err(BadTag(text.to_owned()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Tag {
    type Error = BadTag;

    fn try_from(text: String) -> Result<Self, BadTag> {
        Self::new(&text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0.into()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

// === impl Selector ===

impl Selector {
    /// Whether it names something with these labels.
    pub fn names(&self, labels: &Labels) -> bool {
        match self {
            Self::Tag(tag) => labels.tags.contains(tag),
            Self::Prefix(prefix) => !labels.source.is_empty() && labels.source.starts_with(prefix),
        }
    }
}

// === impl Labels ===

impl Labels {
    /// Bytes of the texts, for whoever keeps them.
    pub fn weight_bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.0.len() + size_of::<Tag>()).sum();
        self.source.len() + tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_short_and_plain() {
        for good in ["a", "s-4f1c9a02be77d310", "h-photos.example", "p_1", &"x".repeat(64)] {
            assert_eq!(Tag::new(good).map(|tag| tag.as_str().to_owned()).as_deref(), Ok(good));
        }
        for bad in ["", "A", "a b", "a,b", "é", "a\n", "*", &"x".repeat(65)] {
            assert_eq!(Tag::new(bad), Err(BadTag(bad.to_owned())));
        }
    }

    #[test]
    fn a_selector_names_by_tag_or_by_the_beginning_of_the_source() {
        let tag = |text| Tag::new(text).unwrap();
        let labels = Labels { source: "http://a/b.jpg".to_owned(), tags: vec![tag("x"), tag("y")] };
        for (selector, is_named) in [
            (Selector::Tag(tag("y")), true),
            (Selector::Tag(tag("z")), false),
            (Selector::Prefix("http://a/".to_owned()), true),
            (Selector::Prefix("http://a/b.jpg".to_owned()), true),
            (Selector::Prefix(String::new()), true),
            (Selector::Prefix("a/".to_owned()), false),
        ] {
            assert_eq!(selector.names(&labels), is_named, "{selector:?}");
        }
        assert!(!Selector::Prefix(String::new()).names(&Labels::default()));
    }

    #[test]
    fn labels_are_read_as_written_and_bad_tags_are_refused() {
        let labels = Labels { source: "http://a/b".to_owned(), tags: vec![Tag::new("a").unwrap()] };
        let text = serde_json::to_string(&labels).unwrap();
        assert_eq!(text, r#"{"source":"http://a/b","tags":["a"]}"#);
        assert_eq!(serde_json::from_str::<Labels>(&text).unwrap(), labels);
        assert!(serde_json::from_str::<Labels>(r#"{"source":"","tags":["A"]}"#).is_err());
    }
}

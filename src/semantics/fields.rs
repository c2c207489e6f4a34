//! What several fields have in common: lines, list members, quoted strings, seconds (RFC 9110 §5.2, §5.6).

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{AsHeaderName, HeaderValue};

/// The most seconds that a directive or an `Age` can say, about 68 years; larger values count as this one
/// (RFC 9111 §1.2.2), so that sums of times never overflow.
pub const DELTA_S_MAX: u64 = 1 << 31;

/// Pieces of a text between separators, where a separator inside a quoted string does not count.
///
/// A quote that is never closed quotes nothing: otherwise `ext="a, no-store` would hide the second directive.
pub(super) struct Pieces<'a> {
    rest: Option<&'a str>,
    separator: u8,
    has_quotes: bool,
}

// === impl Pieces ===

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.take()?;
        let mut at = 0;
        while let Some(&byte) = text.as_bytes().get(at) {
            if byte == b'"' && self.has_quotes {
                match closing_quote(text.as_bytes(), at) {
                    Some(closing) => at = closing,
                    None => self.has_quotes = false,
                }
            } else if byte == self.separator {
                self.rest = Some(&text[at + 1..]);
                return Some(&text[..at]);
            }
            at += 1;
        }
        Some(text)
    }
}

/// All lines of a field as text, in their order.
pub fn lines(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = Cow<'_, str>> {
    headers.get_all(name).iter().map(text_of)
}

/// A field value as text. Bytes outside ASCII are read as ISO 8859-1 (RFC 9110 §5.5), so that different values never
/// become the same text, and a directive beside such a byte is not lost.
pub fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
    }
}

/// The lines of a list field as one text, `None` when there is none (RFC 9110 §5.3).
pub fn joined<'a>(lines: impl IntoIterator<Item = impl Into<Cow<'a, str>>>) -> Option<Cow<'a, str>> {
    lines.into_iter().map(Into::into).reduce(|mut all, line| {
        let text = all.to_mut();
        text.push_str(", ");
        text.push_str(&line);
        all
    })
}

/// The members of a comma-separated list, trimmed, empty ones left out.
pub(super) fn members(list: &str) -> impl Iterator<Item = &str> {
    pieces(list, b',').map(trim).filter(|member| !member.is_empty())
}

/// The pieces of `text` between `separator`s (an ASCII byte) outside quoted strings.
pub(super) fn pieces(text: &str, separator: u8) -> Pieces<'_> {
    Pieces { rest: Some(text), separator, has_quotes: true }
}

/// Without the optional white space of RFC 9110 §5.6.3 around it: spaces and tabs, nothing else.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A whole number of ASCII digits; what does not fit becomes `u64::MAX`. `None` for anything else.
pub(super) fn digits(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |number, byte| {
        byte.is_ascii_digit().then(|| number.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

/// Whole seconds, at most [`DELTA_S_MAX`].
pub(super) fn delta_s(text: &str) -> Option<u64> {
    digits(text).map(|seconds| seconds.min(DELTA_S_MAX))
}

/// Whether a byte may stand in a token (RFC 9110 §5.6.2).
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn closing_quote(text: &[u8], opening: usize) -> Option<usize> {
    let mut at = opening + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_respect_quotes_and_escapes() {
        let vectors: [(&str, &[&str]); 9] = [
            ("", &[]),
            (" , ,\t,", &[]),
            ("a,b", &["a", "b"]),
            (" a ,\tb ,, c ", &["a", "b", "c"]),
            (r#"a="b,c",d"#, &[r#"a="b,c""#, "d"]),
            (r#"a="b\",c",d"#, &[r#"a="b\",c""#, "d"]),
            (r#"a="b,c"#, &[r#"a="b"#, "c"]),
            (r#"a="b\",c"#, &[r#"a="b\""#, "c"]),
            ("é,ü", &["é", "ü"]),
        ];
        for (list, expected) in vectors {
            assert_eq!(members(list).collect::<Vec<_>>(), expected, "{list}");
        }
    }

    #[test]
    fn lines_are_joined_and_absent_stays_absent() {
        assert_eq!(joined([""; 0]), None);
        assert_eq!(joined(["a"]).as_deref(), Some("a"));
        assert_eq!(joined(["a", "", "b"]).as_deref(), Some("a, , b"));
    }

    #[test]
    fn bytes_outside_ascii_stay_different_and_hide_nothing() {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).expect("a value");
        assert_eq!(text_of(&value(b"max-age=1")), "max-age=1");
        assert_eq!(text_of(&value(b"ext=\xe9, no-store")), "ext=é, no-store");
        assert_ne!(text_of(&value(b"\xe9")), text_of(&value(b"\xe8")));
        let mut headers = HeaderMap::new();
        headers.append("vary", value(b"a"));
        headers.append("vary", value(b"b"));
        assert_eq!(lines(&headers, "vary").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(lines(&headers, "via").count(), 0);
    }

    #[test]
    fn digits_saturate_and_take_nothing_else() {
        assert_eq!(digits("007"), Some(7));
        assert_eq!(digits("18446744073709551615"), Some(u64::MAX));
        assert_eq!(digits("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(delta_s("2147483647"), Some(2_147_483_647));
        assert_eq!(delta_s("2147483649"), Some(DELTA_S_MAX));
        for odd in ["", "+1", "-1", "1.0", " 1", "1 ", "a", "٣"] {
            assert_eq!(digits(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn pieces_joined_again_are_the_text(text in r#"[a",;\\ é]{0,60}"#) {
            let again: Vec<&str> = pieces(&text, b',').collect();
            prop_assert_eq!(again.join(","), text);
        }
    }
}

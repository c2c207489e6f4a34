//! Writes `Content-Disposition` (RFC 6266) with a file name that is safe on every client.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// How a browser should treat the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Show it.
    Inline,
    /// Save it.
    Attachment,
}

/// Everything that is no `attr-char` of RFC 8187 §3.2.1.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The base letters of U+00C0 to U+017F, one for each code point.
const LATIN_BASES: &[u8; 192] = b"\
    AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo_ouuuuyty\
    AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL\
    lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
const LATIN_FIRST: usize = 0xC0;

/// The value of the field. Path separators, controls and marks that turn the direction of writing are taken out of the
/// name; a name of which nothing (or only dots) is left is not sent. `filename*` is sent only when the name is not
/// ASCII, beside a fallback with the accents off.
pub fn content_disposition(disposition: Disposition, file_name: Option<&str>) -> String {
    let mut out = String::from(match disposition {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    });
    let name: String = file_name.unwrap_or("").chars().filter(|character| !is_unsafe(*character)).collect();
    if name.bytes().all(|byte| matches!(byte, b'.' | b' ')) {
        return out;
    }
    let mut fallback: String = name.chars().filter_map(ascii_of).collect();
    if fallback.is_empty() {
        fallback.push('_');
    }
    // A bare quote would end the value, and clients disagree about escaped ones.
    write!(out, "; filename=\"{}\"", fallback.replace('"', "%22")).expect("invariant: writing to a string cannot fail");
    if !name.is_ascii() {
        write!(out, "; filename*=UTF-8''{}", utf8_percent_encode(&name, EXTENDED))
            .expect("invariant: writing to a string cannot fail");
    }
    out
}

fn is_unsafe(character: char) -> bool {
    let turns_direction =
        matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    matches!(character, '/' | '\\') || character.is_control() || turns_direction
}

/// The character of the fallback: itself, its base letter, `_`, or nothing for an accent of its own.
fn ascii_of(character: char) -> Option<char> {
    match u32::from(character) {
        0..0x80 => Some(character),
        0x300..0x370 => None,
        code => {
            let place = usize::try_from(code).ok().and_then(|code| code.checked_sub(LATIN_FIRST));
            Some(place.and_then(|place| LATIN_BASES.get(place)).map_or('_', |base| char::from(*base)))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inline(name: &str) -> String {
        content_disposition(Disposition::Inline, Some(name))
    }

    #[test]
    fn names_by_their_letters() {
        let vectors = [
            ("hero.avif", "inline; filename=\"hero.avif\""),
            ("a b;c.jpg", "inline; filename=\"a b;c.jpg\""),
            ("héro.avif", "inline; filename=\"hero.avif\"; filename*=UTF-8''h%C3%A9ro.avif"),
            ("he\u{301}ro.avif", "inline; filename=\"hero.avif\"; filename*=UTF-8''he%CC%81ro.avif"),
            ("Łódź.png", "inline; filename=\"Lodz.png\"; filename*=UTF-8''%C5%81%C3%B3d%C5%BA.png"),
            ("ß Ÿ÷", "inline; filename=\"s Y_\"; filename*=UTF-8''%C3%9F%20%C5%B8%C3%B7"),
            ("图.webp", "inline; filename=\"_.webp\"; filename*=UTF-8''%E5%9B%BE.webp"),
            ("\u{301}", "inline; filename=\"_\"; filename*=UTF-8''%CC%81"),
            ("¡x.png", "inline; filename=\"_x.png\"; filename*=UTF-8''%C2%A1x.png"),
            ("../../etc/passwd", "inline; filename=\"....etcpasswd\""),
            ("C:\\a.jpg", "inline; filename=\"C:a.jpg\""),
            ("a\r\nSet-Cookie: x\0\u{7f}\u{85}.jpg", "inline; filename=\"aSet-Cookie: x.jpg\""),
            ("a\u{202e}gpj.exe", "inline; filename=\"agpj.exe\""),
            ("say \"hi\".jpg", "inline; filename=\"say %22hi%22.jpg\""),
            ("", "inline"),
            ("..", "inline"),
            ("/./ /", "inline"),
        ];
        for (name, expected) in vectors {
            assert_eq!(inline(name), expected, "{name:?}");
        }
    }

    #[test]
    fn kinds_with_and_without_a_name() {
        assert_eq!(content_disposition(Disposition::Inline, None), "inline");
        assert_eq!(content_disposition(Disposition::Attachment, None), "attachment");
        assert_eq!(content_disposition(Disposition::Attachment, Some("a.jpg")), "attachment; filename=\"a.jpg\"");
    }

    proptest! {
        #[test]
        fn the_value_is_printable_ascii_with_one_quoted_name(name in any::<String>()) {
            let value = inline(&name);
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(matches!(value.matches('"').count(), 0 | 2));
            prop_assert!(!value.contains(['/', '\\']));
        }
    }
}

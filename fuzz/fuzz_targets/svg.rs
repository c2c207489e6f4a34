//! The SVG sanitiser: what comes out goes in unchanged, and a second, simpler reader finds nothing in it that runs,
//! loads or declares.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tintype::engine::sanitised_svg;

#[path = "../../src/engine/svg/never.rs"]
mod never;

use never::NEVER;

fuzz_target!(|input: &[u8]| {
    // Most inputs are spent inside a root and not on finding one.
    let whole = [HEAD, input, b"</svg>"].concat();
    for bytes in [Bytes::copy_from_slice(input), Bytes::from(whole)] {
        let Ok(once) = sanitised_svg(&bytes) else { continue };
        let text = std::str::from_utf8(&once).expect("the result is UTF-8");
        inspect(text);
        let twice = sanitised_svg(&once).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(std::str::from_utf8(&twice), Ok(text), "a second pass changes it");
    }
});

const HEAD: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">";

/// Reads what the writer may write: tags with attributes in double quotes, and text.
fn inspect(svg: &str) {
    let mut rest = svg;
    let mut is_style = false;
    while let Some((text, after)) = rest.split_once('<') {
        check_text(text, is_style, svg);
        assert!(!after.starts_with(['!', '?']), "a declaration in {svg}");
        let name_len = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '/').unwrap_or(after.len());
        let (name, mut tag) = after.split_at(name_len);
        let name = name.trim_end_matches('/').to_ascii_lowercase();
        assert!(!NEVER.contains(&name.trim_start_matches('/')), "<{name}> in {svg}");
        is_style = name == "style" && !tag.starts_with("/>");
        // Attributes, up to the end of the tag.
        while let Some((key, after)) = tag.split_once('=').filter(|(key, _)| !key.contains('>')) {
            let (value, after) = after.strip_prefix('"').and_then(|value| value.split_once('"')).expect("quoted");
            assert!(!value.contains('<'), "a tag in a value of {svg}");
            check_entities(value, svg);
            check_attribute(&key.trim().to_ascii_lowercase(), &decoded(value), svg);
            tag = after;
        }
        let (_, after) = tag.split_once('>').expect("a tag ends");
        is_style &= !tag.starts_with("/>");
        rest = after;
    }
    assert!(rest.trim_ascii().is_empty(), "text behind the root of {svg}");
}

fn check_text(text: &str, is_style: bool, svg: &str) {
    check_entities(text, svg);
    if !is_style {
        return;
    }
    let sheet = decoded(text);
    // Selectors only compare; declarations say what happens, and some rules of another kind load.
    for rule in sheet.split('}') {
        let (selector, declarations) = rule.split_once('{').unwrap_or((rule, ""));
        let selector = selector.trim_start().to_ascii_lowercase();
        for name in ["@import", "@font-face", "@charset", "@namespace", "@page", "@property", "@layer"] {
            assert!(!selector.starts_with(name), "{selector} in {svg}");
        }
        check_value("style", declarations, svg);
    }
}

/// Only the five that need no declaration, and numbers.
fn check_entities(text: &str, svg: &str) {
    for after in text.split('&').skip(1) {
        let name = after.split(';').next().unwrap_or_default();
        assert!(matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") || name.starts_with('#'), "&{name} in {svg}");
    }
}

fn check_attribute(key: &str, value: &str, svg: &str) {
    assert!(!key.starts_with("on"), "{key} in {svg}");
    assert!(!matches!(key, "xml:base" | "src" | "ping" | "srcset" | "formaction"), "{key} in {svg}");
    if key.starts_with("xmlns") {
        return;
    }
    let value = value.to_ascii_lowercase();
    if key == "href" || key.ends_with(":href") {
        let is_local = value.starts_with('#') || value.starts_with("data:image/");
        assert!(is_local && !value.starts_with("data:image/svg"), "{key}={value} in {svg}");
        return;
    }
    // Names are names, whatever they read like.
    if !matches!(key, "id" | "class" | "result" | "in" | "in2" | "media" | "role" | "lang" | "xml:lang" | "name") {
        check_value(key, &value, svg);
    }
}

fn check_value(key: &str, value: &str, svg: &str) {
    let value = value.to_ascii_lowercase();
    // What stands in a local address is a name, whatever it reads like.
    let mut parts = value.split("url(");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let address = part.trim_start_matches([' ', '"', '\'', '\t', '\n']);
        assert!(address.starts_with('#'), "{key}={value} in {svg}");
        rest.push_str(address.split_once(')').map_or("", |(_, after)| after));
    }
    for word in ["javascript:", "vbscript:", "@import", "expression(", "-moz-binding"] {
        assert!(!rest.contains(word), "{key}={value} in {svg}");
    }
}

fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, after) = part.split_once(';').unwrap_or((part, ""));
        let number = name.strip_prefix("#x").map(|hex| u32::from_str_radix(hex, 16));
        let number = number.or_else(|| name.strip_prefix('#').map(str::parse)).and_then(Result::ok);
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => number.and_then(char::from_u32).unwrap_or('?'),
        });
        out.push_str(after);
    }
    out
}

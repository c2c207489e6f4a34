//! As much of Rust as the rules need: where comments and literals are, where braces close, what exists only for tests.

/// What a byte of a Rust file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    /// Between the quotes of a string or character.
    Literal,
}

/// A function with its lines from 1, both inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// The text with comments and the inside of literals blanked; newlines and byte offsets stay.
pub(crate) fn blank_comments_and_literals(text: &str) -> String {
    keep(text, &[Kind::Code])
}

/// The text with everything but comments blanked.
pub(crate) fn blank_code(text: &str) -> String {
    keep(text, &[Kind::Comment])
}

fn keep(text: &str, wanted: &[Kind]) -> String {
    let kinds = kinds(text.as_bytes());
    let kept = text.bytes().zip(kinds).map(|(byte, kind)| match byte {
        b'\n' => '\n',
        _ if byte.is_ascii() && wanted.contains(&kind) => char::from(byte),
        _ => ' ',
    });
    kept.collect()
}

fn kinds(bytes: &[u8]) -> Vec<Kind> {
    let mut kinds = vec![Kind::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (kind, skip, end) = if rest.starts_with(b"//") {
            (Kind::Comment, 0, at + line_length(rest))
        } else if rest.starts_with(b"/*") {
            (Kind::Comment, 0, at + block_length(rest))
        } else if let Some((open, close)) = string_extent(bytes, at) {
            (Kind::Literal, open, close)
        } else {
            at += 1;
            continue;
        };
        let end = end.min(bytes.len());
        kinds[at + skip..end].fill(kind);
        // The closing quote stays code, as the opening one does.
        at = if kind == Kind::Literal { end + 1 } else { end };
    }
    kinds
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

fn block_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// For a literal that begins at `at`: the length of its opening, and where its inside ends.
fn string_extent(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match bytes[at] {
        b'"' => Some((1, escaped_end(bytes, at + 1, b'"'))),
        b'r' if !after_word || bytes[at - 1] == b'b' || bytes[at - 1] == b'c' => {
            let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
            let open = at + 1 + hashes;
            (bytes.get(open) == Some(&b'"')).then(|| (hashes + 2, raw_end(bytes, open + 1, hashes)))
        }
        b'\'' => match (bytes.get(at + 1)?, bytes[at + 1..].iter().skip(1).take(4).position(|byte| *byte == b'\'')) {
            (b'\\', _) => Some((1, escaped_end(bytes, at + 1, b'\''))),
            // One character of up to four bytes; anything longer, or a letter and more letters, is a lifetime.
            (first, Some(length)) if length == 0 || !first.is_ascii() => Some((1, at + 2 + length)),
            _ => None,
        },
        _ => None,
    }
}

fn escaped_end(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

fn raw_end(bytes: &[u8], from: usize, hashes: usize) -> usize {
    (from..bytes.len())
        .find(|at| bytes[*at] == b'"' && bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count() >= hashes)
        .unwrap_or(bytes.len())
}

/// Where the item that begins at `from` ends: behind its closing brace, or its semicolon where it has no body.
pub(crate) fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// For each line from 0, whether it belongs to an item behind `#[cfg(test)]`.
pub(crate) fn test_lines(code: &str) -> Vec<bool> {
    let mut lines = vec![false; code.lines().count()];
    let openings = ["#[cfg(test)]", "#[cfg(all(test,"].into_iter().flat_map(|opening| code.match_indices(opening));
    for (at, _) in openings {
        let attribute_end = at + code[at..].find(']').unwrap_or(0) + 1;
        let end = item_end(code, attribute_end);
        let first = line_index(code, at);
        let last = line_index(code, end.saturating_sub(1));
        lines[first..=last.min(code.lines().count() - 1)].fill(true);
    }
    lines
}

fn line_index(code: &str, offset: usize) -> usize {
    code[..offset].matches('\n').count()
}

/// Every function that has a body.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for at in super::tree::words(code, "fn") {
        let name: String =
            code[at + 2..].trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let end = item_end(code, at);
        // A pointer type has no name, a declaration has no body.
        if name.is_empty() || !code[..end].ends_with('}') {
            continue;
        }
        found.push(Function { name, first: line_index(code, at) + 1, last: line_index(code, end - 1) + 1 });
    }
    found
}

/// The names of the inline modules around `offset`, outermost first.
pub(crate) fn inline_modules(code: &str, offset: usize) -> Vec<String> {
    let mut around = Vec::new();
    for at in super::tree::words(&code[..offset], "mod") {
        let rest = &code[at + 3..];
        let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let end = item_end(code, at);
        if !name.is_empty() && code[..end].ends_with('}') && offset < end {
            around.push(name);
        }
    }
    around
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let cases = [
            ("let a = \"x{\\\"y\"; // z", "let a = \"     \";     "),
            ("'a' 'b '\\'' &'a str", "' ' 'b '  ' &'a str"),
            ("r#\"a\"b\"# c", "r#\"   \"# c"),
            ("/* a /* b */ c */ d", "                  d"),
            ("b\"a\" br\"b\" for_r(\"x\")", "b\" \" br\" \" for_r(\" \")"),
            ("'é' x", "'  ' x"),
        ];
        for (text, wanted) in cases {
            assert_eq!(blank_comments_and_literals(text), wanted, "{text}");
        }
    }

    #[test]
    fn only_comments_are_kept() {
        assert_eq!(blank_code("a // b \"c\"\n\"// d\""), "  // b \"c\"\n      ");
    }

    #[test]
    fn items_for_tests_are_found_with_their_ends() {
        let code =
            "fn a() {}\n#[cfg(test)]\nuse x;\nfn b() {\n}\n#[cfg(test)]\nmod tests {\n  fn c() {}\n}\nfn d() {}\n";
        let lines = test_lines(code);
        assert_eq!(lines, [false, true, true, false, false, true, true, true, true, false]);
    }

    #[test]
    fn functions_have_names_and_lines() {
        let code = "trait A { fn a(); }\nfn b(f: fn(u8) -> u8) -> [u8; 2] {\n  if x { y }\n}\n";
        assert_eq!(functions(code), [Function { name: "b".to_owned(), first: 2, last: 4 }]);
    }

    #[test]
    fn inline_modules_are_nested() {
        let code = "mod a { mod b { X } Y }";
        assert_eq!(inline_modules(code, code.find('X').unwrap()), ["a", "b"]);
        assert_eq!(inline_modules(code, code.find('Y').unwrap()), ["a"]);
    }
}

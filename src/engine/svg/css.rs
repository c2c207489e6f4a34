//! CSS as tokens, by the rules of CSS Syntax 3, section 4: what a browser takes for one token is one here, whatever
//! escapes, comments or quotes hide it.
//!
//! Each token keeps its own slice of the source, so that text which was found harmless goes out as it came in and is
//! read the same way again.

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    /// The source of the token, with quotes, brackets and escapes.
    pub raw: &'a str,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Space,
    Comment,
    /// `<!--` and `-->`, which style sheets skip between rules.
    HtmlComment,
    Ident,
    /// A name and the bracket that opens its arguments.
    Function,
    At,
    Hash,
    Text,
    /// `url(…)` without quotes.
    Url,
    /// A number with its unit.
    Number,
    /// An opening bracket and the one that closes it.
    Open(char),
    Close(char),
    /// `;`
    End,
    Colon,
    /// Any other character.
    Delim,
    /// What no reader of CSS takes for anything: broken strings, broken addresses, comments without an end.
    Bad,
}

// === impl Token ===

impl Token<'_> {
    /// The name of a function without its bracket, of an at-rule without its sign; else the source itself.
    pub fn name(&self) -> &str {
        match self.kind {
            Kind::Function => self.raw.strip_suffix('(').unwrap_or(self.raw),
            Kind::At => self.raw.strip_prefix('@').unwrap_or(self.raw),
            _ => self.raw,
        }
    }

    /// Whether something stands in it otherwise than it is meant.
    pub fn is_escaped(&self) -> bool {
        self.raw.contains('\\')
    }

    /// Whether it only separates others.
    pub const fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// All tokens of a text, in order; their sources joined are the text.
pub fn tokens(css: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = css;
    while !rest.is_empty() {
        let (kind, len) = first(rest);
        let (raw, after) = rest.split_at(len);
        tokens.push(Token { kind, raw });
        rest = after;
    }
    tokens
}

/// The kind and the length in bytes of the first token of a text that is not empty.
fn first(css: &str) -> (Kind, usize) {
    let first = css.chars().next().unwrap_or(' ');
    let one = first.len_utf8();
    match first {
        _ if is_space(first) => (Kind::Space, css.find(|c| !is_space(c)).unwrap_or(css.len())),
        '/' if css.starts_with("/*") => match css[2..].find("*/") {
            Some(at) => (Kind::Comment, at + 4),
            None => (Kind::Bad, css.len()),
        },
        '<' if css.starts_with("<!--") => (Kind::HtmlComment, 4),
        '-' if css.starts_with("-->") => (Kind::HtmlComment, 3),
        '"' | '\'' => string(css, first),
        '#' => match name_len(&css[1..]) {
            0 => (Kind::Delim, 1),
            len => (Kind::Hash, len + 1),
        },
        '@' if starts_ident(&css[1..]) => (Kind::At, 1 + name_len(&css[1..])),
        '(' => (Kind::Open(')'), 1),
        '[' => (Kind::Open(']'), 1),
        '{' => (Kind::Open('}'), 1),
        ')' | ']' | '}' => (Kind::Close(first), 1),
        ';' => (Kind::End, 1),
        ':' => (Kind::Colon, 1),
        _ if starts_number(css) => (Kind::Number, number_len(css)),
        _ if starts_ident(css) => ident_like(css),
        _ => (Kind::Delim, one),
    }
}

fn string(css: &str, quote: char) -> (Kind, usize) {
    let mut at = 1;
    while let Some(c) = css[at..].chars().next() {
        match c {
            '\\' => at += escape_len(&css[at..]),
            '\n' | '\r' | '\x0c' => return (Kind::Bad, at),
            _ if c == quote => return (Kind::Text, at + 1),
            _ => at += c.len_utf8(),
        }
    }
    (Kind::Bad, css.len())
}

/// A name, a function, or an address without quotes.
fn ident_like(css: &str) -> (Kind, usize) {
    let len = name_len(css);
    if !css[len..].starts_with('(') {
        return (Kind::Ident, len);
    }
    let arguments = css[len + 1..].trim_start_matches(is_space);
    if !unescaped(&css[..len]).eq_ignore_ascii_case("url") || arguments.starts_with(['"', '\'']) {
        return (Kind::Function, len + 1);
    }
    url(css, css.len() - arguments.len())
}

/// `url(` whose address starts at this byte.
fn url(css: &str, from: usize) -> (Kind, usize) {
    let mut kind = Kind::Url;
    let mut at = from;
    let mut ended = false;
    while let Some(c) = css[at..].chars().next() {
        match c {
            ')' => return (kind, at + 1),
            _ if is_space(c) => ended = true,
            _ if ended || matches!(c, '"' | '\'' | '(') || c.is_control() => kind = Kind::Bad,
            _ => {}
        }
        at += if c == '\\' { escape_len(&css[at..]) } else { c.len_utf8() };
    }
    (Kind::Bad, css.len())
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

const fn is_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit() || c == '-'
}

const fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// Whether the text starts with a backslash that escapes something.
fn starts_escape(css: &str) -> bool {
    css.strip_prefix('\\').is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['\n', '\r', '\x0c']))
}

fn starts_ident(css: &str) -> bool {
    let after_hyphen = css.strip_prefix('-');
    let start = after_hyphen.unwrap_or(css);
    start.starts_with(starts_name) || starts_escape(start) || after_hyphen.is_some_and(|rest| rest.starts_with('-'))
}

fn starts_number(css: &str) -> bool {
    let digits = css.strip_prefix(['+', '-']).unwrap_or(css);
    digits.strip_prefix('.').unwrap_or(digits).starts_with(|c: char| c.is_ascii_digit())
}

/// The length of the name that a text starts with.
fn name_len(css: &str) -> usize {
    let mut at = 0;
    while let Some(c) = css[at..].chars().next() {
        if starts_escape(&css[at..]) {
            at += escape_len(&css[at..]);
        } else if is_name(c) {
            at += c.len_utf8();
        } else {
            break;
        }
    }
    at
}

/// The length of a backslash and what it escapes: any character, or up to six digits and the space that ends them.
fn escape_len(css: &str) -> usize {
    let meant = &css[1..];
    match hex_len(meant) {
        0 => 1 + meant.chars().next().map_or(0, char::len_utf8),
        digits if meant[digits..].starts_with("\r\n") => 1 + digits + 2,
        digits => 1 + digits + usize::from(meant[digits..].starts_with(is_space)),
    }
}

fn hex_len(css: &str) -> usize {
    css.bytes().take(6).take_while(u8::is_ascii_hexdigit).count()
}

/// The length of the number that a text starts with, and of its unit. The exponent counts as one.
fn number_len(css: &str) -> usize {
    let digits = |from: usize| css[from..].find(|c: char| !c.is_ascii_digit()).map_or(css.len(), |at| from + at);
    let mut end = digits(usize::from(css.starts_with(['+', '-'])));
    if css[end..].starts_with('.') && css[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end = digits(end + 1);
    }
    if let Some(exponent) = css[end..].strip_prefix(['e', 'E']) {
        let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if power.starts_with(|c: char| c.is_ascii_digit()) {
            end = digits(css.len() - power.len());
        }
    }
    let unit = &css[end..];
    if unit.starts_with('%') {
        end + 1
    } else if starts_ident(unit) {
        end + name_len(unit)
    } else {
        end
    }
}

/// A name as it is meant: `\75` is `u`.
fn unescaped(name: &str) -> String {
    let mut meant = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if c != '\\' {
            meant.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let digits = hex_len(&rest[1..]);
        let code = u32::from_str_radix(&rest[1..=digits], 16).ok().and_then(char::from_u32);
        meant.extend(if digits > 0 { code } else { rest[1..].chars().next() });
        rest = &rest[escape_len(rest)..];
    }
    meant
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_are_what_browsers_take_for_tokens() {
        use Kind::*;
        let rows: [(&str, &[Kind]); 24] = [
            ("a b", &[Ident, Space, Ident]),
            (".a{}", &[Delim, Ident, Open('}'), Close('}')]),
            ("url(#a)", &[Url]),
            ("URL( #a )", &[Url]),
            ("url('#a')", &[Function, Text, Close(')')]),
            ("u\\72l(a;b)", &[Url]),
            ("u\\72 l(a;b)", &[Url]),
            ("u\\r\\l(a)", &[Url]),
            ("\\75 rl(a)", &[Url]),
            ("url(a b)c", &[Bad, Ident]),
            ("url(a'b)", &[Bad]),
            ("url(a", &[Bad]),
            ("@im\\70ort 'a'", &[At, Space, Text]),
            ("'a\nb", &[Bad, Space, Ident]),
            ("'a\\'b'", &[Text]),
            ("/*a*/b", &[Comment, Ident]),
            ("/*a", &[Bad]),
            ("-1.5e3px", &[Number]),
            ("1e", &[Number]),
            ("+.5%", &[Number]),
            ("#f00", &[Hash]),
            ("--x:-->", &[Ident, Colon, HtmlComment]),
            ("a-b_c\u{e9}", &[Ident]),
            ("\\\n", &[Delim, Space]),
        ];
        for (css, kinds) in rows {
            let found: Vec<Kind> = tokens(css).iter().map(|token| token.kind).collect();
            assert_eq!(found, kinds, "{css:?}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_is_in_one_token(css in "[ -~\n\u{e9}]{0,60}") {
            let all: String = tokens(&css).iter().map(|token| token.raw).collect();
            prop_assert_eq!(all, css);
        }
    }
}

//! Style sheets and declarations with nothing in them that loads or runs.
//!
//! Kept: rules of listed properties, also within `@media`, `@supports` and `@keyframes`. A value is kept whole or not
//! at all: every function in it is listed, and `url()` names a part of this drawing. Everything else goes, `@import`
//! and `@font-face` among it, and so do escapes outside of strings and selectors: no exporter writes them, and they
//! are how one reader is made to see what another does not.

use super::css::{Kind, Token, tokens};
use super::names;

/// How deep `@media` and its kind may nest.
const NESTED_MAX: u32 = 8;

/// At-rules that hold rules and name nothing outside of the sheet.
const GROUPS: [&str; 4] = ["media", "supports", "keyframes", "-webkit-keyframes"];

/// A style sheet with only the rules that may stay.
pub fn sheet(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    rules(&tokens(css), NESTED_MAX, &mut kept);
    kept
}

/// The value of a `style` attribute with only the declarations that may stay.
pub fn declarations(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    declared(&tokens(css), &mut kept);
    kept
}

/// The value of a presentation attribute, if it may stay.
pub fn value(css: &str) -> Option<String> {
    // Most values are a number, a name or a colour.
    let simple = |c: char| c.is_ascii_alphanumeric() || " #.,-+%_".contains(c);
    if css.chars().all(simple) {
        return Some(css.to_owned());
    }
    let tokens = tokens(css);
    let harmless = is_harmless(&tokens) && tokens.iter().all(|token| token.kind != Kind::End);
    harmless.then(|| written(&tokens))
}

/// The values of an animation, if all of them may stay.
pub fn values(css: &str) -> Option<String> {
    let kept: Option<Vec<String>> = css.split(';').map(value).collect();
    Some(kept?.join(";"))
}

fn rules(mut rest: &[Token<'_>], nested: u32, kept: &mut String) {
    while let Some(first) = rest.first() {
        if first.is_blank() || first.kind == Kind::HtmlComment {
            rest = &rest[1..];
            continue;
        }
        let is_at_rule = first.kind == Kind::At;
        let end = until(rest, |kind| kind == Kind::Open('}') || is_at_rule && kind == Kind::End);
        let (prelude, after) = rest.split_at(end);
        let Some((stop, after)) = after.split_first() else { return };
        if stop.kind == Kind::End {
            rest = after;
            continue;
        }
        let end = until(after, |kind| kind == Kind::Close('}'));
        let (block, after) = after.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let start = kept.len();
        if !is_harmless_prelude(prelude) {
            continue;
        }
        kept.push_str(&written(prelude));
        kept.push('{');
        let body = kept.len();
        if !is_at_rule {
            declared(block, kept);
        } else if nested > 0 {
            rules(block, nested - 1, kept);
        }
        if kept.len() == body {
            kept.truncate(start);
        } else {
            kept.push('}');
        }
    }
}

/// Selectors, or an at-rule that only groups others.
fn is_harmless_prelude(prelude: &[Token<'_>]) -> bool {
    let (at, rest) = match prelude.split_first() {
        Some((at, rest)) if at.kind == Kind::At => (Some(at), rest),
        _ => (None, prelude),
    };
    let is_group = at.is_none_or(|at| GROUPS.iter().any(|group| at.name().eq_ignore_ascii_case(group)));
    let escapes = |token: &Token<'_>| matches!(token.kind, Kind::Ident | Kind::Hash);
    is_group && is_balanced(rest) && rest.iter().all(|token| is_inert(token, escapes(token)))
}

fn declared(mut rest: &[Token<'_>], kept: &mut String) {
    let start = kept.len();
    while !rest.is_empty() {
        let end = until(rest, |kind| kind == Kind::End);
        let (declaration, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let declaration = trimmed(declaration);
        let Some((property, value)) = declaration.split_first() else { continue };
        let blanks = value.iter().take_while(|token| token.is_blank()).count();
        let Some((colon, value)) = value[blanks..].split_first() else { continue };
        let is_declaration = property.kind == Kind::Ident && colon.kind == Kind::Colon;
        if is_declaration && !property.is_escaped() && names::is_property(property.raw) && is_harmless(value) {
            if kept.len() > start {
                kept.push(';');
            }
            kept.push_str(property.raw);
            kept.push(':');
            kept.push_str(&written(value));
        }
    }
}

/// Whether nothing in a value loads or runs.
fn is_harmless(value: &[Token<'_>]) -> bool {
    is_balanced(value)
        && value.iter().enumerate().all(|(at, token)| match token.kind {
            Kind::Url => token.raw.get(4..).is_some_and(|target| target.trim_start().starts_with('#')) && clean(token),
            Kind::Function if token.name().eq_ignore_ascii_case("url") => is_local(&value[at + 1..]) && clean(token),
            Kind::Open('}') | Kind::Colon => false,
            // No value has a bracket right behind these, but what some reader may take for a function has.
            Kind::Hash | Kind::Number if value.get(at + 1).is_some_and(|next| next.kind == Kind::Open(')')) => false,
            // No value has two of them in a row, but addresses and mistaken comments have.
            Kind::Delim if token.raw == "/" => value.get(at + 1).is_none_or(|next| next.raw != "/"),
            _ => is_inert(token, false),
        })
}

/// Whether a token outside of any special place may stay.
fn is_inert(token: &Token<'_>, may_escape: bool) -> bool {
    match token.kind {
        Kind::Bad | Kind::At | Kind::HtmlComment | Kind::Url => false,
        Kind::Function => names::is_function(token.name()),
        // A string names nothing where every function is known, and no font has such a name.
        Kind::Text => !token.raw.contains(['<', ':', '(', '@']) && !token.raw.contains("//"),
        Kind::Comment => true,
        _ => may_escape && !token.raw.contains('<') || clean(token),
    }
}

/// Whether a token is what it looks like, to readers of CSS and of markup.
fn clean(token: &Token<'_>) -> bool {
    !token.raw.contains(['\\', '<'])
}

/// Whether what follows `url(` is one string that names a part of this drawing.
fn is_local(arguments: &[Token<'_>]) -> bool {
    let end = until(arguments, |kind| kind == Kind::Close(')'));
    match trimmed(&arguments[..end]) {
        [target] => target.kind == Kind::Text && target.raw[1..].starts_with('#') && clean(target),
        _ => false,
    }
}

/// Where the first token of this kind stands outside of brackets, or the end.
fn until(tokens: &[Token<'_>], is_wanted: impl Fn(Kind) -> bool) -> usize {
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if open.is_empty() && is_wanted(token.kind) {
            return at;
        }
        match token.kind {
            Kind::Open(close) => open.push(close),
            Kind::Function => open.push(')'),
            Kind::Close(close) if open.last() == Some(&close) => {
                open.pop();
            }
            _ => {}
        }
    }
    tokens.len()
}

/// Whether every bracket is closed, and none that was not opened.
fn is_balanced(tokens: &[Token<'_>]) -> bool {
    let mut open = Vec::new();
    tokens.iter().all(|token| match token.kind {
        Kind::Open(close) => {
            open.push(close);
            true
        }
        Kind::Function => {
            open.push(')');
            true
        }
        Kind::Close(close) => open.pop() == Some(close),
        _ => true,
    }) && open.is_empty()
}

fn trimmed<'a, 'b>(tokens: &'a [Token<'b>]) -> &'a [Token<'b>] {
    let blanks = tokens.iter().take_while(|token| token.is_blank()).count();
    let tokens = &tokens[blanks..];
    let blanks = tokens.iter().rev().take_while(|token| token.is_blank()).count();
    &tokens[..tokens.len() - blanks]
}

/// Tokens as text, with one space for many and comments empty: a comment may be all that keeps two tokens apart.
fn written(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for token in trimmed(tokens) {
        match token.kind {
            Kind::Space if text.ends_with(' ') => {}
            Kind::Space => text.push(' '),
            Kind::Comment if text.ends_with(' ') || text.ends_with("/**/") => {}
            Kind::Comment => text.push_str("/**/"),
            _ => text.push_str(token.raw),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_styles_stay() {
        let rows = [
            (".st0{fill:#fff;}", ".st0{fill:#fff}"),
            (".a , #b > g:hover{fill:url(#g);}", ".a , #b > g:hover{fill:url(#g)}"),
            ("a{fill:url( '#g' ) red!important}", "a{fill:url( '#g' ) red!important}"),
            ("<!-- .a{fill:red} -->.b{fill:red}", ".a{fill:red}.b{fill:red}"),
            ("/* x */ .a{/*y*/fill:rgb(1,2,3)/*z*/}", ".a{fill:rgb(1,2,3)}"),
            ("a/**/.b{fill:red}", "a/**/.b{fill:red}"),
            ("@media (max-width:9px){.a{fill:red}}", "@media (max-width:9px){.a{fill:red}}"),
            ("@keyframes s{from{opacity:0}50%{opacity:1}}", "@keyframes s{from{opacity:0}50%{opacity:1}}"),
            (".\\31 23{font-family:'A\\42',serif}", ".\\31 23{font-family:'A\\42',serif}"),
            (":root{--ink:#123}.a{stroke:var(--ink)}", ":root{--ink:#123}.a{stroke:var(--ink)}"),
            (".a{enable-background:new 0 0 9 9;}", ".a{enable-background:new 0 0 9 9}"),
            ("text{font:italic bold 12px/1.5 'A B'}", "text{font:italic bold 12px/1.5 'A B'}"),
        ];
        for (css, kept) in rows {
            assert_eq!(sheet(css), kept, "{css}");
        }
    }

    #[test]
    fn what_loads_or_runs_goes_and_the_rest_stays() {
        let rows = [
            ("@import url(http://a/b.css);.a{fill:red}", ".a{fill:red}"),
            ("@im\\70ort 'http://a/b.css';.a{fill:red}", ".a{fill:red}"),
            ("@import 'x' ;@charset 'utf-8';@namespace s url(http://a);a{fill:red}", "a{fill:red}"),
            ("@font-face{font-family:a;src:url(http://a)}a{fill:red}", "a{fill:red}"),
            (".a{fill:url(http://a);stroke:red}", ".a{stroke:red}"),
            (".a{fill:url(//a#b);stroke:red}", ".a{stroke:red}"),
            (".a{fill:url('http://a#b');stroke:red}", ".a{stroke:red}"),
            (".a{fill:u\\72l(http://a);stroke:red}", ".a{stroke:red}"),
            (".a{fill:url(\\23 a);stroke:red}", ".a{stroke:red}"),
            (".a{fill:url('\\23 a');stroke:red}", ".a{stroke:red}"),
            (".a{fill:url(#a\\)x);stroke:red}", ".a{stroke:red}"),
            (".a{mask:image-set('http://a' 1x);stroke:red}", ".a{stroke:red}"),
            (".a{fill:src('http://a');stroke:red}", ".a{stroke:red}"),
            (".a{width:expression(alert(1));stroke:red}", ".a{stroke:red}"),
            (".a{width:exp/**/ression(alert(1));stroke:red}", ".a{stroke:red}"),
            (".a{-moz-binding:url(#a);behavior:url(#a);stroke:red}", ".a{stroke:red}"),
            (".a{filter:progid:DXImageTransform.Microsoft.X(src='a');stroke:red}", ".a{stroke:red}"),
            (".a{--x:url(http://a);fill:var(--x)}", ".a{fill:var(--x)}"),
            (".a{fill:rgb(1,2 }.b{stroke:red}", ""),
            (".a{font-family:'</style><script>';stroke:red}", ".a{stroke:red}"),
            (".a{fill:'x\n;stroke:red}.b{stroke:red}", ".a{stroke:red}.b{stroke:red}"),
            ("<style>.a{fill:red}", ""),
            ("@media screen{@import 'x';.a{fill:url(x)}}.b{fill:red}", ".b{fill:red}"),
            (".a{fill:red", ".a{fill:red}"),
            (".a{fill:red}} .b{fill:red}", ".a{fill:red}"),
        ];
        for (css, kept) in rows {
            assert_eq!(sheet(css), kept, "{css}");
        }
    }

    #[test]
    fn values_stay_whole_or_go() {
        for kept in ["red", "url(#a) none", "url(\"#a\")", "hsl(1,2%,3%)", "blur(2px)", "'A B', serif", "", "1,2 3"] {
            assert_eq!(value(kept).as_deref(), Some(kept));
        }
        for gone in ["url(a)", "url(//a)", "u\\72l(#a)", "red;x:url(a)", "url(#a", "image(a)", "a{b:c}", "@a", "'a"] {
            assert_eq!(value(gone), None, "{gone}");
        }
        assert_eq!(value("#a(b)"), None);
        assert_eq!(values("0 1;url(#a);2").as_deref(), Some("0 1;url(#a);2"));
        assert_eq!(values("0;url(a)"), None);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_kept_again(css in "([ -~\n]|url\\(|@media|\\{|\\}|fill:|/\\*|\\*/|[.]a|#a|;|\\\\){0,40}") {
            let once = sheet(&css);
            prop_assert_eq!(sheet(&once), once.clone());
            let once = declarations(&css);
            prop_assert_eq!(declarations(&once), once.clone());
            if let Some(once) = value(&css) {
                prop_assert_eq!(value(&once), Some(once.clone()));
            }
        }
    }
}

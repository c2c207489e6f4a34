//! Rewrites of sources: `mys3://*/=s3://bucket/${1}/` turns short names into real ones.
//!
//! Source of the rules: imgproxy reference, section 5. A rule rewrites the part that its pattern matched and keeps the
//! rest; note that the pattern consumes its own slashes, so the replacement has to write them again.

use super::pattern::match_start;

/// One rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Anchored at the start; `*` stands for any run of characters other than a slash.
    pub pattern: String,
    /// `${1}` to `${99}` insert what each `*` stood for, `${0}` the whole match; a number too high inserts nothing.
    pub replacement: String,
}

/// Why a list of rewrites was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementError {
    #[error("rewrite `{item}` has no `=` between pattern and replacement")]
    NoReplacement { item: String },
    #[error("rewrite `{item}` has no pattern")]
    NoPattern { item: String },
}

// === impl Replacement ===

impl Replacement {
    /// Reads `pattern=replacement;pattern=replacement;…`. An item is divided by its first `=`.
    ///
    /// # Errors
    /// [`ReplacementError`] names the item that has no `=` or no pattern.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ReplacementError> {
        let items = text.split(';').map(str::trim).filter(|item| !item.is_empty());
        items
            .map(|item| match item.split_once('=') {
                None => Err(ReplacementError::NoReplacement { item: item.to_owned() }),
                Some(("", _)) => Err(ReplacementError::NoPattern { item: item.to_owned() }),
                Some((pattern, replacement)) => {
                    Ok(Self { pattern: pattern.to_owned(), replacement: replacement.to_owned() })
                }
            })
            .collect()
    }

    /// The source rewritten, or as it was where the pattern does not match.
    pub fn apply(&self, source: String) -> String {
        let Some(found) = match_start(&self.pattern, &source) else { return source };
        let group = |number: usize| match number {
            0 => &source[..found.len],
            star => found.captures.get(star - 1).copied().unwrap_or_default(),
        };
        let mut made = String::with_capacity(source.len() + self.replacement.len());
        let mut rest = self.replacement.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            made.push_str(before);
            if let Some((number, tail)) = group_number(after) {
                made.push_str(group(number));
                rest = tail;
            } else {
                made.push_str("${");
                rest = after;
            }
        }
        made.push_str(rest);
        made.push_str(&source[found.len..]);
        made
    }
}

/// The number before a closing brace, and what follows it.
fn group_number(text: &str) -> Option<(usize, &str)> {
    let (number, tail) = text.split_once('}')?;
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Some((number.parse().ok()?, tail)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(list: &str, source: &str) -> String {
        let rules = Replacement::parse_list(list).unwrap();
        rules.iter().fold(source.to_owned(), |source, rule| rule.apply(source))
    }

    #[test]
    fn captures_are_inserted_and_the_rest_is_kept() {
        assert_eq!(
            rewritten("mys3://*/=s3://bucket/${1}/images", "mys3://items/i.jpg"),
            "s3://bucket/items/imagesi.jpg"
        );
        assert_eq!(
            rewritten("mys3://*/=s3://bucket/${1}/images/", "mys3://items/i.jpg"),
            "s3://bucket/items/images/i.jpg"
        );
        assert_eq!(rewritten("a*b*=${2}${1}${0}${3}", "axbyc/z"), "ycxaxbyc/z");
        assert_eq!(rewritten("a=${x}${1", "ab"), "${x}${1b");
        assert_eq!(rewritten("b=c", "ab"), "ab", "patterns are anchored");
    }

    #[test]
    fn rules_run_in_order_each_on_the_result_before() {
        assert_eq!(rewritten("a://=b://;b://=c://", "a://x"), "c://x");
        assert_eq!(rewritten("b://=c://;a://=b://", "a://x"), "b://x");
        assert_eq!(rewritten(" ; a=b=c ;", "a"), "b=c");
    }

    #[test]
    fn broken_lists_are_refused() {
        assert_eq!(Replacement::parse_list("ab"), Err(ReplacementError::NoReplacement { item: "ab".into() }));
        assert_eq!(Replacement::parse_list("a=b;=b"), Err(ReplacementError::NoPattern { item: "=b".into() }));
        assert_eq!(Replacement::parse_list(""), Ok(vec![]));
    }
}

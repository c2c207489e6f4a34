//! Suggestions for misspelt names.

use super::table;

/// The known name or alias that `name` was probably meant to be: the same in another case, or within one edit for
/// every three characters. Names of one or two characters are too short to guess from.
pub fn nearest(name: &str) -> Option<&'static str> {
    let lower: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let edits_max = lower.len() / 3;
    let names = table().iter().flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
    let candidates = names.filter_map(|known| {
        // A length that differs by more than this cannot be within reach; it also bounds the work for hostile names.
        if known.len().abs_diff(lower.len()) > edits_max {
            return None;
        }
        let edits = edits_between(&lower, known);
        (edits <= edits_max).then_some((edits, known))
    });
    candidates.min_by_key(|(edits, _)| *edits).map(|(_, known)| known)
}

/// Insertions, deletions, substitutions and exchanges of neighbours that lead from one word to the other.
fn edits_between(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1; to.len() + 1];
        for (j, b) in to.iter().enumerate() {
            let substituted = last[j] + usize::from(a != b);
            row[j + 1] = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                row[j + 1] = row[j + 1].min(before_last[j - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let cases = [
            ("widht", Some("width")),
            ("min_width", Some("min-width")),
            ("resizing-type", Some("resizing_type")),
            ("W", Some("w")),
            ("Quality", Some("quality")),
            ("grvity", Some("gravity")),
            ("extends", Some("extend")),
            ("t", None),
            ("xy", None),
            ("watermark", None),
            ("", None),
        ];
        for (name, wanted) in cases {
            assert_eq!(nearest(name), wanted, "{name}");
        }
    }

    #[test]
    fn an_exchange_of_neighbours_is_one_edit() {
        let word: Vec<char> = "abcd".chars().collect();
        assert_eq!(edits_between(&word, "abcd"), 0);
        assert_eq!(edits_between(&word, "bacd"), 1);
        assert_eq!(edits_between(&word, "abd"), 1);
        assert_eq!(edits_between(&word, "xbcde"), 2);
        assert_eq!(edits_between(&[], "abc"), 3);
    }
}

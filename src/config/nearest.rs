//! The known name that a mistyped one most likely meant.

/// Longer names are not compared: the work grows with the product of the lengths, and nothing known is that long.
const NAME_CHARACTERS_MAX: usize = 100;

/// The known name with the smallest edit distance from `name`, where that is small enough to be a slip: at most a third
/// of the name, and at least 2.
pub fn nearest(name: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let name: Vec<char> = name.chars().collect();
    if name.len() > NAME_CHARACTERS_MAX {
        return None;
    }
    let slip = (name.len() / 3).max(2);
    let distances = known.into_iter().map(|candidate| (distance(&name, &candidate), candidate));
    distances.filter(|(distance, _)| *distance <= slip).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// Insertions, deletions and replacements that lead from one to the other (Levenshtein).
fn distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (line, target) in to.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, source) in from.iter().enumerate() {
            let replaced = diagonal + usize::from(*source != target);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[from.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> impl Iterator<Item = String> {
        ["quality", "queue.timeout", "cache.memory_bytes"].into_iter().map(str::to_owned)
    }

    #[test]
    fn distances_count_edits() {
        for (from, to, edits) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(&from.chars().collect::<Vec<_>>(), to), edits, "{from} {to}");
        }
    }

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        assert_eq!(nearest("qualty", known()).as_deref(), Some("quality"));
        assert_eq!(nearest("cache_memory_bytes", known()).as_deref(), Some("cache.memory_bytes"));
        assert_eq!(nearest("colour", known()), None);
        assert_eq!(nearest(&"q".repeat(5000), known()), None);
    }
}

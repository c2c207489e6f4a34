//! How large a drawing becomes once every reference is followed: ten uses of ten uses of ten uses are a thousand
//! pictures in three lines.

use std::collections::HashMap;
use std::ops::Range;

/// Elements that a drawing may have with every reference followed. A map with twenty thousand symbols stays far below;
/// a renderer needs seconds for as many.
pub const FOLLOWED_MAX: u64 = 1_000_000;

/// References that may lead from one to the next.
const CHAIN_MAX: u32 = 64;

/// Who has which name and who refers to it. Elements are numbered in the order of the document.
#[derive(Debug, Default)]
pub struct References {
    named: HashMap<String, Range<u32>>,
    made: Vec<(u32, String)>,
}

/// What is known of a name while sizes are counted.
#[derive(Debug, Clone, Copy)]
enum Size {
    /// Being counted: who meets it again stands in a circle, which renderers cut.
    Open,
    Known(u64),
}

// === impl References ===

impl References {
    /// The element of this number has this name, and ends before the element `end`. The first of a name counts.
    pub fn name(&mut self, id: String, element: u32, end: u32) {
        self.named.entry(id).or_insert(element..end);
    }

    /// The element refers to this name.
    pub fn refer(&mut self, element: u32, id: &str) {
        self.made.push((element, id.to_owned()));
    }

    /// Every `url(#…)` in an attribute or a declaration of the element.
    pub fn refer_in(&mut self, element: u32, css: &str) {
        for (at, _) in css.match_indices("url(") {
            let target = css[at + 4..].trim_start_matches([' ', '"', '\'']);
            if let Some(id) = target.strip_prefix('#').and_then(|id| id.split([')', '"', '\'', ' ']).next()) {
                self.refer(element, id);
            }
        }
    }

    /// Whether a document of so many elements stays within the limits with every reference followed.
    pub fn is_bounded(&self, elements: u32) -> bool {
        let mut sizes = HashMap::new();
        self.size(&(0..elements), CHAIN_MAX, &mut sizes).is_some_and(|size| size <= FOLLOWED_MAX)
    }

    fn size<'a>(&'a self, within: &Range<u32>, chain: u32, sizes: &mut HashMap<&'a str, Size>) -> Option<u64> {
        let mut size = u64::from(within.end.saturating_sub(within.start));
        let first = self.made.partition_point(|(element, _)| *element < within.start);
        for (_, id) in self.made[first..].iter().take_while(|(element, _)| *element < within.end) {
            let Some(target) = self.named.get(id) else { continue };
            let more = match sizes.get(id.as_str()) {
                Some(Size::Known(size)) => *size,
                Some(Size::Open) => 0,
                None => {
                    sizes.insert(id, Size::Open);
                    let more = self.size(target, chain.checked_sub(1)?, sizes)?;
                    sizes.insert(id, Size::Known(more));
                    more
                }
            };
            size = size.saturating_add(more);
        }
        Some(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in a row, each of one element that holds so many references to the name before.
    fn tower(height: u32, width: u32) -> References {
        let mut references = References::default();
        for floor in 0..height {
            references.name(floor.to_string(), floor, floor + 1);
            for _ in 0..width {
                references.refer_in(floor + 1, &format!("fill:url(#{floor})"));
            }
        }
        references
    }

    #[test]
    fn followed_references_are_counted() {
        assert!(tower(5, 10).is_bounded(6));
        assert!(!tower(6, 10).is_bounded(7), "a million and more");
    }

    #[test]
    fn chains_are_short() {
        let chain = |links: u32| {
            let mut references = References::default();
            for link in 0..=links {
                references.name(link.to_string(), link, link + 1);
                references.refer(link, &(link + 1).to_string());
            }
            references.is_bounded(links + 1)
        };
        assert!(chain(CHAIN_MAX));
        assert!(!chain(CHAIN_MAX + 1));
    }

    #[test]
    fn circles_end() {
        let mut references = References::default();
        references.name("a".to_owned(), 0, 2);
        references.refer(1, "a");
        references.refer(1, "nobody");
        assert!(references.is_bounded(2));
    }
}

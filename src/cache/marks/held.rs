//! Marks of one kind in memory: by tag, by prefix, and a horizon in place of those that were dropped. Contract: bounded
//! in number and in bytes, and dropping never makes a thing good that a mark had named.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::cache::{Labels, Selector, Stamp, Tag};

/// The youngest mark of every selector.
#[derive(Debug)]
pub(super) struct Held {
    tags: HashMap<Tag, Stamp>,
    prefixes: BTreeMap<String, Stamp>,
    /// All that is not younger counts as named, because a mark that old has been dropped.
    horizon: Option<Stamp>,
    text_bytes: usize,
    bounds: Bounds,
}

/// How much is held at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub marks_max: usize,
    pub text_bytes_max: usize,
}

/// One in so many is dropped at once, so that dropping costs little for each mark.
const DROPPED_SHARE: usize = 10;

// === impl Held ===

impl Held {
    pub fn new(bounds: Bounds) -> Self {
        Self { tags: HashMap::new(), prefixes: BTreeMap::new(), horizon: None, text_bytes: 0, bounds }
    }

    /// Takes a mark; whether it says anything new.
    pub fn insert(&mut self, selector: &Selector, stamp: Stamp) -> bool {
        if self.horizon.is_some_and(|horizon| stamp <= horizon) {
            return false;
        }
        let known = match selector {
            Selector::Tag(tag) => self.tags.get_mut(tag),
            Selector::Prefix(prefix) => self.prefixes.get_mut(prefix),
        };
        if let Some(known) = known {
            let is_news = *known < stamp;
            *known = stamp.max(*known);
            return is_news;
        }
        self.text_bytes += text_of(selector).len();
        match selector {
            Selector::Tag(tag) => self.tags.insert(tag.clone(), stamp),
            Selector::Prefix(prefix) => self.prefixes.insert(prefix.clone(), stamp),
        };
        while self.len() > self.bounds.marks_max || self.text_bytes > self.bounds.text_bytes_max {
            self.drop_oldest();
        }
        true
    }

    /// Names everything that is not younger, whatever its labels.
    pub fn raise_horizon(&mut self, stamp: Stamp) {
        self.horizon = self.horizon.max(Some(stamp));
        self.tags.retain(|_, held| *held > stamp);
        self.prefixes.retain(|_, held| *held > stamp);
        self.text_bytes = self.marks().map(|(selector, _)| text_of(&selector).len()).sum();
    }

    pub const fn horizon(&self) -> Option<Stamp> {
        self.horizon
    }

    pub fn len(&self) -> usize {
        self.tags.len() + self.prefixes.len()
    }

    /// All marks, the horizon left out.
    pub fn marks(&self) -> impl Iterator<Item = (Selector, Stamp)> {
        let tags = self.tags.iter().map(|(tag, stamp)| (Selector::Tag(tag.clone()), *stamp));
        tags.chain(self.prefixes.iter().map(|(prefix, stamp)| (Selector::Prefix(prefix.clone()), *stamp)))
    }

    /// The oldest mark that names something with these labels and is not older than `stamp`. Equal stamps can only come
    /// from two nodes, and then the mark holds.
    pub fn naming(&self, stamp: Stamp, labels: &Labels) -> Option<Stamp> {
        self.all_naming(labels).filter(|mark| *mark >= stamp).min()
    }

    /// The youngest mark that names something with these labels.
    pub fn youngest(&self, labels: &Labels) -> Option<Stamp> {
        self.all_naming(labels).max()
    }

    fn all_naming<'a>(&'a self, labels: &'a Labels) -> impl Iterator<Item = Stamp> + 'a {
        let tags = labels.tags.iter().filter_map(|tag| self.tags.get(tag).copied());
        tags.chain(beginnings(&self.prefixes, &labels.source)).chain(self.horizon)
    }

    fn drop_oldest(&mut self) {
        let mut stamps: Vec<Stamp> = self.tags.values().chain(self.prefixes.values()).copied().collect();
        let share = stamps.len() / DROPPED_SHARE;
        let (_, newest_dropped, _) = stamps.select_nth_unstable(share);
        let horizon = *newest_dropped;
        self.raise_horizon(horizon);
    }
}

/// The marks of all prefixes that `source` begins with. Sorted, everything between such a prefix and the source begins
/// with that prefix too, so the next one is at most what the source has in common with the entry before the last place
/// looked at: a look for each step down, however many marks there are.
fn beginnings<'a>(prefixes: &'a BTreeMap<String, Stamp>, source: &'a str) -> impl Iterator<Item = Stamp> + 'a {
    // What has no source is named by no prefix.
    let mut below = (!source.is_empty()).then_some(Bound::Included(source));
    std::iter::from_fn(move || {
        loop {
            let (prefix, stamp) = prefixes.range::<str, _>((Bound::Unbounded, below?)).next_back()?;
            let common = common_bytes(prefix, source);
            if common == prefix.len() {
                below = Some(Bound::Excluded(&source[..common]));
                return Some(*stamp);
            }
            below = Some(Bound::Included(&source[..source.floor_char_boundary(common)]));
        }
    })
}

fn common_bytes(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
}

fn text_of(selector: &Selector) -> &str {
    match selector {
        Selector::Tag(tag) => tag.as_str(),
        Selector::Prefix(prefix) => prefix,
    }
}

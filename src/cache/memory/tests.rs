//! The budget holds, whatever is inserted, how often and by how many threads at once.

use std::thread;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::cache::{Class, Entry, Labels, Mark, Selector, Stamp, Tag};

/// A value that says its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heavy(u64);

impl Weigh for Heavy {
    fn weight_bytes(&self) -> u64 {
        self.0
    }
}

/// A value that can be purged.
#[derive(Debug)]
struct Labelled {
    stamp: Stamp,
    labels: Arc<Labels>,
    body: Bytes,
}

impl Labelled {
    fn new(stamp: u64, tag: &str) -> Arc<Self> {
        let labels = Labels { source: String::new(), tags: vec![Tag::new(tag).unwrap()] };
        Arc::new(Self { stamp: Stamp::from_micros(stamp), labels: Arc::new(labels), body: Bytes::new() })
    }
}

impl Weigh for Labelled {
    fn weight_bytes(&self) -> u64 {
        10
    }
}

impl Keep for Labelled {
    const CLASS: Class = Class::Variant;

    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    fn body(&self) -> &Bytes {
        &self.body
    }

    fn record(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(_: Entry) -> Option<Self> {
        None
    }
}

fn key(number: u64) -> Key {
    Key::of("test", &[&number.to_le_bytes()])
}

fn fill(tier: &MemoryTier<Heavy>, numbers: std::ops::Range<u64>, weight: u64) {
    for number in numbers {
        tier.insert(key(number), Arc::new(Heavy(weight)));
    }
}

/// The bytes that can be found, by asking for every key.
fn found_bytes(tier: &MemoryTier<Heavy>, numbers: std::ops::Range<u64>) -> u64 {
    numbers.filter_map(|number| tier.get(&key(number))).map(|value| value.0).sum()
}

#[test]
fn what_is_inserted_is_found_until_removed() {
    let tier = MemoryTier::new(1000, "memory");
    assert!(tier.is_empty());
    assert_eq!(tier.get(&key(1)), None);
    tier.insert(key(1), Arc::new(Heavy(10)));
    tier.insert(key(2), Arc::new(Heavy(20)));
    assert_eq!(tier.get(&key(1)).as_deref(), Some(&Heavy(10)));
    tier.run_pending();
    assert_eq!((tier.bytes(), tier.len()), (30, 2));
    tier.insert(key(1), Arc::new(Heavy(15)));
    assert_eq!(tier.get(&key(1)).as_deref(), Some(&Heavy(15)));
    tier.remove(&key(2));
    assert_eq!(tier.get(&key(2)), None);
    tier.run_pending();
    assert_eq!((tier.bytes(), tier.len()), (15, 1));
}

#[test]
fn a_purge_takes_what_its_marks_name_and_nothing_that_is_younger() {
    let tier = MemoryTier::new(1 << 20, "memory");
    for number in 0..1000 {
        tier.insert(key(number), Labelled::new(number, if number % 2 == 0 { "even" } else { "odd" }));
    }
    let mark = Mark { selector: Selector::Tag(Tag::new("odd").unwrap()), stamp: Stamp::from_micros(499), soft: false };
    let marks = MarkSet::new(&[mark]);
    let odd_and_old = Named { entries: 250, bytes: 2500 };
    assert_eq!(tier.count(&marks), odd_and_old);
    assert_eq!(tier.purge(&marks), odd_and_old);
    assert_eq!(tier.purge(&marks), Named::default());
    for number in 0..1000 {
        assert_eq!(tier.get(&key(number)).is_none(), number % 2 == 1 && number <= 499, "{number}");
    }
    tier.run_pending();
    assert_eq!((tier.len(), tier.bytes()), (750, 7500));
    assert_eq!(MemoryTier::<Labelled>::new(0, "memory").purge(&marks), Named::default());
}

#[test]
fn no_budget_keeps_nothing() {
    let tier = MemoryTier::new(0, "memory");
    tier.insert(key(1), Arc::new(Heavy(0)));
    tier.remove(&key(1));
    tier.insert(key(1), Arc::new(Heavy(1)));
    assert_eq!(tier.get(&key(1)), None);
    tier.run_pending();
    assert_eq!((tier.bytes(), tier.len()), (0, 0));
    assert!(tier.is_empty());
}

#[test]
fn one_entry_may_fill_the_budget_and_not_a_byte_more() {
    let tier = MemoryTier::new(1000, "memory");
    tier.insert(key(1), Arc::new(Heavy(1000)));
    tier.run_pending();
    assert_eq!(tier.get(&key(1)).as_deref(), Some(&Heavy(1000)));
    tier.insert(key(1), Arc::new(Heavy(1001)));
    assert_eq!(tier.get(&key(1)), None, "the old value must not outlive its replacement");
    tier.insert(key(2), Arc::new(Heavy(1001)));
    assert_eq!(tier.get(&key(2)), None);
    tier.run_pending();
    assert_eq!((tier.bytes(), tier.len()), (0, 0));
}

#[test]
fn an_entry_beyond_32_bits_of_weight_is_not_kept() {
    let tier = MemoryTier::new(u64::MAX, "memory");
    tier.insert(key(1), Arc::new(Heavy(u64::from(u32::MAX))));
    tier.insert(key(2), Arc::new(Heavy(u64::from(u32::MAX) + 1)));
    assert!(tier.get(&key(1)).is_some());
    assert!(tier.get(&key(2)).is_none());
    tier.run_pending();
    assert_eq!(tier.bytes(), u64::from(u32::MAX));
}

#[test]
fn a_full_tier_stays_within_its_budget() {
    const BUDGET_BYTES: u64 = 10_000;
    let tier = MemoryTier::new(BUDGET_BYTES, "memory");
    for round in 0..50 {
        fill(&tier, round * 1000..(round + 1) * 1000, 100 + round % 7);
        tier.run_pending();
        assert!(tier.bytes() <= BUDGET_BYTES, "round {round}: {} bytes", tier.bytes());
    }
    assert!(tier.bytes() > BUDGET_BYTES / 2, "a tier under churn keeps something: {} bytes", tier.bytes());
    assert_eq!(found_bytes(&tier, 0..50_000), tier.bytes());
}

/// The same key written over and over, alone and between others, once left entries behind that eviction could not
/// reach: the tier then grew without bound.
#[test]
fn reinsertion_does_not_stop_eviction() {
    const BUDGET_BYTES: u64 = 10_000;
    let tier = MemoryTier::new(BUDGET_BYTES, "memory");
    for round in 0..200 {
        for _ in 0..100 {
            fill(&tier, 0..1, 100 + round);
        }
        fill(&tier, 1 + round * 10..11 + round * 10, 500);
    }
    tier.run_pending();
    assert!(tier.bytes() <= BUDGET_BYTES, "{} bytes", tier.bytes());
    assert_eq!(found_bytes(&tier, 0..2011), tier.bytes());
}

/// An entry replaced by a lighter or a heavier one and removed before the upkeep once left weight behind that belonged
/// to nothing, until nothing fitted any more.
#[test]
fn replaced_and_removed_between_upkeeps_leaves_no_weight() {
    for (first, second) in [(200, 100), (100, 200)] {
        let tier = MemoryTier::new(1000, "memory");
        for _ in 0..50 {
            tier.insert(key(1), Arc::new(Heavy(first)));
            tier.run_pending();
            assert_eq!(tier.bytes(), first);
            tier.insert(key(1), Arc::new(Heavy(second)));
            tier.remove(&key(1));
            tier.run_pending();
            assert_eq!((tier.bytes(), tier.len()), (0, 0));
        }
    }
}

/// As above, by several threads at once and with removals and evictions between; then the tier must still evict.
#[test]
fn concurrent_reinsertion_and_removal_do_not_stop_eviction() {
    const BUDGET_BYTES: u64 = 20_000;
    // About 35,000 bytes in all, so that upkeep evicts while others write.
    const KEYS: u64 = 64;
    let tier = MemoryTier::new(BUDGET_BYTES, "memory");
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let tier = &tier;
            scope.spawn(move || {
                for round in 0..10_000_u64 {
                    let number = round % KEYS;
                    tier.insert(key(number), Arc::new(Heavy(100 + (round * 7 + thread) % 900)));
                    if round % 5 == thread {
                        tier.remove(&key(number));
                    }
                    if round % 61 == 0 {
                        tier.run_pending();
                    }
                    tier.get(&key((number + 1) % KEYS));
                }
            });
        }
    });
    tier.run_pending();
    assert!(tier.bytes() <= BUDGET_BYTES, "{} bytes", tier.bytes());
    assert_eq!(found_bytes(&tier, 0..KEYS), tier.bytes(), "the count drifted from what is there");
    fill(&tier, 100..1100, 500);
    tier.run_pending();
    assert!(tier.bytes() <= BUDGET_BYTES, "{} bytes", tier.bytes());
    assert_eq!(found_bytes(&tier, 0..1100), tier.bytes());
    for number in 0..1100 {
        tier.remove(&key(number));
    }
    tier.run_pending();
    assert_eq!((tier.bytes(), tier.len()), (0, 0));
}

#[test]
fn what_is_asked_for_often_outlives_what_came_once() {
    let tier = MemoryTier::new(10_000, "memory");
    fill(&tier, 0..10, 500);
    for _ in 0..20 {
        assert_eq!(found_bytes(&tier, 0..10), 5000);
        tier.run_pending();
    }
    for number in 100..2000 {
        tier.get(&key(number));
        fill(&tier, number..number + 1, 500);
        tier.run_pending();
    }
    let survivors = (0..10).filter(|number| tier.get(&key(*number)).is_some()).count();
    assert!(survivors >= 8, "{survivors} of 10 left");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_budget_holds_under_any_churn(
        budget in 0_u64..5000,
        steps in prop::collection::vec((0_u64..20, 0_u64..2000, any::<bool>()), 0..300),
    ) {
        let tier = MemoryTier::new(budget, "memory");
        for (number, weight, is_removed) in steps {
            if is_removed {
                tier.remove(&key(number));
            }
            tier.insert(key(number), Arc::new(Heavy(weight)));
        }
        tier.run_pending();
        prop_assert!(tier.bytes() <= budget);
        prop_assert_eq!(found_bytes(&tier, 0..20), tier.bytes());
    }
}

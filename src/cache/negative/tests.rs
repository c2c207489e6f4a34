//! Lifetimes, the bound, and that both orders of the table agree.

use proptest::prelude::*;

use super::*;

fn key(number: u64) -> Key {
    Key::of("test", &[&number.to_le_bytes()])
}

#[test]
fn an_error_lives_for_its_time() {
    let negative = Negative::new(10);
    negative.insert(key(1), "gone", 30, 100);
    assert_eq!(negative.get(&key(1), 100), Some("gone"));
    assert_eq!(negative.get(&key(1), 129), Some("gone"));
    assert_eq!(negative.get(&key(1), 130), None);
    assert_eq!(negative.get(&key(1), 99), None, "the clock went back");
    assert_eq!(negative.get(&key(2), 100), None);
    negative.insert(key(2), "never", 0, 100);
    assert_eq!(negative.get(&key(2), 100), None);
}

#[test]
fn a_later_error_replaces_the_earlier() {
    let negative = Negative::new(10);
    negative.insert(key(1), "long", 100, 0);
    negative.insert(key(1), "short", 5, 0);
    assert_eq!(negative.get(&key(1), 4), Some("short"));
    assert_eq!(negative.get(&key(1), 5), None);
    negative.insert(key(1), "off", 0, 0);
    assert!(negative.is_empty());
}

#[test]
fn a_full_table_gives_up_what_ends_first() {
    let negative = Negative::new(3);
    for (number, ttl_s) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
        negative.insert(key(number), number, ttl_s, 0);
    }
    assert_eq!(negative.len(), 3);
    let found: Vec<u64> = (1..=4).filter_map(|number| negative.get(&key(number), 1)).collect();
    assert_eq!(found, [1, 3, 4]);
    negative.insert(key(5), 5, 1, 35);
    assert_eq!(negative.len(), 2, "what is over makes room before anything else");
    assert_eq!(negative.get(&key(4), 35), Some(4));
}

#[test]
fn purged_errors_are_gone() {
    let negative = Negative::new(3);
    negative.insert(key(1), "a", 30, 0);
    negative.insert(key(2), "b", 30, 0);
    negative.purge(&key(1));
    negative.purge(&key(7));
    assert_eq!(negative.get(&key(1), 0), None);
    assert_eq!(negative.get(&key(2), 0), Some("b"));
    negative.purge_all();
    assert_eq!(negative.get(&key(2), 0), None);
    assert!(negative.is_empty());
}

#[test]
fn a_table_of_none_keeps_none() {
    let negative = Negative::new(0);
    negative.insert(key(1), "a", 30, 0);
    assert_eq!(negative.get(&key(1), 0), None);
}

proptest! {
    #[test]
    fn both_orders_hold_the_same_entries_within_the_bound(
        entries_max in 0_usize..6,
        steps in prop::collection::vec((0_u64..10, 0_u64..20, 0_u64..5), 0..100),
    ) {
        let negative = Negative::new(entries_max);
        let mut now_s = 0;
        for (number, ttl_s, pause_s) in steps {
            now_s += pause_s;
            negative.insert(key(number), number, ttl_s, now_s);
            let table = negative.lock();
            prop_assert!(table.by_key.len() <= entries_max);
            prop_assert_eq!(table.by_key.len(), table.by_end.len());
            for (until_s, key) in &table.by_end {
                prop_assert_eq!(table.by_key.get(key).map(|refusal| refusal.until_s), Some(*until_s));
            }
        }
    }
}

//! The queue alone: what waits, what takes its place, and what is refused.

use super::*;
use crate::cache::{Class, Labels, Tag};

fn key(number: u64) -> Key {
    Key::of("test", &[&number.to_le_bytes()])
}

fn entry(number: u64) -> Entry {
    Entry {
        class: Class::Variant,
        key: key(number),
        stamp: Stamp::from_micros(number),
        labels: Labels { source: "http://a/b".to_owned(), tags: vec![Tag::new("a").unwrap()] },
        record: bytes::Bytes::new(),
        body: bytes::Bytes::new(),
    }
}

fn now() -> Instant {
    clock::instant().into_std()
}

fn stamp_of(wanted: Option<(Wanted, u64)>) -> (Option<u64>, u64) {
    match wanted {
        Some((Wanted::Kept(entry), turn)) => (Some(entry.stamp.micros()), turn),
        Some((Wanted::Gone, turn)) => (None, turn),
        None => panic!("nothing is wanted"),
    }
}

#[test]
fn a_key_waits_once_and_the_latest_counts() {
    let handover = Handover::new(100);
    handover.put(entry(1), 40).unwrap();
    handover.put(Entry { stamp: Stamp::from_micros(7), ..entry(1) }, 60).unwrap();
    assert_eq!(handover.bytes(), 60);
    assert!(matches!(&handover.wait(Some(now()))[..], [Order::Settle(_)]));
    assert_eq!(stamp_of(handover.wanted(&key(1))).0, Some(7));
}

#[test]
fn what_comes_while_the_keeper_is_at_the_key_is_an_order_of_its_own() {
    let handover = Handover::new(100);
    handover.put(entry(1), 40).unwrap();
    assert_eq!(handover.wait(Some(now())).len(), 1);
    let (_, first) = stamp_of(handover.wanted(&key(1)));
    handover.remove(&key(1)).unwrap();
    handover.done(&key(1), first);
    assert!(matches!(handover.waiting(&key(1)), Some(Wanted::Gone)));
    assert_eq!(handover.bytes(), 0);
    assert_eq!(handover.wait(Some(now())).len(), 1);
    let (wanted, second) = stamp_of(handover.wanted(&key(1)));
    assert_eq!(wanted, None);
    handover.done(&key(1), second);
    assert!(handover.waiting(&key(1)).is_none());
}

#[test]
fn bytes_are_bounded_to_the_byte_and_orders_to_the_order() {
    let handover = Handover::new(100);
    assert_eq!(handover.put(entry(1), 101), Err(Full));
    handover.put(entry(1), 60).unwrap();
    assert_eq!(handover.put(entry(2), 41), Err(Full));
    handover.put(entry(2), 40).unwrap();
    for number in 2..ORDERS_MAX as u64 {
        handover.remove(&key(number + 1)).unwrap();
    }
    assert_eq!(handover.remove(&key(0)), Err(Full));
    assert_eq!(handover.inspect(&key(0)), Err(Full));
    handover.remove(&key(2)).unwrap();
    assert_eq!(handover.wait(None).len(), BATCH_ORDERS);
    handover.remove(&key(0)).unwrap();
}

#[test]
fn a_purge_takes_back_what_it_names_and_what_the_keeper_is_at_stays() {
    let handover = Handover::new(100);
    for number in 1..=4 {
        handover.put(entry(number), 10).unwrap();
    }
    handover.wait(Some(now()));
    let (_, turn) = stamp_of(handover.wanted(&key(1)));
    let purged = handover.take_back(&Selector::Prefix("http://a/".to_owned()), Stamp::from_micros(4));
    assert_eq!((purged.entries, purged.bytes, handover.bytes()), (2, 20, 20));
    assert!(matches!(handover.waiting(&key(3)), Some(Wanted::Gone)));
    assert!(matches!(handover.waiting(&key(4)), Some(Wanted::Kept(_))));
    handover.done(&key(1), turn);
    assert_eq!(handover.bytes(), 10);
}

#[test]
fn a_closed_queue_takes_nothing_and_gives_what_it_has() {
    let handover = Handover::new(100);
    handover.put(entry(1), 10).unwrap();
    handover.close();
    assert!(!handover.is_over());
    assert_eq!(handover.put(entry(1), 10), Err(Full));
    assert_eq!(handover.put(entry(2), 10), Err(Full));
    let (reply, mut answer) = oneshot::channel();
    handover.ask(Order::Flush(reply));
    assert!(answer.try_recv().is_err());
    assert_eq!(handover.wait(None).len(), 1);
    assert!(handover.is_over());
}

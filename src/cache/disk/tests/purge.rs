//! A purge removes what its selector names and what began before it, wherever it waits.

use super::*;

fn numbers(entries: u64, is_named: impl Fn(u64) -> bool) -> Vec<u64> {
    (0..entries).filter(|number| is_named(*number)).collect()
}

async fn found(tier: &DiskTier, entries: u64) -> Vec<u64> {
    let mut found = Vec::new();
    for number in 0..entries {
        if tier.get(&key(number)).await.is_some() {
            found.push(number);
        }
    }
    found
}

#[tokio::test]
async fn a_tag_names_its_entries_and_no_others() {
    let folder = test_folder();
    let tier = open(folder.path());
    for number in 0..120 {
        tier.put(entry(number, 100));
    }
    tier.flush().await;
    let purged = tier.purge(Selector::Tag(tag("n-1")), Stamp::from_micros(1000)).await;
    assert_eq!(purged, Purged { entries: 1, bytes: 4096, is_complete: true });
    assert_eq!(found(&tier, 120).await, numbers(120, |number| number != 1));
    // Of those tagged m-3 the ones that began before 83.
    let purged = tier.purge(Selector::Tag(tag("m-3")), Stamp::from_micros(83)).await;
    assert_eq!(purged.entries, 8);
    let rest = numbers(120, |number| number != 1 && (number % 10 != 3 || number >= 83));
    assert_eq!(found(&tier, 120).await, rest);
    assert_eq!(tier.purge(Selector::Tag(tag("m")), Stamp::from_micros(1000)).await.entries, 0);
    assert_totals_are_true(&tier, folder.path()).await;
}

#[tokio::test]
async fn a_prefix_names_the_sources_that_begin_with_it() {
    let folder = test_folder();
    let tier = open(folder.path());
    for number in 0..100 {
        tier.put(entry(number, 100));
    }
    tier.put(Entry { labels: Labels::default(), ..entry(100, 100) });
    tier.flush().await;
    let purge = |prefix: &str| tier.purge(Selector::Prefix(prefix.to_owned()), Stamp::from_micros(1000));
    assert_eq!(purge("http://host/7/").await.entries, 10);
    assert_eq!(purge("http://host/8/8.jpg").await.entries, 1);
    assert_eq!(purge("host").await.entries, 0);
    assert_eq!(purge("http://host/77").await.entries, 0);
    assert_eq!(purge("").await.entries, 89);
    assert_eq!(found(&tier, 101).await, [100], "without a source it has no prefix");
    assert_totals_are_true(&tier, folder.path()).await;
}

#[tokio::test]
async fn thousands_go_in_slices_and_are_all_counted() {
    let folder = test_folder();
    let tier = open(folder.path());
    for number in 0..2000 {
        tier.put(Entry {
            labels: Labels { source: "http://a/".to_owned(), tags: vec![tag("all")] },
            ..entry(number, 9)
        });
    }
    let (by_tag, by_prefix) = tokio::join!(
        tier.purge(Selector::Tag(tag("all")), Stamp::from_micros(1000)),
        tier.purge(Selector::Prefix("http://a".to_owned()), Stamp::from_micros(5000)),
    );
    assert_eq!(by_tag.entries + by_prefix.entries, 2000);
    assert!(by_tag.is_complete && by_prefix.is_complete);
    assert_eq!(kept(&tier, Class::Variant), (0, 0));
    assert!(objects(folder.path()).is_empty());
}

#[tokio::test]
async fn what_waits_to_be_written_is_purged_too_with_what_lies_below_it() {
    let folder = test_folder();
    let (tier, switches) = open_switched(folder.path(), ROOMY);
    tier.put(entry(5, 100));
    tier.flush().await;
    let gate = switches.gate.lock().unwrap();
    // The keeper waits with the first; the second is in the queue, over a file of before.
    tier.put(entry(15, 100));
    tier.put(Entry { stamp: Stamp::from_micros(6), ..entry(5, 200) });
    tier.put(Entry { stamp: Stamp::from_micros(50), ..entry(25, 100) });
    let purging = tier.clone();
    let purge = async { purging.purge(Selector::Tag(tag("m-5")), Stamp::from_micros(30)).await };
    let (purged, ()) = tokio::join!(purge, async { drop(gate) });
    assert!(purged.entries >= 2 && purged.is_complete, "{purged:?}");
    tier.flush().await;
    assert_eq!(found(&tier, 30).await, [25], "which began after the purge");
    assert_totals_are_true(&tier, folder.path()).await;
}

#[tokio::test]
async fn what_a_mark_names_is_neither_written_nor_read() {
    let folder = test_folder();
    let marks = Marks::default();
    let tier = DiskTier::open(spec(folder.path(), ROOMY), marks.is_gone()).unwrap();
    tier.put(entry(1, 100));
    tier.flush().await;
    marks.add(Selector::Tag(tag("n-1")), Stamp::from_micros(2));
    assert_eq!(tier.get(&key(1)).await, None);
    tier.put(entry(1, 200));
    assert_eq!(tier.get(&key(1)).await, None, "also while it waits");
    tier.flush().await;
    assert!(objects(folder.path()).is_empty(), "what lay there went with it");
    tier.put(Entry { stamp: Stamp::from_micros(2), ..entry(1, 300) });
    tier.flush().await;
    assert_eq!(tier.get(&key(1)).await.unwrap().body.len(), 300);
}

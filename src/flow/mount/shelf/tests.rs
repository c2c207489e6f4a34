//! What is found after what was put and dropped.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::*;
use crate::cache::{Marks, Selector, Stamps, Tag, TierNames};

const NOW_S: u64 = 1_794_700_800;

fn request(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("foo"), HeaderValue::from_str(value).unwrap())])
}

fn stored(vary: Option<&str>, body: &'static str, stamp: Stamp) -> Arc<Stored> {
    let vary = vary.map_or_else(VaryKey::default, |value| VaryKey::of(["foo"], &request(value)).unwrap());
    Arc::new(Stored {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Bytes::from_static(body.as_bytes()),
        part: None,
        requested_s: NOW_S,
        received_s: NOW_S,
        vary,
        stamp,
        labels: Arc::new(Labels::default()),
    })
}

fn shelf() -> Shelf {
    let names = TierNames { memory: "mount_memory", disk: "mount_disk" };
    Shelf::new(Tiers::new(1 << 20, Arc::new(Marks::in_memory(Stamps::default())), names))
}

async fn put(shelf: &Shelf, uri: &Key, stored: &Arc<Stored>, own: Option<Stamp>) {
    shelf.put(uri, &Arc::default(), stored, own, NOW_S).await;
}

fn found(shelf: &Shelf, uri: &Key, value: &str) -> String {
    match shelf.find(uri, &request(value)) {
        Found::Stored(stored) => String::from_utf8(stored.body.to_vec()).unwrap(),
        Found::OtherVariants => "other".to_owned(),
        Found::Nothing => "nothing".to_owned(),
    }
}

#[tokio::test]
async fn variants_are_kept_beside_each_other_until_the_origin_varies_no_more() {
    let (shelf, stamps, uri) = (shelf(), Stamps::default(), Key::of("test", &[]));
    assert_eq!(found(&shelf, &uri, "1"), "nothing");
    put(&shelf, &uri, &stored(Some("1"), "one", stamps.now()), None).await;
    assert_eq!(found(&shelf, &uri, "2"), "other");
    put(&shelf, &uri, &stored(Some("2"), "two", stamps.now()), None).await;
    put(&shelf, &uri, &stored(Some("1"), "uno", stamps.now()), None).await;
    assert_eq!((found(&shelf, &uri, "1"), found(&shelf, &uri, "2")), ("uno".to_owned(), "two".to_owned()));
    put(&shelf, &uri, &stored(None, "all", stamps.now()), None).await;
    assert_eq!((found(&shelf, &uri, "1"), found(&shelf, &uri, "3")), ("all".to_owned(), "all".to_owned()));
}

#[tokio::test]
async fn the_variant_asked_for_longest_ago_makes_room() {
    let (shelf, stamps, uri) = (shelf(), Stamps::default(), Key::of("test", &[]));
    for value in 0..VARIANTS_MAX {
        put(&shelf, &uri, &stored(Some(&value.to_string()), "x", stamps.now()), None).await;
    }
    assert_eq!(found(&shelf, &uri, "0"), "x");
    put(&shelf, &uri, &stored(Some("new"), "x", stamps.now()), None).await;
    assert_eq!((found(&shelf, &uri, "0"), found(&shelf, &uri, "1")), ("x".to_owned(), "other".to_owned()));
}

#[tokio::test]
async fn what_was_fetched_before_a_drop_is_not_kept_after_it() {
    let (shelf, stamps, uri) = (shelf(), Stamps::default(), Key::of("test", &[]));
    let before = stamps.now();
    put(&shelf, &uri, &stored(Some("1"), "one", before), None).await;
    shelf.drop_all(&uri, stamps.now(), NOW_S);
    assert_eq!(found(&shelf, &uri, "1"), "nothing");
    put(&shelf, &uri, &stored(None, "late", before), None).await;
    assert_eq!(found(&shelf, &uri, "1"), "nothing");
    put(&shelf, &uri, &stored(None, "new", stamps.now()), None).await;
    assert_eq!(found(&shelf, &uri, "1"), "new");
    let (posted, drop) = (stamps.now(), stamps.now());
    shelf.drop_all(&uri, drop, NOW_S);
    put(&shelf, &uri, &stored(None, "posted", posted), Some(drop)).await;
    assert_eq!(found(&shelf, &uri, "1"), "posted", "an exchange does not undo itself");
}

#[tokio::test]
async fn one_response_is_dropped_alone() {
    let (shelf, stamps, uri) = (shelf(), Stamps::default(), Key::of("test", &[]));
    let one = stored(Some("1"), "one", stamps.now());
    put(&shelf, &uri, &one, None).await;
    put(&shelf, &uri, &stored(Some("2"), "two", stamps.now()), None).await;
    shelf.drop_one(&uri, &one);
    assert_eq!((found(&shelf, &uri, "1"), found(&shelf, &uri, "2")), ("other".to_owned(), "two".to_owned()));
}

#[tokio::test]
async fn what_a_tier_below_brings_after_a_drop_is_not_found() {
    let (shelf, stamps, uri) = (shelf(), Stamps::default(), Key::of("test", &[]));
    let old = stored(None, "old", stamps.now());
    shelf.drop_all(&uri, stamps.now(), NOW_S);
    // As a read of the disk that had begun before.
    shelf.tiers.keep(uri, &Arc::new(Kept::Response(old)));
    assert!(matches!(shelf.find_below(&uri, &request("1"), NOW_S).await, Found::Nothing));
    assert_eq!(found(&shelf, &uri, "1"), "nothing");
}

#[tokio::test]
async fn a_purge_takes_a_directory_with_its_source_and_responses_by_their_tags() {
    let marks = Arc::new(Marks::in_memory(Stamps::default()));
    let names = TierNames { memory: "mount_memory", disk: "mount_disk" };
    let shelf = Shelf::new(Tiers::new(1 << 20, Arc::clone(&marks), names));
    let (stamps, uri) = (marks.stamps().clone(), Key::of("test", &[]));
    let common = Arc::new(Labels { source: "http://h/a".to_owned(), tags: Vec::new() });
    let tag = Tag::new("x").unwrap();
    for (value, tags) in [("1", vec![tag.clone()]), ("2", Vec::new())] {
        let labels = Arc::new(Labels { tags, ..Labels::clone(&common) });
        let stored = Arc::new(Stored { labels, ..Stored::clone(&stored(Some(value), "x", stamps.now())) });
        shelf.put(&uri, &common, &stored, None, NOW_S).await;
    }
    let late = Arc::new(Stored { labels: Arc::clone(&common), ..Stored::clone(&stored(None, "late", stamps.now())) });
    marks.purge(&[Selector::Tag(tag)], false).unwrap();
    assert_eq!((found(&shelf, &uri, "1"), found(&shelf, &uri, "2")), ("other".to_owned(), "x".to_owned()));
    marks.purge(&[Selector::Prefix("http://h/".to_owned())], false).unwrap();
    assert_eq!(found(&shelf, &uri, "2"), "nothing");
    shelf.put(&uri, &common, &late, None, NOW_S).await;
    assert_eq!(found(&shelf, &uri, "2"), "nothing", "it was fetched before the purge");
}

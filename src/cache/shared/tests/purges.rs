//! Purges across nodes: what holds when, and what is not read while it is not known.

use super::*;

const ACKNOWLEDGED_AFTER: Duration = Duration::from_millis(2_250);

async fn purge(node: &Node, tag: &str, soft: bool) -> Result<(), SharedError> {
    let marks = node.marks.purge(&[by_tag(tag)], soft).unwrap();
    node.tier.publish(&marks).await
}

fn page(stamp: Stamp, tag: &str) -> Bytes {
    let marks = serde_json::to_string(&[Mark { selector: by_tag(tag), stamp, soft: false }]).unwrap();
    Bytes::from(format!(r#"{{"tintype":"marks","version":1,"marks":{marks}}}"#))
}

fn post(bucket: &Fake, stamp: Stamp, tag: &str) {
    bucket.objects().insert(Names::new("p").marks(stamp, "other"), page(stamp, tag));
}

fn on_board(bucket: &Fake) -> usize {
    bucket.objects().keys().filter(|name| name.contains("/marks/")).count()
}

/// As it was first written. Where this fails the layout has changed: raise the version and keep reading this one.
#[tokio::test(start_paused = true)]
async fn pages_of_every_version_stay_readable() {
    let version_1 = Bytes::from_static(include_bytes!("../../../../tests/golden/shared-marks-1.json"));
    let stamp = Stamp::from_micros(1_794_700_800_000_001);
    assert_eq!(page(stamp, "s-4f1c9a02be77d310"), version_1);
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    let before = node.marks.stamps().now();
    bucket.objects().insert(Names::new("p").marks(ago(Duration::ZERO), "other"), version_1);
    until(|| node.marks.is_gone(before, &labels("s-4f1c9a02be77d310"))).await;
    let marks = node.marks.purge(&[by_tag("x"), Selector::Prefix("http://a/é\n".to_owned())], true).unwrap();
    node.tier.publish(&marks).await.expect("published");
    let name = bucket.called("put", "/marks/").pop().expect("published");
    let written: serde_json::Value = serde_json::from_slice(&bucket.objects()[&name]).unwrap();
    let expected = serde_json::json!({"tintype": "marks", "version": 1, "marks": marks});
    assert_eq!(written, expected);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_purge_holds_on_other_nodes() {
    for soft in [false, true] {
        let bucket = Arc::new(Fake::default());
        let (one, other) = (Node::ready(&bucket).await, Node::ready(&bucket).await);
        one.put(one.entry(key("x"), "x", b"body")).await;
        one.put(one.entry(key("y"), "y", b"body")).await;
        let read = other.tier.get(&key("x")).await.expect("it is there");
        let own = other.marks.stamps().now();
        let start = clock::instant();
        purge(&one, "x", soft).await.expect("published");
        assert_eq!(start.elapsed(), ACKNOWLEDGED_AFTER);
        for (what, stamp) in [("read from the bucket", read.stamp), ("made here", own)] {
            let verdict = other.marks.judge(stamp, &labels("x"));
            assert_eq!((verdict == Verdict::Gone, verdict == Verdict::Good), (!soft, false), "{what}");
        }
        let started_later = Node::ready(&bucket).await;
        for node in [&one, &other, &started_later] {
            let found = node.tier.get(&key("x")).await;
            assert_eq!(found.is_some(), soft);
            if let Some(entry) = found {
                assert!(matches!(node.marks.judge(entry.stamp, &entry.labels), Verdict::Stale { .. }));
            }
            assert!(node.tier.get(&key("y")).await.is_some(), "not named");
            assert_eq!(node.marks.judge(node.marks.stamps().now(), &labels("x")), Verdict::Good, "begun since");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_on_another_node_is_not_read_when_it_arrives() {
    let bucket = Arc::new(Fake::default());
    let (one, other) = (Node::ready(&bucket).await, Node::ready(&bucket).await);
    let under_way = other.entry(key("x"), "x", b"body");
    let marks = one.marks.purge(&[by_tag("x")], false).unwrap();
    // Written by a node that has not seen the mark yet.
    other.put(under_way).await;
    assert_eq!(other.tier.state().written, 1);
    one.tier.publish(&marks).await.expect("published");
    for node in [&one, &other, &Node::ready(&bucket).await] {
        assert_eq!(node.tier.get(&key("x")).await, None);
    }
}

/// It may have made them of what others have purged, and its stamps would say that it came later.
#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_read_the_board_writes_nothing() {
    let bucket = Arc::new(Fake::default());
    let (one, slow) = (Node::ready(&bucket).await, Node::ready(&bucket).await);
    bucket.set("list", Fault::Stall);
    let marks = one.marks.purge(&[by_tag("x")], false).unwrap();
    one.tier.publish(&marks).await.expect("published");
    pass(SKEW * 2).await;
    slow.tier.put(slow.entry(key("x"), "x", b"body"));
    pass(POLL * 5).await;
    assert_eq!(slow.tier.state().written, 0, "it waits");
    bucket.heal("list");
    until(|| slow.tier.state().dropped == 1 && slow.tier.state().is_read).await;
    bucket.set("list", Fault::Stall);
    slow.tier.put(slow.entry(key("y"), "y", b"body"));
    until(|| slow.tier.state().dropped == 2).await;
    bucket.heal("list");
    until(|| slow.tier.state().is_read).await;
    slow.put(slow.entry(key("y"), "y", b"body")).await;
    assert_eq!(slow.tier.state().written, 1);
}

#[tokio::test(start_paused = true)]
async fn clocks_that_differ_within_the_skew_do_no_harm() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    let purged_at = ago(Duration::from_mins(1));
    let behind = |time: Duration| Stamp::from_micros(purged_at.micros() - u64::try_from(time.as_micros()).unwrap());
    post(&bucket, purged_at, "x");
    let fresh = Node::ready(&bucket).await;
    let before = behind(Duration::ZERO);
    until(|| node.marks.is_gone(before, &labels("x"))).await;
    let name = Names::new("p").object(&key("a"));
    let template = node.entry(key("a"), "x", b"body");
    // Made before the purge, by clocks that are as far ahead or behind as they may be.
    for stamp in [purged_at.plus(SKEW), behind(Duration::from_mins(1)), behind(SKEW)] {
        write(&bucket, name.clone(), &Entry { stamp, ..template.clone() });
        assert_eq!(node.tier.get(&key("a")).await, None, "{stamp:?}");
        assert_eq!(fresh.tier.get(&key("a")).await, None, "{stamp:?}");
    }
    // Made long enough after it. A node that saw the mark late cannot know, one that came later can.
    let long_after = SKEW * 3 + Duration::from_secs(10);
    write(&bucket, name, &Entry { stamp: purged_at.plus(long_after), ..template });
    assert!(fresh.tier.get(&key("a")).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_before_the_whole_board_is() {
    let bucket = Arc::new(Fake::default());
    let one = Node::ready(&bucket).await;
    let entry = one.entry(key("x"), "x", b"body");
    one.put(entry.clone()).await;
    purge(&one, "x", false).await.expect("published");
    for call in ["list", "get"] {
        bucket.set(call, Fault::Stall);
        let late = Node::new(&bucket, spec());
        pass(POLL * 3).await;
        assert_eq!(late.tier.get(&key("x")).await, None);
        assert_eq!((late.tier.state().is_read, late.tier.state().marks_age_ms), (false, None));
        assert!(bucket.called("get", "/objects/").is_empty());
        bucket.heal(call);
        // The reading that hangs is given up, and the next one goes well.
        until(|| late.tier.state().is_read).await;
        assert_eq!(late.marks.judge(entry.stamp, &entry.labels), Verdict::Gone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_the_board_reads_nothing_until_it_has_it_again() {
    let bucket = Arc::new(Fake::default());
    let (one, lost) = (Node::ready(&bucket).await, Node::ready(&bucket).await);
    one.put(one.entry(key("a"), "x", b"body")).await;
    bucket.set("list", Fault::Fail);
    pass(POLL * 9).await;
    assert!(lost.tier.get(&key("a")).await.is_some(), "a few failures are nothing");
    pass(POLL * 2).await;
    let asked = bucket.called("get", "/objects/").len();
    assert_eq!(lost.tier.get(&key("a")).await, None);
    assert_eq!(bucket.called("get", "/objects/").len(), asked);
    let before = lost.marks.stamps().now();
    purge(&one, "x", false).await.expect("published, which is all that one node can know");
    assert_eq!(lost.marks.judge(before, &labels("x")), Verdict::Good);
    bucket.heal("list");
    until(|| lost.tier.state().is_read).await;
    assert!(lost.marks.is_gone(before, &labels("x")) && lost.tier.get(&key("a")).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_published_is_said() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    for fault in [Fault::Fail, Fault::Stall] {
        bucket.set("put", fault);
        let start = clock::instant();
        assert!(matches!(purge(&node, "x", false).await, Err(SharedError::Unpublished(_))));
        assert!(start.elapsed() <= Duration::from_secs(10), "{:?}", start.elapsed());
    }
    node.tier.publish(&[]).await.expect("nothing to publish");
    assert_eq!(on_board(&bucket), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_purged_is_not_written_and_what_was_written_meanwhile_is_deleted() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    let gate = Arc::new(Semaphore::new(0));
    bucket.set("put", Fault::Hold(Arc::clone(&gate)));
    // Two of one key wait in one lane: the second is judged when its turn comes.
    let entries = [node.entry(key("a"), "x", b"one"), node.entry(key("a"), "x", b"two")];
    for entry in entries {
        node.tier.put(entry);
    }
    let name = Names::new("p").object(&key("a"));
    until(|| bucket.objects().contains_key(&name)).await;
    node.marks.purge(&[by_tag("x")], false).unwrap();
    gate.add_permits(100);
    assert!(node.tier.flush(MINUTES).await);
    assert_eq!(bucket.called("put", "/objects/").len(), 1);
    assert!(!bucket.objects().contains_key(&name));
    assert_eq!((node.tier.state().written, node.tier.state().dropped), (1, 1));
    // What other nodes would take for purged is not worth its way.
    node.put(node.entry(key("a"), "x", b"three")).await;
    assert_eq!(node.tier.state().dropped, 2);
    // Of a changed original, what was made of the new one is written at once.
    node.marks.outdate(&Tag::new("y").unwrap(), node.marks.stamps().now());
    node.put(node.entry(key("a"), "y", b"four")).await;
    assert_eq!(node.tier.state().written, 2);
}

#[tokio::test(start_paused = true)]
async fn marks_that_cannot_be_understood_are_not_passed_over() {
    let stamp = ago(Duration::from_mins(1));
    let strange = [
        "",
        "[]",
        r#"{"tintype":"marks","version":2,"marks":[]}"#,
        r#"{"tintype":"other","version":1,"marks":[]}"#,
        r#"{"tintype":"marks","version":1,"marks":[{"selector":{"host":"a"},"stamp":1,"soft":false}]}"#,
    ];
    for text in strange {
        let bucket = Arc::new(Fake::default());
        let node = Node::ready(&bucket).await;
        let name = Names::new("p").marks(stamp, "other");
        bucket.objects().insert(name.clone(), Bytes::from(text));
        until(|| !node.tier.state().is_read).await;
        bucket.objects().remove(&name);
        until(|| node.tier.state().is_read).await;
    }
    let bucket = Arc::new(Fake::default());
    for name in ["p/v1/marks/", "p/v1/marks/readme.txt", "p/v1/marksmen"] {
        bucket.objects().insert(name.to_owned(), Bytes::from_static(b"not ours"));
    }
    Node::ready(&bucket).await;
    assert_eq!(bucket.objects().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn marks_that_nothing_is_old_enough_for_are_deleted() {
    let bucket = Arc::new(Fake::default());
    let over = ago(spec().keep + SKEW * 4 + Duration::from_mins(61));
    let old = ago(spec().keep + Duration::from_mins(30));
    post(&bucket, over, "over");
    post(&bucket, old, "old");
    let node = Node::ready(&bucket).await;
    until(|| on_board(&bucket) == 1).await;
    let labels_of = |tag| (Stamp::default(), labels(tag));
    let is_gone = |(stamp, labels): (Stamp, Labels)| node.marks.is_gone(stamp, &labels);
    assert!(is_gone(labels_of("old")) && !is_gone(labels_of("over")));
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_once_and_never_by_their_publisher() {
    let bucket = Arc::new(Fake::default());
    let (one, other) = (Node::ready(&bucket).await, Node::ready(&bucket).await);
    purge(&one, "x", false).await.expect("published");
    pass(POLL * 5).await;
    assert_eq!(bucket.called("get", "/marks/").len(), 1);
    assert_eq!((one.tier.state().marks_objects, other.tier.state().marks_objects), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_long_board_is_listed_from_its_end_and_late_marks_are_found() {
    let bucket = Arc::new(Fake::default());
    let stamps: Vec<Stamp> = (0..600).map(|number| ago(Duration::from_mins(700 - number))).collect();
    for stamp in &stamps {
        post(&bucket, *stamp, "x");
    }
    let node = Node::ready(&bucket).await;
    assert_eq!(node.tier.state().marks_objects, 600);
    let lists = bucket.called("list", "").len();
    let is_listed_since = |from: usize| bucket.called("list", "").len() > from;
    until(|| is_listed_since(lists + 1)).await;
    let names = Names::new("p");
    assert_eq!(bucket.called("list", "").last(), Some(&names.marks(stamps[99], "other")));
    // As late as writing may be, and within the last half page.
    let before = node.marks.stamps().now();
    post(&bucket, stamps[100].plus(Duration::from_secs(1)), "late");
    until(|| node.marks.is_gone(before, &labels("late"))).await;
    // Later than anything is allowed to be: found when everything is listed.
    post(&bucket, stamps[0].plus(Duration::from_secs(1)), "very-late");
    let before = node.marks.stamps().now();
    pass(POLL * 5).await;
    assert!(!node.marks.is_gone(before, &labels("very-late")));
    pass(POLL * 300).await;
    assert!(node.marks.is_gone(before, &labels("very-late")));
}

/// Of a bucket whose listings are ahead of its objects, or where another node deletes at the same moment.
#[tokio::test(start_paused = true)]
async fn a_page_that_is_listed_and_not_there_is_asked_for_again() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    let before = node.marks.stamps().now();
    bucket.set("get", Fault::Absent);
    post(&bucket, ago(Duration::ZERO), "x");
    pass(POLL * 3).await;
    assert!(node.tier.state().is_read && !node.marks.is_gone(before, &labels("x")));
    bucket.heal("get");
    until(|| node.marks.is_gone(before, &labels("x"))).await;
}

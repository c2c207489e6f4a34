//! One tier on a bucket that fails as told, and several tiers on one bucket.

use std::time::UNIX_EPOCH;

use super::fake::{Fake, Fault};
use super::*;
use crate::cache::{Class, Labels, Selector, Stamps, Tag};

mod purges;

const POLL: Duration = Duration::from_secs(1);
const SKEW: Duration = Duration::from_secs(10);
const MINUTES: Duration = Duration::from_mins(5);

/// One node: a tier with marks of its own.
struct Node {
    tier: SharedTier,
    marks: Arc<Marks>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

fn spec() -> SharedSpec {
    SharedSpec {
        prefix: "p".to_owned(),
        get_timeout: Duration::from_millis(500),
        queue_bytes_max: 1 << 20,
        object_bytes_max: 1 << 20,
        marks_poll: POLL,
        keep: Duration::from_hours(24 * 30),
        clock_skew: SKEW,
    }
}

impl Node {
    fn new(bucket: &Arc<Fake>, spec: SharedSpec) -> Self {
        let marks = Arc::new(Marks::in_memory(Stamps::default()));
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let tier = SharedTier::start(spec, Arc::clone(bucket) as Arc<dyn Bucket>, Arc::clone(&marks), &tracker, &stop);
        Self { tier, marks, tracker, stop }
    }

    /// A node that has read the board.
    async fn ready(bucket: &Arc<Fake>) -> Self {
        let node = Self::new(bucket, spec());
        until(|| node.tier.state().is_read).await;
        node
    }

    fn entry(&self, key: Key, tag: &str, body: &[u8]) -> Entry {
        Entry {
            class: Class::Variant,
            key,
            stamp: self.marks.stamps().now(),
            labels: labels(tag),
            record: Bytes::from_static(b"record"),
            body: Bytes::copy_from_slice(body),
        }
    }

    async fn put(&self, entry: Entry) {
        self.tier.put(entry);
        assert!(self.tier.flush(MINUTES).await);
    }
}

fn labels(tag: &str) -> Labels {
    Labels { source: format!("http://a/{tag}.jpg"), tags: vec![Tag::new(tag).unwrap()] }
}

fn by_tag(tag: &str) -> Selector {
    Selector::Tag(Tag::new(tag).unwrap())
}

fn key(name: &str) -> Key {
    Key::of("test", &[name.as_bytes()])
}

fn write(bucket: &Fake, name: String, entry: &Entry) {
    bucket.objects().insert(name, Bytes::from([&entry.head_bytes()[..], &entry.body].concat()));
}

fn ago(time: Duration) -> Stamp {
    let since = clock::now().duration_since(UNIX_EPOCH).unwrap().checked_sub(time).unwrap();
    Stamp::from_micros(u64::try_from(since.as_micros()).unwrap())
}

/// Lets time pass until it is so.
async fn until(is_so: impl Fn() -> bool) {
    let start = clock::instant();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while !is_so() {
        ticks.tick().await;
        assert!(start.elapsed() < MINUTES, "never");
    }
}

async fn pass(time: Duration) {
    let mut ticks = tokio::time::interval(time);
    for _ in 0..2 {
        ticks.tick().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_node_made_another_one_has() {
    let bucket = Arc::new(Fake::default());
    let (one, other) = (Node::ready(&bucket).await, Node::ready(&bucket).await);
    let large = vec![7; INLINE_BYTES_MAX + 1];
    for body in [&b"body"[..], b"", &large] {
        let entry = one.entry(key("a"), "x", body);
        one.put(entry.clone()).await;
        let found = other.tier.get(&key("a")).await.expect("it is there");
        assert_eq!(Entry { stamp: entry.stamp, ..found.clone() }, entry);
        assert_eq!(found.stamp, clocks::of_entry(entry.stamp, other.marks.stamps().now(), SKEW));
        one.tier.remove(key("a"));
        assert!(one.tier.flush(MINUTES).await);
        assert_eq!(other.tier.get(&key("a")).await, None);
    }
    assert_eq!(one.tier.state().written, 3);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_slow_or_fails_is_an_absence_in_time() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    node.put(node.entry(key("a"), "x", b"body")).await;
    for (fault, took) in [(Fault::Fail, Duration::ZERO), (Fault::Stall, spec().get_timeout)] {
        bucket.set("get", fault);
        let start = clock::instant();
        assert_eq!(node.tier.get(&key("a")).await, None);
        assert_eq!(start.elapsed(), took);
    }
    bucket.heal("get");
    assert!(node.tier.get(&key("a")).await.is_some());
    assert_eq!(node.tier.state().failed_gets, 2);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_keeps_failing_is_left_alone_and_tried_again() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    node.put(node.entry(key("a"), "x", b"body")).await;
    bucket.set("get", Fault::Stall);
    for _ in 0..breaker::FAILURES_MAX {
        assert_eq!(node.tier.get(&key("a")).await, None);
    }
    assert!(node.tier.state().is_get_open && !node.tier.state().is_read);
    bucket.heal("get");
    let (start, asked) = (clock::instant(), bucket.called("get", "objects").len());
    assert_eq!(node.tier.get(&key("a")).await, None);
    assert_eq!((start.elapsed(), bucket.called("get", "objects").len()), (Duration::ZERO, asked));
    pass(breaker::OPEN_FOR).await;
    assert!(node.tier.get(&key("a")).await.is_some());
    assert!(node.tier.state().is_read);
}

#[tokio::test(start_paused = true)]
async fn so_many_read_at_a_time_and_the_others_wait_no_longer_than_a_read_may_take() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    let gate = Arc::new(Semaphore::new(0));
    bucket.set("get", Fault::Hold(Arc::clone(&gate)));
    let start = clock::instant();
    let reads = (0..=READS_AT_ONCE).map(|number| {
        let tier = node.tier.clone();
        async move { tier.get(&key(&number.to_string())).await }
    });
    let all = futures_util::future::join_all(reads);
    tokio::pin!(all);
    std::future::poll_fn(|context| {
        assert!(all.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    assert_eq!(bucket.called("get", "objects").len(), READS_AT_ONCE);
    assert!(all.await.iter().all(Option::is_none));
    assert_eq!(start.elapsed(), spec().get_timeout);
    assert_eq!(bucket.called("get", "objects").len(), READS_AT_ONCE, "the last one never got to ask");
    assert_eq!(node.tier.state().failed_gets, READS_AT_ONCE as u64, "and tells nothing about the bucket");
}

#[tokio::test(start_paused = true)]
async fn what_is_damaged_foreign_or_too_old_is_absent() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    let names = Names::new("p");
    let good = node.entry(key("a"), "x", b"body");
    write(&bucket, names.object(&key("a")), &good);
    assert!(node.tier.get(&key("a")).await.is_some());
    write(&bucket, names.object(&key("b")), &good);
    bucket.objects().insert(names.object(&key("c")), Bytes::from_static(b"<html>"));
    bucket.objects().insert(names.object(&key("d")), Bytes::new());
    for name in ["b", "c", "d"] {
        assert_eq!(node.tier.get(&key(name)).await, None, "{name}");
    }
    assert!(!node.tier.state().is_get_open, "the bucket did not fail");
    let almost = spec().keep.checked_sub(Duration::from_mins(1)).unwrap();
    for (age, is_used) in [(almost, true), (spec().keep + Duration::from_mins(1), false)] {
        write(&bucket, names.object(&key("a")), &Entry { stamp: ago(age), ..good.clone() });
        assert_eq!(node.tier.get(&key("a")).await.is_some(), is_used, "{age:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded_in_bytes_and_counts_until_it_is_written() {
    let bucket = Arc::new(Fake::default());
    let node = Node::new(&bucket, SharedSpec { queue_bytes_max: 10 * 1024, ..spec() });
    let gate = Arc::new(Semaphore::new(0));
    bucket.set("put", Fault::Hold(Arc::clone(&gate)));
    node.tier.put(node.entry(key("whole"), "x", &[0; 10 * 1024]));
    assert_eq!(node.tier.state().dropped, 1, "larger than the queue with its head");
    for number in 0..6 {
        node.tier.put(node.entry(key(&number.to_string()), "x", &[0; 1500]));
    }
    let state = node.tier.state();
    assert_eq!((state.queue_bytes, state.dropped), (10 * 1024, 2), "five of 2 KiB each");
    assert!(!node.tier.flush(Duration::from_secs(1)).await, "nothing is written yet");
    assert_eq!(node.tier.state().queue_bytes, 10 * 1024);
    gate.add_permits(100);
    assert!(node.tier.flush(MINUTES).await);
    let state = node.tier.state();
    assert_eq!((state.queue_bytes, state.queue_entries, state.written), (0, 0, 5));
}

#[tokio::test(start_paused = true)]
async fn what_is_larger_than_is_read_is_not_written_and_no_failure() {
    let bucket = Arc::new(Fake::default());
    let node = Node::new(&bucket, SharedSpec { object_bytes_max: 1000, ..spec() });
    until(|| node.tier.state().is_read).await;
    let template = node.entry(key("a"), "x", b"");
    let head = template.head_bytes().len();
    node.put(Entry { body: Bytes::from(vec![0; 1000]), ..template.clone() }).await;
    node.put(Entry { body: Bytes::from(vec![0; 900 - head]), ..template }).await;
    assert_eq!((node.tier.state().written, node.tier.state().dropped), (1, 1));
    bucket.set("get", Fault::TooLarge);
    for _ in 0..=breaker::FAILURES_MAX {
        assert_eq!(node.tier.get(&key("a")).await, None);
    }
    assert!(node.tier.state().is_read);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_cannot_be_written_loses_entries_and_nothing_else() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    bucket.set("put", Fault::Fail);
    for number in 0..=breaker::FAILURES_MAX {
        node.put(node.entry(key(&number.to_string()), "x", b"body")).await;
    }
    let state = node.tier.state();
    assert!(state.is_put_open && state.is_read);
    assert_eq!((state.failed_puts, state.dropped, state.queue_bytes), (5, 1, 0));
    bucket.heal("put");
    pass(breaker::OPEN_FOR).await;
    node.put(node.entry(key("a"), "x", b"body")).await;
    assert!(node.tier.get(&key("a")).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_end_ends_it() {
    let bucket = Arc::new(Fake::default());
    let node = Node::ready(&bucket).await;
    bucket.set("put", Fault::Stall);
    node.tier.put(node.entry(key("a"), "x", b"body"));
    node.stop.cancel();
    node.tracker.close();
    node.tracker.wait().await;
    node.tier.put(node.entry(key("b"), "x", b"body"));
    assert!(!node.tier.flush(MINUTES).await);
    assert_eq!(node.tier.state().queue_bytes, 0);
}

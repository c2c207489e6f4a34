//! The bucket that nodes share, on a real S3 server and on one that fails.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tintype::cache::{Class, Entry, Key, Labels, Marks, Selector, SharedSpec, SharedTier, Stamps, Tag};
use tintype::origin::{
    AzSpec, BucketLimits, BucketSpec, BucketStore, GsSpec, ObjectBucket, OriginError, OriginSetupError, S3Credentials,
    S3Spec,
};
use tintype::telemetry::clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::s3_server::{KEY_ID, S3, key};
use super::scripted::{Scripted, Step, answer, head};

/// Limits that a healthy local server is far below, on a busy machine too.
fn limits() -> BucketLimits {
    BucketLimits { object_bytes_max: 1024, connect_ms_max: 10_000, total_ms_max: 30_000, ..BucketLimits::default() }
}

fn spec(s3: S3Spec) -> BucketSpec {
    BucketSpec { store: BucketStore::S3(s3), bucket: "pictures".to_owned(), limits: limits() }
}

fn bucket(server: &S3) -> ObjectBucket {
    // Whether the scheme is one of sources says nothing about this bucket.
    ObjectBucket::new(&spec(S3Spec { enabled: false, ..server.spec().s3 })).expect("a valid spec")
}

fn scripted(server: &Scripted) -> BucketSpec {
    let credentials = S3Credentials::Anonymous;
    spec(S3Spec { enabled: true, endpoint: Some(server.url("")), credentials, ..S3Spec::default() })
}

fn parts(texts: &[&'static str]) -> Vec<Bytes> {
    texts.iter().map(|text| Bytes::from_static(text.as_bytes())).collect()
}

#[tokio::test]
async fn what_is_written_is_read_until_it_is_deleted() {
    let s3 = S3::start(None).await;
    let bucket = bucket(&s3);
    assert_eq!(bucket.get("a/b").await.expect("an answer"), None);
    bucket.put("a/b", parts(&["one, ", "", "two"])).await.expect("written");
    assert_eq!(bucket.get("a/b").await.expect("an answer").as_deref(), Some(&b"one, two"[..]));
    bucket.put("a/b", parts(&["three"])).await.expect("written over");
    assert_eq!(bucket.get("a/b").await.expect("an answer").as_deref(), Some(&b"three"[..]));
    bucket.put("a/empty", Vec::new()).await.expect("written");
    assert_eq!(bucket.get("a/empty").await.expect("an answer").as_deref(), Some(&b""[..]));
    for _ in 0..2 {
        bucket.delete("a/b").await.expect("gone");
        assert_eq!(bucket.get("a/b").await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn a_listing_is_in_order_from_where_it_was_asked_for() {
    let s3 = S3::start(None).await;
    let bucket = bucket(&s3);
    assert_eq!(bucket.list("marks", None).await.expect("a listing"), Vec::<String>::new());
    for name in ["marks/3-b", "marks/1-a", "marks/2-a", "marks/sub/4", "marksmen/9", "other"] {
        bucket.put(name, parts(&["x"])).await.expect("written");
    }
    let all = ["marks/1-a", "marks/2-a", "marks/3-b", "marks/sub/4"];
    assert_eq!(bucket.list("marks", None).await.expect("a listing"), all);
    assert_eq!(bucket.list("marks", Some("marks/1-a")).await.expect("a listing"), all[1..]);
    assert_eq!(bucket.list("marks", Some("marks/25")).await.expect("a listing"), all[2..]);
    let short = BucketLimits { names_max: 3, ..limits() };
    let short = ObjectBucket::new(&BucketSpec { limits: short, ..spec(s3.spec().s3) }).expect("a valid spec");
    assert!(short.list("marks", None).await.is_err(), "a listing that was cut would hide a name");
    assert_eq!(short.list("marks", Some("marks/1-a")).await.expect("at the limit").len(), 3);
}

#[tokio::test]
async fn a_long_listing_comes_in_pages() {
    let s3 = S3::start(None).await;
    for number in 0..2_500 {
        s3.put(&format!("marks/{number:05}-{}", "x".repeat(200)), b"x");
    }
    let names = bucket(&s3).list("marks", None).await.expect("a listing");
    assert!(names.is_sorted() && names.len() == 2_500, "{}", names.len());
}

#[tokio::test]
async fn an_object_may_be_as_large_as_the_limit() {
    let s3 = S3::start(None).await;
    s3.put("max", &[b'x'; 1024]);
    s3.put("more", &[b'x'; 1025]);
    let bucket = bucket(&s3);
    assert_eq!(bucket.get("max").await.expect("at the limit").map(|bytes| bytes.len()), Some(1024));
    assert!(matches!(bucket.get("more").await, Err(OriginError::TooLarge { got: 1025, max: 1024 })));
    // No limit of what is read is one of what is written, and it is read back whole where the limit allows.
    let large = Bytes::from(vec![7; 5 << 20]);
    bucket.put("large", vec![large.clone()]).await.expect("written");
    let limits = BucketLimits { object_bytes_max: 5 << 20, ..limits() };
    let reader = ObjectBucket::new(&BucketSpec { limits, ..spec(s3.spec().s3) }).expect("a valid spec");
    assert!(reader.get("large").await.expect("an object") == Some(large));
}

#[tokio::test]
async fn no_bucket_and_no_right_are_failures() {
    let s3 = S3::start(None).await;
    let stranger = S3Spec { credentials: key(KEY_ID, "wrong"), ..s3.spec().s3 };
    let stranger = ObjectBucket::new(&spec(stranger)).expect("a valid spec");
    assert!(matches!(stranger.get("a").await, Err(OriginError::Status { code: 403 })));
    assert!(matches!(stranger.put("a", parts(&["x"])).await, Err(OriginError::Status { code: 403 })));
    assert!(stranger.list("a", None).await.is_err() && stranger.delete("a").await.is_err());
    let missing = BucketSpec { bucket: "missing".to_owned(), ..spec(s3.spec().s3) };
    let missing = ObjectBucket::new(&missing).expect("a valid spec");
    assert!(missing.list("a", None).await.is_err());
}

#[tokio::test]
async fn a_short_failure_of_a_write_is_survived_with_the_whole_body() {
    let server = Scripted::start(|asked| match asked.number {
        0 => answer("503 Slow Down", &[], b""),
        1 => vec![Step::Close],
        _ => answer("200 OK", &[("etag", "\"v1\"")], b""),
    })
    .await;
    let bucket = ObjectBucket::new(&scripted(&server)).expect("a valid spec");
    bucket.put("a", parts(&["one, ", "two"])).await.expect("the third try");
    let lengths: Vec<_> =
        server.requests().iter().map(|asked| asked.field("content-length").map(str::to_owned)).collect();
    assert_eq!(lengths, [Some("8"), Some("8"), Some("8")].map(|length| length.map(str::to_owned)));
}

#[tokio::test]
async fn every_call_ends_in_time() {
    let server = Scripted::start(|asked| match asked.target.as_str() {
        "/pictures/body" => vec![
            Step::Send(head(
                "200 OK",
                &[("etag", "\"v1\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ("content-length", "7")],
            )),
            Step::Stall,
        ],
        _ => vec![Step::Stall],
    })
    .await;
    let limits = BucketLimits { total_ms_max: 100, ..limits() };
    let bucket = ObjectBucket::new(&BucketSpec { limits, ..scripted(&server) }).expect("a valid spec");
    let is_late = |error: OriginError| matches!(error, OriginError::Timeout { after_ms: 100, .. });
    assert!(is_late(bucket.get("head").await.expect_err("silence")));
    assert!(is_late(bucket.get("body").await.expect_err("silence")));
    assert!(is_late(bucket.put("a", parts(&["x"])).await.expect_err("silence")));
    assert!(is_late(bucket.delete("a").await.expect_err("silence")));
    assert!(is_late(bucket.list("a", None).await.expect_err("silence")));
}

#[tokio::test]
async fn mistakes_show_at_the_start() {
    let wrong = Some("localhost:9000".to_owned());
    let stores = [
        BucketStore::S3(S3Spec { endpoint: wrong.clone(), ..S3Spec::default() }),
        BucketStore::Gs(GsSpec { endpoint: wrong.clone(), anonymous: true, ..GsSpec::default() }),
        BucketStore::Az(AzSpec {
            endpoint: wrong,
            account: Some("a".to_owned()),
            anonymous: true,
            ..AzSpec::default()
        }),
    ];
    for store in stores {
        let made = ObjectBucket::new(&BucketSpec { store, bucket: "pictures".to_owned(), limits: limits() });
        assert!(matches!(made, Err(OriginSetupError::Endpoint { .. })), "{made:?}");
    }
    let limits = BucketLimits { total_ms_max: 0, ..limits() };
    let made = ObjectBucket::new(&BucketSpec { limits, ..spec(S3Spec::default()) });
    assert!(matches!(made, Err(OriginSetupError::ZeroLimit { name: "total_ms_max" })), "{made:?}");
}

/// A node with a shared tier over a bucket.
struct Node {
    tier: SharedTier,
    marks: Arc<Marks>,
    stop: CancellationToken,
}

fn tier_spec() -> SharedSpec {
    SharedSpec {
        prefix: "tintype/cache".to_owned(),
        get_timeout: Duration::from_secs(5),
        queue_bytes_max: 64 << 20,
        object_bytes_max: 16 << 20,
        marks_poll: Duration::from_millis(50),
        keep: Duration::from_hours(24),
        clock_skew: Duration::from_secs(10),
    }
}

impl Node {
    fn start(store: BucketStore, spec: SharedSpec) -> Self {
        let limits = BucketLimits { object_bytes_max: spec.object_bytes_max, ..limits() };
        let spec_of_bucket = BucketSpec { store, bucket: "pictures".to_owned(), limits };
        let bucket = Arc::new(ObjectBucket::new(&spec_of_bucket).expect("a valid spec"));
        let (marks, stop) = (Arc::new(Marks::in_memory(Stamps::default())), CancellationToken::new());
        let tier = SharedTier::start(spec, bucket, Arc::clone(&marks), &TaskTracker::new(), &stop);
        Self { tier, marks, stop }
    }

    async fn ready(s3: &S3) -> Self {
        let node = Self::start(BucketStore::S3(s3.spec().s3), tier_spec());
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let reading = async {
            while !node.tier.state().is_read {
                ticks.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading).await.expect("the board is read");
        node
    }

    async fn put(&self, name: &str, tag: &str, body: Vec<u8>) -> Entry {
        let labels = Labels { source: "http://a/b.jpg".to_owned(), tags: vec![Tag::new(tag).expect("a tag")] };
        let (record, stamp) = (Bytes::from_static(b"{}"), self.marks.stamps().now());
        let entry = Entry { class: Class::Variant, key: named(name), stamp, labels, record, body: Bytes::from(body) };
        self.tier.put(entry.clone());
        assert!(self.tier.flush(Duration::from_secs(30)).await, "{:?}", self.tier.state());
        entry
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn named(name: &str) -> Key {
    Key::of("test", &[name.as_bytes()])
}

#[tokio::test]
async fn nodes_share_a_bucket_and_obey_its_purges() {
    let s3 = S3::start(None).await;
    let (one, other) = (Node::ready(&s3).await, Node::ready(&s3).await);
    let large: Vec<u8> = (0..2_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for (name, body) in [("small", b"body".to_vec()), ("empty", Vec::new()), ("large", large)] {
        let entry = one.put(name, "x", body).await;
        let found = other.tier.get(&named(name)).await.expect(name);
        assert!(found.body == entry.body && found.record == entry.record && found.labels == entry.labels, "{name}");
        assert!(found.stamp < entry.stamp);
    }
    one.put("kept", "y", b"body".to_vec()).await;
    let own = other.marks.stamps().now();
    let tag = Tag::new("x").expect("a tag");
    let marks = one.marks.purge(&[Selector::Tag(tag)], false).expect("marks in memory");
    one.tier.publish(&marks).await.expect("published");
    let labels = Labels { source: String::new(), tags: vec![Tag::new("x").expect("a tag")] };
    assert!(other.marks.is_gone(own, &labels), "what the other node keeps itself is purged too");
    let later = Node::ready(&s3).await;
    for node in [&one, &other, &later] {
        for name in ["small", "empty", "large"] {
            assert_eq!(node.tier.get(&named(name)).await, None, "{name}");
        }
        assert!(node.tier.get(&named("kept")).await.is_some());
    }
    one.tier.remove(named("kept"));
    assert!(one.tier.flush(Duration::from_secs(30)).await);
    assert_eq!(other.tier.get(&named("kept")).await, None);
    let objects = fs::read_dir(s3.folder.path().join("pictures/tintype/cache/v1/objects")).expect("a folder");
    assert!(objects.count() >= 1, "in the place that lifecycle rules are written for");
    assert_eq!(one.tier.state().failed_puts + other.tier.state().failed_gets, 0);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_silent_is_an_absence_in_time() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("a bound socket")
    };
    // Everything but the board hangs, so that the bucket is asked.
    let list = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let silent = Scripted::start(move |asked| {
        if asked.target.contains("list-type") {
            return answer("200 OK", &[], list.as_bytes());
        }
        vec![Step::Stall]
    })
    .await;
    let timeout = Duration::from_millis(200);
    for (endpoint, is_read) in [(format!("http://{gone}"), false), (silent.url(""), true)] {
        let credentials = S3Credentials::Anonymous;
        let store = BucketStore::S3(S3Spec { endpoint: Some(endpoint), credentials, ..S3Spec::default() });
        let node = Node::start(store, SharedSpec { get_timeout: timeout, ..tier_spec() });
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        for _ in 0..if is_read { 2_000 } else { 20 } {
            if node.tier.state().is_read {
                break;
            }
            ticks.tick().await;
        }
        assert_eq!(node.tier.state().is_read, is_read);
        let start = clock::instant();
        assert_eq!(node.tier.get(&named("a")).await, None);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(node.tier.state().failed_gets, u64::from(is_read));
    }
}

#[tokio::test]
async fn other_stores_are_asked_in_their_own_words() {
    let server = Scripted::start(|asked| {
        if !asked.head.starts_with("put") {
            return answer("404 Not Found", &[], b"");
        }
        let fields = [("etag", "\"v1\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")];
        let mut steps = answer("201 Created", &fields, b"");
        steps.push(Step::Close);
        steps
    })
    .await;
    let endpoint = Some(server.url("/"));
    // Writing to Google needs credentials, which no test has.
    let stores = [
        (BucketStore::Gs(GsSpec { endpoint: endpoint.clone(), anonymous: true, ..GsSpec::default() }), false),
        (BucketStore::Az(AzSpec { endpoint, account: Some("a".to_owned()), anonymous: true, enabled: false }), true),
    ];
    for (store, is_written) in stores {
        let bucket = BucketSpec { store, bucket: "pictures".to_owned(), limits: limits() };
        let bucket = ObjectBucket::new(&bucket).expect("a valid spec");
        if is_written {
            bucket.put("a/b", parts(&["one, ", "two"])).await.expect("written");
        }
        assert_eq!(bucket.get("a/b").await.expect("an answer"), None);
    }
    let targets: Vec<_> = server.requests().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets, ["/pictures/a%2Fb", "/pictures/a/b", "/pictures/a/b"]);
}

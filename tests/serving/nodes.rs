//! Nodes that share a bucket: what one made no other makes, what one purged no other serves, and a bucket that is away
//! is as if there were none.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::kept::{End, Site, end, lasting, place, purged, settle, version};
use super::store::{Mood, Store};
use crate::support::client::send;
use crate::support::server::{Launch, Server};
use crate::support::{eventually, folder};
use tintype::telemetry::clock;

/// Longer than any request takes that does not wait for a bucket, on a busy machine too; shorter than a bucket's
/// silence would make it.
const QUICK: Duration = Duration::from_secs(5);

/// A node with a folder of its own.
struct Node {
    server: Server,
    launch: Launch,
    _disk: TempDir,
}

// === impl Node ===

impl Node {
    fn start(site: &Site, store: &Store) -> Self {
        let node = Self::begin(site, store);
        eventually("the board is read", || shared(&node.server)["is_read"] == json!(true));
        node
    }

    /// The same, whatever the bucket says.
    fn begin(site: &Site, store: &Store) -> Self {
        let disk = folder(&[]);
        let launch = store.shared_by(&site.launch_over(disk.path()));
        Self { server: launch.start(), launch, _disk: disk }
    }

    fn get(&self, target: &str) -> crate::support::client::Answer {
        self.server.get(target)
    }
}

fn shared(server: &Server) -> Value {
    server.status()["flow"]["shared"].clone()
}

/// Waits until so many entries of this node are in the bucket.
fn written(node: &Node, count: u64) {
    eventually(&format!("{count} entries are in the bucket"), || shared(&node.server)["written"] == json!(count));
}

fn tier(node: &Node, event: &str) -> u64 {
    let labels = ["tier=\"shared\"".to_owned(), format!("event=\"{event}\"")];
    node.server.metric("tintype_cache_events_total", &[&labels[0], &labels[1]])
}

#[test]
fn what_one_node_made_no_other_makes() {
    let (site, store) = (Site::start(), Store::start());
    let targets = site.targets(4);
    let a = Node::start(&site, &store);
    let first: Vec<_> = targets.iter().map(|target| a.get(target)).collect();
    written(&a, 4);
    assert_eq!(store.objects().len(), 4);
    let b = Node::start(&site, &store);
    for (target, first) in targets.iter().zip(&first) {
        let answer = b.get(target);
        assert!(place(&answer) == "shared" && lasting(&answer) == lasting(first), "{answer:?}");
        assert_eq!(place(&b.get(target)), "mem");
    }
    assert_eq!((site.asked(), b.server.fetches(), b.server.transforms()), (1, 0, 0));
    assert_eq!((tier(&b, "hit"), tier(&b, "miss")), (4, 0));
    assert_eq!(shared(&b.server)["written"], json!(0), "what came from there is not written there again");
    // What the bucket gave is on disk, too.
    settle(&b.server, 4, 0);
    let Node { server, launch, _disk: kept } = b;
    end(server, End::Killed);
    let before = store.asked();
    store.set(Mood::Gone);
    let b = launch.start();
    assert_eq!(place(&b.get(&targets[0])), "disk");
    assert!(store.asked() >= before);
    drop(kept);
}

#[test]
fn parts_heads_and_conditions_are_answered_from_the_bucket() {
    let (site, store) = (Site::start(), Store::start());
    let targets = site.targets(3);
    let a = Node::start(&site, &store);
    let first: Vec<_> = targets.iter().map(|target| a.get(target)).collect();
    written(&a, 3);
    let b = Node::start(&site, &store);
    let part = b.server.ask(&targets[0], &[("range", "bytes=1-7")]);
    assert_eq!((part.status, place(&part)), (206, "shared"));
    assert!(part.body == first[0].body[1..=7]);
    let head = send(b.server.addr, "HEAD", &targets[1], &[]).receive();
    assert_eq!((head.status, place(&head), head.field("etag")), (200, "shared", first[1].field("etag")));
    let confirmed = b.server.ask(&targets[2], &[("if-none-match", first[2].expect("etag"))]);
    assert_eq!((confirmed.status, place(&confirmed)), (304, "shared"));
    assert_eq!((site.asked(), b.server.transforms()), (1, 0));
}

/// An object that was torn, or is somebody else's, is as if it were not there.
#[test]
fn what_is_wrong_in_the_bucket_is_made_anew() {
    let (site, store) = (Site::start(), Store::start());
    let targets = site.targets(5);
    let a = Node::start(&site, &store);
    let first: Vec<_> = targets.iter().map(|target| a.get(target)).collect();
    written(&a, 5);
    let objects = store.objects();
    let cut = |path: &Path, len: usize| fs::write(path, &fs::read(path).expect("a file")[..len]).expect("a file");
    cut(&objects[0], 0);
    cut(&objects[1], 200);
    fs::write(&objects[2], b"not ours").expect("a file");
    fs::copy(&objects[4], &objects[3]).expect("two files");
    let b = Node::start(&site, &store);
    let mut places = Vec::new();
    for (target, first) in targets.iter().zip(&first) {
        let answer = b.get(target);
        assert!(lasting(&answer) == lasting(first), "{answer:?}");
        places.push(place(&answer).to_owned());
    }
    assert_eq!(places.iter().filter(|place| *place == "shared").count(), 1, "{places:?}");
    written(&b, 4);
    let c = Node::start(&site, &store);
    assert!(targets.iter().all(|target| place(&c.get(target)) == "shared"), "the good ones are there again");
}

#[test]
fn what_one_node_purged_no_other_serves() {
    let (site, store) = (Site::start(), Store::start());
    let (target, other) = (site.target("w:32", "a.png"), site.target("w:32", "b.png"));
    let (a, b) = (Node::start(&site, &store), Node::start(&site, &store));
    for node in [&a, &b] {
        assert_eq!((version(&node.get(&target)), version(&node.get(&other))), (0, 0));
        if std::ptr::eq(node, &a) {
            written(&a, 2);
        }
    }
    settle(&b.server, 2, 0);
    let tag = a.get(&target).expect("surrogate-key").split(' ').next().expect("a tag").to_owned();
    let orders = [
        json!({"urls": [target]}),
        json!({"sources": [site.source("a.png")]}),
        json!({"prefixes": [site.source("a")]}),
        json!({"tags": [tag]}),
    ];
    for (number, order) in (1..).zip(&orders) {
        // In memory, on disk and in the bucket.
        assert_eq!(version(&b.get(&target)), number - 1);
        site.change();
        purged(&a.server, order);
        let answer = b.get(&target);
        assert_eq!((version(&answer), place(&answer)), (number, "uri-miss"), "{order}: {answer:?}");
        assert_eq!(version(&a.get(&target)), number, "{order}");
        assert_eq!(place(&b.get(&other)), "mem", "{order}");
        let fresh = Node::start(&site, &store);
        assert_eq!(version(&fresh.get(&target)), number, "{order}");
        assert_eq!(version(&fresh.get(&other)), 0, "{order}");
    }
    // A node that was away when it was purged finds the mark when it comes back.
    let Node { server, launch, _disk } = b;
    end(server, End::Killed);
    site.change();
    purged(&a.server, &orders[1]);
    let b = launch.start();
    eventually("the board is read", || shared(&b)["is_read"] == json!(true));
    assert_eq!(version(&b.get(&target)), 5);
    assert_eq!(version(&b.get(&other)), 0);
    // And a soft one makes stale what others keep.
    site.change();
    purged(&a.server, &json!({"sources": [site.source("a.png")], "soft": true}));
    let stale = b.get(&target);
    assert_eq!((version(&stale), place(&stale)), (5, "swr"), "{stale:?}");
    eventually("it is renewed", || version(&b.get(&target)) == 6);
}

/// Asks for all of these; each answer is a good one and comes soon.
fn all_quick(node: &Node, targets: &[String], mood: Mood) {
    for target in targets {
        let begun = clock::instant();
        let answer = node.get(target);
        assert_eq!(answer.status, 200, "{mood:?} {target}: {answer:?}");
        assert!(begun.elapsed() < QUICK, "{mood:?}: {:?}", begun.elapsed());
    }
}

/// A purge that other nodes cannot be told of is not acknowledged, and holds here.
fn is_not_published(node: &Node, site: &Site, target: &str, mood: Mood) {
    let refused = node.server.purge(&json!({"sources": [site.source("a.png")]}));
    let problem = refused.problem();
    assert_eq!((refused.status, &problem["type"]), (503, &json!("urn:tintype:purge-not-published")), "{mood:?}");
    assert_eq!(place(&node.get(target)), "uri-miss", "{mood:?}");
}

fn away_from_the_start(mood: Mood) {
    let (site, store) = (Site::start(), Store::start());
    let targets = site.targets(12);
    store.set(mood);
    let node = Node::begin(&site, &store);
    all_quick(&node, &targets, mood);
    assert_eq!(shared(&node.server)["is_read"], json!(false));
    is_not_published(&node, &site, &targets[0], mood);
    all_quick(&node, &targets, mood);
}

/// What was read a moment ago is believed for a while, and the bucket asked in vain, until it is left alone.
fn away_from_the_middle(mood: Mood) {
    let (site, store) = (Site::start(), Store::start());
    let targets = site.targets(12);
    let node = Node::start(&site, &store);
    node.get(&targets[0]);
    store.set(mood);
    all_quick(&node, &targets, mood);
    is_not_published(&node, &site, &targets[0], mood);
    store.set(Mood::Well);
    let mut width = 100;
    eventually("the bucket is used again", || {
        width += 1;
        assert_eq!(node.get(&site.target(&format!("w:{width}"), "a.png")).status, 200);
        let state = shared(&node.server);
        state["is_read"] == json!(true) && state["is_put_open"] == json!(false)
    });
    purged(&node.server, &json!({"sources": [site.source("a.png")]}));
}

#[test]
fn a_bucket_that_is_away_is_as_if_there_were_none() {
    std::thread::scope(|scope| {
        for mood in [Mood::Silent, Mood::Gone, Mood::Failing] {
            scope.spawn(move || away_from_the_start(mood));
            scope.spawn(move || away_from_the_middle(mood));
        }
    });
}

//! Nodes that share a bucket: what one made no other makes, and what one purged no other serves.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::kept::{End, Site, end, lasting, picture, place, purged, settle, version};
use super::store::{Mood, Node, Store, shared};
use crate::support::client::send;
use crate::support::eventually;
use crate::support::origin::{Gate, Origin};

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
    let Node { server, launch, disk } = b;
    end(server, End::Killed);
    let before = store.asked();
    store.set(Mood::Gone);
    let b = launch.start();
    assert_eq!(place(&b.get(&targets[0])), "disk");
    assert!(store.asked() >= before);
    drop(disk);
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
    let both = (version(&a.get(&target)), version(&a.get(&other)));
    written(&a, 2);
    assert_eq!((both, version(&b.get(&target)), version(&b.get(&other))), ((0, 0), 0, 0));
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
    let Node { server, launch, disk: _disk } = b;
    end(server, End::Killed);
    site.change();
    purged(&a.server, &orders[1]);
    let b = launch.start();
    assert_eq!(version(&b.get(&target)), 5, "it reads what others have purged before it serves");
    assert_eq!(version(&b.get(&other)), 0);
    // And a soft one makes stale what others keep.
    site.change();
    purged(&a.server, &json!({"sources": [site.source("a.png")], "soft": true}));
    let stale = b.get(&target);
    assert_eq!((version(&stale), place(&stale)), (5, "swr"), "{stale:?}");
    eventually("it is renewed", || version(&b.get(&target)) == 6);
}

/// Fetched by one node before another one purges it.
#[test]
fn what_another_node_was_making_when_the_purge_came_is_not_served_after_it() {
    let (gate, told) = (Gate::default(), Arc::new(AtomicU32::new(0)));
    let (held, number) = (gate.clone(), Arc::clone(&told));
    let origin = Origin::start(move |_| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        if number == 0 {
            held.pass();
        }
        picture(number)
    });
    let (site, store) = (Site::before(origin), Store::start());
    let (a, b) = (Node::start(&site, &store), Node::start(&site, &store));
    let target = site.target("w:32", "a.png");
    let before = b.server.send(&target, &[]);
    site.origin.wait_for(1);
    purged(&a.server, &json!({"sources": [site.source("a.png")]}));
    gate.open();
    assert_eq!(version(&before.receive()), 1);
    assert_eq!((version(&b.get(&target)), version(&a.get(&target))), (1, 2));
}

/// What was made last is in the bucket and on disk when the process has ended well.
#[test]
fn a_clean_end_loses_nothing() {
    let (site, store) = (Site::start(), Store::start());
    let targets = site.targets(20);
    let a = Node::start(&site, &store);
    for target in &targets {
        assert_eq!(a.get(target).status, 200);
    }
    let Node { server, launch, disk: _disk } = a;
    end(server, End::Clean);
    let (a, b) = (launch.start(), Node::start(&site, &store));
    for target in &targets {
        assert_eq!((place(&a.get(target)), place(&b.get(target))), ("disk", "shared"), "{target}");
    }
    assert_eq!(site.asked(), 1);
}

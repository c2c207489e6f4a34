//! A bucket that is away is as if there were none: every request is answered, and soon.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::kept::{End, Site, end, place, purged};
use super::store::{Mood, Node, Store, shared};
use crate::support::eventually;
use tintype::telemetry::clock;

/// Longer than any request takes that does not wait for a bucket, on a busy machine too; shorter than a bucket's
/// silence would make it.
const QUICK: Duration = Duration::from_secs(5);

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
    let node = Node::impatient(&site, &store);
    all_quick(&node, &targets, mood);
    assert_eq!(shared(&node.server)["is_read"], json!(false));
    is_not_published(&node, &site, &targets[0], mood);
    all_quick(&node, &targets, mood);
    // A clean end waits for it no longer than for clients.
    let begun = clock::instant();
    end(node.server, End::Clean);
    assert!(begun.elapsed() < 2 * QUICK, "{mood:?}: {:?}", begun.elapsed());
}

/// What was read a moment ago is believed for a while, and the bucket asked in vain, until it is left alone.
fn away_from_the_middle(mood: Mood) {
    let (site, store) = (Site::start(), Store::start());
    let targets = site.targets(12);
    let node = Node::impatient(&site, &store);
    eventually("the board is read", || shared(&node.server)["is_read"] == json!(true));
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
    thread::scope(|scope| {
        for mood in [Mood::Silent, Mood::Gone, Mood::Failing] {
            scope.spawn(move || away_from_the_start(mood));
            scope.spawn(move || away_from_the_middle(mood));
        }
    });
}

//! More than can be done: what is refused is refused at once, before an origin is asked, and says when to come back;
//! what is kept is served all the while.

use std::io::Write;
use std::net::TcpStream;

use crate::support::client::{Answer, Pending};
use crate::support::eventually;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// An origin that answers below `/slow` only when the gate is open.
fn origin(gate: &Gate) -> Origin {
    let (held, picture) = (gate.clone(), marks(64, 48).png());
    Origin::start(move |asked| {
        if asked.target.starts_with("/slow") {
            held.pass();
        }
        Reply::ok(picture.clone())
    })
}

/// A picture of its own for each number, from below this folder.
fn target(origin: &Origin, folder: &str, number: usize) -> String {
    format!("/_/w:32/plain/{}@png", origin.url(&format!("/{folder}/{number}.png")))
}

/// A picture that keeps a worker busy for longer than the rest of a test takes.
fn long_job(origin: &Origin, number: usize) -> String {
    format!("/_/rs:force:3000:3000:1/bl:{}/plain/{}@png", 40 + number, origin.url("/quick/long.png"))
}

fn launch(origin: &Origin) -> Launch {
    let launch = Launch::before(origin).set("FETCH_FIRST_BYTE_TIMEOUT", "2m").set("FETCH_TIMEOUT", "2m");
    launch.set("REQUEST_TIMEOUT", "2m").set("TRANSFORM_TIMEOUT", "2m")
}

/// That an answer sends a client away, for a while and no longer, and how it does.
fn assert_sent_away(answer: &Answer, status: u16, kind: &str) {
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["type"]), (status, &format!("urn:tintype:{kind}").into()), "{problem}");
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    let retry_s: u32 = answer.expect("retry-after").parse().expect("seconds");
    assert!((1..=30).contains(&retry_s), "{retry_s}");
}

fn shed(server: &Server, reason: &str) -> u64 {
    server.metric("tintype_shed_total", &[&format!("reason=\"{reason}\"")])
}

fn waiting(server: &Server) -> u64 {
    server.status()["flow"]["misses"].as_u64().expect("a number")
}

fn engine(server: &Server, what: &str) -> u64 {
    server.status()["flow"]["engine"][what].as_u64().expect("a number")
}

/// Gives the one worker of a server something to do for long.
fn occupy(server: &Server, origin: &Origin, number: usize) -> Pending {
    // A worker tells its result before it counts as idle.
    eventually("the worker is idle", || engine(server, "busy") == 0);
    let works = server.send(&long_job(origin, number), &[]);
    eventually("the worker is busy", || engine(server, "busy") == 1);
    works
}

/// And has another job wait for it.
fn fill(server: &Server, origin: &Origin) -> [Pending; 2] {
    let works = occupy(server, origin, 1);
    let waits = server.send(&long_job(origin, 2), &[]);
    eventually("a job waits", || engine(server, "waiting") == 1);
    [works, waits]
}

#[test]
fn a_full_queue_refuses_before_the_origin_is_asked_and_hits_go_on() {
    let origin = origin(&Gate::default());
    let server = launch(&origin).set("WORKERS", "1").set("QUEUE_JOBS_MAX", "1").set("QUEUE_TIMEOUT", "1m").start();
    let kept = target(&origin, "quick", 0);
    assert_eq!(server.get(&kept).status, 200);
    let _held = fill(&server, &origin);
    let asked = origin.asked().len();

    assert_sent_away(&server.get(&target(&origin, "quick", 1)), 503, "overloaded");
    assert_eq!((shed(&server, "queue_full"), origin.asked().len()), (1, asked));
    let hit = server.get(&kept);
    assert_eq!(hit.status, 200);
    assert!(hit.expect("cache-status").starts_with("tintype; hit"), "{hit:?}");
    assert_eq!(engine(&server, "busy"), 1, "all of this was meanwhile");
}

#[test]
fn what_would_wait_too_long_is_refused_before_the_origin_is_asked() {
    let origin = origin(&Gate::default());
    let server = launch(&origin).set("WORKERS", "1").set("QUEUE_TIMEOUT", "10ms").start();
    assert_eq!(server.get(&target(&origin, "quick", 0)).status, 200);
    // The first long one tells how long they take.
    assert_eq!(server.get(&long_job(&origin, 1)).status, 200);
    let works = occupy(&server, &origin, 2);
    let asked = origin.asked().len();
    let refused = server.get(&target(&origin, "quick", 1));
    assert_sent_away(&refused, 503, "overloaded");
    assert_eq!(refused.problem()["setting"], "queue.timeout");
    assert_eq!((shed(&server, "queue_estimate"), origin.asked().len()), (1, asked));
    assert_eq!(works.receive().status, 200);
    assert_eq!(server.get(&target(&origin, "quick", 1)).status, 200, "an idle worker takes whatever comes");
}

#[test]
fn a_stale_picture_is_served_where_no_new_one_can_be_made() {
    let picture = marks(64, 48).png();
    let origin = Origin::start(move |asked| match asked.target.as_str() {
        "/kept.png" => Reply::ok(picture.clone()).with("cache-control", "max-age=0, stale-if-error=3600"),
        _ => Reply::ok(picture.clone()),
    });
    let server = launch(&origin).set("WORKERS", "1").set("QUEUE_JOBS_MAX", "1").set("QUEUE_TIMEOUT", "1m").start();
    let kept = format!("/_/w:32/plain/{}@png", origin.url("/kept.png"));
    let first = server.get(&kept);
    assert_eq!(first.status, 200);
    let _held = fill(&server, &origin);
    let asked = origin.asked().len();
    let stale = server.get(&kept);
    assert_eq!((stale.status, stale.body == first.body, origin.asked().len()), (200, true, asked), "{stale:?}");
    assert_eq!(server.metric("tintype_stale_served_total", &["why=\"busy\""]), 1);
}

#[test]
fn a_slow_origin_leaves_the_others_their_fetches() {
    let (gate, quick) = (Gate::default(), Origin::of(marks(64, 48).png()));
    let slow = origin(&gate);
    let sources = format!("{},{}", slow.url("/"), quick.url("/"));
    let server = launch(&slow).set("ALLOWED_SOURCES", &sources).set("SOURCE_FETCHES_MAX", "2").start();
    let held: Vec<Pending> = (0..2).map(|number| server.send(&target(&slow, "slow", number), &[])).collect();
    slow.wait_for(2);
    // Some wait for a moment, the last ones not even that; nobody asks the slow origin.
    let beyond: Vec<Pending> = (2..14).map(|number| server.send(&target(&slow, "slow", number), &[])).collect();
    assert_eq!(server.get(&target(&quick, "a", 0)).status, 200);
    for answer in beyond.into_iter().map(Pending::receive) {
        assert_sent_away(&answer, 503, "origin-overloaded");
    }
    assert_eq!((shed(&server, "origin_full"), slow.asked().len()), (12, 2));
    gate.open();
    assert!(held.into_iter().all(|pending| pending.receive().status == 200));
    assert_eq!(server.get(&target(&slow, "slow", 2)).status, 200);
}

#[test]
fn only_so_many_misses_wait_and_hits_are_none_of_them() {
    let gate = Gate::default();
    let origin = origin(&gate);
    let server = launch(&origin).set("MISSES_MAX", "2").start();
    let kept = target(&origin, "quick", 0);
    assert_eq!(server.get(&kept).status, 200);
    let held: Vec<Pending> = (0..2).map(|number| server.send(&target(&origin, "slow", number), &[])).collect();
    eventually("two wait", || waiting(&server) == 2);
    for refused in [target(&origin, "quick", 1), target(&origin, "slow", 0), raw(&origin, "quick", 2)] {
        let answer = server.get(&refused);
        assert_sent_away(&answer, 503, "overloaded");
        assert_eq!(answer.problem()["setting"], "misses_max");
    }
    assert_eq!((server.get(&kept).status, shed(&server, "misses_full")), (200, 3));
    gate.open();
    assert!(held.into_iter().all(|pending| pending.receive().status == 200));
    assert_eq!((waiting(&server), server.get(&target(&origin, "quick", 1)).status), (0, 200));
}

/// Connections that were opened and say nothing, or never come to the end of what they say.
fn useless(server: &Server, count: usize) -> Vec<TcpStream> {
    let open = |number: usize| {
        let mut stream = TcpStream::connect(server.addr).expect("a listening server");
        stream
            .write_all([b"".as_slice(), b"GET /_/w:1/plain/a HTTP/1.1\r\nhos"][number % 2])
            .expect("an open connection");
        stream
    };
    (0..count).map(open).collect()
}

#[test]
fn thousands_of_connections_that_do_nothing_stop_no_hit() {
    let origin = origin(&Gate::default());
    let server = launch(&origin).set("HEADER_TIMEOUT", "5m").start();
    let kept = target(&origin, "quick", 0);
    assert_eq!(server.get(&kept).status, 200);
    let _useless = useless(&server, 4096);
    eventually("all are open", || server.metric("tintype_connections", &[]) > 4096);
    for _ in 0..20 {
        assert_eq!(server.get(&kept).status, 200);
    }
}

#[test]
fn connections_that_do_nothing_give_way_where_there_is_no_room() {
    let origin = origin(&Gate::default());
    let server = launch(&origin).set("HEADER_TIMEOUT", "5m").set("CONNECTIONS_MAX", "32").start();
    let kept = target(&origin, "quick", 0);
    assert_eq!(server.get(&kept).status, 200);
    let _useless = useless(&server, 200);
    for _ in 0..20 {
        assert_eq!(server.get(&kept).status, 200);
    }
    // Those of the operations listener are counted with it.
    assert!(server.metric("tintype_connections", &[]) <= 33);
}

#[test]
fn where_every_connection_is_busy_the_next_one_is_sent_away() {
    let gate = Gate::default();
    let origin = origin(&gate);
    let server = launch(&origin).set("CONNECTIONS_MAX", "2").start();
    let held: Vec<Pending> = (0..2).map(|number| server.send(&target(&origin, "slow", number), &[])).collect();
    eventually("both wait", || waiting(&server) == 2);
    let answer = server.get("/live");
    assert_eq!((answer.status, answer.field("cache-control")), (503, Some("no-store")));
    assert_eq!((answer.expect("retry-after"), shed(&server, "connections")), ("2", 1));
    gate.open();
    assert!(held.into_iter().all(|pending| pending.receive().status == 200));
    assert_eq!(server.get("/live").status, 200);
}

fn raw(origin: &Origin, folder: &str, number: usize) -> String {
    format!("/_/raw:1/plain/{}", origin.url(&format!("/{folder}/{number}.png")))
}

#[test]
fn whoever_hangs_up_leaves_its_place() {
    let gate = Gate::default();
    let origin = origin(&gate);
    let server = launch(&origin).set("MISSES_MAX", "1").set("SOURCE_FETCHES_MAX", "1").start();
    let leaves = server.send(&target(&origin, "slow", 0), &[]);
    origin.wait_for(1);
    assert_eq!(server.get(&target(&origin, "quick", 0)).status, 503);
    drop(leaves);
    // Its place is free at once, and its fetch as soon as nobody has waited for a moment.
    eventually("another one gets its place", || server.get(&target(&origin, "quick", 0)).status == 200);
    gate.open();
}

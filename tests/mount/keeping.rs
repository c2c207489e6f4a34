//! What is kept, for how long, and for whom (RFC 9111 §3 and §4).

use std::sync::atomic::{AtomicUsize, Ordering};

use super::setup::{case, counting, launch, mounted, text};
use crate::support::eventually;
use crate::support::origin::{Gate, Origin, Reply};

/// Fields of an answer, and whether a second request gets the first answer.
type Vector = (&'static [(&'static str, &'static str)], bool);

#[test]
fn freshness_decides_what_is_used_again() {
    let vectors: [Vector; 17] = [
        (&[], false),
        (&[("cache-control", "max-age=60")], true),
        (&[("cache-control", "max-age=0")], false),
        (&[("cache-control", "s-maxage=60, max-age=0")], true),
        (&[("cache-control", "max-age=60"), ("age", "61")], false),
        (&[("cache-control", "max-age=60, no-store")], false),
        (&[("cache-control", "max-age=60, private")], false),
        (&[("cache-control", "max-age=60, no-cache")], false),
        (&[("expires", "Thu, 18 Aug 2050 02:01:18 GMT")], true),
        (&[("expires", "0")], false),
        (&[("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")], true),
        (&[("cdn-cache-control", "max-age=60"), ("cache-control", "no-store")], true),
        (&[("cdn-cache-control", "no-store"), ("cache-control", "max-age=60")], false),
        (&[("tintype-cache-control", "max-age=60"), ("cdn-cache-control", "max-age=0")], true),
        (&[("surrogate-control", "max-age=60"), ("cache-control", "max-age=0")], true),
        (&[("surrogate-control", "no-store"), ("cache-control", "max-age=60")], false),
        (&[("surrogate-control", "max-age=60;other"), ("cache-control", "max-age=0")], false),
    ];
    let counts = [const { AtomicUsize::new(0) }; 17];
    let m = mounted("", move |asked| {
        let at = case(asked);
        let body = (counts[at].fetch_add(1, Ordering::SeqCst) + 1).to_string();
        vectors[at].0.iter().fold(Reply::ok(body), |reply, (name, value)| reply.with(name, value))
    });
    for (at, (fields, is_reused)) in vectors.into_iter().enumerate() {
        let path = format!("/{at}");
        let (first, second) = (m.get(&path, &[]), m.get(&path, &[]));
        assert_eq!((text(&first), text(&second) == "1"), ("1", is_reused), "{fields:?}");
        for (name, value) in fields.iter().filter(|(name, _)| *name != "age") {
            assert_eq!(second.field(name), Some(*value), "targeted and other fields are passed on");
        }
        if is_reused {
            assert!(second.expect("cache-status").starts_with("tintype; hit; ttl="));
            assert!(second.expect("age").parse::<u64>().is_ok());
            assert_eq!(second.expect("date"), first.expect("date"));
        }
    }
}

#[test]
fn any_status_with_a_lifetime_is_kept() {
    let statuses = [200, 203, 299, 302, 307, 308, 400, 404, 410, 499, 500, 503, 599, 799];
    let m = mounted("", move |asked| Reply::status(statuses[case(asked)]).with("cache-control", "max-age=60"));
    for (at, status) in statuses.into_iter().enumerate() {
        let path = format!("/{at}");
        assert_eq!((m.get(&path, &[]).status, m.get(&path, &[]).status, m.asked()), (status, status, at + 1));
    }
}

#[test]
fn age_counts_from_what_the_origin_said() {
    let m = counting("", &[("cache-control", "max-age=600"), ("age", "100")]);
    assert_eq!(m.get("/", &[]).expect("age"), "100");
    let age: u64 = m.get("/", &[]).expect("age").parse().expect("a number");
    assert!((100..160).contains(&age), "{age}");
}

#[test]
fn caches_nearer_to_the_origin_come_first_in_the_status() {
    let m = counting("", &[("cache-control", "max-age=600"), ("cache-status", "inner; hit")]);
    assert!(
        m.get("/", &[]).expect("cache-status").starts_with("inner; hit, tintype; fwd=uri-miss; fwd-status=200; stored")
    );
    assert!(m.get("/", &[]).expect("cache-status").starts_with("inner; hit, tintype; hit; ttl="));
}

#[test]
fn queries_are_different_and_cookies_are_not() {
    let m = counting("", &[("cache-control", "max-age=60"), ("set-cookie", "a=b")]);
    assert_eq!(text(&m.get("/?a", &[])), "1");
    assert_eq!(text(&m.get("/?b", &[])), "2");
    assert_eq!(text(&m.get("/", &[])), "3");
    let again = m.get("/?a", &[("cookie", "c=d")]);
    assert_eq!((text(&again), again.expect("set-cookie")), ("1", "a=b"));
}

#[test]
fn what_is_asked_for_with_credentials_is_shared_only_when_the_origin_says_so() {
    let vectors = [
        ("max-age=60", false),
        ("max-age=60, public", true),
        ("s-maxage=60", true),
        ("max-age=60, must-revalidate", true),
    ];
    for (control, is_shared) in vectors {
        let m = mounted("", move |asked| {
            Reply::ok(asked.field("authorization").unwrap_or("none")).with("cache-control", control)
        });
        let first = m.get("/", &[("authorization", "me")]);
        let other = m.get("/", &[]);
        assert_eq!((text(&first), text(&other) == "me"), ("me", is_shared), "{control}");
    }
}

#[test]
fn variants_are_kept_beside_each_other() {
    let m = mounted("", |asked| {
        Reply::ok(asked.field("foo").unwrap_or("none"))
            .with("cache-control", "max-age=60")
            .with("vary", "Foo, Accept-Language")
    });
    for value in ["1", "2", "1, 2"] {
        assert_eq!(text(&m.get("/", &[("foo", value)])), value);
    }
    assert_eq!(text(&m.get("/", &[])), "none");
    assert_eq!(m.asked(), 4);
    for (fields, body) in [
        (&[("foo", "1")][..], "1"),
        (&[("foo", " 1,2")][..], "1, 2"),
        (&[("foo", "1"), ("foo", "2")][..], "1, 2"),
        (&[("foo", "2"), ("bar", "x")][..], "2"),
        (&[][..], "none"),
    ] {
        assert_eq!(text(&m.get("/", fields)), body, "{fields:?}");
    }
    assert_eq!(m.asked(), 4);
    let other = m.get("/", &[("foo", "3")]);
    assert!(other.expect("cache-status").starts_with("tintype; fwd=vary-miss; fwd-status=200; stored"));
}

#[test]
fn an_answer_to_a_get_with_a_body_is_for_nobody_else() {
    let m = mounted("", |asked| Reply::ok(asked.body.clone()).with("cache-control", "max-age=60"));
    assert_eq!(text(&m.ask("GET", "/", &[], Some(b"mine"))), "mine");
    assert_eq!(text(&m.get("/", &[])), "");
}

#[test]
fn what_varies_by_anything_is_never_used_again() {
    let m = counting("", &[("cache-control", "max-age=60"), ("vary", "foo, *")]);
    assert_eq!((text(&m.get("/", &[])), text(&m.get("/", &[]))), ("1", "2"));
}

#[test]
fn requests_are_obeyed_only_where_the_mount_says_so() {
    let fields = &[("cache-control", "max-age=60"), ("age", "30")];
    for (options, is_obeyed) in [("", false), (";request_directives=on", true)] {
        for control in ["no-cache", "max-age=10", "min-fresh=50"] {
            let m = counting(options, fields);
            m.get("/", &[]);
            assert_eq!(text(&m.get("/", &[("cache-control", control)])) == "2", is_obeyed, "{control}");
        }
        let m = counting(options, fields);
        let answer = m.get("/", &[("cache-control", "only-if-cached")]);
        assert_eq!((answer.status == 504, m.asked() == 0), (is_obeyed, is_obeyed));
        m.get("/", &[]);
        assert_eq!(m.get("/", &[("cache-control", "only-if-cached")]).status, 200);
    }
}

#[test]
fn a_mount_can_have_lifetimes_of_its_own() {
    let m = counting(";ttl=1h", &[]);
    assert_eq!((text(&m.get("/", &[])), text(&m.get("/", &[]))), ("1", "1"));
    let m = counting(";ttl=1h", &[("cache-control", "max-age=0")]);
    assert_eq!((text(&m.get("/", &[])), text(&m.get("/", &[]))), ("1", "2"));
    let ignoring = ";ttl=1h;cache_control=ignore";
    let m = counting(ignoring, &[("cache-control", "no-store, private")]);
    assert_eq!((text(&m.get("/", &[])), text(&m.get("/", &[]))), ("1", "1"));
    let m = counting(ignoring, &[("cache-control", "max-age=60"), ("set-cookie", "a=b")]);
    assert_eq!((text(&m.get("/", &[])), text(&m.get("/", &[]))), ("1", "2"));
    let m = mounted(ignoring, |_| Reply::status(500));
    assert_eq!((m.get("/", &[]).status, m.get("/", &[]).status, m.asked()), (500, 500, 2));
    let m = counting(";heuristic=off", &[("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
    assert_eq!((text(&m.get("/", &[])), text(&m.get("/", &[]))), ("1", "2"));
}

#[test]
fn many_who_want_the_same_are_one_request() {
    const HERD: usize = 50;
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::start(move |_| {
        held.pass();
        Reply::ok("one").with("cache-control", "max-age=60")
    });
    let server = launch(&origin, "").set("FETCH_FIRST_BYTE_TIMEOUT", "1m").set("FETCH_TIMEOUT", "1m").start();
    let sent: Vec<_> = (0..HERD).map(|_| server.send("/m/", &[])).collect();
    eventually("everyone waits for the one flight", || {
        server.metric("tintype_flight_followers_total", &["kind=\"mount\""]) == HERD as u64 - 1
    });
    gate.open();
    let answers: Vec<_> = sent.into_iter().map(crate::support::client::Pending::receive).collect();
    assert!(answers.iter().all(|answer| text(answer) == "one"));
    let collapsed = answers.iter().filter(|answer| answer.expect("cache-status").contains("collapsed")).count();
    assert_eq!((collapsed, origin.asked().len()), (HERD - 1, 1));
}

#[test]
fn answers_that_cannot_be_shared_are_not_waited_for_twice() {
    let m = counting("", &[("cache-control", "no-store")]);
    for number in 1..=3 {
        let answer = m.get("/", &[("if-none-match", "\"x\"")]);
        assert_eq!(text(&answer), number.to_string());
        assert!(answer.expect("cache-status").ends_with("detail=no-store"));
    }
    // The first one asked for the whole; once it was clear that nothing is kept, requests go on word for word.
    let conditions: Vec<_> = m.origin.asked().iter().map(|asked| asked.field("if-none-match").is_some()).collect();
    assert_eq!(conditions, [false, true, true]);
}

//! Worker processes that crash, hang, eat memory or talk rubbish: each costs its own request, and nobody else's.

use std::collections::BTreeSet;

use rustix::process::{Pid, Signal, kill_process};
use tintype::engine::sandbox::probe::ATTEMPTS;

use crate::support::client::Answer;
use crate::support::eventually;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// Requests that are under way beside an accident.
const OTHERS: usize = 200;

/// A source whose path is an accident is an original that has it; others are pictures.
fn origin() -> Origin {
    let picture = marks(64, 48).png();
    Origin::start(move |asked| match asked.target.strip_prefix("/drill/") {
        Some(drill) => Reply::ok(format!(
            "TINTYPE-DRILL {}\n",
            drill.split(['/', '.']).next().unwrap_or_default().replace("%20", " ").replace('|', "/")
        )),
        None => Reply::ok(picture.clone()),
    })
}

fn launch(origin: &Origin) -> Launch {
    Launch::before(origin)
        .variable("DRILLS_OF_TINTYPE", "1")
        .set("ENGINE_ISOLATION", "process")
        .set("ENGINE_SANDBOX", "require")
        .set("WORKERS", "2")
        .set("QUEUE_JOBS_MAX", "1000")
        .set("FETCHES_MAX", "1000")
        .set("SOURCE_FETCHES_MAX", "1000")
        .set("QUEUE_TIMEOUT", "1m")
}

fn target(origin: &Origin, path: &str, width: usize) -> String {
    format!("/_/w:{width}/plain/{}@png", origin.url(path))
}

fn kind(answer: &Answer) -> (u16, String) {
    let kind = answer.problem()["type"].as_str().unwrap_or_default().trim_start_matches("urn:tintype:").to_owned();
    (answer.status, kind)
}

/// The workers' process ids.
fn workers(server: &Server) -> BTreeSet<i32> {
    let status = server.status();
    let pids = status["flow"]["engine"]["processes"]["workers"].as_array().expect("a list").clone();
    pids.iter().map(|pid| i32::try_from(pid.as_i64().expect("a number")).expect("a process")).collect()
}

fn ends(server: &Server, why: &str) -> u64 {
    server.metric("tintype_worker_ends_total", &[&format!("why=\"{why}\"")])
}

/// Has one accident while many others wait for pictures.
fn accident(server: &Server, origin: &Origin, drill: &str) -> (u16, String) {
    let others: Vec<_> = (0..OTHERS)
        .map(|number| server.send(&target(origin, &format!("/{drill}/{number}.png"), 8 + number % 40), &[]))
        .collect();
    let own = server.send(&target(origin, &format!("/drill/{drill}.png"), 16), &[]);
    let own = own.receive();
    for other in others {
        let answer = other.receive();
        assert_eq!((answer.status, answer.content_type()), (200, "image/png"), "{drill}: {answer:?}");
    }
    kind(&own)
}

#[test]
fn an_accident_costs_its_own_request() {
    let origin = origin();
    for (drill, why, status, expected) in [
        ("segfault", "crashed", 422, "worker-crashed"),
        ("abort", "crashed", 422, "worker-crashed"),
        ("exit", "crashed", 422, "worker-crashed"),
        ("eat", "crashed", 422, "worker-crashed"),
        ("rubbish", "rubbish", 422, "worker-crashed"),
        ("flood", "rubbish", 422, "worker-crashed"),
        ("other-job", "rubbish", 422, "worker-crashed"),
        ("done-at-once", "rubbish", 422, "worker-crashed"),
        ("fds", "rubbish", 422, "worker-crashed"),
        ("too-many-fds", "rubbish", 422, "worker-crashed"),
    ] {
        let server = launch(&origin).set("WORKER_MEMORY_BYTES", "1GiB").start();
        let before = workers(&server);
        assert_eq!(accident(&server, &origin, drill), (status, expected.to_owned()), "{drill}");
        assert_eq!(ends(&server, why), 1, "{drill}: {}", server.log());
        assert_eq!(server.metric("tintype_worker_starts_total", &[]), 3, "{drill}");
        let after = workers(&server);
        assert_eq!((after.len(), before.intersection(&after).count()), (2, 1), "{drill}: one was replaced");
        assert_eq!(server.get(&target(&origin, "/after.png", 8)).status, 200, "{drill}");
    }
}

#[test]
fn a_worker_that_hangs_is_killed() {
    let origin = origin();
    for drill in ["hang", "sleep"] {
        let server = launch(&origin).set("TRANSFORM_TIMEOUT", "1s").start();
        assert_eq!(accident(&server, &origin, drill), (503, "transform-timeout".to_owned()), "{drill}");
        let problem = server.get(&target(&origin, &format!("/drill/{drill}/again.png"), 16)).problem();
        let named = (&problem["setting"], &problem["limit"]);
        assert_eq!(named, (&"transform_timeout".into(), &"1000 ms".into()), "{problem}");
        assert_eq!(ends(&server, "overdue"), 2, "{drill}");
    }
}

#[test]
fn a_panic_ends_in_an_error_and_a_new_worker() {
    let origin = origin();
    let server = launch(&origin).start();
    assert_eq!(accident(&server, &origin, "panic"), (500, "internal".to_owned()));
    assert_eq!(workers(&server).len(), 2);
}

/// With a single worker the next job finds its successor there: it was made before the failure was told.
#[test]
fn the_replacement_is_there_before_the_failure_is_told() {
    let origin = origin();
    let server = launch(&origin).set("WORKERS", "1").start();
    for number in 0..5 {
        let answer = server.get(&target(&origin, &format!("/drill/abort/{number}.png"), 16));
        assert_eq!(kind(&answer), (422, "worker-crashed".to_owned()));
        assert_eq!(server.metric("tintype_worker_starts_total", &[]), number + 2);
        assert_eq!(workers(&server).len(), 1);
    }
}

#[test]
fn what_brought_down_a_worker_is_not_tried_again() {
    let origin = origin();
    let server = launch(&origin).start();
    let drill = |width| target(&origin, "/drill/abort.png", width);
    assert_eq!(kind(&server.get(&drill(16))).1, "worker-crashed");
    assert_eq!(kind(&server.get(&drill(16))).1, "worker-crashed", "it is remembered");
    assert_eq!(ends(&server, "crashed"), 1);
    assert_eq!(kind(&server.get(&drill(17))).1, "worker-crashed", "another picture may be all right");
    assert_eq!(ends(&server, "crashed"), 2);
    for width in 18..24 {
        assert_eq!(kind(&server.get(&drill(width))), (422, "original-refused".to_owned()), "the original is at fault");
    }
    assert_eq!((ends(&server, "crashed"), server.status()["flow"]["originals_refused"].as_u64()), (2, Some(1)));
    assert_eq!(server.get(&target(&origin, "/other.png", 16)).status, 200);
}

#[test]
fn workers_that_are_killed_from_outside_are_replaced() {
    let origin = origin();
    let server = launch(&origin).start();
    let before = workers(&server);
    for pid in &before {
        kill_process(Pid::from_raw(*pid).expect("a process"), Signal::KILL).expect("a worker");
    }
    for width in 8..16 {
        assert_eq!(server.get(&target(&origin, "/a.png", width)).status, 200);
    }
    eventually("both workers are new", || {
        let now = workers(&server);
        now.len() == 2 && now.is_disjoint(&before)
    });
    assert_eq!(ends(&server, "outside"), 2);
}

#[test]
fn a_job_whose_worker_is_killed_from_outside_is_done_by_another() {
    let origin = origin();
    let server = launch(&origin).set("WORKERS", "1").start();
    let hanging = server.send(&target(&origin, "/drill/hang.png", 16), &[]);
    for _ in 0..2 {
        eventually("the worker has the job", || server.metric("tintype_workers_busy", &[]) == 1);
        let pid = *workers(&server).first().expect("a worker");
        let runs = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") R "));
        eventually("it is at work", runs);
        let starts = server.metric("tintype_worker_starts_total", &[]);
        kill_process(Pid::from_raw(pid).expect("a process"), Signal::KILL).expect("a worker");
        eventually("another worker is there", || server.metric("tintype_worker_starts_total", &[]) > starts);
    }
    assert_eq!(kind(&hanging.receive()), (422, "worker-crashed".to_owned()), "twice is no chance");
    assert_eq!(ends(&server, "outside"), 2);
}

#[test]
fn without_the_template_another_one_is_started() {
    let origin = origin();
    let server = launch(&origin).start();
    let template = server.status()["flow"]["engine"]["processes"]["template"].as_i64().expect("a number");
    let pid = Pid::from_raw(i32::try_from(template).expect("a process")).expect("a process");
    kill_process(pid, Signal::KILL).expect("the template");
    eventually("pictures are made again", || {
        let answer = server.get(&target(&origin, "/a.png", 8 + workers(&server).len()));
        answer.status == 200
    });
    let again = server.status()["flow"]["engine"]["processes"]["template"].as_i64();
    assert_ne!(again, Some(template));
}

#[test]
fn workers_retire() {
    let origin = origin();
    let server = launch(&origin).set("WORKERS", "1").set("WORKER_JOBS_MAX", "3").start();
    for width in 8..17 {
        assert_eq!(server.get(&target(&origin, "/a.png", width)).status, 200);
    }
    eventually("three have served their time", || ends(&server, "old") == 3);
    let server = launch(&origin).set("WORKERS", "1").set("WORKER_RESIDENT_BYTES_MAX", "1MiB").start();
    assert_eq!(server.get(&target(&origin, "/a.png", 8)).status, 200);
    eventually("it is replaced for its size", || ends(&server, "large") == 1);
}

#[test]
fn nothing_stays_behind_a_server_that_is_killed() {
    let origin = origin();
    let server = launch(&origin).start();
    let mut pids = workers(&server);
    let template = server.status()["flow"]["engine"]["processes"]["template"].as_i64().expect("a number");
    pids.insert(i32::try_from(template).expect("a process"));
    let hanging = server.send(&target(&origin, "/drill/hang.png", 16), &[]);
    eventually("a worker hangs", || server.metric("tintype_workers_busy", &[]) == 1);
    drop(server);
    drop(hanging);
    eventually("all processes are gone", || {
        let runs = |pid: &i32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // A zombie has ended; who takes it away is the system's business.
            !stat.is_empty() && !stat.contains(") Z ")
        };
        !pids.iter().any(runs)
    });
}

/// From inside a worker of a real server: what the sandbox leaves.
#[test]
fn a_worker_can_do_nothing_but_its_work() {
    let origin = origin();
    let server = launch(&origin).set("WORKERS", "1").start();
    for (number, attempt) in ATTEMPTS.iter().enumerate() {
        let path = format!("/drill/{}/{number}.png", attempt.name.replace('/', "|").replace(' ', "%20"));
        let source = origin.url(&path).replace('%', "%25");
        let crashes = ends(&server, "crashed");
        let told = server.log().matches(attempt.expected).count();
        let answer = server.get(&format!("/_/w:16/plain/{source}@png"));
        if attempt.expected.starts_with("SIG") {
            assert_eq!(kind(&answer), (422, "worker-crashed".to_owned()), "{}", attempt.name);
            assert_eq!(ends(&server, "crashed"), crashes + 1, "{}", attempt.name);
            let log = server.log();
            let told_now = log.matches(attempt.expected).count();
            assert_eq!(told_now, told + 1, "{} ends by {}: {log}", attempt.name, attempt.expected);
        } else {
            // It goes on and says that this is no picture.
            assert_eq!(kind(&answer), (422, "not-an-image".to_owned()), "{}", attempt.name);
            let said = format!("drill {}: {}", attempt.name, attempt.expected);
            eventually(&said, || server.log().contains(&said));
        }
    }
}

//! The end: whoever was let in is answered, whoever comes late goes elsewhere.

use std::net::TcpStream;

use rustix::process::Signal;

use crate::support::client::get;
use crate::support::eventually;
use crate::support::origin::{Gate, Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::Launch;

/// An origin that answers when the gate is open.
fn slow() -> (Gate, Origin) {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::start(move |_| {
        held.pass();
        Reply::ok(marks(64, 48).png())
    });
    (gate, origin)
}

#[test]
fn a_request_under_way_is_finished_and_the_process_ends_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let (gate, origin) = slow();
        let server = Launch::before(&origin).set("FETCH_FIRST_BYTE_TIMEOUT", "1m").start();
        let pending = server.send(&format!("/_/w:8/plain/{}@png", origin.url("/a.png")), &[]);
        origin.wait_for(1);
        server.signal(signal);
        server.logged("drain begins");
        eventually("the port is closed", || TcpStream::connect(server.addr).is_err());
        let ready = get(server.admin, "/ready");
        assert_eq!((ready.status, get(server.admin, "/live").status), (503, 200), "the orchestrator is told");
        gate.open();
        let answer = pending.receive();
        assert_eq!((answer.status, answer.content_type()), (200, "image/png"));
        let status = server.ended();
        assert!(status.success(), "{status}");
    }
}

#[test]
fn while_it_waits_to_be_noticed_it_answers() {
    let origin = Origin::of(marks(64, 48).png());
    let server = Launch::before(&origin).set("DRAIN_DELAY", "1h").start();
    let target = format!("/_/w:8/plain/{}@png", origin.url("/a.png"));
    assert_eq!((get(server.admin, "/ready").status, get(server.addr, "/health").status), (200, 200));
    server.signal(Signal::TERM);
    server.logged("drain begins");
    assert_eq!((get(server.admin, "/ready").status, get(server.addr, "/health").status), (503, 503));
    assert_eq!(server.get(&target).status, 200);
    server.signal(Signal::TERM);
    let status = server.ended();
    assert!(status.success(), "a second signal ends the wait: {status}");
}

#[test]
fn what_does_not_end_is_cut_off_in_time() {
    let (gate, origin) = slow();
    let server = Launch::before(&origin).set("FETCH_FIRST_BYTE_TIMEOUT", "1m").set("DRAIN_TIMEOUT", "50ms").start();
    let pending = server.send(&format!("/_/w:8/plain/{}@png", origin.url("/a.png")), &[]);
    origin.wait_for(1);
    server.signal(Signal::TERM);
    let status = server.ended();
    assert!(status.success(), "{status}");
    drop((pending, gate));
}

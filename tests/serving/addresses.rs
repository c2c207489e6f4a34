//! Where originals may not come from: addresses that only this machine or its network should reach, and files outside
//! the folder.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;

use crate::support::folder;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// A listener that nobody must ever connect to.
struct Witness(TcpListener);

impl Witness {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    fn addr(&self) -> SocketAddr {
        self.0.local_addr().expect("a bound socket")
    }

    /// Connects by itself: connections are accepted in their order, so an earlier one would come first.
    fn assert_untouched(&self) {
        let own = TcpStream::connect(self.addr()).expect("a listening socket");
        let (_, first) = self.0.accept().expect("a connection");
        assert_eq!(first, own.local_addr().expect("a connected socket"), "someone connected before");
    }
}

fn assert_refused(server: &Server, source: &str, kind: &str) {
    let answer = server.get(&format!("/_/w:8/plain/{source}@png"));
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["type"]), (404, &format!("urn:tintype:{kind}").into()), "{source} {problem}");
}

#[test]
fn addresses_of_this_machine_and_its_network_are_refused() {
    let witness = Witness::new();
    let port = witness.addr().port();
    let server = Launch::new().start();
    for source in [
        "http://10.0.0.1/a.png".to_owned(),
        "http://192.168.1.1/a.png".to_owned(),
        "http://172.16.0.1/a.png".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::1]/a.png".to_owned(),
        "http://[fd00::1]/a.png".to_owned(),
        "http://0.0.0.0/a.png".to_owned(),
        format!("http://127.0.0.1:{port}/a.png"),
        format!("http://localhost:{port}/a.png"),
        format!("http://[::ffff:127.0.0.1]:{port}/a.png"),
        format!("http://2130706433:{port}/a.png"),
        format!("http://0x7f.1:{port}/a.png"),
    ] {
        assert_refused(&server, &source, "source-address-refused");
    }
    witness.assert_untouched();
}

#[test]
fn leave_is_given_by_setting() {
    let origin = Origin::of(marks(64, 48).png());
    let server = Launch::new().set("ALLOW_LOOPBACK_SOURCES", "true").start();
    assert_eq!(server.get(&format!("/_/w:8/plain/{}@png", origin.url("/a.png"))).status, 200);
    assert_refused(&server, "http://10.0.0.1/a.png", "source-address-refused");
}

#[test]
fn sources_outside_the_allowed_ones_are_refused() {
    let (origin, witness) = (Origin::of(marks(64, 48).png()), Witness::new());
    let server = Launch::new().set("ALLOWED_SOURCES", &origin.url("/photos/")).start();
    assert_eq!(server.get(&format!("/_/w:8/plain/{}@png", origin.url("/photos/a.png"))).status, 200);
    for source in [origin.url("/a.png"), origin.url("/photos/../a.png"), format!("http://{}/photos/", witness.addr())] {
        assert_refused(&server, &source, "source-not-allowed");
    }
    witness.assert_untouched();
    assert_eq!(origin.asked().len(), 1);
}

#[test]
fn a_redirect_passes_every_check_again() {
    let witness = Witness::new();
    let inside = format!("http://{}/a.png", witness.addr());
    let origin = Origin::start(move |asked| match asked.target.as_str() {
        "/inside" => Reply::status(302).with("location", &inside),
        "/private" => Reply::status(302).with("location", "http://10.0.0.1/a.png"),
        "/moved" => Reply::status(301).with("location", "/a.png"),
        _ => Reply::ok(marks(64, 48).png()),
    });
    let server = Launch::before(&origin).start();
    assert_eq!(server.get(&format!("/_/w:8/plain/{}@png", origin.url("/moved"))).status, 200);
    assert_refused(&server, &origin.url("/inside"), "source-not-allowed");
    assert_refused(&server, &origin.url("/private"), "source-not-allowed");
    witness.assert_untouched();
}

#[test]
fn local_sources_stay_in_their_folder() {
    let outside = folder(&[("secret.png", &marks(64, 48).png())]);
    let inside = folder(&[("a.png", &marks(64, 48).png())]);
    symlink(outside.path().join("secret.png"), inside.path().join("link.png")).expect("a link");
    symlink(outside.path(), inside.path().join("folder")).expect("a link");
    let server = Launch::over(inside.path()).start();
    let name = outside.path().file_name().and_then(|name| name.to_str()).expect("a plain name");
    assert_eq!(server.get("/_/w:8/plain/local:///a.png@png").status, 200);
    for path in [
        format!("../{name}/secret.png"),
        format!("%2e%2e/{name}/secret.png"),
        format!("..%2f{name}/secret.png"),
        "link.png".to_owned(),
        "folder/secret.png".to_owned(),
        "%00a.png".to_owned(),
        outside.path().join("secret.png").display().to_string(),
    ] {
        assert_eq!(server.get(&format!("/_/w:8/plain/local:///{path}@png")).status, 404, "{path}");
    }
    let closed = Launch::new().start();
    assert_eq!(closed.get("/_/w:8/plain/local:///a.png@png").status, 404);
}

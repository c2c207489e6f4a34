//! Requests that run in a circle end at once, and servers that stand in a row do not.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::client::{Answer, send};
use crate::support::folder;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// Passes requests on to whoever is named later, as the load balancer in front of a deployment does.
struct Relay {
    origin: Origin,
    to: Arc<OnceLock<Vec<SocketAddr>>>,
}

// === impl Relay ===

impl Relay {
    fn new() -> Self {
        let to: Arc<OnceLock<Vec<SocketAddr>>> = Arc::default();
        let (known, turns) = (Arc::clone(&to), std::sync::atomic::AtomicUsize::new(0));
        let origin = Origin::start(move |asked| {
            let nodes = known.get().expect("nodes");
            let turn = turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let fields: Vec<_> =
                ["cdn-loop", "via"].into_iter().filter_map(|name| Some((name, asked.field(name)?))).collect();
            let answer = send(nodes[turn % nodes.len()], "GET", &asked.target, &fields).receive();
            let passed =
                ["content-type", "cache-control"].into_iter().filter_map(|name| Some((name, answer.field(name)?)));
            let reply = Reply::status(answer.status).with_body(answer.body.clone());
            passed.fold(reply, |reply, (name, value)| reply.with(name, value))
        });
        Self { origin, to }
    }

    fn lead_to(&self, nodes: &[&Server]) {
        self.to.set(nodes.iter().map(|node| node.addr).collect()).expect("once");
    }

    /// How the address of an image at the deployment is asked for as the source of another one.
    fn source(&self, path: &str) -> String {
        image_of(&self.origin.url(path))
    }
}

/// A server that fetches from loopback, on which everything here is.
fn open() -> Launch {
    Launch::new().set("ALLOW_LOOPBACK_SOURCES", "true")
}

/// The path of a picture of this source, which may be a picture's address itself.
fn image_of(source: &str) -> String {
    format!("/_/w:4/{}.png", URL_SAFE_NO_PAD.encode(source))
}

fn kind(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem()["type"].as_str().expect("a type").replace("urn:tintype:", ""))
}

fn is_loop(answer: &Answer) {
    assert_eq!(kind(answer), (508, "loop".to_owned()));
    assert_eq!(answer.expect("cache-control"), "no-store");
}

#[test]
fn a_source_at_the_servers_own_address_is_refused() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = open().set("LOCAL_ROOT", &folder.path().display().to_string()).start();
    let inner = format!("http://{}/_/w:8/plain/local:///a.png@png", server.addr);
    let answer = server.get(&image_of(&inner));
    assert_eq!(kind(&answer), (508, "origin-loop".to_owned()));
    assert_eq!((server.metric("tintype_loops_total", &["why=\"own\""]), server.transforms()), (1, 0));
    let inner_line = server.logged("request");
    assert_eq!((&inner_line["status"], &inner_line["kind"]), (&508.into(), &"loop".into()), "{inner_line}");
    assert_eq!(server.get("/_/w:8/plain/local:///a.png@png").status, 200);
    let status = server.ask("/_/w:8/plain/local:///a.png@png", &[("cdn-loop", "cloudflare; loops=1")]).status;
    assert_eq!(status, 200, "another's mark is none of ours");
}

#[test]
fn a_mount_of_the_server_itself_is_refused_at_its_first_round() {
    let relay = Relay::new();
    let server = open().set("MOUNTS", &format!("/m={}", relay.origin.url("/m"))).start();
    relay.lead_to(&[&server]);
    is_loop(&server.get("/m/a"));
    assert_eq!(relay.origin.asked().len(), 1);
    assert_eq!(server.metric("tintype_loops_total", &["why=\"own\""]), 1);
}

#[test]
fn a_circle_through_nodes_of_one_deployment_is_found_at_its_first_round() {
    let relay = Relay::new();
    let launch = open().set("LOOP_NAME", "shop").set("MOUNTS", &format!("/m={}", relay.origin.url("/m")));
    let nodes = [launch.start(), launch.start(), launch.start()];
    relay.lead_to(&[&nodes[1], &nodes[2], &nodes[0]]);
    is_loop(&nodes[0].get("/m/a"));
    assert_eq!(relay.origin.asked().len(), 1);
    let asked = &relay.origin.asked()[0];
    assert_eq!((asked.field("cdn-loop"), asked.field("via")), (Some("tintype-shop"), Some("1.1 tintype-shop")));
}

#[test]
fn a_circle_through_nodes_without_a_common_name_ends_all_the_same() {
    let relay = Relay::new();
    let launch = open().set("LOOP_HOPS_MAX", "2").set("MOUNTS", &format!("/m={}", relay.origin.url("/m")));
    let nodes = [0; 5].map(|_| launch.start());
    relay.lead_to(&[&nodes[1], &nodes[2], &nodes[3], &nodes[4]]);
    let answer = nodes[0].get("/m/a");
    is_loop(&answer);
    assert_eq!(answer.problem()["setting"], "loop.hops_max");
    assert_eq!(relay.origin.asked().len(), 3, "two others are passed, and the third says no");
    assert_eq!(nodes[3].metric("tintype_loops_total", &["why=\"hops\""]), 1);
}

#[test]
fn a_circle_of_images_ends_however_it_turns() {
    // The source redirects to an image whose source is the same: no URL gets longer, and nobody sees a repetition but
    // by what the requests carry.
    let relay = Relay::new();
    let servers = [open().set("LOOP_NAME", "one").start(), open().set("LOOP_NAME", "two").start()];
    let [one, two] = servers.each_ref().map(|server| server.addr);
    let origin = Origin::start(move |asked| {
        let next = if asked.target == "/one" { (two, "/two") } else { (one, "/one") };
        let host = asked.field("host").expect("a host").to_owned();
        Reply::status(302).with("location", &format!("http://{}/_/w:8/plain/http://{host}{}@png", next.0, next.1))
    });
    relay.lead_to(&[&servers[0]]);
    let answer = servers[0].get(&format!("/_/w:8/plain/{}@png", origin.url("/one")));
    assert_eq!(kind(&answer), (508, "origin-loop".to_owned()));
    let asked = origin.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].field("cdn-loop"), Some("tintype-one, tintype-two"));
    let looped = servers.each_ref().map(|server| server.get(&relay.source("/live")).status);
    assert_eq!(looped, [508, 422], "the second one is only another server");
}

#[test]
fn servers_in_a_row_are_no_circle() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let origin = Origin::of(marks(64, 48).png());
    let back = open().set("LOCAL_ROOT", &folder.path().display().to_string()).start();
    let front = open().set("MOUNTS", &format!("/m=http://{}", back.addr)).start();
    let edge = open().set("MOUNTS", &format!("/e=http://{}/m", front.addr)).start();
    assert_eq!(front.get("/m/_/w:8/plain/local:///a.png@png").status, 200);
    assert_eq!(edge.get("/e/_/w:16/plain/local:///a.png@png").status, 200);
    let far = origin.url("/a.png");
    let through_all = format!("/e/_/raw:1/plain/{far}");
    assert_eq!(edge.get(&through_all).status, 200);
    let asked = &origin.asked()[0];
    let names: Vec<_> = asked.field("cdn-loop").expect("names").split(", ").collect();
    assert!(names.len() == 3 && names.iter().all(|name| name.starts_with("tintype-")), "{names:?}");
    assert_eq!(asked.field("via").expect("names").split(", ").count(), 3);
    let image = format!("http://{}/_/w:8/plain/local:///a.png@png", back.addr);
    assert_eq!(front.get(&image_of(&image)).status, 200, "a picture of a picture of another one");
}

#[test]
fn the_limit_of_hops_counts_servers_of_this_kind() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).start();
    let ask = |name: &str, value: &str| server.ask("/_/w:8/plain/local:///a.png@png", &[(name, value)]);
    let list = |count: usize| (0..count).map(|number| format!("tintype-{number}")).collect::<Vec<_>>().join(", ");
    let via = |count: usize| list(count).replace("tintype", "1.1 tintype");
    for (name, list) in [("cdn-loop", &list as &dyn Fn(usize) -> String), ("via", &via)] {
        assert_eq!(ask(name, &list(3)).status, 200);
        assert_eq!(ask(name, &list(4)).status, 200);
        let answer = ask(name, &list(5));
        is_loop(&answer);
        let problem = answer.problem();
        assert_eq!((&problem["setting"], &problem["limit"]), (&"loop.hops_max".into(), &"4 servers".into()));
    }
    assert_eq!(ask("via", "1.1 a, 1.1 b, 1.1 c, 1.1 d, 1.1 e, 1.1 f").status, 200);
}

#[test]
fn what_one_request_says_of_its_way_is_not_remembered_for_others() {
    let origin = Origin::start(|asked| match asked.field("cdn-loop").expect("a name") {
        forged if forged.contains("tintype-forged") => Reply::status(404),
        _ => Reply::ok(marks(64, 48).png()),
    });
    let server = Launch::before(&origin).start();
    let target = format!("/_/w:8/plain/{}@png", origin.url("/a.png"));
    assert_eq!(server.ask(&target, &[("cdn-loop", "tintype-forged")]).status, 404);
    assert_eq!(server.get(&target).status, 200);
}

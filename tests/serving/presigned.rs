//! Links that carry a permission: it is sent to the origin, and seen nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::origin::Origin;
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

const SECRETS: [&str; 2] = ["f00dfacef00dface", "baddecafbaddecaf"];

fn link(origin: &Origin, signature: &str) -> String {
    origin.url(&format!("/a.png?v=1&X-Amz-Date=20260101T000000Z&X-Amz-Signature={signature}"))
}

fn plain(source: &str) -> String {
    format!("/_/w:8/plain/{}@png", source.replace('?', "%3F").replace('&', "%26"))
}

fn encoded(source: &str) -> String {
    format!("/_/w:8/{}.png", URL_SAFE_NO_PAD.encode(source))
}

fn serving(origin: &Origin) -> Server {
    Launch::before(origin).set("LOG_LEVEL", "debug").start()
}

#[test]
fn another_permission_is_the_same_original() {
    for target in [plain, encoded] {
        let origin = Origin::of(marks(64, 48).png());
        let server = serving(&origin);
        let answers = SECRETS.map(|secret| server.get(&target(&link(&origin, secret))));
        assert_eq!((answers[0].status, answers[1].status), (200, 200));
        assert_eq!(answers[0].field("etag"), answers[1].field("etag"));
        assert_eq!((origin.asked().len(), server.transforms()), (1, 1));
        let sent = &origin.asked()[0].target;
        assert!(sent.contains(SECRETS[0]) && sent.contains("v=1"), "the origin gets all of it: {sent}");
        server.get(&target(&link(&origin, SECRETS[0]).replace("v=1", "v=2")));
        assert_eq!(origin.asked().len(), 2, "another parameter is another original");
    }
}

#[test]
fn permissions_are_neither_logged_nor_sent_to_clients() {
    let origin = Origin::of(marks(64, 48).png());
    let failing = Origin::of(b"no picture".to_vec());
    let allowed = format!("{},{}", origin.url("/"), failing.url("/"));
    let server = Launch::new().set("ALLOWED_SOURCES", &allowed).set("LOG_LEVEL", "debug").start();
    let bytes = URL_SAFE_NO_PAD.encode(link(&origin, SECRETS[0]));
    // The piece of the base64 text that holds the signature alone, whatever stands before it.
    let hidden = &bytes[bytes.len() - 16..];
    let mut number = 0;
    for source in [link(&origin, SECRETS[0]), link(&failing, SECRETS[0])] {
        for target in [plain(&source), encoded(&source), format!("{}/raw:1{}", "/_", &plain(&source)[2..])] {
            number += 1;
            let id = format!("request-{number}");
            let answer = server.ask(&target, &[("x-request-id", &id)]);
            server.logged_request(&id);
            for secret in [SECRETS[0], hidden] {
                assert!(!answer.mentions(secret), "{target}: {answer:?}");
                assert!(!server.log().contains(secret), "{target}: {}", server.log());
            }
        }
    }
}

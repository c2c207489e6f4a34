//! Who may ask: signatures as imgproxy's clients make them, their rotation, and the second lock.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::folder;
use crate::support::pictures::marks;
use crate::support::server::Launch;

/// The key and the salt of imgproxy's own examples, and in hex.
const SECRET: (&str, &str) = ("secret", "hello");
const SECRET_HEX: (&str, &str) = ("736563726574", "68656c6c6f");
const OTHER_HEX: (&str, &str) = ("6f74686572", "73616c74");

const PATH: &str = "/w:32/plain/local:///a.png@png";

/// As every client library of imgproxy does it, without a line of ours.
fn signed(path: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.0.as_bytes()).expect("any length");
    mac.update(SECRET.1.as_bytes());
    mac.update(path.as_bytes());
    format!("/{}{path}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn locked(original: &std::path::Path) -> Launch {
    Launch::over(original).set("KEY", SECRET_HEX.0).set("SALT", SECRET_HEX.1).set("UNSIGNED", "deny")
}

#[test]
fn only_the_right_signature_opens() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = locked(folder.path()).start();
    let right = signed(PATH);
    assert_eq!(server.get(&right).status, 200);
    let before = (server.fetches(), server.transforms());
    let (signature, _) = right[1..].split_once('/').expect("a signature");
    let wrong = format!("/{}A{PATH}", &signature[..signature.len() - 1]);
    let moved = format!("/{signature}/w:33/plain/local:///a.png@png");
    for target in [&wrong, &moved, &format!("/unsafe{PATH}"), &format!("/{}{PATH}", &signature[..20])] {
        let answer = server.get(target);
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["type"]), (403, &"urn:tintype:bad-signature".into()), "{target}");
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{target}");
        assert!(!answer.mentions(signature), "the right signature is not told: {answer:?}");
    }
    assert_eq!((server.fetches(), server.transforms()), before, "nothing is done for strangers");
}

#[test]
fn keys_change_without_a_gap() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let both = Launch::over(folder.path())
        .set("UNSIGNED", "deny")
        .set("KEY", &format!("{},{}", OTHER_HEX.0, SECRET_HEX.0))
        .set("SALT", &format!("{},{}", OTHER_HEX.1, SECRET_HEX.1))
        .start();
    assert_eq!(both.get(&signed(PATH)).status, 200);
    let after = Launch::over(folder.path()).set("UNSIGNED", "deny").set("KEY", OTHER_HEX.0).set("SALT", OTHER_HEX.1);
    assert_eq!(after.start().get(&signed(PATH)).status, 403);
}

#[test]
fn without_a_key_and_without_leave_nothing_is_answered() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = Launch::over(folder.path()).set("UNSIGNED", "deny").start();
    assert_eq!(server.get(&format!("/unsafe{PATH}")).status, 403);
    assert_eq!(server.get(&signed(PATH)).status, 403);
}

#[test]
fn a_secret_is_a_second_lock() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = locked(folder.path()).set("SECRET", "only the cdn").start();
    let target = signed(PATH);
    let with = |value: &str| server.ask(&target, &[("authorization", value)]).status;
    assert_eq!(server.get(&target).status, 403);
    assert_eq!((with("Bearer only the cdn"), with("Bearer only the"), with("only the cdn")), (200, 403, 403));
    assert_eq!(server.ask(&format!("/unsafe{PATH}"), &[("authorization", "Bearer only the cdn")]).status, 403);
}

#[test]
fn the_log_has_no_signature() {
    let folder = folder(&[("a.png", &marks(64, 48).png())]);
    let server = locked(folder.path()).start();
    let target = signed(PATH);
    server.ask(&target, &[("x-request-id", "the-request")]);
    let line = server.logged_request("the-request");
    assert_eq!((&line["status"], &line["route"]), (&200.into(), &"image".into()), "{line}");
    let (signature, _) = target[1..].split_once('/').expect("a signature");
    assert!(!server.log().contains(signature), "{line}");
    for secret in [SECRET.0, SECRET.1, SECRET_HEX.0, SECRET_HEX.1] {
        assert!(!server.log().contains(secret), "{secret}");
    }
}

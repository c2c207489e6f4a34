//! Secrets stay where they are: whatever fails, none of them is written to the log or told to anyone. And what every
//! answer says to a browser about itself.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::client::{Answer, post, send};
use crate::support::folder;
use crate::support::origin::{Origin, Reply};
use crate::support::pictures::marks;
use crate::support::server::{Launch, Server};

/// Settings that are secrets, as they are given.
const SETTINGS: [(&str, &str); 5] = [
    ("KEY", "c0ffee00c0ffee00c0ffee00"),
    ("SALT", "5a17ed005a17ed005a17ed00"),
    ("SECRET", "bearer-5ecre7-of-clients"),
    ("ADMIN_TOKEN", "token-5ecre7-of-operators"),
    ("TRUSTED_SIGNATURES", "trusted-5ecre7-signature"),
];

/// Variables of other tools that are secrets.
const VARIABLES: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIA5ECRE7"),
    ("AWS_SECRET_ACCESS_KEY", "aws-5ecre7-key"),
    ("AWS_SESSION_TOKEN", "aws-5ecre7-session"),
];

/// What stands in the query of presigned sources, and a password before a host.
const PRESIGNED: [(&str, &str); 5] = [
    ("X-Amz-Signature", "amz5ecre7signature"),
    ("X-Amz-Security-Token", "amz5ecre7token"),
    ("X-Goog-Signature", "goog5ecre7signature"),
    ("sig", "azure5ecre7signature"),
    ("Signature", "cloudfront5ecre7signature"),
];
const PASSWORD: &str = "pa55word-5ecre7";

/// Everything that must not be seen.
fn secrets() -> Vec<&'static str> {
    let given = SETTINGS.iter().chain(&VARIABLES).chain(&PRESIGNED).map(|(_, secret)| *secret);
    // Decoded, hex is bytes; as text of bytes they would read like this.
    given.chain([PASSWORD, "192, 255, 238, 0", "[90, 23, 237"]).collect()
}

fn query() -> String {
    let pairs: Vec<_> = PRESIGNED.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Ways to write a source into a path, with a right bearer token and without a signature.
fn targets(source: &str) -> [String; 4] {
    let plain = source.replace('%', "%25").replace('?', "%3F").replace('&', "%26");
    [
        format!("/_/w:8/plain/{plain}@png"),
        format!("/_/w:8/{}.png", URL_SAFE_NO_PAD.encode(source)),
        format!("/_/raw:1/plain/{plain}"),
        format!("/_/nonsense:1/plain/{plain}"),
    ]
}

/// An origin that fails in every way that it can, by path.
fn failing() -> Origin {
    Origin::start(|asked| match asked.target.split('?').next().unwrap_or_default() {
        "/401" => Reply::status(401),
        "/404" => Reply::status(404),
        "/500" => Reply::status(500),
        "/508" => Reply::status(508),
        "/text" => Reply::ok("no picture"),
        "/broken" => Reply::ok("half").broken_off(),
        "/gzip" => Reply::ok("x").with("content-encoding", "gzip"),
        "/header" => Reply::ok("x").with("x", &"y".repeat(40_000)),
        "/loop" => Reply::status(302).with("location", &format!("/loop?{}", query())),
        "/away" => Reply::status(302).with("location", &format!("http://10.0.0.1/a?{}", query())),
        "/user" => Reply::status(302).with("location", &format!("http://me:{PASSWORD}@public.example/a")),
        "/scheme" => Reply::status(302).with("location", &format!("ftp://public.example/a?{}", query())),
        "/moved" => Reply::status(302).with("location", &format!("/a.png?{}", query())),
        _ => Reply::ok(marks(64, 48).png()),
    })
}

fn assert_silent(what: &str, text: &str) {
    for secret in secrets() {
        assert!(!text.contains(secret), "{what} tells {secret}:\n{text}");
    }
}

fn shown(answer: &Answer) -> String {
    let fields: Vec<_> = answer.fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{}\n{}", fields.concat(), String::from_utf8_lossy(&answer.body))
}

fn launch(origin: &Origin) -> Launch {
    let allowed = format!("{},http://10.0.0.1/,http://public.example/", origin.url("/"));
    let launch = Launch::new().set("ALLOWED_SOURCES", &allowed).set("S3_ENABLED", "true");
    let launch = launch.set("S3_ENDPOINT", &origin.url("/500")).set("LOG_LEVEL", "trace");
    let launch = launch.set("MOUNTS", &format!("/m={}", origin.url("")));
    let launch = SETTINGS.iter().fold(launch, |launch, (name, value)| launch.set(name, value));
    VARIABLES.iter().fold(launch, |launch, (name, value)| launch.variable(name, value))
}

/// Asks for everything that fails, and a few things that do not.
fn provoke(server: &Server, origin: &Origin) -> Vec<(String, Answer)> {
    let mut told = Vec::new();
    let bearer = format!("Bearer {}", SETTINGS[2].1);
    let mut ask = |target: &str, authorization: &str| {
        let answer = send(server.addr, "GET", target, &[("authorization", authorization)]).receive();
        told.push((target.to_owned(), answer));
    };
    let ways = "401 404 500 508 text broken gzip header loop away user scheme moved a.png";
    let mut sources: Vec<String> = ways.split(' ').map(|way| origin.url(&format!("/{way}?{}", query()))).collect();
    sources.push(format!("http://me:{PASSWORD}@public.example/a.png"));
    sources.push(format!("http://127.0.0.1/a?{}", query()));
    sources.push(format!("http://[/a?{}", query()));
    sources.push(format!("nonsense://a?{}", query()));
    sources.push(format!("http://elsewhere.example/a?{}", query()));
    sources.push("s3://bucket/key".to_owned());
    for source in &sources {
        for target in targets(source) {
            ask(&target, &bearer);
        }
    }
    let right = targets(&sources[0]);
    ask(&right[0], "Bearer wrong");
    ask(&right[0], "Basic wrong");
    let signed = right[0].replacen("/_/", "/AAAA/", 1);
    ask(&signed, &bearer);
    ask(&right[0].replacen("/_/", &format!("/{}/", SETTINGS[4].1), 1), &bearer);
    ask(&format!("/m/500?{}", query()), "Bearer wrong");
    ask(&format!("/m/broken?{}", query()), "Bearer wrong");
    ask(&format!("/_/{}/plain/a?{}", "w:1/".repeat(100), query()), &bearer);
    ask(&format!("/{}", "a".repeat(9_000)), &bearer);
    told
}

#[test]
fn nothing_that_fails_tells_a_secret() {
    let origin = failing();
    let server = launch(&origin).start();
    let told = provoke(&server, &origin);
    let statuses: std::collections::BTreeSet<_> = told.iter().map(|(_, answer)| answer.status).collect();
    for expected in [200, 401, 403, 404, 414, 422, 500, 502, 508] {
        assert!(statuses.contains(&expected), "{expected} is not among {statuses:?}");
    }
    for (target, answer) in &told {
        assert_silent(target, &shown(answer));
    }
    let token = format!("Bearer {}", SETTINGS[3].1);
    for authorization in [token.as_str(), "Bearer wrong", "nonsense"] {
        for page in ["/metrics", "/status", "/ready", "/nothing"] {
            let answer = send(server.admin, "GET", page, &[("authorization", authorization)]).receive();
            assert_silent(page, &shown(&answer));
        }
        for order in ["nonsense", r#"{"sources":["http://[/a"]}"#, r#"{"urls":["nonsense"],"tags":["a b"]}"#] {
            assert_silent(order, &shown(&post(server.admin, "/purge", &[("authorization", authorization)], order)));
        }
    }
    server.reload();
    server.logged_request(told.last().expect("answers").1.expect("x-request-id"));
    assert!(server.log().contains("\"level\":\"TRACE\""), "everything is written here");
    assert_silent("the log", &server.log());
}

#[test]
fn settings_that_are_refused_are_not_quoted() {
    let origin = failing();
    let odd = [("KEY", "c0ffee00c0ffee00-no-hex"), ("SALT", "5a17ed005a17ed00,5a17ed005a17ed00"), ("KEY", "")];
    for (name, value) in odd {
        let (code, text) = launch(&origin).set(name, value).fail();
        assert_ne!(code, Some(0));
        for part in ["c0ffee00", "5a17ed00"] {
            assert!(!text.contains(part), "{name}: {text}");
        }
        assert_silent(name, &text);
    }
    let lines = [
        "key = \"c0ffee00c0ffee00c0ffee00",
        "key = c0ffee00c0ffee00c0ffee00",
        "key = { a = \"c0ffee00c0ffee00c0ffee00\" }",
        "key = [[\"c0ffee00c0ffee00c0ffee00\"]]",
        "kee = \"c0ffee00c0ffee00c0ffee00\"",
        "secret = 1\nsecret = \"bearer-5ecre7-of-clients\"",
        "admin.token = [\"token-5ecre7-of-operators\"]",
        "[admin]\ntoken = \"token-5ecre7-of-operators\" nonsense",
        "salt = \"5a17ed005a17ed005a17ed00\"",
    ];
    let folder = folder(&[]);
    let file = folder.path().join("settings.toml");
    for line in lines {
        fs::write(&file, line).expect("a writable folder");
        for command in ["check", "serve", "doctor"] {
            let run = run(command, &[("TINTYPE_CONFIG", &file.display().to_string())]);
            assert!(run.contains("settings.toml") || line.starts_with("salt"), "{command} of {line}: {run}");
            assert_silent(&format!("{command} of {line}"), &run);
        }
    }
}

#[test]
fn commands_that_show_settings_show_no_secrets() {
    let names: Vec<String> = SETTINGS.iter().map(|(name, _)| format!("TINTYPE_{name}")).collect();
    let settings = names.iter().zip(&SETTINGS).map(|(name, (_, value))| (name.as_str(), *value));
    let variables: Vec<(&str, &str)> = settings.chain(VARIABLES).collect();
    for command in ["check", "doctor"] {
        let text = run(command, &variables);
        assert!(text.len() > 100, "{command}: {text}");
        assert_silent(command, &text);
    }
}

/// Everything that a command writes.
fn run(command: &str, variables: &[(&str, &str)]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .arg(command)
        .env_clear()
        .envs(["PATH", "HOME", "LD_LIBRARY_PATH"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("TINTYPE_LISTEN", "127.0.0.1:0")
        .env("TINTYPE_ADMIN_LISTEN", "127.0.0.1:0")
        .envs(variables.iter().copied())
        .output()
        .expect("the program starts");
    format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr))
}

#[test]
fn every_answer_says_that_it_is_what_it_is() {
    let drawing = br#"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><script>alert(1)</script></svg>"#;
    let page = b"<html><script>alert(1)</script></html>";
    let folder = folder(&[("a.png", &marks(64, 48).png()), ("a.svg", drawing), ("a.html", page)]);
    let origin = Origin::start(|_| Reply::ok("<script>").with("content-type", "text/html"));
    let allowed = format!("local://,{}", origin.url("/"));
    let server = Launch::over(folder.path())
        .set("ALLOWED_SOURCES", &allowed)
        .set("SKIP_PROCESSING_FORMATS", "svg")
        .set("MOUNTS", &format!("/m={},/gone=http://127.0.0.1:9", origin.url("")))
        .start();
    let etag = server.get("/_/w:8/plain/local:///a.png@png").expect("etag").to_owned();
    let plain = |target: &str| server.get(target);
    let answers = [
        (200, plain("/_/w:8/plain/local:///a.png@png")),
        (206, server.ask("/_/w:8/plain/local:///a.png@png", &[("range", "bytes=0-3")])),
        (304, server.ask("/_/w:8/plain/local:///a.png@png", &[("if-none-match", &etag)])),
        (200, plain("/_/plain/local:///a.svg")),
        (200, plain("/_/raw:1/plain/local:///a.html")),
        (200, plain(&format!("/_/raw:1/plain/{}", origin.url("/a")))),
        (404, plain("/_/w:8/plain/local:///none.png@png")),
        (404, plain("/wrong")),
        (404, plain("/favicon.ico")),
        (200, plain("/")),
        (200, plain("/health")),
        (502, plain("/gone/a")),
        (405, send(server.addr, "TRACE", "/m/a", &[]).receive()),
        (204, send(server.addr, "OPTIONS", "/_/w:8/plain/local:///a.png@png", &[]).receive()),
        (200, send(server.addr, "HEAD", "/_/w:8/plain/local:///a.png@png", &[]).receive()),
        (405, send(server.addr, "DELETE", "/_/w:8/plain/local:///a.png@png", &[]).receive()),
        (200, send(server.admin, "GET", "/metrics", &[]).receive()),
        (404, send(server.admin, "GET", "/nothing", &[]).receive()),
    ];
    for (number, (status, answer)) in answers.iter().enumerate() {
        let what = format!("answer {number}: {answer:?}");
        assert_eq!(answer.status, *status, "{what}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{what}");
        assert_eq!(answer.field("cross-origin-resource-policy"), Some("cross-origin"), "{what}");
        let policy = answer.expect("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{what}");
        assert!(!policy.contains("script") && answer.field("server").is_none(), "{what}");
    }
    assert!(!answers[3].1.mentions("script>"), "a drawing passes without its scripts");
    // What a mount passes on is the origin's word for word; only what we say ourselves is ours.
    let passed = server.get("/m/a");
    assert_eq!((passed.content_type(), passed.field("content-security-policy")), ("text/html", None));
}

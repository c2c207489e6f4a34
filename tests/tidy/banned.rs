//! T7: words that have a better one here, each with where it may stand and what to write instead.

use super::tree::{Finding, Source, Tree, words};

/// Code that may not stand outside tests, except in files under the given paths.
struct Ban {
    pattern: &'static str,
    allowed: &'static [&'static str],
    instead: &'static str,
}

const fn ban(pattern: &'static str, allowed: &'static [&'static str], instead: &'static str) -> Ban {
    Ban { pattern, allowed, instead }
}

const PRINTS: &[&str] = &["src/cli/", "src/main.rs", "build.rs"];
const METRICS: &[&str] = &["src/telemetry/"];
const CLOCK: &[&str] = &["src/telemetry/clock.rs"];
const BANS: [Ban; 27] = [
    ban(".unwrap()", &[], "handle it, or `expect(\"invariant: …\")`"),
    ban("println!", PRINTS, "log, or return it to the command"),
    ban("eprintln!", PRINTS, "log, or return it to the command"),
    ban("print!", PRINTS, "log, or return it to the command"),
    ban("eprint!", PRINTS, "log, or return it to the command"),
    ban("process::exit", PRINTS, "return an error to the command"),
    ban("dbg!", &[], "delete it"),
    ban("todo!", &[], "write it"),
    ban("unimplemented!", &[], "write it"),
    ban("tokio::spawn", &[], "spawn on the TaskTracker that was handed in"),
    ban("unbounded_channel", &[], "a bounded channel with a named limit"),
    ban("mpsc::unbounded", &[], "a bounded channel with a named limit"),
    ban("std::sync::mpsc::channel", &[], "`sync_channel` with a named limit"),
    ban("thread::sleep", &[], "wait for an event with a deadline"),
    ban("env::set_var", &[], "pass the value"),
    ban("SystemTime::now", CLOCK, "`telemetry::clock`"),
    ban("Instant::now", CLOCK, "`telemetry::clock`"),
    ban("counter!", METRICS, "the metric enums of telemetry"),
    ban("gauge!", METRICS, "the metric enums of telemetry"),
    ban("histogram!", METRICS, "the metric enums of telemetry"),
    ban("describe_counter!", METRICS, "the metric enums of telemetry"),
    ban("describe_gauge!", METRICS, "the metric enums of telemetry"),
    ban("describe_histogram!", METRICS, "the metric enums of telemetry"),
    ban("reqwest::Client", &["src/origin/client.rs", "src/origin/client/"], "the guarded client of origin"),
    ban("reqwest::get", &[], "the guarded client of origin"),
    ban("anyhow::", &["src/cli/", "src/main.rs"], "an error enum of the room"),
    ban("Box<dyn Error>", &["src/cli/"], "an error enum of the room"),
];
/// Left behind on the way; spelled in two halves so that this file does not find itself.
const LEFTOVERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const STATUS_ROOM: &str = "src/http/";
/// The statuses of clients' and servers' faults by their names in the crate `http`.
const FAULT_STATUSES: [&str; 27] = [
    "BAD_REQUEST",
    "UNAUTHORIZED",
    "PAYMENT_REQUIRED",
    "FORBIDDEN",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "REQUEST_TIMEOUT",
    "CONFLICT",
    "GONE",
    "LENGTH_REQUIRED",
    "PRECONDITION_FAILED",
    "PAYLOAD_TOO_LARGE",
    "URI_TOO_LONG",
    "UNSUPPORTED_MEDIA_TYPE",
    "RANGE_NOT_SATISFIABLE",
    "EXPECTATION_FAILED",
    "UNPROCESSABLE_ENTITY",
    "TOO_MANY_REQUESTS",
    "REQUEST_HEADER_FIELDS_TOO_LARGE",
    "INTERNAL_SERVER_ERROR",
    "NOT_IMPLEMENTED",
    "BAD_GATEWAY",
    "SERVICE_UNAVAILABLE",
    "GATEWAY_TIMEOUT",
    "INSUFFICIENT_STORAGE",
    "HTTP_VERSION_NOT_SUPPORTED",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let ordinary = tree.sources.iter().filter(|source| source.path.starts_with("src/") || source.path == "build.rs");
    let code = ordinary.flat_map(|source| [check_bans(source), check_expect(source), check_statuses(source)].concat());
    let text = tree.pages.iter().flat_map(|page| check_leftovers(&page.path, &page.text));
    code.chain(text).collect()
}

fn check_bans(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| !ban.allowed.iter().any(|path| source.path.starts_with(path))) {
        for at in source.occurrences(ban.pattern).filter(|at| !source.is_test_at(*at)) {
            let text = format!("`{}`: instead {}", ban.pattern, ban.instead);
            findings.push(Finding::new(&source.path, source.line_of(at), "T7", text));
        }
    }
    findings
}

fn check_expect(source: &Source) -> Vec<Finding> {
    let is_reasoned = |at: usize| {
        let argument = source.text[at + ".expect(".len()..].trim_start();
        argument.starts_with("\"invariant: ")
    };
    let loose = source.occurrences(".expect(").filter(|at| !source.is_test_at(*at) && !is_reasoned(*at));
    let text = "`expect` whose text does not begin with `invariant:`";
    loose.map(|at| Finding::new(&source.path, source.line_of(at), "T7", text)).collect()
}

fn check_statuses(source: &Source) -> Vec<Finding> {
    if source.path.starts_with(STATUS_ROOM) {
        return Vec::new();
    }
    let named = source.occurrences("StatusCode::").filter(|at| {
        let name = &source.code[at + "StatusCode::".len()..];
        let name = name.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap_or("");
        FAULT_STATUSES.contains(&name) && !source.is_test_at(*at)
    });
    let text = "a refusing status outside src/http: say what went wrong in the room's error";
    named.map(|at| Finding::new(&source.path, source.line_of(at), "T7", text)).collect()
}

fn check_leftovers(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for word in LEFTOVERS {
        for at in words(text, word) {
            let line = text[..at].matches('\n').count() + 1;
            findings.push(Finding::new(
                path,
                line,
                "T7",
                format!("`{word}`: do it, or write down where it is planned"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Tree::sample(&[(path, text)])).len()
    }

    #[test]
    fn every_ban_is_found_outside_its_place() {
        for ban in &BANS {
            let text = format!("fn f() {{ a{}(b) }}", ban.pattern);
            let text = if ban.pattern.starts_with('.') { text } else { text.replace(" a", " ") };
            assert!(findings("src/cache/a.rs", &text) > 0, "{}", ban.pattern);
            for allowed in ban.allowed {
                let path = if allowed.ends_with('/') { format!("{allowed}a.rs") } else { (*allowed).to_owned() };
                assert_eq!(findings(&path, &text), 0, "{} in {path}", ban.pattern);
            }
        }
    }

    #[test]
    fn tests_comments_and_texts_are_free() {
        assert_eq!(findings("src/cache/a.rs", "#[cfg(test)]\nmod tests { fn f() { a.unwrap(); b.expect(\"c\") } }"), 0);
        assert_eq!(findings("src/cache/a.rs", "// a.unwrap()\nconst A: &str = \"dbg!\";"), 0);
        assert_eq!(findings("src/cache/a.rs", "a.unwrap_or(1); eprintln(); Instant::nowhere()"), 0);
    }

    #[test]
    fn expect_gives_its_invariant() {
        assert_eq!(findings("src/cache/a.rs", "a.expect(\"invariant: never empty\")"), 0);
        assert_eq!(findings("src/cache/a.rs", "a.expect(\n    \"invariant: never empty\",\n)"), 0);
        assert_eq!(findings("src/cache/a.rs", "a.expect(\"works\")"), 1);
    }

    #[test]
    fn refusals_are_named_in_one_room() {
        assert_eq!(findings("src/origin/a.rs", "StatusCode::NOT_FOUND"), 1);
        assert_eq!(findings("src/origin/a.rs", "StatusCode::NOT_MODIFIED; StatusCode::OK"), 0);
        assert_eq!(findings("src/http/respond.rs", "StatusCode::NOT_FOUND"), 0);
    }

    #[test]
    fn leftovers_are_found_in_any_text() {
        assert_eq!(findings("docs/a.md", &format!("a\n{}: b", LEFTOVERS[0])), 1);
        assert_eq!(findings("docs/a.md", "HEXXXES"), 0);
    }
}

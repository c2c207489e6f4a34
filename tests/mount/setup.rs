//! A server with an origin mounted at `/m`, and requests to it.

use crate::support::client::{Answer, submit};
use crate::support::origin::{Asked, Origin, Reply};
use crate::support::server::{Launch, Server};

/// A server before an origin, both running.
pub struct Mounted {
    pub origin: Origin,
    pub server: Server,
}

/// An origin mounted with these options.
pub fn mounted(options: &str, handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Mounted {
    let origin = Origin::start(handler);
    let server = launch(&origin, options).start();
    Mounted { origin, server }
}

/// How a server with this origin at `/m`, which takes purges, is started.
pub fn launch(origin: &Origin, options: &str) -> Launch {
    Launch::new().set("ADMIN_TOKEN", "t0k").set("MOUNTS", &format!("/m={}{options}", origin.url("")))
}

/// An origin that gives the same fields with every answer; the body counts the requests.
pub fn counting(options: &str, fields: &'static [(&'static str, &'static str)]) -> Mounted {
    let count = std::sync::atomic::AtomicUsize::new(0);
    mounted(options, move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        fields.iter().fold(Reply::ok(number.to_string()), |reply, (name, value)| reply.with(name, value))
    })
}

/// The number that a path begins with, for tests of many cases before one server.
pub fn case(asked: &Asked) -> usize {
    let digits = asked.target.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    digits.parse().expect("a path that begins with a number")
}

// === impl Mounted ===

impl Mounted {
    /// The answer to a GET below the mount.
    pub fn get(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.server.ask(&format!("/m{path}"), fields)
    }

    /// The answer to any method, with a body where one is given.
    pub fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        submit(self.server.addr, method, &format!("/m{path}"), fields, body).receive()
    }

    /// Requests that came to the origin.
    pub fn asked(&self) -> usize {
        self.origin.asked().len()
    }
}

/// The body as text.
pub fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).expect("a text")
}

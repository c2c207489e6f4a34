//! Logs: where they go, what they look like, and the one line that each request leaves.
//!
//! Everything goes to standard error, as text for people or as one JSON object a line. Events of other crates are
//! logged from warnings on, since their further talk is about their own insides; `trace` shows all of it.

use std::io::{self, IsTerminal as _};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line for people, in colour on a terminal.
    Text,
    /// A JSON object on a line.
    Json,
}

/// What is logged of a request. No field may hold a secret: the path comes with its signature cut and without the
/// credentials of signed links.
#[derive(Debug, Clone, Copy)]
pub struct AccessLine<'a> {
    pub id: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub peer: SocketAddr,
    /// Whose request it is, where that is another one than the peer.
    pub client: Option<IpAddr>,
    pub route: &'a str,
    pub status: u16,
    /// Of the body.
    pub bytes: u64,
    /// The part that the cache took, where it was asked.
    pub cache: Option<&'a str>,
    /// What the error document names, where there is one.
    pub kind: Option<&'a str>,
    /// Stages with the labels of the metric of that name; others are not logged.
    pub stages: &'a [(&'static str, Duration)],
    pub took: Duration,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("no level of logs is called `{name}`")]
    UnknownLevel { name: String },
    #[error("no format of logs is called `{name}`")]
    UnknownFormat { name: String },
    #[error("logging has begun already")]
    AlreadyBegun,
}

// === impl Format ===

impl Format {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

// === impl AccessLine ===

impl AccessLine<'_> {
    /// Logs it, at `info`. Times are in milliseconds.
    pub fn write(&self) {
        let stage = |name| self.stages.iter().find(|(stage, _)| *stage == name).map(|(_, took)| ms(*took));
        tracing::info!(
            id = self.id,
            method = self.method,
            path = self.path,
            peer = %self.peer,
            client = self.client.map(tracing::field::display),
            route = self.route,
            status = self.status,
            bytes = self.bytes,
            cache = self.cache,
            kind = self.kind,
            queue_ms = stage("queue"),
            origin_ms = stage("origin"),
            decode_ms = stage("decode"),
            transform_ms = stage("transform"),
            encode_ms = stage("encode"),
            took_ms = ms(self.took),
            "request"
        );
    }
}

/// Begins to log. `level` is one of `error`, `warn`, `info`, `debug` and `trace`, and `format` is `text` or `json`.
///
/// # Errors
///
/// Other names are refused, and so is a second call in one process.
pub fn init(level: &str, format: &str) -> Result<(), LogError> {
    let level = filter(level).ok_or_else(|| LogError::UnknownLevel { name: level.to_owned() })?;
    let format = Format::from_name(format).ok_or_else(|| LogError::UnknownFormat { name: format.to_owned() })?;
    let is_colourful = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    subscriber(level, format, io::stderr, is_colourful).try_init().map_err(|_| LogError::AlreadyBegun)
}

fn subscriber<W>(level: LevelFilter, format: Format, writer: W, is_colourful: bool) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let others = if level == LevelFilter::TRACE { level } else { level.min(LevelFilter::WARN) };
    let targets = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_default(others);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(is_colourful);
    let layer = match format {
        Format::Text => layer.boxed(),
        Format::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    registry().with(layer.with_filter(targets))
}

fn filter(name: &str) -> Option<LevelFilter> {
    match name {
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

/// Milliseconds to a tenth: what is shorter is noise.
fn ms(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Collects what is written.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged at this level while `act` runs.
    fn logged(level: &str, format: Format, act: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = subscriber(filter(level).unwrap(), format, move || writer.clone(), false);
        tracing::subscriber::with_default(subscriber, act);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn line() -> AccessLine<'static> {
        AccessLine {
            id: "abc",
            method: "GET",
            path: "/…/w:1/plain/a\n\u{1b}[31m.jpg",
            peer: "192.0.2.1:5".parse().unwrap(),
            client: None,
            route: "image",
            status: 200,
            bytes: 5,
            cache: Some("miss"),
            kind: None,
            stages: const { &[("origin", Duration::from_micros(12_340)), ("decode", Duration::from_millis(2))] },
            took: Duration::from_millis(20),
        }
    }

    #[test]
    fn an_access_line_is_one_json_object() {
        let text = logged("info", Format::Json, || line().write());
        let mut lines = text.lines();
        let object: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert!(lines.next().is_none());
        assert_eq!(
            (&object["message"], &object["level"], &object["status"]),
            (&"request".into(), &"INFO".into(), &200.into())
        );
        assert_eq!(
            (&object["origin_ms"], &object["decode_ms"], &object["took_ms"]),
            (&12.3.into(), &2.0.into(), &20.0.into())
        );
        assert_eq!(object["path"], line().path);
        assert!(object.get("kind").is_none() && object.get("encode_ms").is_none(), "{text}");
    }

    #[test]
    fn an_access_line_is_one_line_of_text_whatever_the_path_holds() {
        let text = logged("info", Format::Text, || line().write());
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(" INFO ") && text.contains("status=200 bytes=5 cache=\"miss\" origin_ms=12.3"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn levels_hold_back_what_is_below_them_and_most_of_other_crates() {
        let talk = || {
            tracing::error!("ours error");
            tracing::debug!("ours debug");
            tracing::warn!(target: "hyper::proto", "theirs warn");
            tracing::info!(target: "hyper::proto", "theirs info");
        };
        let seen = |level| {
            let text = logged(level, Format::Text, talk);
            ["ours error", "ours debug", "theirs warn", "theirs info"].map(|event| text.contains(event))
        };
        assert_eq!(seen("error"), [true, false, false, false]);
        assert_eq!(seen("info"), [true, false, true, false]);
        assert_eq!(seen("debug"), [true, true, true, false]);
        assert_eq!(seen("trace"), [true; 4]);
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(init("loud", "text").unwrap_err().to_string(), "no level of logs is called `loud`");
        assert_eq!(init("info", "xml").unwrap_err().to_string(), "no format of logs is called `xml`");
    }
}

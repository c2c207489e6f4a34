//! What the doctor found, and how it is written.

use serde_json::{Map, Value, json};

use crate::cli::out::aligned;
use crate::config::Effective;
use crate::transform::Format;

/// Everything that was looked at.
pub struct Report {
    /// Absent where libvips does not start.
    pub libvips: Option<(u32, u32, u32)>,
    pub cores: usize,
    pub formats: Vec<FormatRow>,
    pub limits: Vec<Effective>,
    pub findings: Vec<Finding>,
}

/// What can be done with a format here.
pub struct FormatRow {
    pub format: Format,
    pub reads: bool,
    pub writes: bool,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    pub mark: Mark,
    pub subject: String,
    pub text: String,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Ok,
    /// It works, but perhaps not as it was meant.
    Warn,
    /// It does not work.
    Fail,
}

// === impl Finding ===

impl Finding {
    pub fn ok(subject: impl Into<String>, text: String) -> Self {
        Self { mark: Mark::Ok, subject: subject.into(), text }
    }

    pub fn warn(subject: impl Into<String>, text: String) -> Self {
        Self { mark: Mark::Warn, subject: subject.into(), text }
    }

    pub fn fail(subject: impl Into<String>, text: String) -> Self {
        Self { mark: Mark::Fail, subject: subject.into(), text }
    }
}

// === impl Mark ===

impl Mark {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

// === impl Report ===

impl Report {
    /// Whether nothing is broken.
    pub fn is_sound(&self) -> bool {
        self.count(Mark::Fail) == 0
    }

    pub fn text(&self) -> String {
        let libvips = self.version().map_or_else(|| "no libvips".to_owned(), |version| format!("libvips {version}"));
        let cores = if self.cores == 1 { "1 core".to_owned() } else { format!("{} cores", self.cores) };
        let mut text = format!("tintype {}, {libvips}, {cores}\n", env!("CARGO_PKG_VERSION"));
        if !self.formats.is_empty() {
            let heading = ["Format", "reads", "writes"].map(str::to_owned);
            let rows = self.formats.iter().map(|row| [row.format.name().to_owned(), yes(row.reads), yes(row.writes)]);
            text.push_str(&section("Formats", &std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
        }
        if !self.limits.is_empty() {
            let limit = |limit: &Effective| [limit.key.to_owned(), limit.value.clone(), limit.provenance.to_string()];
            text.push_str(&section("Limits", &self.limits.iter().map(limit).collect::<Vec<_>>()));
        }
        let finding = |finding: &Finding| {
            [finding.mark.word().to_owned(), finding.subject.clone(), finding.text.replace('\n', "\n    ")]
        };
        text.push_str(&section("Checks", &self.findings.iter().map(finding).collect::<Vec<_>>()));
        text + &self.verdict()
    }

    pub fn json(&self) -> Value {
        let format = |row: &FormatRow| json!({ "format": row.format.name(), "reads": row.reads, "writes": row.writes });
        let finding = |finding: &Finding| {
            let mark = finding.mark.word();
            json!({ "mark": mark, "subject": finding.subject, "text": finding.text })
        };
        let limits: Map<_, _> =
            self.limits.iter().map(|limit| (limit.key.to_owned(), Value::from(limit.value.as_str()))).collect();
        json!({
            "ok": self.is_sound(),
            "version": env!("CARGO_PKG_VERSION"),
            "libvips": self.version(),
            "cores": self.cores,
            "formats": self.formats.iter().map(format).collect::<Vec<_>>(),
            "limits": limits,
            "checks": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }

    fn version(&self) -> Option<String> {
        self.libvips.map(|(major, minor, patch)| format!("{major}.{minor}.{patch}"))
    }

    fn count(&self, mark: Mark) -> usize {
        self.findings.iter().filter(|finding| finding.mark == mark).count()
    }

    fn verdict(&self) -> String {
        let warnings = match self.count(Mark::Warn) {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            many => format!(", {many} warnings"),
        };
        match self.count(Mark::Fail) {
            0 => format!("\nNothing is broken{warnings}.\n"),
            1 => format!("\n1 thing is broken{warnings}.\n"),
            many => format!("\n{many} things are broken{warnings}.\n"),
        }
    }
}

fn section<const N: usize>(title: &str, rows: &[[String; N]]) -> String {
    format!("\n{title}\n{}", aligned(rows))
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

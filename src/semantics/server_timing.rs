//! Writes the `Server-Timing` field (W3C Server Timing): where the time of one answer went.

use std::fmt::Write as _;
use std::time::Duration;

/// The metrics of one answer in the order they were added. Names and descriptions are words of ours, never of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTiming {
    text: String,
}

// === impl ServerTiming ===

impl ServerTiming {
    /// Adds how long a stage took, in milliseconds with one decimal: `queue;dur=0.4`.
    pub fn duration(&mut self, name: &'static str, took: Duration) {
        let took_ms = took.as_secs_f64() * 1000.0;
        self.add(format_args!("{name};dur={took_ms:.1}"));
    }

    /// Adds a word instead of a time: `cache;desc="miss"`. The word holds neither quotes nor backslashes.
    pub fn description(&mut self, name: &'static str, word: &'static str) {
        self.add(format_args!("{name};desc=\"{word}\""));
    }

    /// The value of the field; empty when nothing was added, and then there is no field to send.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn add(&mut self, metric: std::fmt::Arguments<'_>) {
        let separator = if self.text.is_empty() { "" } else { ", " };
        write!(self.text, "{separator}{metric}").expect("invariant: writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_stand_in_order_with_one_decimal() {
        let mut timing = ServerTiming::default();
        assert_eq!(timing.as_str(), "");
        timing.description("cache", "miss");
        timing.duration("queue", Duration::from_micros(449));
        timing.duration("origin", Duration::from_micros(38_051));
        timing.duration("total", Duration::from_secs(72));
        timing.duration("none", Duration::ZERO);
        let expected = "cache;desc=\"miss\", queue;dur=0.4, origin;dur=38.1, total;dur=72000.0, none;dur=0.0";
        assert_eq!(timing.as_str(), expected);
    }
}

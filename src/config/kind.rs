//! What a setting may be: one check for a value, wherever it was given.
//!
//! A value arrives as [`Raw`] text or a list of texts and leaves as a [`Value`] in range, or as a refusal that carries
//! the part that was wrong. The text that describes the accepted form comes from the same place as the check.

use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;
use super::units::{bytes_text, duration_text, parse_bytes, parse_duration};
use super::value::Value;

/// The type of a setting with its range; both ends of a range are accepted.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Bool,
    Int {
        min: u64,
        max: u64,
    },
    /// A size in bytes.
    Bytes {
        min: u64,
        max: u64,
    },
    /// A size in bytes, or `auto`: one part in `parts` of the memory that the process may use, `most` at most.
    Share {
        min: u64,
        max: u64,
        parts: u64,
        most: u64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Text(Form),
    TextList,
    /// Texts that each hold a form.
    FormList(Form),
    /// Rules `pattern=replacement`, in order.
    Replacements,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words in order, none twice.
    ChoiceList(&'static [&'static str]),
    /// Quality numbers, 1 to 100, of some of these formats; laid over the default, so that others keep theirs.
    Qualities(&'static [&'static str]),
    /// TCP ports.
    Ports,
    /// A path; empty for none.
    Path,
    /// An IP address with a port.
    Address,
    /// An IP address with a port; empty for none.
    AddressOrNone,
    /// One secret text; empty for none.
    Secret,
    /// Secret texts.
    SecretList,
    /// Secret bytes in hex, several for rotation.
    HexList,
}

/// What stands for a size that follows from the machine.
const AUTO: &str = "auto";

/// A rule for a text: the check, and the same in words.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    pub says: &'static str,
    pub holds: fn(&str) -> bool,
}

/// A value as it was given, before its check. Without `Debug`, since it may be a secret.
#[derive(Clone)]
pub(super) enum Raw {
    Text(String),
    List(Vec<String>),
}

/// The part of a value that was not accepted.
pub(super) struct Refused {
    pub(super) got: String,
}

// === impl Kind ===

impl Kind {
    /// Whether values of this kind are never shown.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretList | Self::HexList)
    }

    /// Whether a value is a list of values.
    pub(super) const fn is_list(self) -> bool {
        matches!(
            self,
            Self::TextList
                | Self::FormList(_)
                | Self::Replacements
                | Self::ChoiceList(_)
                | Self::Qualities(_)
                | Self::Ports
                | Self::SecretList
                | Self::HexList
        )
    }

    /// What is accepted, in words that follow "accepted: ".
    pub fn accepted(self) -> String {
        match self {
            Self::Bool => "true or false (or 1 or 0)".to_owned(),
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::Bytes { min, max } => {
                format!("a size from {} to {}, such as 64KiB, 10MB or plain bytes", bytes_text(min), bytes_text(max))
            }
            Self::Share { min, max, parts, most } => format!(
                "a size from {} to {}, or `{AUTO}`: 1/{parts} of the memory that the process may use by its control \
                 group or machine, at most {}",
                bytes_text(min),
                bytes_text(max),
                bytes_text(most)
            ),
            Self::Duration { min, max } => {
                let examples = if max > Duration::from_hours(1) { "30s, 12h or 30d" } else { "250ms, 10s or 2m" };
                format!("a duration from {} to {}, such as {examples}", duration_text(min), duration_text(max))
            }
            Self::Text(form) | Self::FormList(form) => form.says.to_owned(),
            Self::TextList | Self::SecretList => "a list of texts, separated by commas".to_owned(),
            Self::Replacements => "rules `pattern=replacement`, separated by semicolons".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::ChoiceList(words) => format!("some of {}, each once, separated by commas", words.join(", ")),
            Self::Qualities(formats) => {
                format!("`format=quality` separated by commas, quality 1 to 100, formats {}", formats.join(", "))
            }
            Self::Ports => "port numbers from 1 to 65535, separated by commas".to_owned(),
            Self::Path => "a path, or nothing".to_owned(),
            Self::Address => "an IP address with a port, such as 0.0.0.0:8080 or [::1]:8080".to_owned(),
            Self::AddressOrNone => "an IP address with a port, such as 127.0.0.1:8081, or nothing".to_owned(),
            Self::Secret => "a text, or nothing".to_owned(),
            Self::HexList => "bytes in hex, two digits each; several separated by commas".to_owned(),
        }
    }

    /// Checks a value.
    pub(super) fn parse(self, raw: &Raw) -> Result<Value, Refused> {
        match raw {
            Raw::List(items) if self.is_list() => self.parse_list(items),
            Raw::List(_) => Err(Refused { got: "a list".to_owned() }),
            Raw::Text(text) if self.is_list() => self.parse_list(&self.split(text)),
            Raw::Text(text) => self.parse_one(text).ok_or_else(|| Refused { got: format!("`{text}`") }),
        }
    }

    /// The items of a list written in one text. Files of secrets hold one a line, so a line's end separates as well.
    fn split(self, text: &str) -> Vec<String> {
        let separators: &[char] = match self {
            Self::Replacements => &[';'],
            Self::SecretList | Self::HexList => &[',', '\n', '\r'],
            _ => &[','],
        };
        text.split(separators).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn parse_one(self, text: &str) -> Option<Value> {
        let none = text.is_empty();
        match self {
            Self::Bool => match text {
                "true" | "1" => Some(Value::Bool(true)),
                "false" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Int { min, max } => whole(text).filter(|number| (min..=max).contains(number)).map(Value::Int),
            Self::Share { .. } if text == AUTO => Some(Value::Choice(AUTO)),
            Self::Bytes { min, max } | Self::Share { min, max, .. } => {
                parse_bytes(text).filter(|bytes| (min..=max).contains(bytes)).map(Value::Bytes)
            }
            Self::Duration { min, max } => {
                parse_duration(text).filter(|duration| (min..=max).contains(duration)).map(Value::Duration)
            }
            Self::Text(form) => (form.holds)(text).then(|| Value::Text(text.to_owned())),
            Self::Choice(words) => words.iter().find(|word| **word == text).map(|word| Value::Choice(word)),
            Self::Path => Some(Value::Path((!none).then(|| PathBuf::from(text)))),
            Self::AddressOrNone if none => Some(Value::Address(None)),
            Self::Address | Self::AddressOrNone => text.parse().ok().map(|address| Value::Address(Some(address))),
            Self::Secret => Some(Value::Secret((!none).then(|| Secret::new(text.as_bytes().to_vec())))),
            Self::TextList
            | Self::FormList(_)
            | Self::Replacements
            | Self::ChoiceList(_)
            | Self::Qualities(_)
            | Self::Ports
            | Self::SecretList
            | Self::HexList => None,
        }
    }

    fn parse_list(self, items: &[String]) -> Result<Value, Refused> {
        match self {
            Self::TextList => each(items, |item| Some(item.to_owned())).map(Value::TextList),
            Self::FormList(form) => {
                each(items, |item| (form.holds)(item).then(|| item.to_owned())).map(Value::TextList)
            }
            Self::Replacements => each(items, replacement).map(Value::Pairs),
            Self::ChoiceList(words) => {
                let chosen = each(items, |item| words.iter().find(|word| **word == item).copied())?;
                once(&chosen, |word| word)?;
                Ok(Value::ChoiceList(chosen))
            }
            Self::Qualities(formats) => {
                let pairs = each(items, |item| quality(item, formats))?;
                once(&pairs, |(format, _)| format)?;
                Ok(Value::Qualities(pairs))
            }
            Self::Ports => each(items, |item| item.parse().ok().filter(|port| *port != 0)).map(Value::Ports),
            Self::SecretList => each(items, |item| Some(Secret::new(item.as_bytes().to_vec()))).map(Value::SecretList),
            Self::HexList => each(items, |item| hex(item).map(Secret::new)).map(Value::SecretList),
            Self::Bool
            | Self::Int { .. }
            | Self::Bytes { .. }
            | Self::Share { .. }
            | Self::Duration { .. }
            | Self::Text(_)
            | Self::Choice(_)
            | Self::Path
            | Self::Address
            | Self::AddressOrNone
            | Self::Secret => Err(Refused { got: "a list".to_owned() }),
        }
    }
}

fn each<T>(items: &[String], parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Refused> {
    items.iter().map(|item| parse(item).ok_or_else(|| Refused { got: format!("`{item}`") })).collect()
}

/// Refuses the first item whose name an earlier one has.
fn once<T>(items: &[T], name: impl Fn(&T) -> &str) -> Result<(), Refused> {
    for (place, item) in items.iter().enumerate() {
        if items[..place].iter().any(|earlier| name(earlier) == name(item)) {
            return Err(Refused { got: format!("`{}` twice", name(item)) });
        }
    }
    Ok(())
}

/// A whole number of ASCII digits; `parse` alone would take a plus sign too.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn replacement(item: &str) -> Option<(String, String)> {
    let (pattern, text) = item.split_once('=')?;
    (!pattern.is_empty()).then(|| (pattern.to_owned(), text.to_owned()))
}

fn quality(item: &str, formats: &'static [&'static str]) -> Option<(&'static str, u8)> {
    let (name, number) = item.split_once('=')?;
    let format = formats.iter().find(|format| **format == name.trim())?;
    let number = whole(number.trim()).and_then(|number| u8::try_from(number).ok())?;
    (1..=100).contains(&number).then_some((*format, number))
}

/// Bytes of hex digits in pairs, at least one pair.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    (rest.is_empty() && !pairs.is_empty()).then(|| pairs.iter().map(|[high, low]| high * 16 + low).collect())
}

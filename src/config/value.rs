//! A checked value of a setting, and how it is shown.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;
use super::units::{bytes_text, duration_text};

/// A checked value. The variant is determined by the setting's [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Bool(bool),
    Int(u64),
    Bytes(u64),
    Duration(Duration),
    Text(String),
    TextList(Vec<String>),
    Pairs(Vec<(String, String)>),
    Choice(&'static str),
    ChoiceList(Vec<&'static str>),
    Qualities(Vec<(&'static str, u8)>),
    Ports(Vec<u16>),
    Path(Option<PathBuf>),
    Address(Option<SocketAddr>),
    Secret(Option<Secret>),
    SecretList(Vec<Secret>),
}

// === impl Value ===

impl Value {
    /// The value in the form that the environment takes; secrets are only counted.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Bytes(value) => bytes_text(*value),
            Self::Duration(value) => duration_text(*value),
            Self::Text(value) => value.clone(),
            Self::Choice(value) => (*value).to_owned(),
            Self::Path(value) => value.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            Self::Address(value) => value.as_ref().map(ToString::to_string).unwrap_or_default(),
            Self::Secret(value) => value.as_ref().map(|_| "(redacted)".to_owned()).unwrap_or_default(),
            Self::SecretList(value) if value.is_empty() => String::new(),
            Self::SecretList(value) => format!("(redacted, {} of them)", value.len()),
            Self::Pairs(_) => self.items().join(";"),
            Self::TextList(_) | Self::ChoiceList(_) | Self::Qualities(_) | Self::Ports(_) => self.items().join(","),
        }
    }

    /// The items of a list that is no secret, each as text; nothing for other values.
    pub(super) fn items(&self) -> Vec<String> {
        match self {
            Self::TextList(items) => items.clone(),
            Self::ChoiceList(items) => items.iter().map(|item| (*item).to_owned()).collect(),
            Self::Pairs(items) => items.iter().map(|(pattern, text)| format!("{pattern}={text}")).collect(),
            Self::Qualities(items) => items.iter().map(|(format, quality)| format!("{format}={quality}")).collect(),
            Self::Ports(items) => items.iter().map(ToString::to_string).collect(),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Bytes(_)
            | Self::Duration(_)
            | Self::Text(_)
            | Self::Choice(_)
            | Self::Path(_)
            | Self::Address(_)
            | Self::Secret(_)
            | Self::SecretList(_) => Vec::new(),
        }
    }

    /// This value as the effective one where `base` is the default: qualities given replace those of their formats
    /// only, everything else replaces the whole.
    pub(super) fn over(self, base: &Self) -> Self {
        match (self, base) {
            (Self::Qualities(given), Self::Qualities(base)) => {
                let kept = base.iter().filter(|(format, _)| given.iter().all(|(name, _)| name != format));
                let mut all: Vec<_> = kept.copied().chain(given.iter().copied()).collect();
                all.sort_unstable();
                Self::Qualities(all)
            }
            (given, _) => given,
        }
    }
}

//! The effective value of every setting, with its provenance.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::kind::{Kind, Raw};
use super::load::Given;
use super::mistake::{Mistake, Provenance};
use super::secret::Secret;
use super::table::{Reload, Setting, settings};
use super::value::Value;
use crate::telemetry::machine::memory_share;

/// One value for every setting, in the order of the table.
///
/// The readers take a key of the table and the type that its kind determines. Another key or type is a slip in this
/// room, which the test that loads the defaults finds, and panics.
#[derive(Debug, Clone)]
pub(super) struct Values(Vec<Entry>);

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) value: Value,
    pub(super) provenance: Provenance,
}

// === impl Values ===

impl Values {
    /// The defaults of the table.
    pub(super) fn defaults() -> Self {
        let entry = |setting| Entry { setting, value: default(setting), provenance: Provenance::Default };
        Self(settings().map(entry).collect())
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Checks a given value and puts it in the place of the earlier one.
    pub(super) fn set(&mut self, given: Given) -> Result<(), Mistake> {
        let Given { setting, raw, provenance } = given;
        let value = match setting.kind.parse(&raw) {
            Ok(value) => value.over(&default(setting)),
            Err(refused) => return Err(Mistake::refused(setting, refused, provenance)),
        };
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.setting.key == setting.key) {
            *entry = Entry { setting, value, provenance };
        }
        Ok(())
    }

    /// These values with those of `fresh` that a running process can take, and the keys of those that changed but
    /// need a start.
    pub(super) fn reloaded(&self, fresh: &Self) -> (Self, Vec<&'static str>) {
        let pairs = || self.0.iter().zip(&fresh.0);
        let pick = |(old, new): (&Entry, &Entry)| match new.setting.reload {
            Reload::Sighup => new.clone(),
            Reload::Start => old.clone(),
        };
        let needs_start = |(old, new): &(&Entry, &Entry)| new.setting.reload == Reload::Start && old.value != new.value;
        (Self(pairs().map(pick).collect()), pairs().filter(needs_start).map(|(_, new)| new.setting.key).collect())
    }

    pub(super) fn provenance(&self, key: &str) -> Provenance {
        self.read(key, |entry| Some(entry.provenance.clone()))
    }

    pub(super) fn is_default(&self, key: &str) -> bool {
        self.read(key, |entry| Some(entry.provenance == Provenance::Default))
    }

    pub(super) fn bool(&self, key: &str) -> bool {
        self.read(key, |entry| if let Value::Bool(value) = entry.value { Some(value) } else { None })
    }

    /// A whole number in the type that its range fits.
    pub(super) fn int<T: TryFrom<u64>>(&self, key: &str) -> T {
        self.read(key, |entry| if let Value::Int(value) = entry.value { T::try_from(value).ok() } else { None })
    }

    pub(super) fn bytes(&self, key: &str) -> u64 {
        self.read(key, |entry| if let Value::Bytes(value) = entry.value { Some(value) } else { None })
    }

    /// A size that is given, or follows from the memory that the process may use.
    pub(super) fn share(&self, key: &str) -> u64 {
        self.read(key, |entry| match (&entry.value, entry.setting.kind) {
            (Value::Bytes(bytes), _) => Some(*bytes),
            (_, Kind::Share { min, parts, most, .. }) => Some(memory_share(parts, most).max(min)),
            _ => None,
        })
    }

    pub(super) fn duration(&self, key: &str) -> Duration {
        self.read(key, |entry| if let Value::Duration(value) = entry.value { Some(value) } else { None })
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.read(key, |entry| if let Value::Text(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.read(key, |entry| if let Value::TextList(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn pairs(&self, key: &str) -> Vec<(String, String)> {
        self.read(key, |entry| if let Value::Pairs(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn choice(&self, key: &str) -> &'static str {
        self.read(key, |entry| if let Value::Choice(value) = entry.value { Some(value) } else { None })
    }

    pub(super) fn choices(&self, key: &str) -> Vec<&'static str> {
        self.read(key, |entry| if let Value::ChoiceList(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn qualities(&self, key: &str) -> Vec<(&'static str, u8)> {
        self.read(key, |entry| if let Value::Qualities(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn ports(&self, key: &str) -> Vec<u16> {
        self.read(key, |entry| if let Value::Ports(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.read(key, |entry| if let Value::Path(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn address(&self, key: &str) -> Option<SocketAddr> {
        self.read(key, |entry| if let Value::Address(value) = entry.value { Some(value) } else { None })
    }

    pub(super) fn secret(&self, key: &str) -> Option<Secret> {
        self.read(key, |entry| if let Value::Secret(value) = &entry.value { Some(value.clone()) } else { None })
    }

    pub(super) fn secrets(&self, key: &str) -> Vec<Secret> {
        self.read(key, |entry| if let Value::SecretList(value) = &entry.value { Some(value.clone()) } else { None })
    }

    fn read<T>(&self, key: &str, pick: impl Fn(&Entry) -> Option<T>) -> T {
        let entry = self.0.iter().find(|entry| entry.setting.key == key);
        entry.and_then(pick).expect("invariant: every reader names a key of the table and the type of its kind")
    }
}

/// The default of a setting as a value.
pub(super) fn default(setting: &Setting) -> Value {
    let value = setting.kind.parse(&Raw::Text(setting.default.to_owned())).ok();
    value.expect("invariant: every default of the table passes the check of its kind")
}

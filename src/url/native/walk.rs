//! The walk over options, presets expanded where they stand.

use crate::url::error::shown;
use crate::url::{ArgError, DialectSpec, OptionSpec, Scope, UrlError, find, nearest};

/// Options that one URL may apply, those inside presets counted each time: presets that name presets could otherwise
/// make a short URL arbitrarily long.
pub const OPTIONS_APPLIED_MAX: usize = 2_000;

/// Presets inside presets, at most: they are expanded by recursion, and the stack must hold it.
pub const PRESETS_NESTED_MAX: usize = 32;

/// A preset that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("preset `{preset}`: {error}")]
pub struct PresetProblem {
    pub preset: String,
    pub error: UrlError,
}

/// One reading of one URL.
pub(super) struct Walk<'s> {
    spec: &'s DialectSpec,
    pub(super) scope: Scope,
    /// The presets being expanded, outermost first.
    stack: Vec<&'s str>,
    applied: usize,
}

// === impl Walk ===

impl<'s> Walk<'s> {
    pub(super) fn new(spec: &'s DialectSpec, now_unix_s: u64) -> Self {
        Self { spec, scope: Scope::new(now_unix_s), stack: Vec::new(), applied: 0 }
    }

    /// Applies a segment that a client wrote: the allow list counts.
    pub(super) fn option_of_url(&mut self, segment: &str) -> Result<(), UrlError> {
        let name = segment.split(self.spec.separator()).next().unwrap_or_default();
        let row = known(segment, name)?;
        if self.spec.allowed_options.as_ref().is_some_and(|allowed| !allowed.contains(name)) {
            return Err(UrlError::OptionNotAllowed { segment: shown(segment), name: shown(name) });
        }
        self.apply(segment, row)
    }

    /// Expands a preset that `segment` names. One that is being expanded already is skipped.
    pub(super) fn preset(&mut self, segment: &str, name: &str) -> Result<(), UrlError> {
        let spec: &'s DialectSpec = self.spec;
        let Some((name, options)) = spec.presets.get_key_value(name) else {
            return Err(UrlError::UnknownPreset { segment: shown(segment), name: shown(name) });
        };
        if self.stack.contains(&name.as_str()) {
            return Ok(());
        }
        if self.stack.len() >= PRESETS_NESTED_MAX {
            return Err(UrlError::PresetsTooDeep { segment: shown(segment), max: PRESETS_NESTED_MAX });
        }
        self.scope.asked.presets.push(name.clone());
        self.stack.push(name);
        for segment in options.split('/') {
            self.option_of_preset(name, segment)?;
        }
        self.stack.pop();
        Ok(())
    }

    fn option_of_preset(&mut self, preset: &str, segment: &str) -> Result<(), UrlError> {
        let Some((name, _)) = segment.split_once(self.spec.separator()) else {
            return Err(UrlError::BrokenPreset { preset: preset.to_owned(), segment: shown(segment) });
        };
        self.apply(segment, known(segment, name)?)
    }

    fn apply(&mut self, segment: &str, row: &'static OptionSpec) -> Result<(), UrlError> {
        self.applied += 1;
        if self.applied > OPTIONS_APPLIED_MAX {
            return Err(UrlError::TooManyOptions { max: OPTIONS_APPLIED_MAX });
        }
        let args: Vec<&str> = segment.split(self.spec.separator()).skip(1).collect();
        if args.len() > row.args_max {
            return Err(UrlError::TooManyArguments {
                segment: shown(segment),
                option: row.name,
                form: row.form,
                got: args.len(),
                max: row.args_max,
            });
        }
        (row.apply)(&mut self.scope, &args).map_err(|reason| match reason {
            ArgError::Expired { at_unix_s } => UrlError::Expired { segment: shown(segment), at_unix_s },
            reason => UrlError::BadArgument { segment: shown(segment), option: row.name, form: row.form, reason },
        })?;
        for wanted in std::mem::take(&mut self.scope.presets_wanted) {
            self.preset(segment, &wanted)?;
        }
        Ok(())
    }
}

/// Applies every preset to an empty set and says which of them could not be used by any URL.
///
/// `now_unix_s` is the time against which an `expires` inside a preset is judged, in Unix seconds.
pub fn check_presets(spec: &DialectSpec, now_unix_s: u64) -> Vec<PresetProblem> {
    let names = spec.presets.keys();
    let problems = names.filter_map(|name| {
        let error = Walk::new(spec, now_unix_s).preset(name, name).err()?;
        Some(PresetProblem { preset: name.clone(), error })
    });
    problems.collect()
}

fn known(segment: &str, name: &str) -> Result<&'static OptionSpec, UrlError> {
    find(name).ok_or_else(|| UrlError::UnknownOption {
        segment: shown(segment),
        name: shown(name),
        nearest: nearest(name),
    })
}

//! Flags over environment over file over defaults; all mistakes at once.

use std::path::{Path, PathBuf};

use super::conflicts::conflicts;
use super::file;
use super::groups::Config;
use super::kind::Raw;
use super::layers;
use super::mistake::{Mistake, Provenance};
use super::table::{ENVIRONMENT_PREFIX, Setting};
use super::values::Values;

/// The environment variable with the path of the file of settings, for where there is no command line to give it on.
pub const FILE_VARIABLE: &str = "TINTYPE_CONFIG";

/// A value that somebody gave, unchecked.
pub(super) struct Given {
    pub(super) setting: &'static Setting,
    pub(super) raw: Raw,
    pub(super) provenance: Provenance,
}

/// What one of file, environment and command line says.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) given: Vec<Given>,
    pub(super) mistakes: Vec<Mistake>,
}

/// The configuration of a process.
///
/// `file` must exist when it is named, here or by `TINTYPE_CONFIG`. Of `environment` the names that begin with
/// `TINTYPE_` are read, and `flags` are pairs of a flag's name, with or without its hyphens, and its value.
///
/// # Errors
///
/// Everything that is wrong: in the order of the file, then of the environment, then of the flags, and at the end what
/// is wrong between settings.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<Config, Vec<Mistake>> {
    let environment: Vec<_> = environment.filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
    let named = file.map(Path::to_owned).or_else(|| {
        let variable = environment.iter().find(|(name, _)| name == FILE_VARIABLE);
        variable.filter(|(_, path)| !path.is_empty()).map(|(_, path)| PathBuf::from(path))
    });
    let mut values = Values::defaults();
    let mut mistakes = Vec::new();
    let layers = [
        named.as_deref().map(file::read).unwrap_or_default(),
        layers::read_environment(&environment),
        layers::read_flags(flags),
    ];
    for layer in layers {
        let refused = layer.given.into_iter().filter_map(|given| values.set(given).err());
        let mut found: Vec<_> = layer.mistakes.into_iter().chain(refused).collect();
        found.sort_by_key(|mistake| mistake.place.position());
        mistakes.append(&mut found);
    }
    mistakes.extend(conflicts(&values, &mistakes));
    if mistakes.is_empty() { Ok(Config::from_values(values)) } else { Err(mistakes) }
}

/// The environment of this process for [`load`]. Bytes that are not UTF-8 become U+FFFD, which no check of a number
/// or an address accepts.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

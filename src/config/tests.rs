//! The table is sound, the layers are ordered, mistakes are complete, secrets stay secret.

mod loading;
mod table;

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

use super::{Config, Mistake, load};

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from(file: Option<&Path>, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, Vec<Mistake>> {
    load(file, pairs(environment).into_iter(), &pairs(flags))
}

fn from_environment(environment: &[(&str, &str)]) -> Result<Config, Vec<Mistake>> {
    from(None, environment, &[])
}

fn from_file(text: &str) -> Result<Config, Vec<Mistake>> {
    let file = written(text);
    from(Some(file.path()), &[], &[])
}

/// A file with this text, there until it is dropped.
fn written(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// What is told of the mistakes in a file, without its path: `line:column: text`.
fn told(result: Result<Config, Vec<Mistake>>) -> Vec<String> {
    let text = |mistake: &Mistake| {
        let text = mistake.to_string();
        text.split_once(".toml:").map_or(text.clone(), |(_, rest)| rest.to_owned())
    };
    result.expect_err("a mistake is found").iter().map(text).collect()
}

//! Where a picture is read from and where it is written to. A result replaces a file whole or leaves it as it was, and
//! it never replaces its own original.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;

use crate::cli::out;

/// Stands for the standard input or output.
const STANDARD: &str = "-";

/// Where the original is read from.
pub enum Input {
    Standard,
    File(PathBuf),
}

/// Where the result goes.
#[derive(Debug)]
pub enum Target {
    Standard,
    /// A regular file, there or not: written beside it, then put in its place.
    File(PathBuf),
    /// A device or a pipe, which only can be written into.
    Special(PathBuf),
}

// === impl Input ===

impl Input {
    pub fn named(name: &Path) -> Self {
        if name.as_os_str() == STANDARD { Self::Standard } else { Self::File(name.to_owned()) }
    }

    /// Everything, if it is no more than `bytes_max`.
    pub fn read(&self, bytes_max: u64) -> anyhow::Result<Bytes> {
        let mut bytes = Vec::new();
        match self {
            Self::Standard => {
                let read = io::stdin().lock().take(bytes_max + 1).read_to_end(&mut bytes);
                read.context("the standard input cannot be read")?;
            }
            Self::File(path) => {
                let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
                read.with_context(|| format!("{} cannot be read", path.display()))?;
            }
        }
        if bytes.len() as u64 > bytes_max {
            bail!("the original has more than {bytes_max} bytes; see --source-bytes-max");
        }
        Ok(bytes.into())
    }
}

// === impl Target ===

impl Target {
    /// The target of this name, looked at before any work is done for it.
    pub fn for_input(name: &Path, input: &Input) -> anyhow::Result<Self> {
        if name.as_os_str() == STANDARD {
            if io::stdout().is_terminal() {
                bail!("a picture is nothing for a terminal; name a file or redirect the output");
            }
            return Ok(Self::Standard);
        }
        // A link stays a link: what it points to is replaced.
        let path = fs::canonicalize(name).unwrap_or_else(|_| name.to_owned());
        let Ok(there) = fs::metadata(&path) else {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            ensure!(folder.is_none_or(Path::is_dir), "{} cannot be written: its folder is not there", name.display());
            return Ok(Self::File(path));
        };
        if there.is_dir() {
            bail!("{} is a folder; name a file in it", name.display());
        }
        if let Input::File(input) = input
            && fs::metadata(input).is_ok_and(|input| (input.dev(), input.ino()) == (there.dev(), there.ino()))
        {
            bail!("{} is the original itself, which would be lost; name another file", name.display());
        }
        Ok(if there.is_file() { Self::File(path) } else { Self::Special(path) })
    }

    /// Writes the result.
    pub fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Standard => out::print_bytes(bytes),
            Self::File(path) => replace(path, bytes).with_context(|| format!("{} cannot be written", path.display())),
            Self::Special(path) => {
                let written = File::options().write(true).open(path).and_then(|mut file| file.write_all(bytes));
                written.with_context(|| format!("{} cannot be written", path.display()))
            }
        }
    }
}

/// Writes a file beside the one that is meant and renames it: readers see the old one or the new one, and nothing is
/// lost where the disk is full.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}.{}.tintype", std::process::id()));
    let written = write_new(&fresh, path, bytes).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// The fresh file with everything in it, with the permissions of the one that it will replace.
fn write_new(fresh: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(fresh)?;
    if let Ok(there) = fs::metadata(path) {
        file.set_permissions(there.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let none = Input::Standard;
        for bytes in [b"one".as_slice(), b"two"] {
            Target::for_input(&path, &none).unwrap().write(bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.png"]);
        let error = Target::for_input(&folder.path().join("no/a.png"), &none).unwrap_err().to_string();
        assert!(error.ends_with("no/a.png cannot be written: its folder is not there"), "{error}");
    }

    #[test]
    fn a_link_stays_and_what_it_points_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.png"), folder.path().join("link.png"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Target::for_input(&link, &Input::Standard).unwrap().write(b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn the_original_a_folder_and_a_device_are_no_files_to_replace() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.png"), folder.path().join("hard.png"));
        fs::write(&file, "x").unwrap();
        fs::hard_link(&file, &link).unwrap();
        let input = Input::named(&file);
        assert!(Target::for_input(&link, &input).unwrap_err().to_string().contains("original itself"));
        assert!(Target::for_input(folder.path(), &input).unwrap_err().to_string().contains("is a folder"));
        assert!(matches!(Target::for_input(Path::new("/dev/null"), &input), Ok(Target::Special(_))));
    }

    #[test]
    fn an_original_may_be_as_large_as_the_limit_and_no_larger() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        let input = Input::named(&path);
        assert_eq!(input.read(5).unwrap(), "12345");
        assert!(input.read(4).unwrap_err().to_string().contains("more than 4 bytes"));
    }
}

//! What the tier does with files, as a trait, so that tests can make a disk fail at any point.
//!
//! Nothing is synced: a file that a crash tore does not match its digest, and that is found when it is read.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// The calls that can fail.
pub(super) trait Files: Send + Sync + 'static {
    /// A regular file to read and its length. What is there and is no regular file fails with `InvalidData`.
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)>;

    /// Writes a new file of these parts.
    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. That none was there is no error.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Length of a file, `None` where there is none.
    fn len(&self, path: &Path) -> io::Result<Option<u64>>;

    /// Names in a folder, in no order; none where there is no folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    fn make_folder(&self, path: &Path) -> io::Result<()>;
}

/// The files of the system.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemFiles;

// === impl SystemFiles ===

impl Files for SystemFiles {
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
        // Whatever lies there under the name of an entry: a link is not followed, and a pipe is not waited for.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path).map_err(|error| {
            let is_link = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
            if is_link { io::ErrorKind::InvalidData.into() } else { error }
        })?;
        let metadata = file.metadata()?;
        if metadata.is_file() { Ok((Box::new(file), metadata.len())) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        parts.iter().try_for_each(|part| file.write_all(part))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        match fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| entry.map(|entry| entry.file_name())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }
}

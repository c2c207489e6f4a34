//! The folder made ready, and held by one process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::files::Files;
use super::layout::{FOLDERS, Layout};

/// Keeps other processes out of the folder for as long as it lives, and not longer, however the process ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

// === impl FolderLock ===

impl FolderLock {
    /// `None` where another process has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = match file {
            // On a disk that is not to be written a lock can still be had, and what is kept there can be read.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => File::open(path)?,
            file => file?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Makes the folders that are missing.
pub(super) fn make_folders(files: &dyn Files, layout: &Layout) -> io::Result<()> {
    files.make_folder(&layout.staging())?;
    (0..FOLDERS).try_for_each(|first| files.make_folder(&layout.folder(first as u8)))
}

//! Originals in a folder. Nothing outside of it can be read, whatever is written in a path or a symbolic link.
//!
//! The kernel resolves the whole path beneath the root in one step (`openat2` with `RESOLVE_BENEATH`, Linux 5.6), so
//! that no link can be exchanged between a check and the opening. Where it cannot, each segment is opened from the one
//! before it and symbolic links are refused altogether.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::body::Body;
use super::deadline::Deadline;
use super::error::{OriginError, OriginSetupError};
use super::original::{Fetched, OriginFreshness, Original, Validators};
use super::spec::{OriginLimits, OriginsSpec};

/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// Tries where the kernel lost a race with a rename; it asks to be called again.
#[cfg(target_os = "linux")]
const OPEN_TRIES_MAX: usize = 8;

/// Reads `local://` sources.
pub(super) struct LocalOrigin {
    root: PathBuf,
    reads: Arc<Semaphore>,
    limits: OriginLimits,
}

/// What tells one content of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    inode: u64,
    modified_s: i64,
    modified_ns: i64,
}

// === impl LocalOrigin ===

impl LocalOrigin {
    /// `None` where no root is configured.
    pub(super) fn new(spec: &OriginsSpec) -> Result<Option<Self>, OriginSetupError> {
        let Some(root) = spec.local_root.clone() else { return Ok(None) };
        open_root(&root)
            .map_err(|errno| OriginSetupError::LocalRoot { root: root.display().to_string(), cause: errno.into() })?;
        let limits = spec.limits.clone();
        let reads = Arc::new(Semaphore::new(limits.local_reads_max.min(Semaphore::MAX_PERMITS)));
        Ok(Some(Self { root, reads, limits }))
    }

    pub(super) async fn fetch(
        &self,
        path: String,
        known: Option<&Validators>,
        deadline: &Deadline,
    ) -> Result<Fetched, OriginError> {
        let waited = deadline.total(Arc::clone(&self.reads).acquire_owned()).await?;
        let permit = waited.map_err(OriginError::unreachable)?;
        let root = self.root.clone();
        let known_etag = known.and_then(|known| known.etag.clone());
        let source_bytes_max = self.limits.source_bytes_max;
        // File systems block. The permit goes along, so that a read whose waiter gave up still counts: hung network
        // file systems occupy `local_reads_max` threads and no more.
        let reading = spawn_blocking(move || {
            let result = read(&root, &path, known_etag.as_deref(), source_bytes_max);
            drop(permit);
            result
        });
        deadline.total(reading).await?.map_err(OriginError::unreachable)?
    }
}

// === impl Stamp ===

impl Stamp {
    /// The stamp of an open file, if it is a regular one.
    fn of(file: impl AsFd) -> Result<Self, OriginError> {
        let stat = rustix::fs::fstat(file).map_err(from_errno)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(OriginError::NotFound);
        }
        // The types of these fields differ between systems; no value of a regular file is negative but an early date.
        #[expect(clippy::useless_conversion, reason = "fields of stat have other types on other systems")]
        Ok(Self {
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            inode: stat.st_ino.into(),
            modified_s: stat.st_mtime.into(),
            modified_ns: i64::try_from(stat.st_mtime_nsec).unwrap_or_default(),
        })
    }

    fn modified_unix_s(self) -> Option<u64> {
        u64::try_from(self.modified_s).ok()
    }

    fn validators(self) -> Validators {
        let Self { size, inode, modified_s, modified_ns } = self;
        let date = self.modified_unix_s().and_then(|s| UNIX_EPOCH.checked_add(Duration::from_secs(s)));
        Validators {
            etag: Some(format!("\"{size:x}-{modified_s:x}.{modified_ns:x}-{inode:x}\"")),
            last_modified: date.map(httpdate::fmt_http_date),
            size: Some(size),
            version: None,
        }
    }
}

fn read(root: &Path, path: &str, known_etag: Option<&str>, source_bytes_max: u64) -> Result<Fetched, OriginError> {
    let root = open_root(root).map_err(from_errno)?;
    let file = File::from(open_beneath(&root, path).map_err(from_errno)?);
    let stamp = Stamp::of(&file)?;
    let validators = stamp.validators();
    if known_etag.is_some() && known_etag == validators.etag.as_deref() {
        return Ok(Fetched::NotModified { freshness: OriginFreshness::default() });
    }
    let mut body = Body::announced(Some(stamp.size), source_bytes_max)?;
    pour(&file, &mut body)?;
    // A file that is written while it is read would be kept half old, half new.
    if Stamp::of(&file)? != stamp {
        return Err(OriginError::Incomplete { got: body.len(), cause: None });
    }
    Ok(Fetched::Body(Original {
        bytes: body.finish()?,
        content_type: None,
        last_modified_s: stamp.modified_unix_s(),
        validators,
        freshness: OriginFreshness::default(),
        final_url: None,
    }))
}

fn pour(mut file: &File, body: &mut Body) -> Result<(), OriginError> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => body.push(&piece[..length])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(OriginError::unreachable(error)),
        }
    }
}

/// Opens the root anew for each read: deployments exchange it.
fn open_root(root: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::open(root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// How files are opened: without waiting for the other end of a pipe, and without getting a terminal.
fn file_flags() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY
}

#[cfg(target_os = "linux")]
fn open_beneath(root: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..OPEN_TRIES_MAX {
        match openat2(root, path, file_flags(), Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            // Old kernels do not have the call; old container sandboxes refuse what they do not know with EPERM.
            Err(Errno::NOSYS | Errno::PERM) => return open_stepwise(root, path),
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    open_stepwise(root, path)
}

/// Opens segment by segment and follows no symbolic link.
fn open_stepwise(root: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    let (folders, name) = path.rsplit_once('/').map_or((None, path), |(folders, name)| (Some(folders), name));
    let open = |at: &OwnedFd, segment: &str, flags: OFlags| {
        if matches!(segment, "" | "." | "..") {
            return Err(Errno::NOENT);
        }
        rustix::fs::openat(at, segment, flags | OFlags::NOFOLLOW, Mode::empty())
    };
    let mut at = root.try_clone().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    for segment in folders.into_iter().flat_map(|folders| folders.split('/')) {
        at = open(&at, segment, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
    }
    open(&at, name, file_flags())
}

/// Everything that means "not here" is the same answer, so that nobody learns what lies outside the root.
fn from_errno(errno: Errno) -> OriginError {
    match errno {
        Errno::NOENT
        | Errno::NOTDIR
        | Errno::ISDIR
        | Errno::XDEV
        | Errno::LOOP
        | Errno::NAMETOOLONG
        | Errno::INVAL
        | Errno::ILSEQ
        | Errno::NXIO
        | Errno::NODEV => OriginError::NotFound,
        Errno::ACCESS => OriginError::Status { code: 403 },
        other => OriginError::unreachable(std::io::Error::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("sub")).expect("a folder in it");
        std::fs::write(folder.path().join("sub/a.jpg"), b"abc").expect("a file");
        std::os::unix::fs::symlink("a.jpg", folder.path().join("sub/link.jpg")).expect("a link");
        std::os::unix::fs::symlink("sub", folder.path().join("linked")).expect("a link");
        folder
    }

    #[test]
    fn without_openat2_links_are_refused() {
        let folder = folder();
        let root = open_root(folder.path()).expect("a root");
        open_stepwise(&root, "sub/a.jpg").expect("a file");
        for path in ["sub/link.jpg", "linked/a.jpg", "sub/../sub/a.jpg", "../a", "", "sub//a.jpg", "sub/./a.jpg"] {
            let error = from_errno(open_stepwise(&root, path).expect_err(path));
            assert!(matches!(error, OriginError::NotFound), "{path}: {error:?}");
        }
    }

    #[test]
    fn every_change_changes_the_tag() {
        let stamp = Stamp { size: 1, inode: 2, modified_s: 3, modified_ns: 4 };
        let others = [
            Stamp { size: 2, ..stamp },
            Stamp { inode: 3, ..stamp },
            Stamp { modified_s: 4, ..stamp },
            Stamp { modified_ns: 5, ..stamp },
        ];
        for other in others {
            assert_ne!(other.validators().etag, stamp.validators().etag);
        }
        assert_eq!(stamp.validators().last_modified.as_deref(), Some("Thu, 01 Jan 1970 00:00:03 GMT"));
    }
}

//! Bytes between processes: in memory that nobody can change any more once it is handed over.

#![expect(unsafe_code, reason = "memory of another process is mapped")]

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;

use bytes::Bytes;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create};
use rustix::io::{pread, write};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Without all of these the other side could still cut or change what is read here.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE);

/// Why bytes cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the memory is not sealed")]
    Unsealed,
    #[error("the memory holds {0} bytes, more than it may or fewer than it said")]
    Size(u64),
    #[error("the memory cannot be read")]
    Io(#[from] io::Error),
}

/// Memory that is mapped for reading until this is dropped.
struct Mapped {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory is sealed, so nobody writes to it, and it is unmapped once, by the last owner.
unsafe impl Send for Mapped {}

/// These bytes in sealed memory.
pub fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
    let memory = memfd_create(c"tintype", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        match write(&memory, rest) {
            Ok(count) => rest = &rest[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    fcntl_add_seals(&memory, SEALS.union(SealFlags::SEAL))?;
    Ok(memory)
}

/// What sealed memory holds, copied: nothing of ours depends on it afterwards.
pub fn copied(memory: impl AsFd, len_max: u64) -> Result<Bytes, SealError> {
    let len = checked(&memory, len_max)?;
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let at = bytes.len() as u64;
        match pread(&memory, rustix::buffer::spare_capacity(&mut bytes), at) {
            Ok(0) => return Err(SealError::Size(at)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(SealError::Io(error.into())),
        }
    }
    bytes.truncate(len);
    Ok(bytes.into())
}

/// What sealed memory holds, mapped: no copy, and a descriptor's worth of memory as long as it lives.
pub fn mapped(memory: impl AsFd, len_max: u64) -> Result<Bytes, SealError> {
    let len = checked(&memory, len_max)?;
    if len == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: a fresh mapping at an address of the kernel's choice; the seals keep it from being cut while it lives.
    let start = unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ, MapFlags::SHARED, memory, 0) };
    let start = NonNull::new(start.map_err(io::Error::from)?.cast());
    let start = start.ok_or_else(|| SealError::Io(io::ErrorKind::OutOfMemory.into()))?;
    Ok(Bytes::from_owner(Mapped { start, len }))
}

/// The length of sealed memory.
fn checked(memory: &impl AsFd, len_max: u64) -> Result<usize, SealError> {
    if !fcntl_get_seals(memory).is_ok_and(|seals| seals.contains(SEALS)) {
        return Err(SealError::Unsealed);
    }
    let len = u64::try_from(fstat(memory).map_err(io::Error::from)?.st_size).unwrap_or(0);
    if len > len_max {
        return Err(SealError::Size(len));
    }
    usize::try_from(len).map_err(|_| SealError::Size(len))
}

// === impl Mapped ===

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: mapped for reading with this length until `self` is dropped, and sealed against writing.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: mapped by `mapped` with this length; nobody has the address any more.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::ftruncate;

    const MAX: u64 = 1 << 20;

    #[test]
    fn bytes_arrive_as_they_were_sent() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n * 7 % 251) as u8).collect();
        let memory = sealed(&bytes).unwrap();
        assert_eq!(copied(&memory, MAX).unwrap(), bytes);
        let here = mapped(&memory, MAX).unwrap();
        drop(memory);
        assert_eq!(here, bytes);
        assert!(matches!(copied(sealed(&bytes).unwrap(), 99_999), Err(SealError::Size(100_000))));
        assert_eq!(copied(sealed(&[]).unwrap(), MAX).unwrap(), Bytes::new());
        assert_eq!(mapped(sealed(&[]).unwrap(), MAX).unwrap(), Bytes::new());
    }

    #[test]
    fn what_can_still_be_changed_is_not_read() {
        let open = memfd_create(c"open", MemfdFlags::ALLOW_SEALING).unwrap();
        write(&open, b"picture").unwrap();
        assert!(matches!(copied(&open, MAX), Err(SealError::Unsealed)));
        fcntl_add_seals(&open, SealFlags::WRITE | SealFlags::GROW).unwrap();
        assert!(matches!(mapped(&open, MAX), Err(SealError::Unsealed)), "it can still be cut");
        let (pipe, _end) = io::pipe().unwrap();
        assert!(matches!(copied(&pipe, MAX), Err(SealError::Unsealed)), "a pipe has no seals");
        assert!(ftruncate(sealed(b"picture").unwrap(), 1).is_err(), "the seals hold");
    }
}

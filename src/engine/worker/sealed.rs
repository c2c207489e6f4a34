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
#[derive(Debug)]
pub struct Mapped {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: it is only read, and it is unmapped once, by the last owner.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

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
    let len = checked(&memory, len_max, SEALS)?;
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

/// The length of sealed memory.
fn checked(memory: &impl AsFd, len_max: u64, seals: SealFlags) -> Result<usize, SealError> {
    if !fcntl_get_seals(memory).is_ok_and(|has| has.contains(seals)) {
        return Err(SealError::Unsealed);
    }
    let len = u64::try_from(fstat(memory).map_err(io::Error::from)?.st_size).unwrap_or(0);
    if len > len_max {
        return Err(SealError::Size(len));
    }
    usize::try_from(len).map_err(|_| SealError::Size(len))
}

// === impl Mapped ===

impl Mapped {
    /// Memory with these seals, of which one keeps it from being cut.
    pub fn whole(memory: impl AsFd, seals: SealFlags) -> Result<Self, SealError> {
        let len = checked(&memory, u64::MAX, seals.union(SealFlags::SHRINK))?;
        // SAFETY: a fresh mapping at an address of the kernel's choice; the seal keeps it from being cut.
        let start = unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ, MapFlags::SHARED, memory, 0) };
        let start = NonNull::new(start.map_err(io::Error::from)?.cast());
        let start = start.ok_or_else(|| SealError::Io(io::ErrorKind::OutOfMemory.into()))?;
        Ok(Self { start, len })
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// What it holds. Whoever may write to it does not while this is read.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped for reading with this length until `self` is dropped.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: mapped by `whole` with this length; nobody has the address any more.
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
        let here = Mapped::whole(&memory, SEALS).unwrap();
        drop(memory);
        assert!(here.len() == bytes.len() && here.bytes() == bytes);
        assert!(matches!(copied(sealed(&bytes).unwrap(), 99_999), Err(SealError::Size(100_000))));
        assert_eq!(copied(sealed(&[]).unwrap(), MAX).unwrap(), Bytes::new());
    }

    #[test]
    fn what_can_still_be_changed_is_not_read() {
        let open = memfd_create(c"open", MemfdFlags::ALLOW_SEALING).unwrap();
        write(&open, b"picture").unwrap();
        assert!(matches!(copied(&open, MAX), Err(SealError::Unsealed)));
        fcntl_add_seals(&open, SealFlags::WRITE | SealFlags::GROW).unwrap();
        assert!(matches!(Mapped::whole(&open, SealFlags::WRITE), Err(SealError::Unsealed)), "it can still be cut");
        let (pipe, _end) = io::pipe().unwrap();
        assert!(matches!(copied(&pipe, MAX), Err(SealError::Unsealed)), "a pipe has no seals");
        assert!(ftruncate(sealed(b"picture").unwrap(), 1).is_err(), "the seals hold");
    }
}

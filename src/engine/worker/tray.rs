//! The inputs of a worker's jobs, in memory that the server writes and this one worker reads.
//!
//! Memory is made and mapped once and holds one job after the other: for a photograph, pages that are new with every
//! job cost more than the copy into them. Its length is sealed, so that nobody's reading or writing can fail; its
//! content is not, and the server never reads it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::pwrite;

use super::sealed::{Mapped, SealError};

/// A tray is at least this long, in bytes; what is not written takes no memory.
const BYTES_MIN: usize = 1 << 20;

/// A longer one is of one job alone, in bytes.
const BYTES_MAX: usize = 32 << 20;

/// Without these a mapping could be cut by the other side.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// The server's end.
#[derive(Debug, Default)]
pub struct Tray {
    memory: Option<OwnedFd>,
    len: usize,
    /// The worker does not have it yet.
    is_new: bool,
    /// Something was written since memory was given back.
    is_used: bool,
}

/// The worker's end.
#[derive(Debug, Default)]
pub struct Served(Option<Arc<Mapped>>);

/// An input of one job.
struct Portion {
    tray: Arc<Mapped>,
    start: usize,
    end: usize,
}

// === impl Tray ===

impl Tray {
    /// Puts inputs one behind the other; gives the memory where the worker does not have it yet.
    pub fn lay(&mut self, inputs: &[Bytes]) -> io::Result<Option<BorrowedFd<'_>>> {
        let needed: usize = inputs.iter().map(Bytes::len).sum();
        if needed > self.len {
            *self = Self::of(needed)?;
        }
        if let Some(memory) = &self.memory {
            self.is_used = true;
            let mut at = 0;
            for input in inputs {
                put(memory, input, at)?;
                at += input.len() as u64;
            }
        }
        Ok(self.memory.as_ref().filter(|_| self.is_new).map(AsFd::as_fd))
    }

    /// The worker has it now.
    pub fn handed_over(&mut self) {
        self.is_new = false;
    }

    /// What is too long to be kept goes; to be called when a job is over.
    pub fn clear(&mut self) {
        if self.len > BYTES_MAX {
            *self = Self::default();
        }
    }

    /// Gives back what the last jobs took. Both ends stay as they are.
    pub fn give_back(&mut self) {
        if let Some(memory) = self.memory.as_ref().filter(|_| self.is_used) {
            let hole = FallocateFlags::PUNCH_HOLE.union(FallocateFlags::KEEP_SIZE);
            // It stays as it is where the system refuses.
            let _ = fallocate(memory, hole, 0, self.len as u64);
            self.is_used = false;
        }
    }

    fn of(needed: usize) -> io::Result<Self> {
        let len = if needed > BYTES_MAX { needed } else { needed.next_power_of_two().max(BYTES_MIN) };
        let memory = memfd_create(c"tintype-tray", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&memory, len as u64)?;
        fcntl_add_seals(&memory, SEALS.union(SealFlags::SEAL))?;
        Ok(Self { memory: Some(memory), len, is_new: true, is_used: false })
    }
}

fn put(memory: &OwnedFd, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match pwrite(memory, bytes, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                at += count as u64;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

// === impl Served ===

impl Served {
    /// Takes a tray that came with a job; the one before goes.
    pub fn take(&mut self, memory: OwnedFd) -> Result<(), SealError> {
        self.0 = None;
        self.0 = Some(Arc::new(Mapped::whole(memory, SEALS)?));
        Ok(())
    }

    /// The inputs of the job that is on it. They must be gone before the next job comes.
    pub fn inputs(&self, lens: &[u64]) -> Result<Vec<Bytes>, SealError> {
        let mut start = 0_usize;
        lens.iter()
            .map(|len| {
                let end = usize::try_from(*len).ok().and_then(|len| start.checked_add(len));
                let end = end.ok_or(SealError::Size(*len))?;
                let bytes = match &self.0 {
                    _ if start == end => Bytes::new(),
                    Some(tray) if end <= tray.len() => {
                        Bytes::from_owner(Portion { tray: Arc::clone(tray), start, end })
                    }
                    _ => return Err(SealError::Size(*len)),
                };
                start = end;
                Ok(bytes)
            })
            .collect()
    }

    /// Lets a tray go that is of one job alone; to be called when a job is over.
    pub fn clear(&mut self) {
        if self.0.as_ref().is_some_and(|tray| tray.len() > BYTES_MAX) {
            self.0 = None;
        }
    }
}

// === impl Portion ===

impl AsRef<[u8]> for Portion {
    fn as_ref(&self) -> &[u8] {
        &self.tray.bytes()[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize, salt: u8) -> Bytes {
        (0..len).map(|at| (at % 251) as u8 ^ salt).collect::<Vec<_>>().into()
    }

    /// One job over both ends; gives whether memory was handed over.
    fn serve(tray: &mut Tray, served: &mut Served, inputs: &[Bytes]) -> bool {
        let came = tray.lay(inputs).unwrap().map(|memory| memory.try_clone_to_owned().unwrap());
        tray.handed_over();
        let is_new = came.is_some();
        if let Some(memory) = came {
            served.take(memory).unwrap();
        }
        let lens: Vec<u64> = inputs.iter().map(|input| input.len() as u64).collect();
        assert_eq!(served.inputs(&lens).unwrap(), inputs);
        tray.clear();
        served.clear();
        is_new
    }

    #[test]
    fn one_memory_holds_one_job_after_the_other() {
        let (mut tray, mut served) = (Tray::default(), Served::default());
        assert!(!serve(&mut tray, &mut served, &[Bytes::new()]), "nothing is not handed over");
        assert!(serve(&mut tray, &mut served, &[bytes(500_000, 1)]));
        assert!(!serve(&mut tray, &mut served, &[bytes(100, 2)]));
        assert!(!serve(&mut tray, &mut served, &[bytes(7, 3), Bytes::new(), bytes(BYTES_MIN - 7, 4)]));
        assert!(serve(&mut tray, &mut served, &[bytes(BYTES_MIN + 1, 5)]), "a longer one");
        assert!(!serve(&mut tray, &mut served, &[bytes(9, 6)]), "it is kept");
        let taken = |tray: &Tray| rustix::fs::fstat(tray.memory.as_ref().unwrap()).unwrap().st_blocks;
        assert!(taken(&tray) > 0);
        tray.give_back();
        assert_eq!(taken(&tray), 0);
        assert!(!serve(&mut tray, &mut served, &[bytes(9, 7)]), "both ends are as they were");
        assert!(serve(&mut tray, &mut served, &[bytes(BYTES_MAX + 1, 8)]));
        assert!(served.0.is_none() && tray.memory.is_none(), "of one job alone");
        assert!(serve(&mut tray, &mut served, &[bytes(9, 9)]));
    }

    #[test]
    fn a_worker_reads_what_is_there_and_no_more() {
        let (mut tray, mut served) = (Tray::default(), Served::default());
        assert!(matches!(served.inputs(&[1]), Err(SealError::Size(1))), "no tray came");
        serve(&mut tray, &mut served, &[bytes(9, 1)]);
        for lens in [&[BYTES_MIN as u64 + 1][..], &[9, u64::MAX], &[u64::MAX, 1]] {
            assert!(matches!(served.inputs(lens), Err(SealError::Size(_))), "{lens:?}");
        }
        let open = memfd_create(c"open", MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&open, 9).unwrap();
        assert!(matches!(served.take(open), Err(SealError::Unsealed)), "it could be cut");
    }

    #[test]
    fn its_length_is_sealed() {
        let mut tray = Tray::default();
        let memory = tray.lay(&[bytes(9, 1)]).unwrap().unwrap();
        assert!(ftruncate(memory, 1).is_err());
        assert!(pwrite(memory, b"x", BYTES_MIN as u64).is_err());
    }
}

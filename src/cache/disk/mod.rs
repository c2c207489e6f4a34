//! The disk tier: one file an entry, named by its key and proven at every read, within byte budgets that hold.
//!
//! Reading opens a file and nothing else, so it works from the first moment, while the index is rebuilt, and while the
//! disk takes no more. Everything is written by one thread, the keeper: files, and the index that knows sizes, order
//! of eviction and labels. The index is only an index. What it lost, a sweep behind finds again; a crash at any point
//! leaves files that are whole, missing, or told apart by their digests.
//!
//! A fault of the disk never reaches a caller: it costs hits, is counted, and ends by itself.

mod evicting;
mod faults;
mod files;
mod handover;
mod heat;
mod index;
mod keeper;
mod layout;
mod lock;
mod purging;
mod reading;
mod row;
pub mod sieve;
mod spec;
mod state;
mod sweep;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;

use self::files::{Files, SystemFiles};
use self::handover::{Handover, Order, PurgeOrder, Wanted};
use self::heat::Heat;
use self::keeper::Keeper;
use self::layout::Layout;
use self::lock::FolderLock;
use self::reading::Unread;
pub use self::spec::{DiskBudgets, DiskError, DiskSpec, IsGone, Purged, Put};
use self::state::{Board, Event, Passage};
pub use self::state::{ClassState, DiskHealth, DiskState};
use crate::cache::{Entry, Key, Selector, Stamp};

/// Entries on disk. Clones are the same tier; the last one closes it.
#[derive(Clone)]
pub struct DiskTier {
    owner: Arc<Owner>,
}

/// Holds the keeper's thread.
struct Owner {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What readers and the keeper share.
struct Shared {
    spec: DiskSpec,
    layout: Layout,
    files: Arc<dyn Files>,
    is_gone: IsGone,
    handover: Handover,
    heat: Heat,
    board: Board,
    reads: Arc<Semaphore>,
}

/// Reads under way at once; a disk does not get faster by more, and each may hold an entry in memory.
const READS_MAX: usize = 32;
/// What an entry in the queue costs beside its bytes.
const QUEUED_OVERHEAD_BYTES: u64 = 512;
/// What files are rounded up to, as most file systems do.
const BLOCK_BYTES: u64 = 4096;

// === impl DiskTier ===

impl DiskTier {
    /// Opens the folder and returns at once, however much is in it. `is_gone` is also asked on the keeper's thread.
    ///
    /// # Errors
    /// The folder cannot be made or locked, or another process has it.
    pub fn open(spec: DiskSpec, is_gone: IsGone) -> Result<Self, DiskError> {
        Self::open_on(Arc::new(SystemFiles), spec, is_gone)
    }

    fn open_on(files: Arc<dyn Files>, spec: DiskSpec, is_gone: IsGone) -> Result<Self, DiskError> {
        let folder = spec.folder.clone();
        let layout = Layout::new(folder.clone());
        let refused = |source| DiskError::Folder { folder: folder.clone(), source };
        lock::make_folders(&*files, &layout).map_err(refused)?;
        let lock = FolderLock::take(&layout.lock()).map_err(refused)?;
        let lock = lock.ok_or_else(|| DiskError::InUse { folder: folder.clone() })?;
        let shared = Arc::new(Shared {
            layout,
            files,
            is_gone,
            handover: Handover::new(spec.queue_bytes_max),
            heat: Heat::new(),
            board: Board::new(spec.budgets),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            spec,
        });
        let keeper = Keeper::new(Arc::clone(&shared), lock);
        let thread = thread::Builder::new().name("disk-keeper".to_owned()).spawn(move || keeper.run());
        let thread = Mutex::new(Some(thread.map_err(refused)?));
        Ok(Self { owner: Arc::new(Owner { shared, thread }) })
    }

    /// The entry under `key`, whole and proven. Anything else is a miss: no file, a damaged one, a disk that cannot
    /// be read.
    pub async fn get(&self, key: &Key) -> Option<Entry> {
        let shared = &self.shared();
        let found = match shared.handover.waiting(key) {
            Some(Wanted::Kept(entry)) => Some(Entry::clone(&entry)),
            Some(Wanted::Gone) => None,
            None => {
                let permit = Arc::clone(&shared.reads).acquire_owned().await.ok()?;
                let (shared, key) = (Arc::clone(shared), *key);
                let reading = spawn_blocking(move || {
                    let _permit = permit;
                    shared.read(&key)
                });
                reading.await.ok().flatten()
            }
        };
        let entry = found.filter(|entry| !(shared.is_gone)(entry.stamp, &entry.labels))?;
        shared.heat.touch(key);
        Some(entry)
    }

    /// Offers an entry; never waits for the disk.
    pub fn put(&self, entry: Entry) -> Put {
        let shared = self.shared();
        let (class, budget) = (entry.class, shared.spec.budgets.of(entry.class));
        if budget == 0 {
            return Put::Off;
        }
        if shared.board.is_degraded() {
            Passage::RefusedFault.count(class);
            return Put::Fault;
        }
        let bytes = (entry.body.len() + entry.record.len() + entry.labels.weight_bytes()) as u64;
        let cost_bytes = bytes + QUEUED_OVERHEAD_BYTES;
        if on_disk(bytes) > budget || cost_bytes > shared.spec.queue_bytes_max {
            Passage::RefusedRoom.count(class);
            return Put::TooLarge;
        }
        if shared.handover.put(entry, cost_bytes).is_err() {
            Passage::RefusedQueue.count(class);
            return Put::QueueFull;
        }
        Put::Taken
    }

    /// Says that the key was asked for and found in a tier above, so that it is not the first to go here.
    pub fn touch(&self, key: &Key) {
        self.shared().heat.touch(key);
    }

    /// Forgets the key; no later [`Self::get`] finds what was there. Where thousands of removals wait already, it is
    /// dropped and counted.
    pub fn remove(&self, key: &Key) {
        if self.shared().handover.remove(key).is_err() {
            self.shared().board.count(Event::Dropped);
        }
    }

    /// Removes what the selector names and began before the stamp, what waits to be written included.
    pub async fn purge(&self, selector: Selector, before: Stamp) -> Purged {
        let (reply, answer) = oneshot::channel();
        let waited = self.shared().handover.take_back(&selector, before);
        self.shared().handover.ask(Order::Purge(PurgeOrder { selector, before, reply }));
        let purged = answer.await.unwrap_or_default();
        Purged { entries: purged.entries + waited.entries, bytes: purged.bytes + waited.bytes, ..purged }
    }

    /// Waits until everything handed over so far is on disk and in the index, or refused.
    pub async fn flush(&self) {
        let (reply, answer) = oneshot::channel();
        self.shared().handover.ask(Order::Flush(reply));
        // A tier that was closed meanwhile has written everything too.
        let _ = answer.await;
    }

    /// Waits until every file was compared with the index since the tier was opened, and since its last fault.
    pub async fn swept(&self) {
        // The sender lives in what this borrows.
        let _ = self.shared().board.is_swept().wait_for(|is_swept| *is_swept).await;
    }

    pub fn state(&self) -> DiskState {
        let shared = self.shared();
        shared.board.state(shared.handover.bytes(), shared.spec.queue_bytes_max)
    }

    /// Writes what waits, makes the index durable and ends. What comes later is refused; reading goes on.
    pub fn close(&self) {
        self.owner.close();
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.owner.shared
    }
}

impl fmt::Debug for DiskTier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DiskTier").field("folder", &self.shared().spec.folder).finish_non_exhaustive()
    }
}

// === impl Owner ===

impl Owner {
    fn close(&self) {
        self.shared.handover.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The keeper catches its own panics; one that came through has ended it, which is what is wanted here.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.close();
    }
}

// === impl Shared ===

impl Shared {
    fn read(&self, key: &Key) -> Option<Entry> {
        match reading::read_entry(&*self.files, &self.layout.object(key), key) {
            Ok(entry) => return Some(entry),
            Err(Unread::Absent) => {}
            Err(Unread::Damaged(_)) => {
                // The keeper looks again and removes it: by now there may be a good one in its place.
                if self.handover.inspect(key).is_err() {
                    self.board.count(Event::Dropped);
                }
            }
            Err(Unread::Failed(error)) => {
                tracing::debug!(?key, %error, "entry could not be read");
                self.board.count(Event::ReadError);
            }
        }
        None
    }
}

/// What a file of so many bytes takes up.
const fn on_disk(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES)
}

#[cfg(test)]
mod tests;

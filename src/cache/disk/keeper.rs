//! The keeper: the one thread that writes, files and index alike, so that no two changes ever meet.
//!
//! A step does what was handed over, some of what is due behind (eviction, purges, the sweep), and ends in one
//! transaction of the index. Nothing ends the thread but the closing of the tier: errors make the tier degraded
//! (`faults`), and so would a panic.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::handover::{Order, Wanted};
use super::index::{Batch, Commit, Index, IndexError};
use super::lock::FolderLock;
use super::purging::PurgeUnderWay;
use super::reading::{Unread, read_entry};
use super::row::Row;
use super::sieve::{Item, Sieve};
use super::state::{Event, Passage};
use super::sweep::Sweep;
use super::{Purged, Shared, on_disk};
use crate::cache::{Class, Damage, Entry, Key};
use crate::telemetry::clock;

pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    /// Closed after a fault, until it can be opened again.
    pub(super) index: Option<Index>,
    /// One for each class.
    pub(super) sieves: [Sieve; Class::ALL.len()],
    pub(super) sweep: Sweep,
    pub(super) purges: VecDeque<PurgeUnderWay>,
    /// Told when the transaction is committed.
    pub(super) answers: Vec<(oneshot::Sender<Purged>, Purged)>,
    flushes: Vec<oneshot::Sender<()>>,
    /// The index is begun anew before it is used again.
    pub(super) is_index_distrusted: bool,
    /// When rows have to be made durable.
    durable_at: Option<Instant>,
    /// When a disk with a fault is tried again.
    pub(super) retry_at: Option<Instant>,
    /// The disk is full: some of what is kept goes.
    pub(super) is_out_of_space: bool,
    /// Bytes that a class is brought down to on a full disk.
    pub(super) shrink_to: Option<[u64; Class::ALL.len()]>,
    /// There is more to evict than one step does.
    pub(super) is_over_budget: bool,
    /// What is being written, for the case that this panics.
    settling: Option<(Key, u64)>,
    staged: u64,
    /// Given up last.
    _lock: FolderLock,
}

/// What became of a key that is not to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discarded {
    Entry,
    /// It had no row; a file may have been there.
    File,
    /// The file could not be removed, so the row stays too.
    Stuck,
}

/// Rows that a crash can lose are at most this old.
const DURABLE_EVERY: Duration = Duration::from_secs(1);

// === impl Keeper ===

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, lock: FolderLock) -> Self {
        Self {
            shared,
            index: None,
            sieves: Default::default(),
            sweep: Sweep::new(),
            purges: VecDeque::new(),
            answers: Vec::new(),
            flushes: Vec::new(),
            is_index_distrusted: false,
            durable_at: None,
            retry_at: None,
            is_out_of_space: false,
            shrink_to: None,
            is_over_budget: false,
            settling: None,
            staged: 0,
            _lock: lock,
        }
    }

    pub(super) fn run(mut self) {
        self.guarded(Self::begin);
        while !self.shared.handover.is_over() {
            let orders = self.shared.handover.wait(self.next_due());
            self.guarded(|keeper| keeper.step(orders));
        }
        self.guarded(|keeper| {
            keeper.abandon_purges();
            keeper.close_index();
        });
    }

    /// Runs a part of the work; should it panic, the tier is degraded and not left.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_ok() {
            return;
        }
        if let Some((key, turn)) = self.settling.take() {
            self.shared.handover.done(&key, turn);
        }
        self.flushes.clear();
        self.abandon_purges();
        self.panicked();
    }

    fn step(&mut self, orders: Vec<Order>) {
        if self.retry_at.is_some_and(|at| at <= clock::instant().into_std()) {
            self.retry();
        }
        let Some(mut index) = self.index.take() else {
            for order in orders {
                self.obey_without_index(order);
            }
            return;
        };
        let done = index.write(|batch| self.work(batch, orders));
        match done {
            Ok(()) => {
                self.shared.board.set_totals(index.totals().all());
                let due = clock::instant().into_std() + DURABLE_EVERY;
                self.durable_at = index.is_dirty().then(|| self.durable_at.unwrap_or(due));
                self.index = Some(index);
                for (reply, purged) in self.answers.drain(..) {
                    // Whoever asked may have gone.
                    let _ = reply.send(purged);
                }
            }
            Err(error) => {
                drop(index);
                self.abandon_purges();
                self.index_fault(error);
            }
        }
        // Those who wait are told by the end of their channel, and see the totals of now.
        self.flushes.clear();
    }

    fn work(&mut self, batch: &mut Batch<'_>, orders: Vec<Order>) -> Result<((), Commit), IndexError> {
        for order in orders {
            match order {
                Order::Settle(key) => self.settle(batch, &key)?,
                Order::Inspect(key) => self.inspect(batch, &key)?,
                Order::Purge(order) => self.purges.push_back(PurgeUnderWay::new(order)),
                Order::Flush(reply) => self.flushes.push(reply),
            }
        }
        self.evict(batch)?;
        self.purge(batch)?;
        self.sweep(batch)?;
        let is_due = self.durable_at.is_some_and(|at| at <= clock::instant().into_std());
        Ok(((), if is_due || !self.flushes.is_empty() { Commit::Durable } else { Commit::Soon }))
    }

    /// What can be done of an order while there is no index: little, and nobody waits for more.
    fn obey_without_index(&mut self, order: Order) {
        match order {
            Order::Settle(key) => {
                let Some((wanted, turn)) = self.shared.handover.wanted(&key) else {
                    return;
                };
                match wanted {
                    Wanted::Kept(entry) => Passage::RefusedFault.count(entry.class),
                    // Where it fails the file stays, and whoever reads it judges it as before.
                    Wanted::Gone => drop(self.shared.files.remove(&self.shared.layout.object(&key))),
                }
                self.shared.handover.done(&key, turn);
            }
            Order::Purge(order) => drop(order.reply.send(Purged::default())),
            Order::Inspect(_) | Order::Flush(_) => {}
        }
    }

    fn settle(&mut self, batch: &mut Batch<'_>, key: &Key) -> Result<(), IndexError> {
        let Some((wanted, turn)) = self.shared.handover.wanted(key) else {
            return Ok(());
        };
        self.settling = Some((*key, turn));
        let done = match wanted {
            Wanted::Kept(entry) => self.keep(batch, &entry).map(|passage| passage.count(entry.class)),
            Wanted::Gone => self.discard(batch, key).map(drop),
        };
        self.shared.handover.done(key, turn);
        self.settling = None;
        done
    }

    fn keep(&mut self, batch: &mut Batch<'_>, entry: &Entry) -> Result<Passage, IndexError> {
        if self.is_degraded() {
            return Ok(Passage::RefusedFault);
        }
        if (self.shared.is_gone)(entry.stamp, &entry.labels) {
            self.discard(batch, &entry.key)?;
            return Ok(Passage::RefusedGone);
        }
        let head = entry.head_bytes();
        let file_bytes = (head.len() + entry.body.len()) as u64;
        let item = Item { key: entry.key, bytes: on_disk(file_bytes) };
        // What was kept under the key has earned its lane, and makes room itself.
        let old = batch.row(&entry.key)?.filter(|row| row.class == entry.class);
        let lane = match &old {
            Some(row) => Some(row.lane),
            None => self.admit(batch, entry.class, &item),
        };
        let needed = item.bytes.saturating_sub(old.map_or(0, |row| row.bytes()));
        let Some(lane) = lane else {
            return Ok(Passage::RefusedRoom);
        };
        if !self.make_room(batch, entry.class, needed)? {
            return Ok(if self.is_degraded() { Passage::RefusedFault } else { Passage::RefusedRoom });
        }
        self.staged += 1;
        if !self.write_object(&entry.key, &[&head, &entry.body]) {
            return Ok(Passage::RefusedFault);
        }
        let Entry { class, key, stamp, labels, .. } = entry;
        let row = Row { class: *class, lane, turn: 0, file_bytes, stamp: *stamp, labels: labels.clone() };
        batch.insert(key, row)?;
        Ok(Passage::Written)
    }

    /// Writes a file beside and renames it into place; whether that worked.
    fn write_object(&mut self, key: &Key, parts: &[&[u8]]) -> bool {
        let Shared { files, layout, .. } = &*self.shared;
        let (staged, object) = (layout.staged(self.staged), layout.object(key));
        let write = || files.write(&staged, parts).and_then(|()| files.rename(&staged, &object));
        let written = write().or_else(|error| {
            // Somebody tidied up below us; folders can be made again.
            if error.kind() != std::io::ErrorKind::NotFound {
                return Err(error);
            }
            super::lock::make_folders(&**files, layout)?;
            // Where only its place was missing, the file itself is written already.
            files.remove(&staged)?;
            write()
        });
        let Err(error) = written else {
            return true;
        };
        // If this fails too, the sweep removes it.
        let _ = files.remove(&staged);
        if error.kind() == std::io::ErrorKind::IsADirectory {
            // Somebody's folder has the place of this one file, and the disk is well.
            self.shared.board.count(Event::WriteError);
        } else {
            self.file_fault("write", &error);
        }
        false
    }

    /// Removes the file of a key, then its row.
    pub(super) fn discard(&mut self, batch: &mut Batch<'_>, key: &Key) -> Result<Discarded, IndexError> {
        match self.shared.files.remove(&self.shared.layout.object(key)) {
            // A folder is nothing of ours, and in the way of nobody but this key.
            Err(error) if error.kind() != std::io::ErrorKind::IsADirectory => {
                self.file_fault("remove", &error);
                Ok(Discarded::Stuck)
            }
            _ => Ok(if batch.remove(key)?.is_some() { Discarded::Entry } else { Discarded::File }),
        }
    }

    /// Looks again at a file that a reader found damaged.
    fn inspect(&mut self, batch: &mut Batch<'_>, key: &Key) -> Result<(), IndexError> {
        let Shared { files, layout, board, .. } = &*self.shared;
        match read_entry(&**files, &layout.object(key), key) {
            // An older tintype runs for a while; the newer one may come back for it.
            Ok(_) | Err(Unread::Damaged(Damage::Version(_)) | Unread::Absent | Unread::Failed(_)) => Ok(()),
            Err(Unread::Damaged(damage)) => {
                board.count(Event::Corrupt);
                tracing::debug!(?key, %damage, "damaged entry removed");
                self.discard(batch, key).map(drop)
            }
        }
    }

    fn close_index(&mut self) {
        if let Some(Err(error)) = self.index.take().map(Index::close) {
            self.index_fault(error);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        if self.index.is_none() {
            return self.retry_at;
        }
        let now = (self.is_over_budget || !self.purges.is_empty()).then(|| clock::instant().into_std());
        let sweep = (!self.is_degraded()).then(|| self.sweep.next_at());
        [now, self.durable_at, self.retry_at, sweep].into_iter().flatten().min()
    }
}

//! Room: what goes so that every class stays within its budget.

use super::index::{Batch, IndexError, Lanes};
use super::keeper::{Discarded, Keeper};
use super::row::class_index;
use super::sieve::{Item, Lane};
use super::state::Passage;
use crate::cache::Class;

/// Entries that go for one that comes, at most.
const ROOM_ENTRIES_MAX: usize = 4096;
/// Entries that a step evicts behind before it looks at its orders again.
const SLICE_ENTRIES: usize = 64;
/// What goes when the disk is full: a tenth.
const SHRINK_SHARE: u64 = 10;

// === impl Keeper ===

impl Keeper {
    /// The lane for what is new; `None` = not to be kept.
    pub(super) fn admit(&mut self, batch: &Batch<'_>, class: Class, item: &Item) -> Option<Lane> {
        let limit = self.limit(class);
        let free = limit.saturating_sub(batch.totals().class(class).bytes);
        self.sieves[class_index(class)].admit(item, free, limit)
    }

    /// Evicts until so many bytes fit; whether they do.
    pub(super) fn make_room(&mut self, batch: &mut Batch<'_>, class: Class, bytes: u64) -> Result<bool, IndexError> {
        let limit = self.limit(class);
        if bytes > limit {
            return Ok(false);
        }
        for _ in 0..ROOM_ENTRIES_MAX {
            if batch.totals().class(class).bytes + bytes <= limit {
                return Ok(true);
            }
            if !self.evict_one(batch, class)? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Evicts some of what is over the budgets: they were lowered, files were adopted, or the disk is full.
    pub(super) fn evict(&mut self, batch: &mut Batch<'_>) -> Result<(), IndexError> {
        if self.is_out_of_space {
            self.is_out_of_space = false;
            self.shrink_to = Some(batch.totals().all().map(|(_, bytes)| bytes - bytes / SHRINK_SHARE));
        } else if self.is_degraded() && self.shrink_to.is_none() {
            self.is_over_budget = false;
            return Ok(());
        }
        self.is_over_budget = false;
        for class in Class::ALL {
            for _ in 0..SLICE_ENTRIES {
                if batch.totals().class(class).bytes <= self.limit(class) {
                    break;
                }
                if !self.evict_one(batch, class)? {
                    self.shrink_to = None;
                    return Ok(());
                }
            }
            self.is_over_budget |= batch.totals().class(class).bytes > self.limit(class);
        }
        if !self.is_over_budget {
            self.shrink_to = None;
        }
        Ok(())
    }

    /// Whether one went.
    fn evict_one(&mut self, batch: &mut Batch<'_>, class: Class) -> Result<bool, IndexError> {
        let limit = self.limit(class);
        let mut lanes = Lanes { batch, class };
        let victim = self.sieves[class_index(class)].victim(&mut lanes, &self.shared.heat, limit)?;
        let Some(Item { key, .. }) = victim else {
            return Ok(false);
        };
        match self.discard(batch, &key)? {
            Discarded::Entry => {
                Passage::Evicted.count(class);
                Ok(true)
            }
            // A place in the order without an entry: the same damage would come up again for ever.
            Discarded::File => Err(IndexError::damaged("a place has no row")),
            Discarded::Stuck => Ok(false),
        }
    }

    /// What a class may take up now.
    fn limit(&self, class: Class) -> u64 {
        let budget = self.shared.spec.budgets.of(class);
        let shrunk = self.shrink_to.map_or(budget, |sizes| budget.min(sizes[class_index(class)]));
        shrunk.saturating_sub(self.sweep.unseen_bytes(class, budget))
    }
}

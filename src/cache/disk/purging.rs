//! Purges: what their selectors name is found by the index and removed, some at a time.

use super::Purged;
use super::handover::PurgeOrder;
use super::index::{Batch, IndexError};
use super::keeper::{Discarded, Keeper};
use super::state::Passage;

/// A purge and how far it is.
pub(super) struct PurgeUnderWay {
    order: PurgeOrder,
    after: Option<Vec<u8>>,
    purged: Purged,
}

/// Rows that a step looks at before it looks at its orders again.
const SLICE_ROWS: usize = 512;

// === impl PurgeUnderWay ===

impl PurgeUnderWay {
    pub(super) fn new(order: PurgeOrder) -> Self {
        Self { order, after: None, purged: Purged::default() }
    }
}

// === impl Keeper ===

impl Keeper {
    /// Does some of the purge whose turn it is.
    pub(super) fn purge(&mut self, batch: &mut Batch<'_>) -> Result<(), IndexError> {
        let Some(mut purge) = self.purges.pop_front() else {
            return Ok(());
        };
        let (keys, after) = batch.named(&purge.order.selector, purge.after.as_deref(), SLICE_ROWS)?;
        for key in keys {
            let Some(row) = batch.row(&key)?.filter(|row| row.stamp < purge.order.before) else {
                continue;
            };
            if self.discard(batch, &key)? == Discarded::Stuck {
                self.answers.push((purge.order.reply, purge.purged));
                return Ok(());
            }
            Passage::Purged.count(row.class);
            purge.purged.entries += 1;
            purge.purged.bytes += row.bytes();
        }
        if after.is_some() {
            purge.after = after;
            self.purges.push_back(purge);
        } else {
            let purged = Purged { is_complete: true, ..purge.purged };
            self.answers.push((purge.order.reply, purged));
        }
        Ok(())
    }

    /// Answers all purges with what they removed so far.
    pub(super) fn abandon_purges(&mut self) {
        let begun = self.purges.drain(..).map(|purge| (purge.order.reply, purge.purged));
        for (reply, purged) in begun.chain(self.answers.drain(..)) {
            // Whoever asked may have gone.
            let _ = reply.send(Purged { is_complete: false, ..purged });
        }
    }
}

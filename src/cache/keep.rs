//! What a value must be able to say of itself to be kept in every tier.

use std::sync::Arc;

use bytes::Bytes;

use super::entry::{Class, Entry};
use super::key::Key;
use super::labels::Labels;
use super::stamp::Stamp;
use super::weigh::Weigh;

/// A value that can leave the process as an [`Entry`] and come back.
///
/// The record is written and read by the value's owner; it must stay readable for later versions, which add members
/// with defaults and never take one away.
pub trait Keep: Weigh + Sized + Send + Sync + 'static {
    const CLASS: Class;

    /// When the work that brought it, or last confirmed it, began.
    fn stamp(&self) -> Stamp;

    fn labels(&self) -> &Arc<Labels>;

    fn body(&self) -> &Bytes;

    /// Everything but stamp, labels and body.
    fn record(&self) -> Vec<u8>;

    /// The value of an entry; `None` for a record that this version cannot read, which is then as good as absent.
    fn restore(entry: Entry) -> Option<Self>;

    /// The value as an entry.
    fn entry(&self, key: Key) -> Entry {
        Entry {
            class: Self::CLASS,
            key,
            stamp: self.stamp(),
            labels: Labels::clone(self.labels()),
            record: Bytes::from(self.record()),
            body: self.body().clone(),
        }
    }
}

//! What answers a request without a flight of its picture: a look below memory, and a client's copy that is still
//! right.

use std::sync::Arc;

use super::Flow;
use super::made::{Errand, Made};
use super::original::Got;
use super::variant::{Variant, etag};
use super::{CacheOutcome, Picture};
use crate::cache::Found;
use crate::semantics::conditional::is_listed;
use crate::telemetry::clock;

// === impl Flow ===

impl Flow {
    /// What any tier has. One look serves everyone who asks at the same time.
    pub(super) async fn look(self: &Arc<Self>, picture: &Picture) -> Option<Found<Variant>> {
        let (flow, key) = (Arc::clone(self), picture.key);
        let flight = (key, self.marks.last_hard(&picture.labels));
        let look = move |_| async move { Ok(flow.variants.find(&key).await) };
        self.looks.join(flight, &self.tracker, look).wait().await.ok().flatten()
    }

    /// Whether the client's copy is what would be made now: then nothing has to be made for it (RFC 9110,
    /// section 13.1.2). All it takes is the original; the tag follows from that.
    pub(super) async fn confirmed(&self, errand: &Errand, if_none_match: Option<&str>) -> Option<Made> {
        let list = if_none_match?;
        let Errand { wanted, rules, picture } = errand;
        let started = clock::instant();
        let stamp = self.marks.stamps().now();
        let Ok(Got::Original(kept, _)) = self.originals.get(wanted, None, &rules.policy.freshness).await else {
            return None;
        };
        let etag = etag(&picture.key, &kept.tag, &self.fingerprint, rules.pixel_epoch);
        // `*` is whatever there is; whether there is anything shows only when it is made.
        if list.trim() == "*" || !is_listed(list, &etag) {
            return None;
        }
        let variant = Variant {
            etag,
            last_modified_s: kept.original.last_modified_s,
            lifetime: kept.lifetime,
            stamp: stamp.max(kept.stamp),
            labels: Arc::clone(&picture.labels),
            ..Variant::default()
        };
        let stages = vec![("origin", started.elapsed())];
        Some(Made { variant: Arc::new(variant), outcome: CacheOutcome::Confirmed, stages })
    }
}

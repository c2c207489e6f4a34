//! From the configuration to the tiers below memory, and the marks of purges that all of them obey.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SetupError;
use crate::cache::{DiskBudgets, DiskSpec, DiskTier, Labels, Marks, SharedTier, Stamp, Stamps};
use crate::config::Config;
use crate::flow::shared::shared_spec;
use crate::origin::ObjectBucket;

/// In the folder of the disk tier.
const MARKS_FILE: &str = "purges";

/// The disk tier where one is configured, and the marks of purges, which lie in its folder. The folder is locked before
/// the marks are read: two processes that write one journal would lose purges.
pub fn disk_and_marks(config: &Config) -> Result<(Option<DiskTier>, Arc<Marks>), SetupError> {
    let cache = &config.cache;
    let Some(folder) = &cache.disk_path else {
        return Ok((None, Arc::new(Marks::in_memory(Stamps::default()))));
    };
    let budgets = DiskBudgets {
        variants_bytes: cache.disk_bytes,
        originals_bytes: cache.originals_disk_bytes,
        files_bytes: cache.files_disk_bytes,
    };
    let opened: Arc<OnceLock<Arc<Marks>>> = Arc::default();
    let asked = Arc::clone(&opened);
    let spec = DiskSpec::new(folder.clone(), budgets, cache.disk_queue_bytes);
    let spec = DiskSpec { retry_after: cache.disk_retry, ..spec };
    let is_gone = move |stamp: Stamp, labels: &Labels| {
        let marks = asked.wait();
        // Kept while the clock was ahead, before it was put right: no purge of now would be younger.
        stamp > marks.stamps().now() || marks.is_gone(stamp, labels)
    };
    let disk = DiskTier::open(spec, Arc::new(is_gone))?;
    let marks = Arc::new(Marks::open(&folder.join(MARKS_FILE), Stamps::default())?);
    opened.get_or_init(|| Arc::clone(&marks));
    Ok((Some(disk), marks))
}

/// The shared tier where one is configured.
pub fn shared(
    config: &Config,
    marks: &Arc<Marks>,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Option<SharedTier>, SetupError> {
    let Some((spec, bucket)) = shared_spec(config) else {
        return Ok(None);
    };
    let bucket = ObjectBucket::new(&bucket).map_err(SetupError::Shared)?;
    Ok(Some(SharedTier::start(spec, Arc::new(bucket), Arc::clone(marks), tracker, stop)))
}

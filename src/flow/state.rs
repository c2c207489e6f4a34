//! What the flow is doing now, for operators: gauges, a status in words, upkeep, the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::Flow;
use super::mount::Mounts;
use crate::engine::vips::{Vips, tracked_bytes};
use crate::telemetry::clock;
use crate::telemetry::metrics::Gauge;

/// How long the start of the process waits for a bucket.
const SETTLE_MAX: Duration = Duration::from_secs(2);
/// How long the end of the process waits for a bucket.
const FLUSH_MAX: Duration = Duration::from_secs(5);

// === impl Flow ===

impl Flow {
    /// Brings tiers and gauges up to date; called about once a second.
    pub fn upkeep(&self) {
        self.variants.memory().run_pending();
        self.originals.tiers().memory().run_pending();
        let pool = self.pool.state();
        let originals = self.originals.tiers().memory();
        let variants = self.variants.memory();
        let (mount_bytes, mount_entries) = self.mounts.upkeep();
        let tiers = [
            ("mount_memory", mount_bytes, mount_entries),
            ("memory", variants.bytes(), variants.len()),
            ("originals_memory", originals.bytes(), originals.len()),
        ];
        for (tier, bytes, entries) in tiers {
            Gauge::CacheBytes.set(bytes, &[("tier", tier)]);
            Gauge::CacheEntries.set(entries, &[("tier", tier)]);
        }
        self.upkeep_marks();
        Gauge::QueueJobs.set(pool.waiting as u64, &[]);
        Gauge::WorkersBusy.set(pool.busy as u64, &[]);
        Gauge::Misses.set(self.misses.waiting() as u64, &[]);
        Gauge::Flights.set(self.flights.len() as u64, &[("kind", "variant")]);
        Gauge::Flights.set(self.originals.flights() as u64, &[("kind", "original")]);
        Gauge::Flights.set(self.mounts.flights() as u64, &[("kind", "mount")]);
        Gauge::VipsMemory.set(tracked_bytes(), &[]);
    }

    fn upkeep_marks(&self) {
        let state = self.marks.state();
        Gauge::PurgeMarks.set(state.hard as u64, &[("strength", "hard")]);
        Gauge::PurgeMarks.set(state.soft as u64, &[("strength", "soft")]);
        if state.is_durable {
            let (marks, is_behind) = (Arc::clone(&self.marks), Arc::clone(&self.is_journal_behind));
            self.tracker.spawn_blocking(move || match marks.upkeep() {
                Ok(()) if is_behind.swap(false, Ordering::Relaxed) => {
                    tracing::info!("journal of purges is written again");
                }
                // Said once, not every second.
                Err(error) if !is_behind.swap(true, Ordering::Relaxed) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "journal of purges is behind");
                }
                Ok(()) | Err(_) => {}
            });
        }
    }

    /// What an operator wants to know at a glance.
    pub fn status(&self) -> Value {
        let pool = self.pool.state();
        let originals = self.originals.tiers().memory();
        let variants = self.variants.memory();
        json!({
            "in_words": self.words(),
            "engine": {
                "libvips": self.libvips_version(),
                "workers": pool.workers,
                "busy": pool.busy,
                "waiting": pool.waiting,
                "processes": self.pool.workplace().state(),
                "mean_job_ms": u64::try_from(self.admission.mean().as_millis()).unwrap_or(u64::MAX),
                "vips_memory_bytes": tracked_bytes(),
                "glib_warnings": Vips::glib_warnings(),
            },
            "misses": self.misses.waiting(),
            "variants": {
                "memory_bytes": variants.bytes(),
                "entries": variants.len(),
                "flights": self.flights.len(),
            },
            "originals": {
                "memory_bytes": originals.bytes(),
                "entries": originals.len(),
                "flights": self.originals.flights(),
            },
            "purges": self.marks.state(),
            "waiting_for_new_pixels": self.outdated(),
            "disk": self.disk.as_ref().map(|disk| json!(disk.state())),
            "shared": self.shared.as_ref().map(|shared| json!(shared.state())),
            "failures_remembered": self.failed.len(),
            "originals_refused": self.poison.len(clock::now_unix_s()),
            "pixel_epoch": self.rules.load().pixel_epoch,
        })
    }

    /// The version of libvips.
    pub fn libvips_version(&self) -> String {
        let (major, minor, patch) = self.pool.vips().caps.version;
        format!("{major}.{minor}.{patch}")
    }

    /// What confines the processes that make pictures, in words.
    pub fn sandbox(&self) -> String {
        let layers = self.pool.workplace().layers();
        layers.map_or_else(|| "none, threads of this process".to_owned(), |layers| layers.words().join(", "))
    }

    /// What makes pixels here, as it is part of every entity tag.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The pass-through mounts.
    pub fn mounts(&self) -> &Arc<Mounts> {
        &self.mounts
    }

    /// What stands before the signature in every path; empty for nothing.
    pub fn path_prefix(&self) -> &str {
        &self.config.urls.path_prefix
    }

    /// Learns what other nodes have purged while this one was away; to be called before anything is served.
    pub async fn settle(&self) {
        if let Some(shared) = &self.shared {
            shared.settle(SETTLE_MAX).await;
        }
    }

    /// Takes no more work; what is under way is finished, and what waits to be written is written.
    pub async fn close(&self) {
        self.pool.close();
        if let Some(disk) = self.disk.clone() {
            // It waits for its thread; nothing is left to do where that fails.
            let _ = tokio::task::spawn_blocking(move || disk.close()).await;
        }
        if let Some(shared) = &self.shared {
            shared.flush(FLUSH_MAX).await;
        }
        self.stop.cancel();
    }
}

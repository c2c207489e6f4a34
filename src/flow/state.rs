//! What the flow is doing now, for operators: gauges, a status in words, upkeep, the end.

use serde_json::{Value, json};

use std::sync::Arc;

use super::Flow;
use super::mount::Mounts;
use crate::engine::vips::{Vips, tracked_bytes};
use crate::telemetry::metrics::Gauge;

// === impl Flow ===

impl Flow {
    /// Brings tiers and gauges up to date; called about once a second.
    pub fn upkeep(&self) {
        self.variants.run_pending();
        self.originals.tier().run_pending();
        let pool = self.pool.state();
        let originals = self.originals.tier();
        let (mount_bytes, mount_entries) = self.mounts.upkeep();
        let tiers = [
            ("mount_memory", mount_bytes, mount_entries),
            ("memory", self.variants.bytes(), self.variants.len()),
            ("originals_memory", originals.bytes(), originals.len()),
        ];
        for (tier, bytes, entries) in tiers {
            Gauge::CacheBytes.set(bytes, &[("tier", tier)]);
            Gauge::CacheEntries.set(entries, &[("tier", tier)]);
        }
        Gauge::QueueJobs.set(pool.waiting as u64, &[]);
        Gauge::WorkersBusy.set(pool.busy as u64, &[]);
        Gauge::Flights.set(self.flights.len() as u64, &[("kind", "variant")]);
        Gauge::Flights.set(self.originals.flights() as u64, &[("kind", "original")]);
        Gauge::Flights.set(self.mounts.flights() as u64, &[("kind", "mount")]);
        Gauge::VipsMemory.set(tracked_bytes(), &[]);
    }

    /// What an operator wants to know at a glance.
    pub fn status(&self) -> Value {
        let pool = self.pool.state();
        let originals = self.originals.tier();
        json!({
            "engine": {
                "libvips": self.libvips_version(),
                "workers": pool.workers,
                "busy": pool.busy,
                "waiting": pool.waiting,
                "vips_memory_bytes": tracked_bytes(),
                "glib_warnings": Vips::glib_warnings(),
            },
            "variants": {
                "memory_bytes": self.variants.bytes(),
                "entries": self.variants.len(),
                "flights": self.flights.len(),
            },
            "originals": {
                "memory_bytes": originals.bytes(),
                "entries": originals.len(),
                "flights": self.originals.flights(),
            },
            "failures_remembered": self.failed.len(),
            "pixel_epoch": self.rules.load().pixel_epoch,
        })
    }

    /// The version of libvips.
    pub fn libvips_version(&self) -> String {
        let (major, minor, patch) = self.pool.vips().caps.version;
        format!("{major}.{minor}.{patch}")
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

    /// Takes no more work; what is under way is finished.
    pub fn close(&self) {
        self.pool.close();
    }
}

//! Every metric: its name, type, unit, labels and meaning. Nowhere else is a metric named.
//!
//! Label values are static texts from bounded sets, never anything that a client chose. Where a label lists its values
//! here, a value outside the list panics in debug builds. Without an installed recorder nothing is counted.

use std::cell::RefCell;
use std::time::Duration;

use ::metrics::{Key, Level, Metadata, Recorder};

use super::series::{self, Lately};

/// A label and the values it can have; none listed where the rooms that count have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    pub name: &'static str,
    pub values: &'static [&'static str],
}

/// What there is to know of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    pub name: &'static str,
    /// What one of it is: seconds, bytes, or what is counted.
    pub unit: &'static str,
    pub labels: &'static [Label],
    pub help: &'static str,
}

/// Names and values of a metric's labels, in the order of its definition.
pub type Labels<'a> = &'a [(&'static str, &'static str)];

/// Raises a gauge by one for as long as it lives.
#[derive(Debug)]
pub struct Held {
    gauge: Gauge,
    labels: Vec<(&'static str, &'static str)>,
}

const ROUTE: Label =
    Label { name: "route", values: &["image", "page", "health", "options", "operations", "mount", "refused"] };
const CACHE: Label = Label {
    name: "cache",
    values: &["hit", "stale", "confirmed", "miss", "revalidated", "collapsed", "bypass", "none"],
};
const STATUS: Label = Label { name: "status", values: &[] };
const STAGE: Label = Label { name: "stage", values: &["queue", "origin", "decode", "transform", "encode"] };
const FORMAT: Label = Label {
    name: "format",
    values: &["jpg", "png", "webp", "avif", "jxl", "gif", "tiff", "heic", "bmp", "ico", "svg", "other"],
};
const TIER: Label = Label { name: "tier", values: TIERS };
const TIERS: &[&str] =
    &["memory", "disk", "shared", "originals_memory", "originals_disk", "mount_memory", "mount_disk"];
const EVENT: Label = Label { name: "event", values: &["hit", "miss", "insert", "evict"] };
const PURGED_BY: Label = Label { name: "by", values: &["urls", "sources", "prefixes", "tags"] };
const STRENGTH: Label = Label { name: "strength", values: &["hard", "soft"] };
const SHARED_CALL: Label = Label { name: "call", values: &["get", "put", "list", "delete", "publish"] };
const SHARED_SKIPPED: Label = Label { name: "reason", values: &["breaker", "marks", "busy"] };
const SHARED_DROPPED: Label = Label { name: "reason", values: &["full", "large", "breaker", "marks", "purged"] };
const FLIGHT: Label = Label { name: "kind", values: &["variant", "original", "mount", "look"] };
const STALE: Label = Label { name: "why", values: &["swr", "sie", "busy"] };
const LOOP: Label = Label { name: "why", values: &["own", "hops"] };
const REASON: Label = Label {
    name: "reason",
    values: &[
        "queue_full",
        "queue_estimate",
        "queue_timeout",
        "misses_full",
        "client_full",
        "origin_full",
        "deadline",
        "connections",
    ],
};
const KIND: Label = Label { name: "kind", values: &[] };
const CLASS: Label = Label { name: "class", values: &["variants", "originals", "files"] };
const DISK_EVENT: Label = Label {
    name: "event",
    values: &[
        "corrupt",
        "write_error",
        "read_error",
        "adopted",
        "swept",
        "index_rebuilt",
        "dropped",
        "degraded",
        "healed",
    ],
};
const DISK_PASSAGE: Label = Label {
    name: "event",
    values: &["written", "evicted", "purged", "refused_queue", "refused_room", "refused_fault", "refused_gone"],
};
const SCHEME: Label = Label { name: "scheme", values: &["http", "https", "local", "s3", "gs", "az"] };
const FETCHED: Label =
    Label { name: "result", values: &["ok", "not_modified", "not_found", "refused", "too_large", "timeout", "failed"] };
const WORKER_END: Label = Label { name: "why", values: &["crashed", "overdue", "rubbish", "old", "large", "outside"] };
const TRANSFORMED: Label =
    Label { name: "result", values: &["ok", "undecodable", "too_large", "timeout", "crashed", "failed"] };
const RELOADED: Label = Label { name: "result", values: &["ok", "refused"] };
const VERSION: Label = Label { name: "version", values: &[] };
const LIBVIPS: Label = Label { name: "libvips", values: &[] };
const FINGERPRINT: Label = Label { name: "fingerprint", values: &[] };

/// One row a metric makes the enum, its list and its definitions, so that none can miss a row.
macro_rules! metrics {
    ($(#[$doc:meta])* $type:ident {
        $($variant:ident: $name:literal, $unit:literal, [$($label:ident),*], $help:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type {
            $(#[doc = $help] $variant,)+
        }

        impl $type {
            /// Every metric of this type, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// What there is to know of it.
            pub const fn definition(self) -> Definition {
                match self {
                    $(Self::$variant => Definition { name: $name, unit: $unit, labels: &[$($label),*], help: $help },)+
                }
            }
        }
    };
}

metrics! {
    /// What only grows.
    Counter {
        Requests: "tintype_requests_total", "requests", [ROUTE, STATUS, CACHE],
            "Requests answered, by route, HTTP status and the part that the cache took.";
        Errors: "tintype_errors_total", "requests", [KIND],
            "Requests refused or failed, by the kind that the error document names.";
        Loops: "tintype_loops_total", "requests", [LOOP],
            "Requests refused with 508: they came back to this server (`own`) or came through too many (`hops`).";
        Shed: "tintype_shed_total", "requests", [REASON],
            "Requests refused with 503, or 429 for one client: there was more to do than could be done in time.";
        CacheEvents: "tintype_cache_events_total", "events", [TIER, EVENT],
            "What happened in each tier.";
        PurgedItems: "tintype_purged_items_total", "items", [PURGED_BY, STRENGTH],
            "Items of purges that were followed, by what they name and whether it is gone or stale.";
        PurgedEntries: "tintype_purged_entries_total", "entries", [TIER],
            "Entries that purges found in each tier.";
        DiskEvents: "tintype_disk_events_total", "events", [DISK_EVENT],
            "What happened to the disk tier as a whole: damage, faults, and what the sweep behind found.";
        DiskPassages: "tintype_disk_passages_total", "entries", [CLASS, DISK_PASSAGE],
            "Entries on their way into the disk tier or out of it.";
        SharedFailures: "tintype_shared_failures_total", "calls", [SHARED_CALL],
            "Calls on the shared bucket that failed or took too long.";
        SharedSkipped: "tintype_shared_skipped_total", "reads", [SHARED_SKIPPED],
            "Reads of the shared bucket left out: it fails, purges of other nodes are not known, or too many read.";
        SharedDropped: "tintype_shared_dropped_total", "entries", [SHARED_DROPPED],
            "Entries not written to the shared bucket: no room, too large, purged, or the bucket or its purges fail.";
        FlightFollowers: "tintype_flight_followers_total", "requests", [FLIGHT],
            "Requests that waited for the flight of another one and cost nothing themselves.";
        StaleServed: "tintype_stale_served_total", "requests", [STALE],
            "Stale answers: while the origin is asked (`swr`), as it failed (`sie`), or for too much work (`busy`).";
        NegativeHits: "tintype_negative_hits_total", "requests", [FLIGHT],
            "Requests answered by a failure of a moment ago, of the origin or of the picture.";
        OriginFetches: "tintype_origin_fetches_total", "fetches", [SCHEME, FETCHED],
            "Fetches of originals.";
        OriginBytes: "tintype_origin_bytes_total", "bytes", [],
            "Bytes of originals read from origins.";
        Originals: "tintype_originals_total", "originals", [FORMAT],
            "Originals opened, by their own format.";
        TruncatedOriginals: "tintype_truncated_originals_total", "originals", [],
            "Originals whose data ended too early.";
        Transforms: "tintype_transforms_total", "transformations", [FORMAT, TRANSFORMED],
            "Transformations, by the format that came or was to come out.";
        ResultBytes: "tintype_result_bytes_total", "bytes", [FORMAT],
            "Bytes of variants made.";
        DeadlineKills: "tintype_deadline_kills_total", "transformations", [STAGE],
            "Work ended because its time was up, by the stage it was in.";
        DubiousBooleans: "tintype_dubious_booleans_total", "options", [],
            "Options that should be a yes or no, are neither, and were taken as no.";
        Reloads: "tintype_reloads_total", "reloads", [RELOADED],
            "Reloads of the configuration; a refused one changed nothing.";
        WorkerStarts: "tintype_worker_starts_total", "workers", [],
            "Worker processes started.";
        WorkerEnds: "tintype_worker_ends_total", "workers", [WORKER_END],
            "Worker processes ended: by a job (`crashed`, `overdue`, `rubbish`), `old`, `large`, or from `outside`.";
        GlibWarnings: "tintype_log_glib_warnings_total", "warnings", [],
            "Warnings of libvips and its libraries.";
    }
}

metrics! {
    /// What goes up and down.
    Gauge {
        Connections: "tintype_connections", "connections", [],
            "Connections open.";
        QueueJobs: "tintype_queue_jobs", "transformations", [],
            "Transformations that wait for a worker.";
        WorkersBusy: "tintype_workers_busy", "workers", [],
            "Workers with a transformation.";
        Misses: "tintype_misses", "requests", [],
            "Requests that wait for an original or a picture.";
        Flights: "tintype_flights", "flights", [FLIGHT],
            "Computations under way that requests wait for.";
        CacheBytes: "tintype_cache_bytes", "bytes", [TIER],
            "Bytes kept in each tier.";
        CacheEntries: "tintype_cache_entries", "entries", [TIER],
            "Entries kept in each tier.";
        PurgeMarks: "tintype_purge_marks", "marks", [STRENGTH],
            "Purges held: what is kept or made is compared with them.";
        DiskBytes: "tintype_disk_bytes", "bytes", [CLASS],
            "Disk that the entries of each class take up, in whole blocks.";
        DiskEntries: "tintype_disk_entries", "entries", [CLASS],
            "Entries of each class on disk.";
        DiskDegraded: "tintype_disk_degraded", "tiers", [],
            "1 while the disk tier has a fault and is only read, otherwise 0.";
        SharedQueueBytes: "tintype_shared_queue_bytes", "bytes", [],
            "Bytes of entries that wait to be written to the shared bucket, or are being written.";
        SharedBreakerOpen: "tintype_shared_breaker_open", "breakers", [SHARED_CALL],
            "1 while the shared bucket is left alone because it failed, for `get` and for `put`.";
        SharedMarksRead: "tintype_shared_marks_read_timestamp_seconds", "seconds", [],
            "When purges of other nodes were last read from the shared bucket, in seconds since 1970.";
        WorkersMemory: "tintype_workers_memory_bytes", "bytes", [],
            "Memory of all worker processes that is in RAM; what they share counts for each.";
        VipsMemory: "tintype_vips_memory_bytes", "bytes", [],
            "Memory that libvips has allocated for pixels in this process, where it makes them.";
        ResidentMemory: "tintype_resident_memory_bytes", "bytes", [],
            "Memory of this process that is in RAM, as the kernel counts it.";
        EngineInfo: "tintype_engine_info", "engines", [VERSION, LIBVIPS, FINGERPRINT],
            "Always 1; its labels say what makes the pixels.";
    }
}

metrics! {
    /// How long things took, and how many there were of them.
    Histogram {
        Request: "tintype_request_seconds", "seconds", [ROUTE, CACHE],
            "Time from the head of a request to its complete answer.";
        Stage: "tintype_stage_seconds", "seconds", [STAGE],
            "Time of each stage of making a variant.";
        FlightWidth: "tintype_flight_width", "requests", [FLIGHT],
            "Requests that one flight served, the one that started it included.";
    }
}

/// Where metrics come from, as the recorder wants to know.
static METADATA: Metadata<'static> = Metadata::new("tintype", Level::INFO, None);

thread_local! {
    static COUNTERS: RefCell<Lately<::metrics::Counter>> = const { RefCell::new(Lately::new()) };
    static HISTOGRAMS: RefCell<Lately<::metrics::Histogram>> = const { RefCell::new(Lately::new()) };
}

// === impl Counter ===

impl Counter {
    /// Adds to it.
    pub fn add(self, by: u64, labels: Labels<'_>) {
        let register = |recorder: &dyn Recorder| recorder.register_counter(&key(&self.definition(), labels), &METADATA);
        series::count(&COUNTERS, self as u8, labels, register, |counter| counter.increment(by));
    }
}

// === impl Gauge ===

impl Gauge {
    /// Says what it is now. Beyond 2^53 the number is rounded.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and what it shows is far below 2^53")]
    pub fn set(self, value: u64, labels: Labels<'_>) {
        let key = key(&self.definition(), labels);
        ::metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(value as f64));
    }

    /// Changes it by so much.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and what it shows is far below 2^53")]
    pub fn shift(self, by: i64, labels: Labels<'_>) {
        let key = key(&self.definition(), labels);
        ::metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).increment(by as f64));
    }

    /// Raises it by one until the result is dropped.
    #[must_use = "the gauge falls again when this is dropped"]
    pub fn hold(self, labels: Labels<'_>) -> Held {
        let held = Held { gauge: self, labels: labels.to_vec() };
        held.step(1.0);
        held
    }
}

// === impl Held ===

impl Held {
    fn step(&self, by: f64) {
        let key = key(&self.gauge.definition(), &self.labels);
        ::metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).increment(by));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.step(-1.0);
    }
}

// === impl Histogram ===

impl Histogram {
    /// The upper ends of the buckets in seconds: 1 ms, which a hit takes, to 60 s, which nothing should.
    pub const BUCKETS_S: &[f64] =
        &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

    /// How many wait for one flight: alone most often, thousands when a page goes around.
    const BUCKETS_WIDTH: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0];

    /// The upper ends of its buckets.
    pub const fn buckets(self) -> &'static [f64] {
        match self {
            Self::Request | Self::Stage => Self::BUCKETS_S,
            Self::FlightWidth => Self::BUCKETS_WIDTH,
        }
    }

    /// Records how many there were of something that has no time.
    pub fn count(self, number: u32, labels: Labels<'_>) {
        self.note(f64::from(number), labels);
    }

    /// Records how long one took.
    pub fn record(self, took: Duration, labels: Labels<'_>) {
        self.note(took.as_secs_f64(), labels);
    }

    fn note(self, value: f64, labels: Labels<'_>) {
        let register =
            |recorder: &dyn Recorder| recorder.register_histogram(&key(&self.definition(), labels), &METADATA);
        series::count(&HISTOGRAMS, self as u8, labels, register, |histogram| histogram.record(value));
    }
}

/// Says once, at start, what makes the pixels: our version, that of libvips, and the engine's fingerprint.
pub fn engine_info(version: &str, libvips: &str, fingerprint: &str) {
    let values = [version, libvips, fingerprint];
    let definition = Gauge::EngineInfo.definition();
    let labels = definition.labels.iter().zip(values);
    let labels: Vec<_> = labels.map(|(label, value)| ::metrics::Label::new(label.name, value.to_owned())).collect();
    let key = Key::from_parts(definition.name, labels);
    ::metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(1.0));
}

/// A status code as a label: those that tintype sends by itself, and the class of any other, since an origin's 4xx is
/// passed on and an origin can invent codes.
pub fn status_label(status: u16) -> &'static str {
    const KNOWN: [(u16, &str); 28] = [
        (200, "200"),
        (204, "204"),
        (206, "206"),
        (304, "304"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (408, "408"),
        (410, "410"),
        (412, "412"),
        (413, "413"),
        (414, "414"),
        (415, "415"),
        (416, "416"),
        (421, "421"),
        (422, "422"),
        (429, "429"),
        (431, "431"),
        (499, "499"),
        (500, "500"),
        (501, "501"),
        (502, "502"),
        (503, "503"),
        (504, "504"),
        (505, "505"),
        (508, "508"),
    ];
    let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].get(usize::from(status / 100)).unwrap_or(&"other");
    KNOWN.iter().find(|(code, _)| *code == status).map_or(class, |(_, label)| label)
}

/// The page of all metrics, in Markdown.
pub fn metrics_markdown() -> String {
    let counters = Counter::ALL.iter().map(|metric| ("counter", metric.definition()));
    let gauges = Gauge::ALL.iter().map(|metric| ("gauge", metric.definition()));
    let histograms = Histogram::ALL.iter().map(|metric| ("histogram", metric.definition()));
    let row = |(kind, definition): (&str, Definition)| {
        let Definition { name, unit, labels, help } = definition;
        let labels = labels.iter().map(described).collect::<Vec<_>>().join(", ");
        format!("| `{name}` | {kind} | {unit} | {labels} | {help} |\n")
    };
    let rows: Vec<_> = counters.chain(gauges).chain(histograms).map(row).collect();
    format!("# Metrics\n\n| Name | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n{}", rows.concat())
}

fn described(label: &Label) -> String {
    if label.values.is_empty() {
        return format!("`{}`", label.name);
    }
    format!("`{}` ({})", label.name, label.values.join(", "))
}

fn key(definition: &Definition, labels: Labels<'_>) -> Key {
    debug_assert!(fits(definition, labels), "{} does not have the labels {labels:?}", definition.name);
    let labels: Vec<_> = labels.iter().map(|(name, value)| ::metrics::Label::from_static_parts(name, value)).collect();
    Key::from_parts(definition.name, labels)
}

/// Whether these are the labels of the definition, in its order, with values that it lists.
fn fits(definition: &Definition, labels: Labels<'_>) -> bool {
    let pairs = || definition.labels.iter().zip(labels);
    definition.labels.len() == labels.len()
        && pairs().all(|(label, (name, value))| {
            label.name == *name && (label.values.is_empty() || label.values.contains(value))
        })
}

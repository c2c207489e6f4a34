//! Pass-through mounts: parts of the URL space that are served verbatim from an origin, through a shared HTTP cache.
//!
//! The way of a request: [`Mounts::claim`] finds the mount of its path. What changes something goes straight to the
//! origin (`write`). What reads is planned (`plan`) from what is kept (`shelf`, `stored`), and where the origin must be
//! asked, asked once for all who want the same (`read`, `exchange`); an answer is written from what is kept or from
//! what came (`answer`). The rules are those of RFC 9110, 9111, 5861, 9211 and 9213 and live in `semantics`.
//!
//! Each mount keeps for itself. A request that changes something makes untrue what its own mount keeps of the URI; what
//! another mount of the same origin keeps stays until its time is over or a purge names it.

mod answer;
mod ask;
mod exchange;
mod keeping;
mod plan;
mod read;
mod refusal;
mod shelf;
mod site;
mod stored;
mod upstream;
mod write;

use std::sync::Arc;

use http::Method;
use tokio_util::task::TaskTracker;

pub use self::ask::{Answer, Body, Request, Status};

use self::exchange::Landed;
use self::shelf::Shelf;
use self::site::{Site, Target};
use super::Failure;
use super::labels::{file_labels, text_tag};
use super::misses::Misses;
use crate::cache::{
    DiskTier, FlightLimits, Flights, Key, Labels, MarkSet, Marks, Negative, Stamp, Tag, TierNames, Tiers,
};
use crate::config;
use crate::origin::{OriginError, OriginSetupError, Origins};

/// All mounts of a server, and everything they keep.
pub struct Mounts {
    /// The longest prefix first.
    sites: Vec<Arc<Site>>,
    origins: Arc<Origins>,
    shelf: Shelf,
    /// By key and by when what is kept was last taken away.
    flights: Flights<(Key, Stamp), Arc<Landed>, OriginError>,
    /// URIs whose answers could not be kept a moment ago: waiting for one answer would not help anyone else.
    passing: Negative<()>,
    /// Requests that wait for an origin, and whose.
    misses: Arc<Misses>,
    /// What was purged.
    marks: Arc<Marks>,
    tracker: TaskTracker,
    /// This cache in `Cache-Status`.
    name: String,
    body_bytes_max: u64,
    request_bytes_max: u64,
}

/// A path that a mount claims.
#[derive(Debug, Clone)]
pub struct Claim {
    site: Arc<Site>,
    /// The path behind the prefix.
    rest: String,
}

/// URIs that are passed, at most, and for how long before it is tried again.
const PASSING_MAX: usize = 10_000;
const PASSING_S: u64 = 60;
const TIERS: TierNames = TierNames { memory: "mount_memory", disk: "mount_disk" };

// === impl Mounts ===

impl Mounts {
    /// The mounts of this configuration; what they give obeys `marks`.
    ///
    /// # Errors
    /// An origin is no address that can be asked.
    pub(super) fn new(
        config: &config::Mounts,
        name: &str,
        origins: Arc<Origins>,
        disk: Option<DiskTier>,
        marks: Arc<Marks>,
        tracker: TaskTracker,
        misses: Arc<Misses>,
    ) -> Result<Self, OriginSetupError> {
        let sites: Result<Vec<_>, _> = config.list.iter().map(|mount| Site::new(mount).map(Arc::new)).collect();
        let mut sites = sites?;
        sites.sort_by_key(|site| std::cmp::Reverse(site.prefix_len()));
        let tiers = Tiers::new(config.memory_bytes, Arc::clone(&marks), TIERS).with_disk(disk);
        Ok(Self {
            sites,
            origins,
            shelf: Shelf::new(tiers),
            flights: Flights::new(FlightLimits::of("mount")),
            passing: Negative::new(PASSING_MAX),
            misses,
            marks,
            tracker,
            name: name.to_owned(),
            body_bytes_max: config.body_bytes_max,
            request_bytes_max: config.request_bytes_max,
        })
    }

    /// The mount with the longest prefix of a path, compared as it was sent and by whole segments.
    pub fn claim(&self, path: &str) -> Option<Claim> {
        let claimed = |site: &Arc<Site>| Some(Claim { rest: site.claims(path)?.to_owned(), site: Arc::clone(site) });
        self.sites.iter().find_map(claimed)
    }

    /// The largest body that a request may have.
    pub const fn request_bytes_max(&self) -> u64 {
        self.request_bytes_max
    }

    /// Answers a request to a claimed path.
    ///
    /// # Errors
    /// [`Failure`] says what the client is told; what an origin answers is never one.
    pub async fn answer(self: &Arc<Self>, claim: Claim, request: Request) -> Result<Answer, Failure> {
        if matches!(request.method, Method::TRACE | Method::CONNECT) {
            return Err(Failure::mount_method(request.method.as_str()));
        }
        let target = claim.site.target(&claim.rest, request.query.as_deref()).ok_or_else(Failure::mount_path)?;
        match request.method {
            // Of a store's object everything is read, and the HTTP layer leaves away what HEAD does not want.
            Method::HEAD if target.source.is_some() => {
                self.read(claim.site, target, Request { method: Method::GET, ..request }).await
            }
            Method::GET | Method::HEAD => self.read(claim.site, target, request).await,
            _ => self.write(&claim.site, &target, request).await,
        }
    }

    /// Does the upkeep that is due, and gives bytes and entries kept.
    pub fn upkeep(&self) -> (u64, u64) {
        self.shelf.tiers().memory().run_pending();
        self.kept()
    }

    /// Bytes and entries in memory, as of the last upkeep.
    pub fn kept(&self) -> (u64, u64) {
        let memory = self.shelf.tiers().memory();
        (memory.bytes(), memory.len())
    }

    /// How many mounts there are.
    pub const fn len(&self) -> usize {
        self.sites.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Gives back the memory of what these marks name, and forgets which URIs are passed; the tier and how many entries
    /// it was. Nothing where there are no mounts. Blocks.
    pub fn clean_up(&self, marks: &MarkSet, soft: bool) -> Option<(&'static str, u64)> {
        if self.is_empty() {
            return None;
        }
        self.passing.purge_all();
        Some(self.shelf.tiers().clean_up(marks, soft))
    }

    /// The tag of everything that is kept of what a path with its query names, where a mount claims it.
    pub fn source_tag(&self, path_and_query: &str) -> Option<Tag> {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let claim = self.claim(path)?;
        let target = claim.site.target(&claim.rest, query)?;
        self.labels(&target, Vec::new()).tags.into_iter().next()
    }

    /// By which words a response can be purged: those of its source, and its own.
    fn labels(&self, target: &Target, own: Vec<Tag>) -> Labels {
        let source = target.source.as_deref().unwrap_or(target.url.as_str());
        match self.origins.identify(source) {
            Ok(source) => file_labels(&source, own),
            // A path that is no source is one of nothing: a folder of a store, say.
            Err(_) => Labels { source: source.to_owned(), tags: [vec![text_tag(source)], own].concat() },
        }
    }

    /// Requests to origins that can be joined now.
    pub fn flights(&self) -> usize {
        self.flights.len()
    }
}

//! Purges: an order becomes selectors, selectors become marks, and what the marks name is cleaned up.
//!
//! An order is acknowledged when its marks are durable; from then on nothing that they name is served, wherever it is
//! kept and whoever is just making it. Cleaning up gives back room, and tells how much was kept here.

use std::sync::Arc;

use serde::Deserialize;
use url::Url;

use super::labels::{original_tag, picture_tag, source_tag};
use super::mount::Mounts;
use super::{Failure, Flow, Rules, counted};
use crate::cache::{BadTag, Mark, MarkSet, Marks, MarksError, Selector, Tag};
use crate::origin::{OriginError, Origins};

/// What is to be purged, in the words of whoever orders it. Read from JSON as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PurgeOrder {
    /// URLs of pictures, or their paths. Each names what all URLs with the same meaning answer, in all formats, and
    /// has its original's origin asked again. One that asks for the original itself is a source, and one that a mount
    /// claims names what the mount's origin has there, however it varies.
    pub urls: Vec<String>,
    /// Sources as they stand in URLs: an original, and all that was made of it.
    pub sources: Vec<String>,
    /// Beginnings of identities of originals (`https://host/folder/`, `s3://bucket/`); an empty one names everything.
    pub prefixes: Vec<String>,
    pub tags: Vec<String>,
    /// What is named is not gone but stale.
    pub soft: bool,
}

/// What a purge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeReport {
    /// Entries by tier that were kept here and were named: gone, or stale now. Those of tiers that clean up by
    /// themselves are not counted.
    pub purged: Vec<(&'static str, u64)>,
    /// Selectors that hold from now on.
    pub marks: usize,
    pub soft: bool,
}

/// Entries that were kept and named, by tier.
type Purged = Vec<(&'static str, u64)>;

/// Selectors of an order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Selected {
    named: Vec<Selector>,
    /// Originals of pictures whose origin is to be asked again.
    doubted: Vec<Selector>,
}

/// Why an item names nothing that could be purged.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it is longer than {ITEM_BYTES_MAX} bytes")]
    TooLong,
    #[error("neither a URL nor a path that begins with a slash")]
    NoPath,
    #[error("{}", .0.detail)]
    Url(#[from] Failure),
    #[error(transparent)]
    Source(#[from] OriginError),
    #[error("no original begins so: a scheme, `://`, a host or bucket, and a path")]
    NoBeginning,
    #[error(transparent)]
    Tag(#[from] BadTag),
}

/// What an order looks like, for who wrote another one.
pub const PURGE_FORM: &str = r#"{"urls": [], "sources": [], "prefixes": [], "tags": [], "soft": false}"#;

/// Items of one order; CDNs take as many in one call.
const ITEMS_MAX: usize = 256;
/// Bytes of one item.
const ITEM_BYTES_MAX: usize = 8192;
/// So much of an item that is refused is shown.
const SHOWN_CHARS_MAX: usize = 200;
const RETRY_S: u32 = 2;

// === impl Flow ===

impl Flow {
    /// Makes what the order names gone, or stale. Once begun it goes on when nobody waits for it any more.
    ///
    /// # Errors
    /// The order cannot be followed (400, and nothing was done), or could not be made durable (503): then it holds
    /// until the process ends, and is to be repeated.
    pub async fn purge(self: &Arc<Self>, order: PurgeOrder) -> Result<PurgeReport, Failure> {
        let selected = Selected::of(&order, &self.rules.load(), self.originals.origins(), &self.mounts)?;
        let flow = Arc::clone(self);
        let work = self.tracker.spawn(async move { flow.follow(selected, order).await });
        work.await.unwrap_or_else(|_| Err(internal()))
    }

    async fn follow(self: Arc<Self>, selected: Selected, order: PurgeOrder) -> Result<PurgeReport, Failure> {
        let (flow, soft, named_len) = (Arc::clone(&self), order.soft, selected.named.len());
        let marking = self.tracker.spawn_blocking(move || flow.mark(&selected, soft));
        let (marks, mut purged) = marking.await.unwrap_or_else(|_| Err(internal()))?;
        if let Some(disk) = &self.disk {
            let mut entries = 0;
            // What is only stale stays where it is.
            for mark in marks.iter().filter(|mark| !mark.soft) {
                entries += disk.purge(mark.selector.clone(), mark.stamp).await.entries;
            }
            purged.push(("disk", entries));
        }
        if let Some(shared) = &self.shared {
            shared.publish(&marks).await.map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "a purge could not be published");
                not_published()
            })?;
        }
        counted::purged(&order, &purged);
        Ok(PurgeReport { purged, marks: named_len, soft })
    }

    /// Puts the marks in force here and cleans up memory; gives the marks, and how many entries it was by tier. Blocks
    /// on the disk.
    fn mark(&self, selected: &Selected, soft: bool) -> Result<(Vec<Mark>, Purged), Failure> {
        let (named, all) = selected.mark(&self.marks, soft).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a purge could not be made durable");
            not_durable()
        })?;
        self.forget_failures();
        let set = MarkSet::new(&named);
        let mut purged = vec![self.variants.clean_up(&set, soft), self.originals.tiers().clean_up(&set, soft)];
        purged.extend(self.mounts.clean_up(&set, soft));
        Ok((all, purged))
    }

    /// An origin that said no is asked again: failures live for seconds and carry no labels.
    fn forget_failures(&self) {
        self.failed.purge_all();
        self.poison.clear();
        self.originals.forget_refusals();
    }
}

// === impl Selected ===

impl Selected {
    fn of(order: &PurgeOrder, rules: &Rules, origins: &Origins, mounts: &Mounts) -> Result<Self, Failure> {
        let lists = order.lists();
        let items: usize = lists.iter().map(|(_, items)| items.len()).sum();
        if items == 0 {
            return Err(refused("it names nothing"));
        }
        if items > ITEMS_MAX {
            return Err(refused(format!("it names {items} things, the most are {ITEMS_MAX}")));
        }
        let mut selected = Self::default();
        for (list, items) in lists {
            for (place, item) in items.iter().enumerate() {
                selected.take(list, item, rules, origins, mounts).map_err(|fault| Failure {
                    segment: Some(item.chars().take(SHOWN_CHARS_MAX).collect()),
                    ..refused(format!("{list}[{place}]: {fault}"))
                })?;
            }
        }
        Ok(selected)
    }

    fn take(&mut self, list: &str, item: &str, rules: &Rules, origins: &Origins, mounts: &Mounts) -> Result<(), Fault> {
        if item.len() > ITEM_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        let selector = match list {
            "urls" => {
                let (path, prefix) = (sent_path(item).ok_or(Fault::NoPath)?, rules.dialect.prefix());
                let mounted = (!is_below(path, &prefix)).then(|| mounts.source_tag(path)).flatten();
                match mounted {
                    Some(tag) => Selector::Tag(tag),
                    None => self.picture(&with_prefix(path, &prefix), rules, origins)?,
                }
            }
            "sources" => {
                let source = rules.dialect.full_source(item.to_owned());
                Selector::Tag(source_tag(&origins.identify(&source)?))
            }
            "prefixes" => Selector::Prefix(beginning(item).ok_or(Fault::NoBeginning)?),
            _ => Selector::Tag(Tag::new(item)?),
        };
        self.named.push(selector);
        Ok(())
    }

    /// What names the answers of a picture's URL.
    fn picture(&mut self, path: &str, rules: &Rules, origins: &Origins) -> Result<Selector, Fault> {
        Ok(match rules.meant(path, origins)? {
            (original, Some(transform)) => {
                self.doubted.push(Selector::Tag(original_tag(&original)));
                Selector::Tag(picture_tag(rules.mount, &original, &transform.canonical()))
            }
            (original, None) => Selector::Tag(source_tag(&original)),
        })
    }

    /// Puts the marks in force and makes them durable; gives those that are counted, and all of them.
    fn mark(&self, marks: &Marks, soft: bool) -> Result<(Vec<Mark>, Vec<Mark>), MarksError> {
        let doubted = if self.doubted.is_empty() { Vec::new() } else { marks.purge(&self.doubted, true)? };
        let named = marks.purge(&self.named, soft)?;
        let all = [doubted, named.clone()].concat();
        Ok((named, all))
    }
}

// === impl PurgeOrder ===

impl PurgeOrder {
    /// Its lists by their names.
    pub fn lists(&self) -> [(&'static str, &[String]); 4] {
        [("urls", &self.urls), ("sources", &self.sources), ("prefixes", &self.prefixes), ("tags", &self.tags)]
    }
}

fn refused(detail: impl Into<String>) -> Failure {
    Failure {
        accepted: Some(PURGE_FORM.to_owned()),
        ..Failure::new(400, "invalid-purge", "the purge cannot be followed", detail)
    }
}

fn not_durable() -> Failure {
    let detail = "it holds until this process ends and could not be written down: send it again";
    let retry_after_s = Some(RETRY_S);
    Failure { retry_after_s, ..Failure::new(503, "purge-not-durable", "the purge is not durable", detail) }
}

fn not_published() -> Failure {
    let detail = "it holds on this node, and other nodes may not know of it: send it again";
    let retry_after_s = Some(RETRY_S);
    Failure { retry_after_s, ..Failure::new(503, "purge-not-published", "the purge is not published", detail) }
}

fn internal() -> Failure {
    Failure::new(500, "internal", "internal error", "")
}

/// The path of a URL and what follows it.
fn sent_path(url: &str) -> Option<&str> {
    let is_scheme = |scheme: &str| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => rest.find('/').map(|path_at| &rest[path_at..]),
        _ => url.starts_with('/').then_some(url),
    }
}

/// Whether a path is below a prefix that the images have and nothing else.
fn is_below(path: &str, prefix: &str) -> bool {
    !prefix.is_empty() && path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

/// The path with the prefix of all paths of images, which may be left out.
fn with_prefix(path: &str, prefix: &str) -> String {
    if is_below(path, prefix) { path.to_owned() } else { [prefix, path].concat() }
}

/// A beginning of identities in the form that identities have; nothing where none can begin so.
fn beginning(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        // Only where the host is whole: `http://a` also begins `http://ab/`.
        "http" | "https" if rest.contains('/') => {
            let mut url = Url::parse(text).ok()?;
            url.set_fragment(None);
            Some(url.to_string())
        }
        "http" | "https" => Some(format!("{scheme}://{}", rest.to_ascii_lowercase())),
        "local" | "s3" | "gs" | "az" => Some(format!("{scheme}://{rest}")),
        "abs" => Some(format!("az://{rest}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

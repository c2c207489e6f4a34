//! The tier in folders of its own, on a disk that can be made to fail.

mod budget;
mod damage;
mod faults;
mod purge;
mod restart;

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::cache::{Class, Labels, Tag};

const MB: u64 = 1 << 20;
const ROOMY: DiskBudgets = DiskBudgets { variants_bytes: 64 * MB, originals_bytes: 64 * MB, files_bytes: 64 * MB };

/// Marks of purges, as their owner would keep them.
#[derive(Clone, Default)]
struct Marks(Arc<Mutex<Vec<(Selector, Stamp)>>>);

/// The files of the system with switches: an error number for each kind of call, 0 = works.
#[derive(Default)]
struct Switches {
    open: AtomicI32,
    write: AtomicI32,
    remove: AtomicI32,
    /// Held by a test, it stops the keeper before it writes.
    gate: Mutex<()>,
}

struct SwitchedFiles(Arc<Switches>);

// === impl Marks ===

impl Marks {
    fn add(&self, selector: Selector, before: Stamp) {
        self.0.lock().unwrap().push((selector, before));
    }

    fn is_gone(&self) -> IsGone {
        let marks = self.clone();
        Arc::new(move |stamp, labels| {
            marks.0.lock().unwrap().iter().any(|(selector, before)| stamp < *before && selector.names(labels))
        })
    }
}

// === impl Switches ===

impl Switches {
    fn check(switch: &AtomicI32) -> io::Result<()> {
        match switch.load(Ordering::SeqCst) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

impl Files for SwitchedFiles {
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
        Switches::check(&self.0.open)?;
        SystemFiles.open(path)
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        drop(self.0.gate.lock().unwrap_or_else(PoisonError::into_inner));
        Switches::check(&self.0.write)?;
        SystemFiles.write(path, parts)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemFiles.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Switches::check(&self.0.remove)?;
        SystemFiles.remove(path)
    }

    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        SystemFiles.len(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        SystemFiles.names(folder)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        SystemFiles.make_folder(path)
    }
}

/// A folder of the test's own; in memory where there is room, since a commit waits for the disk.
fn test_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let is_roomy = rustix::fs::statvfs(memory).is_ok_and(|state| state.f_bavail * state.f_frsize > 512 * MB);
    if is_roomy { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// A spec that does not wait.
fn spec(folder: &Path, budgets: DiskBudgets) -> DiskSpec {
    let spec = DiskSpec::new(folder.to_owned(), budgets, 16 * MB);
    DiskSpec { retry_after: Duration::from_millis(20), sweep_files_per_s: u32::MAX, ..spec }
}

fn open(folder: &Path) -> DiskTier {
    DiskTier::open(spec(folder, ROOMY), Marks::default().is_gone()).unwrap()
}

fn open_switched(folder: &Path, budgets: DiskBudgets) -> (DiskTier, Arc<Switches>) {
    let switches = Arc::new(Switches::default());
    let files = Arc::new(SwitchedFiles(Arc::clone(&switches)));
    (DiskTier::open_on(files, spec(folder, budgets), Marks::default().is_gone()).unwrap(), switches)
}

fn key(number: u64) -> Key {
    Key::of("test", &[&number.to_le_bytes()])
}

/// A variant of so many bytes whose stamp is its number and which can be purged by it.
fn entry(number: u64, body_bytes: usize) -> Entry {
    Entry {
        class: Class::Variant,
        key: key(number),
        stamp: Stamp::from_micros(number),
        labels: Labels {
            source: format!("http://host/{}/{number}.jpg", number % 10),
            tags: vec![tag(&format!("n-{number}")), tag(&format!("m-{}", number % 10))],
        },
        record: Bytes::from(format!("{{\"n\":{number}}}")),
        body: Bytes::from(vec![number as u8; body_bytes]),
    }
}

fn tag(text: &str) -> Tag {
    Tag::new(text).unwrap()
}

fn path_of(folder: &Path, key: &Key) -> PathBuf {
    Layout::new(folder.to_owned()).object(key)
}

/// Entries and bytes of a class.
fn kept(tier: &DiskTier, class: Class) -> (u64, u64) {
    let state = tier.state();
    let class = state.classes.iter().find(|state| state.class == class).unwrap();
    (class.entries, class.bytes)
}

fn events(tier: &DiskTier, name: &str) -> u64 {
    tier.state().events.iter().find(|(event, _)| *event == name).unwrap().1
}

/// All files of entries below a folder, with their lengths; without those that go while it is read.
fn objects(folder: &Path) -> Vec<(PathBuf, u64)> {
    let layout = Layout::new(folder.to_owned());
    let names = (0..=255).flat_map(|first| {
        let folder = layout.folder(first);
        SystemFiles.names(&folder).unwrap().into_iter().map(move |name| folder.join(name))
    });
    names.filter_map(|path| Some((path.clone(), path.symlink_metadata().ok()?.len()))).collect()
}

/// Compares what the tier says of itself with what is there, once everything is written. Evicting goes on behind in
/// steps, so that one look may come between two of them.
async fn assert_totals_are_true(tier: &DiskTier, folder: &Path) {
    const LOOKS: u32 = 50;
    for look in 1..=LOOKS {
        tier.flush().await;
        let state = tier.state();
        let said = state.classes.iter().fold((0, 0), |sum, class| (sum.0 + class.entries, sum.1 + class.bytes));
        let files = objects(folder);
        let there = files.iter().fold((0, 0), |sum, (_, bytes)| (sum.0 + 1, sum.1 + on_disk(*bytes)));
        if said == there {
            return;
        }
        assert!(look < LOOKS, "said {said:?}, there {there:?}");
    }
}

/// Waits for the end of a fault and of the sweep that follows it.
async fn healed(tier: &DiskTier) {
    let mut health = tier.shared().board.health();
    health.wait_for(|health| *health == DiskHealth::Ok).await.unwrap();
    tier.swept().await;
}

#[tokio::test]
async fn an_entry_is_found_at_once_and_when_it_is_written() {
    let folder = test_folder();
    let tier = open(folder.path());
    assert_eq!(tier.get(&key(1)).await, None);
    assert_eq!(tier.put(entry(1, 5000)), Put::Taken);
    assert_eq!(tier.get(&key(1)).await, Some(entry(1, 5000)));
    tier.flush().await;
    assert_eq!(tier.get(&key(1)).await, Some(entry(1, 5000)));
    assert_eq!(kept(&tier, Class::Variant), (1, 8192));
    assert_eq!(tier.state().queue_bytes, 0);
    let empty = Entry { labels: Labels::default(), class: Class::File, ..entry(2, 0) };
    tier.put(empty.clone());
    tier.flush().await;
    assert_eq!(tier.get(&key(2)).await, Some(empty));
    assert_eq!(kept(&tier, Class::File), (1, 4096));
    assert_totals_are_true(&tier, folder.path()).await;
}

#[tokio::test]
async fn a_later_entry_takes_the_place_of_an_earlier_one_and_a_removal_of_both() {
    let folder = test_folder();
    let tier = open(folder.path());
    for bytes in [10, 9000, 20] {
        tier.put(entry(1, bytes));
        assert_eq!(tier.get(&key(1)).await.unwrap().body.len(), bytes);
        assert_totals_are_true(&tier, folder.path()).await;
        assert_eq!(tier.get(&key(1)).await.unwrap().body.len(), bytes);
    }
    tier.put(entry(1, 30));
    tier.remove(&key(1));
    assert_eq!(tier.get(&key(1)).await, None);
    tier.put(entry(1, 40));
    tier.remove(&key(1));
    tier.flush().await;
    assert_eq!(tier.get(&key(1)).await, None);
    assert_eq!(kept(&tier, Class::Variant), (0, 0));
    assert!(objects(folder.path()).is_empty());
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let folder = test_folder();
    let budgets = DiskBudgets { variants_bytes: 8192, originals_bytes: 64 * MB, files_bytes: 0 };
    let (tier, switches) = open_switched(folder.path(), budgets);
    assert_eq!(tier.put(Entry { class: Class::File, ..entry(1, 10) }), Put::Off);
    assert_eq!(tier.put(entry(1, 8193)), Put::TooLarge);
    assert_eq!(tier.put(Entry { class: Class::Original, ..entry(1, 16 << 20) }), Put::TooLarge);
    // Its head does not fit, which only the keeper finds.
    assert_eq!(tier.put(entry(1, 8000)), Put::Taken);
    tier.flush().await;
    assert_eq!(tier.get(&key(1)).await, None);

    let gate = switches.gate.lock().unwrap();
    let original = |number| Entry { class: Class::Original, ..entry(number, 4 << 20) };
    assert_eq!(
        [2, 3, 4, 5].map(|number| tier.put(original(number))),
        [Put::Taken, Put::Taken, Put::Taken, Put::QueueFull]
    );
    assert!(tier.state().queue_bytes > 12 * MB);
    assert_eq!(tier.put(original(3)), Put::Taken, "it takes its own place");
    drop(gate);
    tier.flush().await;
    assert_eq!(tier.put(original(5)), Put::Taken);
    tier.flush().await;
    assert_eq!(kept(&tier, Class::Original).0, 4);
}

#[tokio::test]
async fn a_folder_belongs_to_one_process_at_a_time() {
    let folder = test_folder();
    let tier = open(folder.path());
    let error = DiskTier::open(spec(folder.path(), ROOMY), Marks::default().is_gone()).unwrap_err();
    assert_eq!(error.to_string(), format!("cache folder {} is used by another process", folder.path().display()));
    tier.put(entry(1, 10));
    tier.close();
    let again = open(folder.path());
    assert!(again.get(&key(1)).await.is_some());
    assert_eq!(tier.put(entry(2, 10)), Put::QueueFull, "it is closed");
    assert!(tier.get(&key(1)).await.is_some(), "reading goes on");
    tier.flush().await;
    assert_eq!(tier.purge(Selector::Tag(tag("n-1")), Stamp::from_micros(9)).await, Purged::default());

    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = DiskTier::open(spec(&file, ROOMY), Marks::default().is_gone()).unwrap_err();
    assert!(matches!(error, DiskError::Folder { .. }), "{error:?}");
}

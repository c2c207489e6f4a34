//! A disk that fails costs hits and nothing else, and is used again when it works again.

use std::process::Command;
use std::sync::atomic::AtomicBool;

use rustix::io::Errno;

use super::*;

/// A file system in memory, of so many bytes; `None` where this process may not mount one.
struct Tmpfs(TempDir);

impl Tmpfs {
    fn mount(bytes: u64) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let options = format!("size={bytes}");
        let tmpfs = Self(folder);
        tmpfs.run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"]).then_some(tmpfs).or_else(|| {
            println!("SKIPPED: a tmpfs cannot be mounted here");
            None
        })
    }

    fn remount(&self, option: &str) {
        assert!(self.run("mount", &["-o", &format!("remount,{option}")]));
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let output = Command::new(program).args(arguments).arg(self.path()).output();
        output.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Where it was not mounted there is nothing to undo.
        let _ = self.run("umount", &[]);
    }
}

async fn degraded(tier: &DiskTier) {
    tier.shared().board.health().wait_for(|health| *health != DiskHealth::Ok).await.unwrap();
}

#[tokio::test]
async fn a_write_that_fails_stops_writing_for_a_while_and_reading_goes_on() {
    for errno in [Errno::NOSPC, Errno::IO, Errno::ROFS, Errno::DQUOT] {
        let folder = test_folder();
        let (tier, switches) = open_switched(folder.path(), ROOMY);
        for number in 0..100 {
            tier.put(entry(number, 1000));
        }
        tier.flush().await;
        switches.write.store(errno.raw_os_error(), Ordering::SeqCst);
        tier.put(entry(100, 1000));
        tier.flush().await;
        assert!(matches!(tier.state().health, DiskHealth::Degraded { .. }), "{errno:?}");
        assert_eq!(tier.put(entry(101, 1000)), Put::Fault);
        assert_eq!(tier.get(&key(100)).await, None);
        assert!(tier.get(&key(99)).await.is_some());
        assert_eq!(tier.purge(Selector::Tag(tag("n-99")), Stamp::from_micros(1000)).await.entries, 1);
        switches.write.store(0, Ordering::SeqCst);
        healed(&tier).await;
        assert_eq!(tier.put(entry(100, 1000)), Put::Taken);
        assert_totals_are_true(&tier, folder.path()).await;
        assert!(tier.get(&key(100)).await.is_some());
        assert_eq!((events(&tier, "degraded"), events(&tier, "healed")), (1, 1));
        let is_full = matches!(errno, Errno::NOSPC | Errno::DQUOT);
        let left = kept(&tier, Class::Variant).0;
        assert!(if is_full { left <= 91 } else { left == 100 }, "{errno:?}: {left}");
    }
}

#[tokio::test]
async fn what_cannot_be_removed_stays_in_the_totals_until_it_can() {
    let folder = test_folder();
    let (tier, switches) = open_switched(folder.path(), ROOMY);
    for number in 0..10 {
        tier.put(entry(number, 1000));
    }
    tier.flush().await;
    switches.remove.store(Errno::ROFS.raw_os_error(), Ordering::SeqCst);
    let purged = tier.purge(Selector::Tag(tag("m-1")), Stamp::from_micros(1000)).await;
    assert_eq!(purged, Purged::default());
    assert_totals_are_true(&tier, folder.path()).await;
    switches.remove.store(0, Ordering::SeqCst);
    healed(&tier).await;
    assert_eq!(tier.purge(Selector::Tag(tag("m-1")), Stamp::from_micros(1000)).await.entries, 1);
}

#[tokio::test]
async fn folders_that_somebody_removed_are_made_again() {
    let folder = test_folder();
    let tier = open(folder.path());
    tier.swept().await;
    std::fs::remove_dir_all(folder.path().join("objects")).unwrap();
    std::fs::remove_dir_all(folder.path().join("tmp")).unwrap();
    tier.put(entry(1, 1000));
    tier.flush().await;
    assert_eq!(tier.state().health, DiskHealth::Ok);
    assert_eq!(tier.get(&key(1)).await, Some(entry(1, 1000)));
}

#[tokio::test]
async fn a_panic_in_the_keeper_costs_the_index_and_not_the_tier() {
    let folder = test_folder();
    let is_armed = Arc::new(AtomicBool::new(false));
    let trap = Arc::clone(&is_armed);
    let is_gone: IsGone = Arc::new(move |_, _| {
        assert!(!trap.swap(false, Ordering::SeqCst), "sprung by the test");
        false
    });
    let tier = DiskTier::open(spec(folder.path(), ROOMY), is_gone).unwrap();
    tier.put(entry(1, 1000));
    tier.flush().await;
    tier.swept().await;
    is_armed.store(true, Ordering::SeqCst);
    tier.put(entry(2, 1000));
    tier.flush().await;
    degraded(&tier).await;
    healed(&tier).await;
    tier.put(entry(3, 1000));
    tier.flush().await;
    assert!(tier.get(&key(1)).await.is_some() && tier.get(&key(3)).await.is_some());
    assert_eq!(events(&tier, "index_rebuilt"), 1);
    assert_eq!(tier.state().queue_bytes, 0);
}

#[tokio::test]
async fn a_full_disk_is_given_room_and_used_again() {
    let Some(disk) = Tmpfs::mount(24 * MB) else {
        return;
    };
    let tier = open(disk.path());
    let mut number = 0;
    while tier.state().health == DiskHealth::Ok && number < 2000 {
        tier.put(entry(number, 30_000));
        number += 1;
        if number % 50 == 0 {
            tier.flush().await;
        }
    }
    degraded(&tier).await;
    let there = objects(disk.path()).len();
    assert!(there > 100, "{there}");
    healed(&tier).await;
    assert_eq!(tier.put(entry(9999, 30_000)), Put::Taken);
    assert_totals_are_true(&tier, disk.path()).await;
    assert!(tier.get(&key(9999)).await.is_some());
    assert!(events(&tier, "write_error") >= 1);
    // Ten more rounds at the edge: it never gets stuck and never says what is not there.
    for number in 10_000..12_000 {
        tier.put(entry(number, 30_000));
        if number % 200 == 0 {
            tier.flush().await;
            healed(&tier).await;
        }
    }
    healed(&tier).await;
    tier.flush().await;
    healed(&tier).await;
    tier.put(entry(1, 1000));
    assert_totals_are_true(&tier, disk.path()).await;
}

#[tokio::test]
async fn an_index_without_room_for_a_page_is_opened_again_when_there_is() {
    let Some(disk) = Tmpfs::mount(24 * MB) else {
        return;
    };
    let tier = open(disk.path());
    for number in 0..300 {
        tier.put(entry(number, 1000));
    }
    tier.flush().await;
    // Somebody else's file takes all that is left, the reserve aside.
    let rubbish = disk.path().join("rubbish");
    let full = std::fs::write(&rubbish, vec![1; 24 << 20]).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    for number in 0..5000 {
        tier.put(entry(number, 0));
        if number % 100 == 0 {
            tier.flush().await;
        }
    }
    degraded(&tier).await;
    assert!(tier.get(&key(1)).await.is_some() || kept(&tier, Class::Variant).0 < 300);
    std::fs::remove_file(&rubbish).unwrap();
    healed(&tier).await;
    tier.put(entry(7, 1000));
    tier.flush().await;
    healed(&tier).await;
    assert_eq!(tier.get(&key(7)).await, Some(entry(7, 1000)));
    assert_totals_are_true(&tier, disk.path()).await;
}

#[tokio::test]
async fn a_disk_that_is_only_to_be_read_is_read() {
    let Some(disk) = Tmpfs::mount(24 * MB) else {
        return;
    };
    let tier = open(disk.path());
    tier.put(entry(1, 1000));
    tier.close();
    disk.remount("ro");
    let tier = open(disk.path());
    degraded(&tier).await;
    assert_eq!(tier.get(&key(1)).await, Some(entry(1, 1000)));
    assert_eq!(tier.put(entry(2, 1000)), Put::Fault);
    tier.remove(&key(1));
    tier.flush().await;
    assert_eq!(tier.purge(Selector::Tag(tag("n-1")), Stamp::from_micros(9)).await, Purged::default());
    disk.remount("rw");
    healed(&tier).await;
    assert_eq!(tier.put(entry(2, 1000)), Put::Taken);
    tier.flush().await;
    assert!(tier.get(&key(2)).await.is_some());
    assert_eq!((events(&tier, "degraded"), events(&tier, "healed")), (1, 1));
    tier.close();
}

//! What is no entry is a miss, whatever it is, and damage is removed.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

/// A tier with one entry on disk, and its file.
async fn one_entry() -> (TempDir, DiskTier, PathBuf) {
    let folder = test_folder();
    let tier = open(folder.path());
    tier.swept().await;
    tier.put(entry(1, 3000));
    tier.flush().await;
    let path = path_of(folder.path(), &key(1));
    (folder, tier, path)
}

/// The file is a miss now, and gone with its row as soon as the keeper has looked at it.
async fn assert_removed(tier: &DiskTier, folder: &Path, what: &str) {
    let before = events(tier, "corrupt");
    assert_eq!(tier.get(&key(1)).await, None, "{what}");
    assert_totals_are_true(tier, folder).await;
    assert_eq!(kept(tier, Class::Variant), (0, 0), "{what}");
    assert_eq!(events(tier, "corrupt"), before + 1, "{what}");
}

#[tokio::test]
async fn torn_cut_and_flipped_files_are_misses_and_removed() {
    let (folder, tier, path) = one_entry().await;
    let good = fs::read(&path).unwrap();
    let head = entry(1, 3000).head_bytes().len();
    let mut bad: Vec<Vec<u8>> = [0, 1, 135, 136, head, good.len() - 1].map(|len| good[..len].to_vec()).into();
    for at in [0, 10, 20, 30, 50, 80, 110, 140, head - 1, head, good.len() - 1] {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        bad.push(flipped);
    }
    bad.push([&good[..], b"x"].concat());
    // Blocks that were never written, as after a power cut.
    bad.push([&good[..1000], &vec![0; good.len() - 1000]].concat());
    bad.push(vec![0; good.len()]);
    for (case, bytes) in bad.iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        assert_removed(&tier, folder.path(), &format!("case {case}")).await;
        tier.put(entry(1, 3000));
        tier.flush().await;
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}

#[tokio::test]
async fn a_file_of_another_key_or_another_program_is_removed() {
    let (folder, tier, path) = one_entry().await;
    tier.put(entry(2, 10));
    tier.flush().await;
    fs::copy(path_of(folder.path(), &key(2)), &path).unwrap();
    assert_eq!(tier.get(&key(1)).await, None);
    tier.flush().await;
    assert!(!path.exists());
    assert!(tier.get(&key(2)).await.is_some());
    tier.remove(&key(2));
    fs::write(&path, b"\x89PNG\r\n\x1a\n and so on, for longer than the fixed part of a head is: ".repeat(9)).unwrap();
    assert_removed(&tier, folder.path(), "a picture").await;
}

#[tokio::test]
async fn an_unknown_version_is_a_miss_and_stays_for_whoever_knows_it() {
    let (_folder, tier, path) = one_entry().await;
    let good = fs::read(&path).unwrap();
    let mut newer = good.clone();
    newer[8] = 2;
    fs::write(&path, &newer).unwrap();
    assert_eq!(tier.get(&key(1)).await, None);
    tier.flush().await;
    assert_eq!(fs::read(&path).unwrap(), newer);
    assert_eq!(events(&tier, "corrupt"), 0);
    tier.put(entry(1, 3000));
    tier.flush().await;
    assert_eq!(fs::read(&path).unwrap(), good);
}

#[tokio::test]
async fn what_is_no_regular_file_is_a_miss_and_nobody_waits_for_it() {
    let (folder, tier, path) = one_entry().await;
    let good = folder.path().join("good");
    fs::rename(&path, &good).unwrap();
    symlink(&good, &path).unwrap();
    assert_removed(&tier, folder.path(), "a link").await;
    assert!(good.exists(), "only the link is removed");
    mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert_removed(&tier, folder.path(), "a pipe").await;
    fs::create_dir(&path).unwrap();
    assert_eq!(tier.get(&key(1)).await, None);
    tier.flush().await;
    assert_eq!(tier.state().health, DiskHealth::Ok);
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_is_a_miss_and_no_damage() {
    let folder = test_folder();
    let (tier, switches) = open_switched(folder.path(), ROOMY);
    tier.put(entry(1, 3000));
    tier.flush().await;
    switches.open.store(rustix::io::Errno::IO.raw_os_error(), Ordering::SeqCst);
    assert_eq!(tier.get(&key(1)).await, None);
    tier.flush().await;
    assert_eq!((events(&tier, "read_error"), events(&tier, "corrupt")), (1, 0));
    switches.open.store(0, Ordering::SeqCst);
    assert_eq!(tier.get(&key(1)).await, Some(entry(1, 3000)));
}

#[tokio::test]
async fn a_good_file_that_came_after_the_damage_was_seen_stays() {
    let (folder, tier, path) = one_entry().await;
    let good = fs::read(&path).unwrap();
    fs::write(&path, b"damage").unwrap();
    assert_eq!(tier.get(&key(1)).await, None);
    // Before the keeper has looked.
    fs::write(&path, &good).unwrap();
    tier.put(entry(1, 3000));
    assert_totals_are_true(&tier, folder.path()).await;
    assert_eq!(tier.get(&key(1)).await, Some(entry(1, 3000)));
}

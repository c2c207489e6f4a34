//! What a process leaves behind, however it ended, and what the next one makes of it.

use std::fs;
use std::io::Write as _;

use super::*;

/// What a crash would leave at this moment: a copy of the folder.
fn crash(folder: &Path) -> TempDir {
    let copy = test_folder();
    copy_folder(folder, copy.path());
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            // The keeper may be at it; what vanishes meanwhile was never there.
            let _ = fs::copy(entry.path(), target);
        }
    }
}

/// Writes the file of an entry as the keeper would, without a row.
fn write_object(folder: &Path, entry: &Entry) {
    let mut file = fs::File::create(path_of(folder, &entry.key)).unwrap();
    file.write_all(&entry.head_bytes()).unwrap();
    file.write_all(&entry.body).unwrap();
}

async fn fill(tier: &DiskTier, entries: u64) {
    for number in 0..entries {
        tier.put(entry(number, 500 * (number as usize % 20)));
    }
    tier.flush().await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = test_folder();
    let tier = open(folder.path());
    fill(&tier, 100).await;
    let before = kept(&tier, Class::Variant);
    drop(tier);
    let tier = open(folder.path());
    for number in 0..100 {
        assert_eq!(tier.get(&key(number)).await, Some(entry(number, 500 * (number as usize % 20))));
    }
    tier.swept().await;
    assert_eq!(kept(&tier, Class::Variant), before);
    assert_eq!((events(&tier, "adopted"), events(&tier, "swept")), (0, 0));
    assert_totals_are_true(&tier, folder.path()).await;
}

#[tokio::test]
async fn files_of_the_last_second_are_found_again_after_a_crash() {
    let folder = test_folder();
    let tier = open(folder.path());
    fill(&tier, 50).await;
    let copy = crash(folder.path());
    for number in 50..60 {
        write_object(copy.path(), &entry(number, 100));
    }
    fs::remove_file(path_of(copy.path(), &key(7))).unwrap();
    write_object(
        copy.path(),
        &Entry { labels: Labels { source: String::new(), tags: vec![tag("new")] }, ..entry(8, 9) },
    );
    fs::write(path_of(copy.path(), &key(60)), b"torn").unwrap();
    fs::write(copy.path().join("tmp/1-1"), b"half").unwrap();
    fs::write(copy.path().join("objects/00/core"), b"stray").unwrap();

    let tier = open(copy.path());
    assert!(tier.get(&key(55)).await.is_some(), "before anything was swept");
    tier.swept().await;
    assert_totals_are_true(&tier, copy.path()).await;
    assert_eq!(kept(&tier, Class::Variant).0, 59);
    // The ten without rows, and the one whose row was old.
    assert_eq!((events(&tier, "adopted"), events(&tier, "swept"), events(&tier, "corrupt")), (11, 2, 1));
    assert!(fs::read_dir(copy.path().join("tmp")).unwrap().next().is_none());
    assert_eq!(tier.purge(Selector::Tag(tag("n-55")), Stamp::from_micros(1000)).await.entries, 1);
    assert_eq!(tier.purge(Selector::Tag(tag("new")), Stamp::from_micros(1000)).await.entries, 1);
    assert_eq!(tier.purge(Selector::Tag(tag("n-7")), Stamp::from_micros(1000)).await.entries, 0);
}

#[tokio::test]
async fn a_crash_at_any_moment_of_a_churn_leaves_a_folder_that_opens() {
    let folder = test_folder();
    let budgets = DiskBudgets { variants_bytes: MB, ..ROOMY };
    let tier = DiskTier::open(spec(folder.path(), budgets), Marks::default().is_gone()).unwrap();
    for round in 0..6_u64 {
        for number in 0..300 {
            tier.put(entry(round * 150 + number, 100 * (number as usize % 90)));
        }
        // While the keeper is at work; a copy of an index that is being written is worse than any crash leaves.
        let copy = crash(folder.path());
        let opened = DiskTier::open(spec(copy.path(), budgets), Marks::default().is_gone()).unwrap();
        opened.swept().await;
        healed(&opened).await;
        assert_totals_are_true(&opened, copy.path()).await;
        assert!(kept(&opened, Class::Variant).1 <= MB);
        for (path, _) in objects(copy.path()) {
            let first = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
            let first = u8::from_str_radix(first, 16).unwrap();
            let key = layout::key_of(first, path.file_name().unwrap()).unwrap();
            let found = opened.get(&key).await.expect("every file left is whole");
            assert_eq!(found, entry(found.stamp.micros(), found.body.len()));
        }
    }
}

#[tokio::test]
async fn an_index_that_is_lost_or_rubbish_is_made_again_from_the_files() {
    let folder = test_folder();
    let tier = open(folder.path());
    fill(&tier, 200).await;
    let before = kept(&tier, Class::Variant);
    drop(tier);
    let index = folder.path().join("index.redb");
    let good = fs::read(&index).unwrap();
    let mut holed = good.clone();
    holed[4096..].iter_mut().step_by(7).for_each(|byte| *byte ^= 0x55);
    let rubbish = [
        ("lost", None),
        ("empty", Some(Vec::new())),
        ("a text", Some(b"nothing that redb has written".repeat(1000))),
        ("zeros", Some(vec![0; good.len()])),
        ("cut", Some(good[..good.len() / 2].to_vec())),
        ("full of holes", Some(holed)),
    ];
    for (what, bytes) in rubbish {
        match bytes {
            Some(bytes) => fs::write(&index, bytes).unwrap(),
            None => fs::remove_file(&index).unwrap(),
        }
        let tier = open(folder.path());
        assert!(tier.get(&key(199)).await.is_some(), "{what}: before anything was swept");
        tier.swept().await;
        healed(&tier).await;
        tier.flush().await;
        assert_eq!(kept(&tier, Class::Variant), before, "{what}");
        assert_eq!(events(&tier, "adopted"), 200, "{what}");
        assert_eq!(tier.purge(Selector::Tag(tag("n-199")), Stamp::from_micros(1)).await.entries, 0, "{what}");
        tier.close();
    }
}

#[tokio::test]
async fn a_lost_index_does_not_fill_the_disk_twice() {
    let folder = test_folder();
    let budgets = DiskBudgets { variants_bytes: 4 * MB, ..ROOMY };
    let open = || DiskTier::open(spec(folder.path(), budgets), Marks::default().is_gone()).unwrap();
    let tier = open();
    for number in 0..1000 {
        tier.put(entry(number, 3500));
    }
    tier.flush().await;
    drop(tier);
    fs::remove_file(folder.path().join("index.redb")).unwrap();
    let tier = open();
    for number in 1000..1500 {
        tier.put(entry(number, 3500));
    }
    tier.flush().await;
    let bytes: u64 = objects(folder.path()).iter().map(|(_, bytes)| on_disk(*bytes)).sum();
    tier.swept().await;
    tier.flush().await;
    let swept: u64 = objects(folder.path()).iter().map(|(_, bytes)| on_disk(*bytes)).sum();
    assert!(swept <= 4 * MB, "{swept}");
    assert!(bytes <= 6 * MB, "{bytes}");
    assert_totals_are_true(&tier, folder.path()).await;
}

#[tokio::test]
async fn what_a_mark_names_is_swept() {
    let folder = test_folder();
    let tier = open(folder.path());
    fill(&tier, 40).await;
    drop(tier);
    write_object(folder.path(), &entry(41, 10));
    let marks = Marks::default();
    marks.add(Selector::Tag(tag("m-1")), Stamp::from_micros(1000));
    let tier = DiskTier::open(spec(folder.path(), ROOMY), marks.is_gone()).unwrap();
    tier.swept().await;
    assert_totals_are_true(&tier, folder.path()).await;
    assert_eq!((kept(&tier, Class::Variant).0, events(&tier, "swept")), (36, 5));
}

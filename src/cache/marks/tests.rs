//! Marks by example, against a list that is looked through, and their journal byte by byte.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const SMALL: Bounds = Bounds { marks_max: 20, text_bytes_max: 1 << 20 };

fn tag(text: &str) -> Tag {
    Tag::new(text).unwrap()
}

fn labels(source: &str, tags: &[&str]) -> Labels {
    Labels { source: source.to_owned(), tags: tags.iter().map(|text| tag(text)).collect() }
}

fn by_tag(text: &str) -> Selector {
    Selector::Tag(tag(text))
}

fn by_prefix(text: &str) -> Selector {
    Selector::Prefix(text.to_owned())
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kept").join("marks");
    (folder, file)
}

fn open(file: &Path) -> Marks {
    Marks::open(file, Stamps::default()).unwrap()
}

#[test]
fn a_purge_holds_for_what_began_before_it() {
    let marks = Marks::in_memory(Stamps::default());
    let (a, b) = (labels("http://a/b.jpg", &["x"]), labels("http://b/b.jpg", &["y"]));
    let before = marks.stamps().now();
    assert_eq!(marks.judge(before, &a), Verdict::Good);
    let made = marks.purge(&[by_tag("x")], false).unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!((marks.judge(before, &a), marks.judge(before, &b)), (Verdict::Gone, Verdict::Good));
    assert!(marks.is_gone(before, &a) && !marks.is_gone(before, &b));
    let after = marks.stamps().now();
    assert_eq!(marks.judge(after, &a), Verdict::Good);
    let soft = marks.purge(&[by_prefix("http://b/")], true).unwrap();
    assert_eq!(marks.judge(before, &b), Verdict::Stale { since: soft[0].stamp });
    assert!(!marks.is_gone(before, &b));
    assert_eq!(marks.judge(before, &a), Verdict::Gone);
    assert_eq!(marks.judge(made[0].stamp, &a), Verdict::Gone, "of two nodes that read the same time, the mark wins");
}

#[test]
fn a_changed_original_makes_older_things_stale_and_not_what_its_fetch_brought() {
    let marks = Marks::in_memory(Stamps::default());
    let older = marks.stamps().now();
    let fetch = marks.stamps().now();
    marks.outdate(&tag("s-1"), fetch);
    let made = labels("http://a/b.jpg", &["s-1"]);
    assert!(matches!(marks.judge(older, &made), Verdict::Stale { .. }));
    assert_eq!(marks.judge(fetch, &made), Verdict::Good);
}

#[test]
fn the_empty_prefix_names_all_that_have_a_source() {
    let marks = Marks::in_memory(Stamps::default());
    let before = marks.stamps().now();
    marks.purge(&[by_prefix("")], false).unwrap();
    assert!(marks.is_gone(before, &labels("a", &[])));
    assert!(!marks.is_gone(before, &labels("", &["x"])));
}

#[test]
fn prefixes_that_cut_a_letter_in_two_are_looked_up_without_harm() {
    let marks = Marks::in_memory(Stamps::default());
    let before = marks.stamps().now();
    // `é` and `è` share their first byte.
    marks.purge(&[by_prefix("local:/è"), by_prefix("local:/")], false).unwrap();
    assert!(marks.is_gone(before, &labels("local:/é.jpg", &[])));
}

#[test]
fn marks_hold_after_a_restart_and_stamps_go_on_after_them() {
    let (_folder, file) = folder();
    let (a, b, c) = (labels("http://a/b.jpg", &["x"]), labels("http://b/c.jpg", &["y"]), labels("c", &["z"]));
    let ahead = Stamps::default();
    // A clock that stood too far ahead when the marks were made.
    ahead.observe(ahead.now().plus(Duration::from_hours(1)));
    let first = Marks::open(&file, ahead).unwrap();
    let before = first.stamps().now();
    first.purge(&[by_tag("x"), by_prefix("http://b/")], false).unwrap();
    let soft = first.purge(&[by_tag("z")], true).unwrap()[0].stamp;
    drop(first);
    let second = open(&file);
    for _ in 0..2 {
        assert_eq!((second.judge(before, &a), second.judge(before, &b)), (Verdict::Gone, Verdict::Gone));
        assert_eq!(second.judge(before, &c), Verdict::Stale { since: soft });
    }
    assert_eq!(second.judge(second.stamps().now(), &c), Verdict::Good);
    let state = second.state();
    assert_eq!((state.hard, state.soft, state.is_durable, state.hard_horizon_s), (2, 1, true, None));
}

#[test]
fn a_changed_original_reaches_the_journal_with_the_next_upkeep_or_purge() {
    let (_folder, file) = folder();
    let made = labels("", &["s-1", "s-2"]);
    let marks = open(&file);
    let before = marks.stamps().now();
    let change = marks.stamps().now();
    for _ in 0..2 {
        marks.outdate(&tag("s-1"), change);
    }
    let lines = || fs::read_to_string(&file).unwrap().lines().count();
    assert_eq!(lines(), 1);
    marks.upkeep().unwrap();
    assert_eq!(lines(), 2);
    marks.outdate(&tag("s-2"), change);
    marks.purge(&[by_tag("other")], false).unwrap();
    assert_eq!(lines(), 4);
    drop(marks);
    let again = open(&file);
    assert_eq!(again.state().soft, 2);
    assert!(matches!(again.judge(before, &made), Verdict::Stale { .. }));
}

#[test]
fn marks_of_other_nodes_are_taken_in_once() {
    let (_folder, file) = folder();
    let marks = open(&file);
    let other = Stamps::default();
    other.observe(other.now().plus(Duration::from_mins(1)));
    let theirs = vec![
        Mark { selector: by_tag("x"), stamp: other.now(), soft: false },
        Mark { selector: by_prefix("http://a/"), stamp: other.now(), soft: true },
    ];
    let before = marks.stamps().now();
    marks.take_in(|_| theirs.clone()).unwrap();
    let len = fs::metadata(&file).unwrap().len();
    marks.take_in(|_| theirs.clone()).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().len(), len);
    assert!(marks.stamps().now() > theirs[1].stamp);
    drop(marks);
    let again = open(&file);
    assert!(again.is_gone(before, &labels("", &["x"])));
    assert!(matches!(again.judge(before, &labels("http://a/b", &[])), Verdict::Stale { .. }));
}

#[test]
fn a_write_that_fails_is_told_and_the_next_one_brings_everything() {
    let (_folder, file) = folder();
    let marks = open(&file);
    let before = marks.stamps().now();
    lock(marks.journal.as_ref().unwrap()).break_off();
    assert!(matches!(marks.purge(&[by_tag("x")], false), Err(MarksError::Journal(_))));
    assert!(marks.is_gone(before, &labels("", &["x"])), "a purge that could not be written down holds while we live");
    // Known already, and yet not written down.
    let again = Mark { selector: by_tag("x"), stamp: Stamp::from_micros(1), soft: false };
    marks.take_in(|_| vec![again]).unwrap();
    drop(marks);
    assert!(open(&file).is_gone(before, &labels("", &["x"])));
}

#[test]
fn a_journal_is_written_anew_before_it_says_much_more_than_it_must() {
    let (_folder, file) = folder();
    let marks = open(&file);
    let before = marks.stamps().now();
    for _ in 0..1003 {
        let stamp = marks.stamps().now();
        marks.outdate(&tag("x"), stamp);
    }
    marks.upkeep().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1004);
    marks.upkeep().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2);
    drop(marks);
    assert!(matches!(open(&file).judge(before, &labels("", &["x"])), Verdict::Stale { .. }));
}

#[test]
fn too_many_marks_become_a_horizon_that_forgets_nothing() {
    let (_folder, file) = folder();
    let marks = Marks::open_within(&file, Stamps::default(), SMALL).unwrap();
    let oldest = marks.stamps().now();
    let unnamed = labels("", &["unnamed"]);
    let mut made = Vec::new();
    for number in 0..21 {
        made.extend(marks.purge(&[by_tag(&format!("t-{number}"))], false).unwrap());
    }
    let between = Stamp::from_micros(made[10].stamp.micros() - 1);
    for marks in [marks, Marks::open_within(&file, Stamps::default(), SMALL).unwrap()] {
        assert!(marks.is_gone(oldest, &labels("", &["t-0"])));
        assert!(marks.is_gone(oldest, &unnamed), "older than a mark that was dropped");
        assert!(!marks.is_gone(between, &unnamed));
        assert!(marks.is_gone(between, &labels("", &["t-20"])));
        assert_eq!((marks.state().hard, marks.state().soft_horizon_s), (18, None));
        for number in 0..50 {
            let stamp = marks.stamps().now();
            marks.outdate(&tag(&format!("t-{number}")), stamp);
        }
        assert!(matches!(marks.judge(between, &unnamed), Verdict::Stale { .. }));
        assert!(!marks.is_gone(between, &unnamed));
    }
}

#[test]
fn long_texts_count_as_many() {
    let bounds = Bounds { marks_max: 100, text_bytes_max: 1000 };
    let mut held = Held::new(bounds);
    for number in 0..20 {
        assert!(held.insert(&by_prefix(&format!("{number}{}", "x".repeat(99))), Stamp::from_micros(number)));
    }
    assert!((5..10).contains(&held.len()), "{}", held.len());
    assert_eq!(held.naming(Stamp::from_micros(5), &labels("unnamed", &[])), held.horizon());
    assert_eq!(held.naming(Stamp::from_micros(18), &labels("unnamed", &[])), None);
}

mod journal_bytes {
    use super::*;

    fn content() -> Content {
        let stamp = |at: u64| Stamp::from_micros(1_794_700_800_000_000 + at);
        Content {
            hard_horizon: None,
            soft_horizon: Some(stamp(1)),
            marks: vec![
                Mark { selector: by_tag("s-4f1c9a02be77d310"), stamp: stamp(2), soft: false },
                Mark { selector: by_prefix("http://a/\n\u{e9}"), stamp: stamp(3), soft: true },
            ],
            is_damaged: false,
        }
    }

    /// As it was first written. Where this fails the layout has changed: raise the version and keep reading this one.
    #[test]
    fn journals_of_every_version_stay_readable() {
        let version_1 = include_bytes!("../../../tests/golden/marks-1.txt");
        assert_eq!(Content::from_bytes(version_1).unwrap(), content());
        assert_eq!(String::from_utf8(content().to_bytes()).unwrap().as_bytes(), version_1);
    }

    #[test]
    fn a_cut_in_the_last_line_loses_that_line_and_nothing_else() {
        let whole = content().to_bytes();
        let last_line = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for cut in last_line..whole.len() {
            let read = Content::from_bytes(&whole[..cut]).unwrap();
            assert_eq!(read, Content { marks: content().marks[..1].to_vec(), ..content() }, "cut at {cut}");
        }
    }

    #[test]
    fn damage_is_seen_and_counts_as_a_purge_of_everything() {
        let whole = content().to_bytes();
        for at in 0..whole.len() - 1 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            match Content::from_bytes(&bytes) {
                Ok(read) => assert!(read.is_damaged, "at {at}"),
                Err(error) => assert!(matches!(error, MarksError::Foreign) && at < 30, "at {at}: {error}"),
            }
        }
        let (_folder, file) = folder();
        let marks = open(&file);
        let before = marks.stamps().now();
        marks.purge(&[by_tag("x"), by_tag("y")], false).unwrap();
        drop(marks);
        let text = fs::read_to_string(&file).unwrap().replacen("\"x\"", "\"z\"", 1);
        fs::write(&file, text).unwrap();
        let marks = open(&file);
        assert!(marks.is_gone(before, &labels("", &["unnamed"])));
        assert_eq!(marks.judge(marks.stamps().now(), &labels("", &["y"])), Verdict::Good);
        drop(marks);
        assert!(open(&file).is_gone(before, &labels("", &["unnamed"])), "the file was written anew with what is known");
    }

    #[test]
    fn files_of_others_and_of_later_versions_are_left_alone() {
        let (_folder, file) = folder();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "a letter to a friend\n").unwrap();
        assert!(matches!(Marks::open(&file, Stamps::default()), Err(MarksError::Foreign)));
        assert_eq!(fs::read_to_string(&file).unwrap(), "a letter to a friend\n");
        let json = r#"{"tintype":"marks","version":2,"hard":null,"soft":null}"#;
        fs::write(&file, format!("{} {json}\n", &blake3::hash(json.as_bytes()).to_hex()[..8])).unwrap();
        assert!(matches!(Marks::open(&file, Stamps::default()), Err(MarksError::Version(2))));
        fs::write(&file, "").unwrap();
        assert!(open(&file).state().hard_horizon_s.is_some());
    }
}

/// A list, looked through from end to end.
#[derive(Default)]
struct Model {
    marks: Vec<Mark>,
}

impl Model {
    /// The youngest of each selector and kind, as the room promises.
    fn judge(&self, stamp: Stamp, labels: &Labels) -> Verdict {
        let mut youngest: HashMap<(&Selector, bool), Stamp> = HashMap::new();
        for mark in &self.marks {
            let held = youngest.entry((&mark.selector, mark.soft)).or_default();
            *held = mark.stamp.max(*held);
        }
        let naming = youngest.iter().filter(|((selector, _), mark)| **mark >= stamp && selector.names(labels));
        let naming: Vec<_> = naming.collect();
        if naming.iter().any(|((_, soft), _)| !soft) {
            return Verdict::Gone;
        }
        naming.iter().map(|(_, since)| **since).min().map_or(Verdict::Good, |since| Verdict::Stale { since })
    }
}

fn any_text() -> impl Strategy<Value = String> {
    "[ab/é]{0,5}"
}

fn any_selector() -> impl Strategy<Value = Selector> {
    prop_oneof!["[a-c]".prop_map(|text| by_tag(&text)), any_text().prop_map(Selector::Prefix)]
}

fn any_mark() -> impl Strategy<Value = Mark> {
    (any_selector(), 1_u64..50, any::<bool>()).prop_map(|(selector, stamp, soft)| Mark {
        selector,
        stamp: Stamp::from_micros(stamp),
        soft,
    })
}

fn any_labels() -> impl Strategy<Value = Labels> {
    (any_text(), prop::collection::vec("[a-d]", 0..3))
        .prop_map(|(source, tags)| labels(&source, &tags.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Work takes a stamp and then looks at what is kept. With a stamp above that of a mark it must see the mark, or what
/// it made of purged things would look good.
#[test]
fn whoever_begins_after_a_mark_sees_it() {
    let (_folder, file) = folder();
    let (marks, a) = (open(&file), labels("http://a/b.jpg", &["x"]));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Another one's purges keep the journal busy.
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                marks.purge(&[by_tag("y")], false).unwrap();
            }
        });
        let unseen = (0..50).filter(|_| {
            let kept = marks.stamps().now();
            let (marks, a) = (&marks, &a);
            let working = scope.spawn(move || {
                let mut last = Stamp::default();
                loop {
                    let begun = marks.stamps().now();
                    if marks.is_gone(kept, a) {
                        return last;
                    }
                    last = begun;
                }
            });
            let mark = marks.purge(&[by_tag("x")], false).unwrap()[0].stamp;
            working.join().unwrap() >= mark
        });
        let unseen = unseen.count();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(unseen, 0, "work began after its mark and did not see it");
    });
}

proptest! {
    #[test]
    fn judging_agrees_with_looking_through_a_list(
        given in prop::collection::vec(any_mark(), 0..40),
        asked in prop::collection::vec((0_u64..55, any_labels()), 1..20),
    ) {
        let marks = Marks::in_memory(Stamps::default());
        marks.take_in(|_| given.clone()).unwrap();
        let model = Model { marks: given };
        for (stamp, labels) in asked {
            let stamp = Stamp::from_micros(stamp);
            let verdict = marks.judge(stamp, &labels);
            prop_assert_eq!(verdict, model.judge(stamp, &labels));
            prop_assert_eq!(marks.is_gone(stamp, &labels), verdict == Verdict::Gone);
            let naming = |soft: bool| model.marks.iter().filter(move |mark| soft || !mark.soft);
            let youngest = |soft| {
                let naming = naming(soft).filter(|mark| mark.selector.names(&labels));
                naming.map(|mark| mark.stamp).max().unwrap_or_default()
            };
            prop_assert_eq!((marks.last_hard(&labels), marks.last(&labels)), (youngest(false), youngest(true)));
        }
    }

    #[test]
    fn a_full_table_never_says_better_than_the_list(
        given in prop::collection::vec(any_mark(), 0..60),
        asked in prop::collection::vec((0_u64..55, any_labels()), 1..20),
    ) {
        let rank = |verdict| match verdict {
            Verdict::Good => 0,
            Verdict::Stale { .. } => 1,
            Verdict::Gone => 2,
        };
        let marks = Marks::new(Stamps::default(), Bounds { marks_max: 4, text_bytes_max: 12 }, &Content::default());
        marks.take_in(|_| given.clone()).unwrap();
        prop_assert!(marks.state().hard <= 4 && marks.state().soft <= 4);
        let model = Model { marks: given };
        for (stamp, labels) in asked {
            let stamp = Stamp::from_micros(stamp);
            prop_assert!(rank(marks.judge(stamp, &labels)) >= rank(model.judge(stamp, &labels)));
        }
    }

    #[test]
    fn rubbish_is_no_journal_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        prop_assert!(Content::from_bytes(&bytes).is_err());
    }

    #[test]
    fn a_journal_is_read_as_it_was_written(marks in prop::collection::vec(any_mark(), 0..20)) {
        let content = Content { marks, ..Content::default() };
        prop_assert_eq!(Content::from_bytes(&content.to_bytes()).unwrap(), content);
    }
}

//! The journal of purges: any bytes are a journal, damage, or somebody else's file; what was read is written and read
//! again, and of a damaged one everything older counts as purged.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tintype::cache::{Labels, Marks, MarksError, Selector, Stamp, Stamps, Tag, Verdict};

/// In memory where there is such a place: every input is written and read as a file.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("tintype-fuzz-marks-{}", std::process::id()))
});

fuzz_target!(|input: (bool, &str)| {
    let (is_sealed, text) = input;
    let bytes = if is_sealed { sealed(text) } else { text.as_bytes().to_vec() };
    fs::write(&*FILE, &bytes).expect("a writable file");
    let before = Stamp::from_micros(1);
    let labels = Labels { source: "http://a/b".to_owned(), tags: vec![Tag::new("t").expect("a tag")] };
    match Marks::open(&FILE, Stamps::default()) {
        Ok(marks) => {
            let state = marks.state();
            let again = Marks::open(&FILE, Stamps::default()).expect("what was written anew is read");
            assert_eq!(again.state(), state);
            assert_eq!(again.judge(before, &labels), marks.judge(before, &labels));
            // One process at a time has a journal: from here on it is the second one's.
            let purged = again.purge(&[Selector::Prefix("http://a".to_owned())], false).expect("a writable journal");
            assert_eq!(again.judge(purged[0].stamp, &labels), Verdict::Gone);
            let kept = Marks::open(&FILE, Stamps::default()).expect("a journal");
            assert_eq!(kept.judge(purged[0].stamp, &labels), Verdict::Gone, "a purge was forgotten");
        }
        Err(MarksError::Foreign | MarksError::Version(_)) => {
            assert_eq!(fs::read(&*FILE).ok(), Some(bytes), "a file that is not ours was written");
        }
        Err(MarksError::Journal(error)) => panic!("{error}"),
    }
    let _ = fs::remove_file(&*FILE);
});

/// Lines with the digests that they need: only the reading of what they say is left.
fn sealed(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in std::iter::once(HEADER).chain(text.lines()) {
        let digest = blake3::hash(line.as_bytes()).to_hex();
        bytes.extend(digest[..8].bytes());
        bytes.push(b' ');
        bytes.extend(line.bytes());
        bytes.push(b'\n');
    }
    bytes
}

const HEADER: &str = r#"{"tintype":"marks","version":1,"hard":null,"soft":null}"#;

//! What black-box tests share: the real program on free ports, a plain HTTP client, an origin that a test steers, and
//! originals made by formula. Contract: nothing here reads outside the repository, and nothing waits for time to pass:
//! every wait is for an event and ends with [`PATIENCE`].

pub mod bombs;
pub mod client;
pub mod dice;
pub mod forged;
pub mod memory;
pub mod origin;
pub mod pictures;
pub mod server;

use std::fs;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tintype::telemetry::clock;

/// After this a test gives up on an event that a healthy program brings about at once, on a crowded machine too.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Between two questions of [`eventually`].
const ASK_AGAIN: Duration = Duration::from_millis(3);

/// A folder of its own with these files.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("a writable folder");
    }
    folder
}

/// Asks again and again until it is so: for states of another process that nothing announces.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = clock::instant();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        // sleep: whoever asks all the time slows down what it waits for.
        thread::sleep(ASK_AGAIN);
    }
}

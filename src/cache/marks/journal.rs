//! Marks as a file: a line for the horizons, and a line for every mark since. Contract: what is synced is there after a
//! crash, and a mark that cannot be read back is never passed over in silence.
//!
//! Each line is eight hex digits of the BLAKE3 of its rest, a space, and JSON. The first one:
//!
//! ```text
//! d9231f8d {"tintype":"marks","version":1,"hard":null,"soft":1794700800000001}
//! 5b9e05e9 {"selector":{"tag":"s-4f1c9a02be77d310"},"stamp":1794700800000002,"soft":false}
//! ```
//!
//! A last line without its end was being written when the process died; nobody was told that it holds, and it is left
//! out. Every other line that does not match its digest is damage.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Mark, MarksError};
use crate::cache::Stamp;

/// The file, open for appending.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// None before it could be written for the first time.
    file: Option<File>,
    lines: usize,
    /// A write failed halfway: nothing may be appended until the file is written anew.
    is_broken: bool,
}

/// All that a journal says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub hard_horizon: Option<Stamp>,
    pub soft_horizon: Option<Stamp>,
    pub marks: Vec<Mark>,
    /// Something was there that cannot be read.
    pub is_damaged: bool,
}

#[derive(Serialize, Deserialize)]
struct Header {
    tintype: String,
    version: u32,
    hard: Option<Stamp>,
    soft: Option<Stamp>,
}

const KIND: &str = "marks";
const VERSION: u32 = 1;
const DIGEST_CHARS: usize = 8;
/// Lines beyond the marks held twice over, before a journal is worth writing anew.
const SPARE_LINES: usize = 1000;
/// Prefixes are addresses of originals, which are nobody else's business.
const FILE_MODE: u32 = 0o600;

// === impl Journal ===

impl Journal {
    /// Writes the file anew, in one step that a crash cannot split, and leaves it open.
    pub fn create(path: &Path, content: &Content) -> io::Result<Self> {
        let new = path.with_added_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&new)?;
        file.write_all(&content.to_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        // The offset stands at the end, and nobody else writes.
        Ok(Self { path: path.to_owned(), file: Some(file), lines: content.marks.len(), is_broken: false })
    }

    /// One that could not be written: what lies at `path` stays there until a [`Self::rewrite`] works.
    pub fn unwritten(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, lines: 0, is_broken: true }
    }

    /// Appends marks; they are durable after the next [`Self::sync`].
    pub fn append(&mut self, marks: &[Mark]) -> io::Result<()> {
        let mut text = Vec::new();
        for mark in marks {
            push_line(&mut text, mark);
        }
        self.is_broken = true;
        self.open()?.write_all(&text)?;
        self.is_broken = false;
        self.lines += marks.len();
        Ok(())
    }

    pub fn sync(&mut self) -> io::Result<()> {
        // After a failed sync the kernel may take pages for clean that never reached the disk.
        self.is_broken = true;
        self.open()?.sync_data()?;
        self.is_broken = false;
        Ok(())
    }

    fn open(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Replaces the file by this content, synced.
    pub fn rewrite(&mut self, content: &Content) -> io::Result<()> {
        self.is_broken = true;
        *self = Self::create(&self.path, content)?;
        Ok(())
    }

    pub const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether it says much more than the `held` marks need.
    pub const fn is_grown(&self, held: usize) -> bool {
        self.lines > held * 2 + SPARE_LINES
    }

    #[cfg(test)]
    pub fn break_off(&mut self) {
        self.file = File::open("/dev/null").ok();
    }
}

// === impl Content ===

impl Content {
    /// What the file at `path` says; nothing where there is none.
    pub fn read(path: &Path) -> Result<Self, MarksError> {
        match fs::read(path) {
            Ok(bytes) => Self::from_bytes(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(MarksError::Journal(error)),
        }
    }

    /// # Errors
    /// The bytes are no journal, or one of a later version. Damage is no error but said in the content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MarksError> {
        let mut content = Self::default();
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let header = lines.next().unwrap_or_default();
        let Some(header) = decoded::<Header>(header) else {
            // An empty or broken beginning may be ours; anything else is a file that is not to be overwritten.
            let marker: &[u8] = br#"{"tintype":"marks""#;
            let is_ours = header.is_empty() || header.get(DIGEST_CHARS + 1..).is_some_and(|at| at.starts_with(marker));
            return if is_ours { Ok(Self { is_damaged: true, ..content }) } else { Err(MarksError::Foreign) };
        };
        if header.tintype != KIND {
            return Err(MarksError::Foreign);
        }
        if header.version != VERSION {
            return Err(MarksError::Version(header.version));
        }
        (content.hard_horizon, content.soft_horizon) = (header.hard, header.soft);
        for line in lines {
            match decoded(line) {
                Some(mark) => content.marks.push(mark),
                None => content.is_damaged |= line.ends_with(b"\n"),
            }
        }
        Ok(content)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let (hard, soft) = (self.hard_horizon, self.soft_horizon);
        let mut bytes = Vec::new();
        push_line(&mut bytes, &Header { tintype: KIND.to_owned(), version: VERSION, hard, soft });
        for mark in &self.marks {
            push_line(&mut bytes, mark);
        }
        bytes
    }
}

fn push_line(text: &mut Vec<u8>, value: &impl Serialize) {
    let json = serde_json::to_vec(value).expect("invariant: texts and numbers always serialize");
    text.extend(digest(&json).as_bytes());
    text.push(b' ');
    text.extend(json);
    text.push(b'\n');
}

/// The value of a whole line that matches its digest.
fn decoded<T: for<'de> Deserialize<'de>>(line: &[u8]) -> Option<T> {
    let (found, json) = line.strip_suffix(b"\n")?.split_at_checked(DIGEST_CHARS)?;
    let json = json.strip_prefix(b" ")?;
    if found != digest(json).as_bytes() {
        return None;
    }
    serde_json::from_slice(json).ok()
}

fn digest(json: &[u8]) -> String {
    blake3::hash(json).to_hex()[..DIGEST_CHARS].to_owned()
}

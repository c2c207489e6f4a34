//! Runs the program and makes what it reads.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

/// A command of the program, with nothing of our environment but what any program needs.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    let kept = ["PATH", "HOME", "LD_LIBRARY_PATH"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.args(args).env_clear().envs(kept).stdin(Stdio::null());
    command
}

/// Runs it.
pub fn run(args: &[&str]) -> Run {
    Run::of(command(args).output().unwrap())
}

/// Runs it with further variables.
pub fn run_with(variables: &[(&str, &str)], args: &[&str]) -> Run {
    Run::of(command(args).envs(variables.iter().copied()).output().unwrap())
}

/// Runs it with bytes on its standard input.
pub fn run_fed(bytes: &[u8], args: &[&str]) -> Run {
    let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    Run::of(child.wait_with_output().unwrap())
}

// === impl Run ===

impl Run {
    fn of(output: Output) -> Self {
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{err}");
        Self { code: output.status.code().expect("ended by itself"), out: output.stdout, err }
    }

    /// The result of a run that must have gone well.
    pub fn text(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        String::from_utf8(self.out).unwrap()
    }

    /// The result of a run that must have gone well, as JSON.
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The complaint of a run that must have failed with 1 and printed nothing.
    pub fn refused(self) -> String {
        assert_eq!((self.code, self.out.as_slice()), (1, b"".as_slice()), "{}", self.err);
        assert!(self.err.starts_with("tintype: "), "{}", self.err);
        self.err
    }
}

/// The text of a path.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An uncompressed picture of this size in 24 bits: red from left to right, green from bottom to top.
pub fn bmp(width: u32, height: u32) -> Vec<u8> {
    let shade = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap();
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            pixels.extend([100, shade(y, height), shade(x, width)]);
        }
        // Rows are filled up to whole words.
        pixels.resize(pixels.len().next_multiple_of(4), 0);
    }
    let len = u32::try_from(pixels.len()).unwrap();
    let mut file = b"BM".to_vec();
    for number in [54 + len, 0, 54, 40, width, height, 1 | 24 << 16, 0, len, 2835, 2835, 0, 0] {
        file.extend(number.to_le_bytes());
    }
    file.extend(pixels);
    file
}

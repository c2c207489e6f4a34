//! What commands write: results to the standard output, remarks beside them to the standard error, and nothing to a
//! reader that left. Contract: neither a closed pipe nor a closed terminal ends in a panic.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;
use clap::ValueEnum;

/// How a command that reports something writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// A column is no wider than this, so that one long value does not push all others aside.
const COLUMN_CHARS_MAX: usize = 36;

/// Writes a result. A reader that closes its end, as `head` does, has what it wanted.
pub fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// Writes a result that is no text.
pub fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("the standard output cannot be written"),
    }
}

/// Writes a result as indented JSON.
pub fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}

/// Writes what is worth knowing beside a result.
pub fn remark(text: &str) {
    // Whoever closed the standard error does not want to know.
    let _ = writeln!(io::stderr(), "tintype: {text}");
}

/// Rows with their columns one below the other, two blanks before each row and between columns.
pub fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width <= COLUMN_CHARS_MAX).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:width$}"));
        text.push_str(cells.collect::<String>().trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_long_cell_only_moves_its_own_row() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let long = "x".repeat(COLUMN_CHARS_MAX + 1);
        let text = aligned(&[row(["a", "über", "c"]), row(["abc", "", "d"]), row(["a", &long, ""])]);
        assert_eq!(text, format!("  a    über  c\n  abc        d\n  a    {long}\n"));
    }
}

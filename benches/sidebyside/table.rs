//! Tables that people read in a terminal and paste into a page: Markdown, its columns aligned. Contract: pure.

use std::fmt;

/// Rows under a head; every row has as many cells as the head.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

// === impl Table ===

impl Table {
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.rows[0].len(), String::new());
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Words begin at the left, numbers end at the right.
                if column == 0 {
                    write!(formatter, "| {cell:<width$} ")?;
                } else {
                    write!(formatter, "| {cell:>width$} ")?;
                }
            }
            writeln!(formatter, "|")?;
            if number == 0 {
                for (column, width) in widths.iter().enumerate() {
                    write!(formatter, "|{}{}", "-".repeat(width + 1), if column == 0 { '-' } else { ':' })?;
                }
                writeln!(formatter, "|")?;
            }
        }
        Ok(())
    }
}

/// With so many digits behind the point, or a dash where there is no number.
pub fn digits(number: f64, behind: usize) -> String {
    if number.is_finite() { format!("{number:.behind$}") } else { "-".to_owned() }
}

/// As `1.23x`.
pub fn times(ratio: f64) -> String {
    if ratio.is_finite() { format!("{ratio:.2}x") } else { "-".to_owned() }
}

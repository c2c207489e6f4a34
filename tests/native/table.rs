//! The table of answers, one row a URL, asked of imgproxy 4.0.12 on libvips 8.18.4 with local files, without signatures
//! and with 100 frames at most, everything else at its default.
//!
//! Columns: `path` as asked; `status`; of a picture `content_type`, `size` and `frames`; `pixels`, the first 16 hex
//! digits of the SHA-256 of the RGBA pixels where nothing was resampled, blurred or encoded with loss, so that they
//! must be the same; `grid`, 8 by 8 mean colours RRGGBBAA of the first frame, row by row, multiplied by alpha, or `=`
//! and the number of the row with the same grid. Size, frames and grid are empty where the answer is no picture, SVG,
//! JPEG XL or an original untouched.

use super::look::{GRID_BYTES, Look};

const TEXT: &str = include_str!("observed.tsv");

/// What came, here or there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub status: u16,
    pub content_type: String,
    /// Absent where the answer is no picture that can be looked at.
    pub look: Option<Look>,
}

/// One URL with its answer.
#[derive(Debug, Clone)]
pub struct Row {
    /// From 1.
    pub number: usize,
    pub path: String,
    pub seen: Seen,
}

/// Every row, in the order of the table.
pub fn rows() -> Vec<Row> {
    let mut lines = TEXT.lines();
    assert_eq!(lines.next(), Some("path\tstatus\tcontent_type\tsize\tframes\tpixels\tgrid"));
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in lines.enumerate() {
        let row = row(index + 1, line, &rows).unwrap_or_else(|| panic!("row {} is broken: {line}", index + 1));
        rows.push(row);
    }
    rows
}

fn row(number: usize, line: &str, before: &[Row]) -> Option<Row> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [path, status, content_type, size, frames, pixels, grid] = cells[..] else { return None };
    let look = match size.split_once('x') {
        Some((width, height)) => Some(Look {
            width: width.parse().ok()?,
            height: height.parse().ok()?,
            frames: frames.parse().ok()?,
            pixels: pixels.to_owned(),
            grid: match grid.strip_prefix('=') {
                Some(same) => before.get(same.parse::<usize>().ok()?.checked_sub(1)?)?.seen.look.as_ref()?.grid,
                None => grid_of(grid)?,
            },
        }),
        None => None,
    };
    let seen = Seen { status: status.parse().ok()?, content_type: content_type.to_owned(), look };
    Some(Row { number, path: path.to_owned(), seen })
}

fn grid_of(hex: &str) -> Option<[u8; GRID_BYTES]> {
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(pair).collect();
    bytes?.try_into().ok()
}

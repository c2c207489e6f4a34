//! How an answer compares with the oracle's. The tolerances are those that the table was published with.

use super::look::GRID_BYTES;
use super::table::{Row, Seen};

/// What is to be said of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The same, and no picture to look at.
    Same,
    /// The same pixels.
    Exact,
    /// Colours within the tolerance.
    Near,
    Status,
    Type,
    Size,
    Pixels,
    /// Colours that an encoder of another version may have.
    Noise,
}

/// How far the colours of two pictures are apart, of 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Off {
    /// Mean of red and green, which say where a pixel came from.
    pub place_mean: f64,
    /// Worst cell of red or green.
    pub place_max: u8,
    /// Mean of blue and alpha, which have edges.
    pub edge_mean: f64,
}

/// The tolerance.
const NEAR: Off = Off { place_mean: 1.0, place_max: 12, edge_mean: 4.0 };

/// A GIF has 256 colours at most, and the encoder of the oracle's original chose others than that of ours.
const PALETTE: (&str, Off) = ("/anim.gif", Off { place_mean: 4.0, ..NEAR });

/// Files of lossy encoders differ with every version of encoder and decoder, and not always in the listed rows.
const LOSSY: [&str; 2] = ["image/webp", "image/avif"];
const NOISE: Off = Off { place_mean: 3.0, place_max: 12, edge_mean: 12.0 };

// === impl Verdict ===

impl Verdict {
    /// Judges what came for a row.
    pub fn of(row: &Row, got: &Seen) -> Self {
        let wanted = &row.seen;
        if wanted.status != got.status {
            return Self::Status;
        }
        if wanted.status == 200 && wanted.content_type != got.content_type {
            return Self::Type;
        }
        let (look, got_look) = match (&wanted.look, &got.look) {
            (None, _) => return Self::Same,
            (Some(look), Some(got_look)) => (look, got_look),
            (Some(_), None) => return Self::Pixels,
        };
        if (look.width, look.height, look.frames) != (got_look.width, got_look.height, got_look.frames) {
            return Self::Size;
        }
        if !look.pixels.is_empty() {
            return if look.pixels == got_look.pixels { Self::Exact } else { Self::Pixels };
        }
        let off = Off::between(&look.grid, &got_look.grid);
        let tolerance = if row.path.contains(PALETTE.0) { PALETTE.1 } else { NEAR };
        if off.is_within(tolerance) {
            Self::Near
        } else if LOSSY.contains(&got.content_type.as_str()) && off.is_within(NOISE) {
            Self::Noise
        } else {
            Self::Pixels
        }
    }

    /// Whether the answers agree.
    pub const fn agrees(self) -> bool {
        matches!(self, Self::Same | Self::Exact | Self::Near)
    }
}

// === impl Off ===

impl Off {
    pub fn between(wanted: &[u8; GRID_BYTES], got: &[u8; GRID_BYTES]) -> Self {
        let off: Vec<u8> = wanted.iter().zip(got).map(|(wanted, got)| wanted.abs_diff(*got)).collect();
        let (cells, _) = off.as_chunks::<4>();
        let mean = |sum: u32| f64::from(sum) / (cells.len() * 2) as f64;
        Self {
            place_mean: mean(cells.iter().map(|[red, green, ..]| u32::from(*red) + u32::from(*green)).sum()),
            place_max: cells.iter().map(|[red, green, ..]| *red.max(green)).max().unwrap_or(0),
            edge_mean: mean(cells.iter().map(|[.., blue, alpha]| u32::from(*blue) + u32::from(*alpha)).sum()),
        }
    }

    fn is_within(self, most: Self) -> bool {
        self.place_mean <= most.place_mean && self.place_max <= most.place_max && self.edge_mean <= most.edge_mean
    }
}

#[test]
fn verdicts_follow_the_tolerance() {
    let seen = |content_type: &str, shade: u8, pixels: &str| Seen {
        status: 200,
        content_type: content_type.to_owned(),
        look: Some(super::look::Look {
            width: 9,
            height: 9,
            frames: 1,
            pixels: pixels.to_owned(),
            grid: [shade; GRID_BYTES],
        }),
    };
    let verdict = |path: &str, wanted: Seen, got: Seen| {
        Verdict::of(&Row { number: 1, path: path.to_owned(), seen: wanted }, &got)
    };
    let png = |shade| seen("image/png", shade, "");
    assert_eq!(verdict("/a.png", png(10), png(11)), Verdict::Near);
    assert_eq!(verdict("/a.png", png(10), png(12)), Verdict::Pixels);
    assert_eq!(verdict("/anim.gif@png", png(10), png(12)), Verdict::Near);
    assert_eq!(verdict("/a.png", seen("image/avif", 10, ""), seen("image/avif", 12, "")), Verdict::Noise);
    assert_eq!(verdict("/a.png", png(10), seen("image/webp", 10, "")), Verdict::Type);
    let digest = |digest| seen("image/png", 10, digest);
    assert_eq!(verdict("/a.png", digest("0a"), digest("0a")), Verdict::Exact);
    assert_eq!(verdict("/a.png", digest("0a"), digest("0b")), Verdict::Pixels);
}

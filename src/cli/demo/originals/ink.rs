//! Lines, dots and letters drawn on pixels with soft edges.

use super::raster::Raster;
use super::vector::V3;

/// What a pen leaves: an sRGB colour of 0 to 1 a channel, at this strength, in lines this many pixels wide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub(super) colour: [f32; 3],
    pub(super) strength: f32,
    pub(super) width: f32,
}

/// Strokes of letters on a grid of 5 by 7, two digits a point, a blank between strokes; the table's rows are pairs of
/// a letter and its strokes. Drawn with a round pen they look like those on technical drawings.
const LETTERS: [(char, &str); 41] = [
    ('A', "062046 1434"),
    ('B', "00063645443303 3342413000"),
    ('C', "4130100105163645"),
    ('D', "00062644422000"),
    ('E', "40000646 0333"),
    ('F', "400006 0333"),
    ('G', "41301001051636454323"),
    ('H', "0006 4046 0343"),
    ('I', "2026"),
    ('J', "4045361605"),
    ('K', "0006 4004 1346"),
    ('L', "000646"),
    ('M', "0600234046"),
    ('N', "06004640"),
    ('O', "103041453616050110"),
    ('P', "06003041423303"),
    ('Q', "103041453616050110 2446"),
    ('R', "06003041423303 2346"),
    ('S', "413010010213334445361605"),
    ('T', "0040 2026"),
    ('U', "000516364540"),
    ('V', "002640"),
    ('W', "0016223640"),
    ('X', "0046 4006"),
    ('Y', "002340 2326"),
    ('Z', "00400646"),
    ('0', "103041453616050110"),
    ('1', "112026"),
    ('2', "01103041420646"),
    ('3', "01103041423313 334445361605"),
    ('4', "36300444"),
    ('5', "400002324345361605"),
    ('6', "3011030516364544331304"),
    ('7', "004016"),
    ('8', "13020110304142331304051636454433"),
    ('9', "1635434130100102133342"),
    ('.', "2626"),
    (':', "2222 2525"),
    ('-', "1333"),
    ('+', "2125 0343"),
    ('/', "4006"),
];
/// From one letter to the next, in heights of a letter.
const ADVANCE: f32 = 0.98;

// === impl Ink ===

impl Ink {
    pub(super) fn new(hex: u32, width: f32) -> Self {
        Self { colour: V3::srgb(hex).display(), strength: 1.0, width }
    }

    /// A straight line with round ends.
    pub(super) fn line(self, on: &mut Raster, (x0, y0): (f32, f32), (x1, y1): (f32, f32)) {
        let (dx, dy) = (x1 - x0, y1 - y0);
        let length_squared = (dx * dx + dy * dy).max(1e-9);
        let reach = self.width / 2.0 + 1.0;
        let columns = span(x0.min(x1) - reach, x0.max(x1) + reach, on.width);
        for y in span(y0.min(y1) - reach, y0.max(y1) + reach, on.height) {
            for x in columns.clone() {
                let (px, py) = (x as f32 + 0.5 - x0, y as f32 + 0.5 - y0);
                let share = ((px * dx + py * dy) / length_squared).clamp(0.0, 1.0);
                let (ox, oy) = (px - dx * share, py - dy * share);
                let cover = self.width / 2.0 + 0.5 - (ox * ox + oy * oy).sqrt();
                self.touch(on, x, y, cover.clamp(0.0, 1.0));
            }
        }
    }

    pub(super) fn path(self, on: &mut Raster, points: &[(f32, f32)]) {
        for pair in points.windows(2) {
            self.line(on, pair[0], pair[1]);
        }
    }

    /// A filled box from one corner to the other.
    pub(super) fn fill(self, on: &mut Raster, (x0, y0): (f32, f32), (x1, y1): (f32, f32)) {
        let cover = |at: f32, low: f32, high: f32| ((at + 1.0).min(high) - at.max(low)).clamp(0.0, 1.0);
        let columns = span(x0, x1 + 1.0, on.width);
        for y in span(y0, y1 + 1.0, on.height) {
            for x in columns.clone() {
                self.touch(on, x, y, cover(x as f32, x0, x1) * cover(y as f32, y0, y1));
            }
        }
    }

    /// Capitals of `size` pixels height, the first one's top left at the place given.
    pub(super) fn text(self, on: &mut Raster, (x, y): (f32, f32), size: f32, text: &str) {
        for (index, letter) in text.chars().enumerate() {
            let Some((_, strokes)) = LETTERS.iter().find(|(known, _)| *known == letter) else { continue };
            let left = x + index as f32 * size * ADVANCE;
            for stroke in strokes.split(' ') {
                let digit = |byte: u8| f32::from(byte - b'0');
                let point = |pair: &[u8]| (left + digit(pair[0]) * size * 0.15, y + digit(pair[1]) * size / 6.0);
                let points: Vec<(f32, f32)> = stroke.as_bytes().chunks_exact(2).map(point).collect();
                match points[..] {
                    [only] => self.line(on, only, only),
                    _ => self.path(on, &points),
                }
            }
        }
    }

    fn touch(self, on: &mut Raster, x: u32, y: u32, cover: f32) {
        if cover <= 0.0 {
            return;
        }
        let from = (y as usize * on.width as usize + x as usize) * usize::from(on.channels);
        for (byte, ink) in on.pixels[from..from + 3].iter_mut().zip(self.colour) {
            let share = cover * self.strength;
            *byte = (f32::from(*byte) * (1.0 - share) + ink * 255.0 * share + 0.5) as u8;
        }
    }
}

/// The width in pixels that a text takes.
pub(super) fn text_width(size: f32, text: &str) -> f32 {
    (text.chars().count() as f32 * ADVANCE - (ADVANCE - 0.6)) * size
}

/// The whole pixels from `low` to `high` that are on the picture.
fn span(low: f32, high: f32, limit: u32) -> std::ops::Range<u32> {
    let bound = |value: f32| value.clamp(0.0, limit as f32) as u32;
    bound(low.floor())..bound(high.ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stay_on_their_grid() {
        for (letter, strokes) in LETTERS {
            for stroke in strokes.split(' ') {
                assert!(stroke.len() >= 4 && stroke.len() % 2 == 0, "{letter}");
                for pair in stroke.as_bytes().chunks_exact(2) {
                    assert!((b'0'..=b'4').contains(&pair[0]) && (b'0'..=b'6').contains(&pair[1]), "{letter}");
                }
            }
        }
    }

    #[test]
    fn lines_may_leave_the_picture() {
        let mut raster = Raster::paint(8, 8, 0.0, |_, _| [1.0; 3]);
        Ink::new(0, 2.0).line(&mut raster, (-50.0, 4.0), (50.0, 4.0));
        assert_eq!((raster.at(3, 3), raster.at(3, 0)), (&[0, 0, 0][..], &[255, 255, 255][..]));
    }
}

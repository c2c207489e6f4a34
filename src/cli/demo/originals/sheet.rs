//! A sheet of a topographic map with 48 million pixels: contours, woods, water, rivers, paths and small letters.

use super::ink::{Ink, text_width};
use super::noise::{Dice, clouds, hash};
use super::raster::{Raster, rows};
use super::vector::{V3, ramp, smooth};

/// The ground on a coarse grid: heights in metres, of which 0 is the sea, and where woods are.
struct Ground {
    columns: usize,
    rows: usize,
    metres: Vec<f32>,
    /// Over 0 where trees stand.
    woods: Vec<f32>,
}

/// The ground at one pixel.
struct Spot {
    metres: f32,
    /// Metres that the ground rises to the next pixel on the right.
    east: f32,
    /// Metres that it rises to the next pixel below.
    south: f32,
    is_wood: bool,
}

/// Pixels between two points of the grid.
const MESH: u32 = 16;
/// Metres between two contours; each fifth is a thick one.
const STEP: f32 = 20.0;
const SEED: u32 = 800;
/// Pixels between the lines of the printed grid.
const GRID: u32 = 1000;
const BROWN: u32 = 0x8a_5a_34;
const BLACK: u32 = 0x2a_26_22;
const BLUE: u32 = 0x3f_7f_a8;

/// The sheet in any size.
pub(super) fn paint(width: u32, height: u32) -> Raster {
    let ground = Ground::raised(width, height);
    let tints = tints();
    let pixels = rows(height, width as usize * 3, &|y, bytes: &mut [u8]| ground.row(y, width, &tints, bytes));
    let mut sheet = Raster { width, height, channels: 3, pixels };
    rivers(&ground, &mut sheet);
    grid(&mut sheet);
    summits(&ground, &mut sheet);
    sheet
}

// === impl Ground ===

impl Ground {
    fn raised(width: u32, height: u32) -> Self {
        // Three more points than meshes: the curve through a mesh needs its neighbours.
        let (columns, rows) = ((width / MESH) as usize + 4, (height / MESH) as usize + 4);
        let metres = (0..rows * columns).map(|index| {
            let (x, y) = ((index % columns) as f32 * 0.0085, (index / columns) as f32 * 0.0085);
            let (bend_x, bend_y) = (clouds(x, y, 4, SEED), clouds(x + 9.0, y, 4, SEED));
            let land = clouds(x * 0.55 + 0.5 * bend_x, y * 0.55 + 0.5 * bend_y, 9, SEED + 20);
            let crest = 1.0 - (clouds(x + bend_y * 0.4, y + bend_x * 0.4, 8, SEED + 40) * 1.6).abs();
            let high = smooth(-0.1, 0.55, land);
            1500.0 * (land + 0.09) * (0.35 + 0.65 * high) + 620.0 * crest * crest * high - 20.0
        });
        let woods = (0..rows * columns).map(|index| {
            let (x, y) = ((index % columns) as f32, (index / columns) as f32);
            clouds(x * 0.03, y * 0.03, 5, SEED + 60) - 0.06
        });
        Self { columns, rows, metres: metres.collect(), woods: woods.collect() }
    }

    fn at(&self, column: usize, row: usize) -> f32 {
        self.metres[row.min(self.rows - 1) * self.columns + column.min(self.columns - 1)]
    }

    /// The height at a pixel, without the curve between the points.
    fn near(&self, x: f32, y: f32) -> f32 {
        self.at((x.max(0.0) / MESH as f32) as usize + 1, (y.max(0.0) / MESH as f32) as usize + 1)
    }

    fn row(&self, y: u32, width: u32, tints: &[[f32; 3]], bytes: &mut [u8]) {
        let (mesh, part) = ((y / MESH) as usize, (y % MESH) as f32 / MESH as f32);
        let (weights, slopes) = (curve(part), curve_slope(part));
        let sum = |column: usize, by: [f32; 4]| (0..4).map(|index| by[index] * self.at(column, mesh + index)).sum();
        let wood = |column: usize, row: usize| self.woods[(mesh + row) * self.columns + column];
        let woods: Vec<f32> =
            (0..self.columns).map(|column| wood(column, 1) * (1.0 - part) + wood(column, 2) * part).collect();
        let heights: Vec<f32> = (0..self.columns).map(|column| sum(column, weights)).collect();
        let falls: Vec<f32> = (0..self.columns).map(|column| sum(column, slopes)).collect();
        let across: Vec<([f32; 4], [f32; 4])> =
            (0..MESH).map(|x| x as f32 / MESH as f32).map(|part| (curve(part), curve_slope(part))).collect();
        for (x, out) in (0..width).zip(bytes.chunks_exact_mut(3)) {
            let (from, (weights, slopes)) = ((x / MESH) as usize, &across[(x % MESH) as usize]);
            let dot = |by: &[f32; 4], of: &[f32]| by[0] * of[0] + by[1] * of[1] + by[2] * of[2] + by[3] * of[3];
            let metres = dot(weights, &heights[from..from + 4]);
            let east = dot(slopes, &heights[from..from + 4]) / MESH as f32;
            let south = dot(weights, &falls[from..from + 4]) / MESH as f32;
            let share = (x % MESH) as f32 / MESH as f32;
            let is_wood = woods[from + 1] * (1.0 - share) + woods[from + 2] * share > 0.0;
            let colour = pixel((x, y), &Spot { metres, east, south, is_wood }, tints);
            for (byte, channel) in out.iter_mut().zip(colour) {
                *byte = (channel * 255.0).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Weights of four points for the curve of Catmull and Rom between the middle two.
fn curve(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [0.5 * (-t + 2.0 * t2 - t3), 1.0 - 2.5 * t2 + 1.5 * t3, 0.5 * (t + 4.0 * t2 - 3.0 * t3), 0.5 * (t3 - t2)]
}

fn curve_slope(t: f32) -> [f32; 4] {
    let t2 = t * t;
    [
        0.5 * (-1.0 + 4.0 * t - 3.0 * t2),
        -5.0 * t + 4.5 * t2,
        0.5 * (1.0 + 8.0 * t - 9.0 * t2),
        0.5 * (3.0 * t2 - 2.0 * t),
    ]
}

/// The colour of the ground for each two metres from the sea up.
fn tints() -> Vec<[f32; 3]> {
    let stops = [
        (0.0, V3::srgb(0xe6_ea_cf)),
        (0.12, V3::srgb(0xdd_e6_bf)),
        (0.3, V3::srgb(0xee_e9_c4)),
        (0.5, V3::srgb(0xe9_d6_aa)),
        (0.72, V3::srgb(0xdb_bd_97)),
        (1.0, V3::srgb(0xf4_ef_ea)),
    ];
    (0..800_u16).map(|index| ramp(&stops, f32::from(index) / 620.0).display()).collect()
}

fn pixel((x, y): (u32, u32), spot: &Spot, tints: &[[f32; 3]]) -> [f32; 3] {
    let Spot { metres, east, south, is_wood } = *spot;
    let steep = (east * east + south * south).sqrt().max(0.02);
    let paper = (hash(x as i32, y as i32, 3) - 0.5) * 0.022;
    // How much of a line of `half` pixels around each multiple of `step` metres covers this pixel.
    let line = |step: f32, half: f32| {
        let off = (metres / step - (metres / step).round()).abs() * step / steep;
        (half + 0.5 - off).clamp(0.0, 1.0) * smooth(0.9 * step, 0.3 * step, steep * 3.0)
    };
    let mix = |from: [f32; 3], to: [f32; 3], share: f32| {
        [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * share)
    };
    if metres < 0.0 {
        let deep = mix([0.74, 0.86, 0.91], [0.49, 0.68, 0.80], (-metres / 300.0).min(1.0));
        let shore = (1.6 - -metres / steep).clamp(0.0, 1.0);
        let lined = mix(deep, [0.35, 0.56, 0.70], line(40.0, 0.35) * 0.6);
        return mix(lined, [0.2, 0.42, 0.58], shore).map(|channel| channel + paper * 0.5);
    }
    let mut colour = tints[((metres / 2.0) as usize).min(tints.len() - 1)];
    if is_wood && metres > 6.0 && metres < 780.0 {
        colour = mix(colour, [0.70, 0.82, 0.60], 0.85);
        colour = mix(colour, [0.35, 0.53, 0.33], tree(x, y));
    }
    // Light from the north-west, as on every sheet.
    let shade = 1.0 - 0.085 * (east + south).clamp(-2.6, 3.2);
    colour = colour.map(|channel| channel * shade.min(1.1) + paper);
    colour = mix(colour, [0.62, 0.44, 0.29], line(STEP, 0.32) * 0.75);
    mix(colour, [0.50, 0.31, 0.18], line(STEP * 5.0, 1.1))
}

/// How much of this pixel a tree's sign covers; one stands in each cell, not quite in its middle.
fn tree(x: u32, y: u32) -> f32 {
    const CELL: u32 = 15;
    let (column, row) = ((x / CELL) as i32, (y / CELL) as i32);
    let (dx, dy) = (hash(column, row, 21) * 7.0 + 4.0, hash(column, row, 22) * 7.0 + 4.0);
    let (ox, oy) = ((x % CELL) as f32 - dx, (y % CELL) as f32 - dy);
    let ring = ((ox * ox + oy * oy).sqrt() - 2.4).abs();
    (1.1 - ring).clamp(0.0, 1.0) * 0.8
}

/// Springs in the heights, from which water runs down until it meets the sea or a hollow.
fn rivers(ground: &Ground, sheet: &mut Raster) {
    let mut dice = Dice::new(5);
    for _ in 0..(sheet.width / 8) {
        let (mut x, mut y) = (dice.roll() * sheet.width as f32, dice.roll() * sheet.height as f32);
        if ground.near(x, y) < 260.0 {
            continue;
        }
        let mut path = vec![(x, y)];
        for _ in 0..900 {
            let reach = MESH as f32 * 1.5;
            let lowest = (0..12).map(|turn| turn as f32 * std::f32::consts::TAU / 12.0).map(|turn| {
                let (nx, ny) = (x + reach * turn.cos(), y + reach * turn.sin());
                (ground.near(nx, ny), nx, ny)
            });
            let Some((metres, nx, ny)) = lowest.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
            if metres >= ground.near(x, y) {
                break;
            }
            (x, y) = (nx, ny);
            path.push((x, y));
            if metres < 0.0 {
                break;
            }
        }
        if path.len() > 24 {
            draw_river(sheet, &path);
        }
    }
}

fn draw_river(sheet: &mut Raster, path: &[(f32, f32)]) {
    // Corners are cut twice, so that a walk on a grid looks like water.
    let mut path = path.to_vec();
    for _ in 0..3 {
        let cut = path.windows(2).flat_map(|pair| {
            let between =
                |share: f32| (pair[0].0 + (pair[1].0 - pair[0].0) * share, pair[0].1 + (pair[1].1 - pair[0].1) * share);
            [between(0.25), between(0.75)]
        });
        path = cut.collect();
    }
    for (index, pair) in path.windows(2).enumerate() {
        Ink::new(BLUE, (1.4 + index as f32 * 0.006).min(7.0)).line(sheet, pair[0], pair[1]);
    }
}

fn grid(sheet: &mut Raster) {
    let (width, height) = (sheet.width as f32, sheet.height as f32);
    let thin = Ink { strength: 0.45, ..Ink::new(BLACK, 1.4) };
    for step in 1..sheet.width.max(sheet.height).div_ceil(GRID) {
        let at = (step * GRID) as f32;
        let letters = Ink::new(BLACK, 2.6);
        thin.line(sheet, (at, 0.0), (at, height));
        thin.line(sheet, (0.0, at), (width, at));
        letters.text(sheet, (at + 10.0, 70.0), 24.0, &format!("E {}", 410 + step));
        letters.text(sheet, (70.0, at + 12.0), 24.0, &format!("N {}", 860 - step));
    }
    for (inset, pen) in [(24.0, 8.0), (44.0, 2.0)] {
        let corners =
            [(inset, inset), (width - inset, inset), (width - inset, height - inset), (inset, height - inset)];
        Ink::new(BLACK, pen).path(sheet, &corners);
        Ink::new(BLACK, pen).line(sheet, corners[3], corners[0]);
    }
}

/// Names and heights at the highest point of each neighbourhood.
fn summits(ground: &Ground, sheet: &mut Raster) {
    const FIRST: [&str; 12] =
        ["GREY", "RAVEN", "HIGH", "LONE", "WOLF", "STONE", "WHITE", "MIST", "FERN", "EAGLE", "OLD", "WIND"];
    const LAST: [&str; 8] = ["TOP", "FELL", "CRAG", "HORN", "RIDGE", "PIKE", "TOR", "HEAD"];
    const AREA: usize = 38;
    let mut dice = Dice::new(77);
    let pick = |from: &[&'static str], roll: f32| from[(roll * from.len() as f32) as usize];
    for top in (2..ground.rows.saturating_sub(AREA)).step_by(AREA) {
        for left in (2..ground.columns.saturating_sub(AREA)).step_by(AREA) {
            let inside = (0..AREA * AREA).map(|index| (left + index % AREA, top + index / AREA));
            let Some((column, row)) = inside.max_by(|a, b| ground.at(a.0, a.1).total_cmp(&ground.at(b.0, b.1))) else {
                continue;
            };
            let metres = ground.at(column, row);
            let is_summit = [(0, 1), (2, 1), (1, 0), (1, 2)]
                .iter()
                .all(|(dx, dy)| ground.at(column + dx - 1, row + dy - 1) < metres);
            if metres < 180.0 || !is_summit {
                continue;
            }
            let (x, y) = (((column - 1) as f32) * MESH as f32, ((row - 1) as f32) * MESH as f32);
            Ink::new(BLACK, 7.0).line(sheet, (x, y), (x, y));
            Ink::new(BROWN, 2.2).text(sheet, (x + 12.0, y + 8.0), 17.0, &format!("{metres:.0}"));
            let name = format!("{} {}", pick(&FIRST, dice.roll()), pick(&LAST, dice.roll()));
            if metres > 420.0 {
                let place = (x - text_width(22.0, &name) / 2.0, y - 38.0);
                Ink { strength: 0.75, ..Ink::new(0xf6_f0_e4, 8.0) }.text(sheet, place, 22.0, &name);
                Ink::new(BLACK, 2.6).text(sheet, place, 22.0, &name);
            }
        }
    }
}

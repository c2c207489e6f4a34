//! A chart: few flat colours, sharp edges and letters, as screenshots and diagrams have.

use super::ink::{Ink, text_width};
use super::raster::Raster;

const PAPER: u32 = 0xff_ff_ff;
const TEXT: u32 = 0x2b_2d_42;
const LINES: u32 = 0xd8_dc_e6;
const BARS: [u32; 3] = [0x5b_2a_86, 0xe0_4f_5f, 0xff_b0_3a];
/// Three seasons of each district; made up, as the districts are.
const GROUPS: [(&str, [f32; 3]); 5] = [
    ("NORTH", [412.0, 268.0, 171.0]),
    ("HARBOUR", [655.0, 431.0, 288.0]),
    ("OLD TOWN", [540.0, 352.0, 224.0]),
    ("MILLS", [188.0, 121.0, 83.0]),
    ("HEATH", [321.0, 214.0, 139.0]),
];
/// What the scale ends at.
const TOP: f32 = 700.0;

/// The chart in any size of 8:5.
pub(super) fn paint(width: u32, height: u32) -> Raster {
    let paper = [16, 8, 0].map(|shift| ((PAPER >> shift) & 0xff) as f32 / 255.0);
    let mut sheet = Raster::paint(width, height, 0.0, |_, _| paper);
    let unit = height as f32 / 100.0;
    let (left, right, floor, ceiling) = (16.0 * unit, 152.0 * unit, 84.0 * unit, 24.0 * unit);
    let level = |value: f32| floor - (floor - ceiling) * value / TOP;
    Ink::new(TEXT, 0.62 * unit).text(&mut sheet, (left, 6.5 * unit), 4.0 * unit, "TREES PLANTED BY DISTRICT");
    for step in 0_u8..=7 {
        let value = f32::from(step) * 100.0;
        Ink::new(LINES, 0.25 * unit).line(&mut sheet, (left, level(value)), (right, level(value)));
        let label = format!("{value}");
        let place = (left - 2.5 * unit - text_width(2.0 * unit, &label), level(value) - unit);
        Ink::new(TEXT, 0.3 * unit).text(&mut sheet, place, 2.0 * unit, &label);
    }
    let group_width = (right - left) / GROUPS.len() as f32;
    for (index, (name, values)) in GROUPS.iter().enumerate() {
        let from = left + group_width * (index as f32 + 0.5);
        for (bar, value) in values.iter().enumerate() {
            let x = from + (bar as f32 - 1.5) * 6.4 * unit;
            Ink::new(BARS[bar], 0.0).fill(&mut sheet, (x, level(*value)), (x + 5.6 * unit, floor));
        }
        let place = (from - text_width(2.6 * unit, name) / 2.0, floor + 3.0 * unit);
        Ink::new(TEXT, 0.4 * unit).text(&mut sheet, place, 2.6 * unit, name);
    }
    Ink::new(TEXT, 0.4 * unit).line(&mut sheet, (left, floor), (right, floor));
    for (index, name) in ["SPRING", "SUMMER", "AUTUMN"].iter().enumerate() {
        let x = left + index as f32 * 24.0 * unit;
        Ink::new(BARS[index], 0.0).fill(&mut sheet, (x, 15.0 * unit), (x + 2.6 * unit, 17.6 * unit));
        Ink::new(TEXT, 0.35 * unit).text(&mut sheet, (x + 4.0 * unit, 15.2 * unit), 2.2 * unit, name);
    }
    sheet
}

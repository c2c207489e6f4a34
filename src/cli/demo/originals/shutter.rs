//! The house's mark: the blades of a shutter, as a badge with soft edges and as a short film.

use std::f32::consts::TAU;

use super::raster::Raster;
use super::vector::{V3, ramp, smooth};

/// How the blades stand.
#[derive(Debug, Clone, Copy)]
struct Shutter {
    /// The free opening as a share of the outer radius.
    open: f32,
    turn: f32,
}

const BLADES: f32 = 7.0;
/// Frames of the film, which ends where it begins.
const FRAMES: u32 = 24;
/// Milliseconds that each frame is shown.
const FRAME_MS: u32 = 60;

/// The mark on nothing, with a shadow that fades into it.
pub(super) fn badge(side: u32) -> Raster {
    let shutter = Shutter { open: 0.34, turn: 0.2 };
    Raster::paint_alpha(side, side, |x, y| {
        let place = |at: u32| (at as f32 + 0.5) / side as f32 * 2.0 - 1.0;
        let soft = 2.0 / side as f32;
        let (x, y) = (place(x) * 1.16, place(y) * 1.16);
        let (light, cover) = shutter.seen(x, y, soft);
        let fall = ((x - 0.03).powi(2) + (y - 0.07).powi(2)).sqrt();
        let through = smooth(0.3, 0.36, fall + 0.02);
        let shadow = 0.5 * smooth(1.13, 0.86, fall) * through;
        let alpha = cover + shadow * (1.0 - cover);
        let [r, g, b] = (light * (cover / alpha.max(1e-6))).display();
        [r, g, b, alpha]
    })
}

/// The shutter opens and closes while rings of light leave it; with each frame the milliseconds that it is shown.
pub(super) fn film(width: u32, height: u32) -> Vec<(Raster, u32)> {
    (0..FRAMES).map(|frame| (film_frame(width, height, frame as f32 / FRAMES as f32), FRAME_MS)).collect()
}

fn film_frame(width: u32, height: u32, phase: f32) -> Raster {
    let breath = 0.5 - 0.5 * (phase * TAU).cos();
    let shutter = Shutter { open: 0.1 + 0.62 * breath, turn: phase * TAU / BLADES };
    Raster::paint(width, height, 0.0, |x, y| {
        let half = height as f32 / 2.0;
        let (x, y) = ((x as f32 + 0.5 - width as f32 / 2.0) / half, (y as f32 + 0.5 - half) / half);
        let far = (x * x + y * y).sqrt();
        let room = V3::srgb(0x0d_0b_1e).mix(V3::srgb(0x2a_16_40), smooth(1.9, 0.5, far));
        let ring = |shift: f32| {
            let age = (phase + shift).fract();
            smooth(0.09, 0.0, (far - 0.62 - 0.95 * age).abs()) * (1.0 - age).powi(2)
        };
        let glow = V3::srgb(0xff_8a_4a) * (0.55 * (ring(0.0) + ring(1.0 / 3.0) + ring(2.0 / 3.0)));
        let sun = V3::srgb(0xff_d9_9a) * (1.25 - far * 0.55) + V3::srgb(0xff_6a_3a) * 0.12;
        let (light, cover) = shutter.seen(x / 0.72, y / 0.72, 2.4 / height as f32);
        let behind = if far < 0.6 { sun } else { room + glow };
        (light + behind * (1.0 - cover)).display()
    })
}

// === impl Shutter ===

impl Shutter {
    /// Premultiplied light and cover at a place of the unit disc, with edges `soft` wide.
    fn seen(self, x: f32, y: f32, soft: f32) -> (V3, f32) {
        let far = (x * x + y * y).sqrt();
        let rim = smooth(1.0 + soft, 1.0 - soft, far);
        if rim <= 0.0 {
            return (V3::BLACK, 0.0);
        }
        let angle = y.atan2(x);
        if far > 0.86 {
            let lit = 0.5 + 0.5 * (angle + 2.2).cos();
            let edge = smooth(0.86, 0.875, far) * smooth(1.0, 0.985, far);
            let groove = smooth(0.0, 0.012, (far - 0.93).abs());
            let metal = V3::srgb(0x1c_1630).mix(V3::srgb(0x8d_7fb0), lit * 0.85) * (0.55 + 0.45 * edge * groove);
            return (metal * rim, rim);
        }
        let (light, cover) = self.blade(x, y, soft);
        (light * cover, cover)
    }

    /// The blade that lies on top at a place inside the ring.
    fn blade(self, x: f32, y: f32, soft: f32) -> (V3, f32) {
        let mut cover: f32 = 0.0;
        let mut top = (f32::MIN, 0.0, 0.0);
        for blade in 0..BLADES as u32 {
            let turn = self.turn + TAU * blade as f32 / BLADES;
            let (along, across) = (x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin());
            // Each blade's edge is an arc that passes the opening at its distance.
            let depth = along + across * across * 0.22 - self.open;
            cover = cover.max(smooth(-soft, soft, depth));
            // The one that begins last on its way round covers the one before.
            let rank = if depth > 0.0 { across } else { f32::MIN };
            if rank > top.0 {
                top = (rank, turn, depth);
            }
        }
        let (_, turn, depth) = top;
        let stops = [
            (0.0, V3::srgb(0x5b_2a_86)),
            (0.35, V3::srgb(0xc2_3b_6e)),
            (0.65, V3::srgb(0xf4_7c_48)),
            (1.0, V3::srgb(0xff_c8_57)),
        ];
        let hue = 0.5 - 0.5 * (turn - 0.9).cos();
        let edge = smooth(0.05, 0.0, depth);
        let light = ramp(&stops, hue) * (0.72 + 0.42 * smooth(0.9, 0.0, depth)) + V3::all(0.35) * (edge * 0.35);
        (light, cover)
    }
}

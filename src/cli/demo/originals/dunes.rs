//! Dunes in the last hour of the day, upright.

use super::noise::{clouds, hash, smooth_noise};
use super::raster::Raster;
use super::terrain::{Eye, Scene, view};
use super::vector::{V3, ramp, smooth};

/// The erg; one unit is about ten metres.
struct Erg {
    /// Towards the sun, low on the left behind the eye's shoulder.
    sun: V3,
}

const SEED: u32 = 300;
/// Where a dune's crest stands between the wind's side and the lee, as a share of its width.
const CREST: f32 = 0.68;

/// The picture in any size of about 2:3.
pub(super) fn paint(width: u32, height: u32) -> Raster {
    let clear = view(&Erg { sun: V3(-0.9, 0.23, 0.3).unit() }, width, height);
    Raster::paint(width, height, 1.8, |x, y| [0, 1, 2].map(|channel| f32::from(clear.at(x, y)[channel]) / 255.0))
}

// === impl Erg ===

impl Scene for Erg {
    fn eye(&self) -> Eye {
        Eye { height: 6.2, horizon: 0.42, zoom: 1.15, near: 2.5, far: 900.0, stride: 0.0007 }
    }

    fn height(&self, x: f32, z: f32, distance: f32) -> f32 {
        let fade = smooth(260.0, 60.0, distance);
        let small = if fade > 0.0 { dune(x * 0.07 + 2.1, z * 0.06 + 7.7, SEED + 20) * 1.3 * fade } else { 0.0 };
        large_dune(x, z) + small
    }

    fn ground(&self, point: V3, normal: V3, ray: V3) -> V3 {
        let V3(x, _, z) = point;
        // Ripples stand across the wind; far away they are finer than a pixel and only make the sand matt.
        let near = smooth(60.0, 9.0, z);
        let bend = clouds(x * 0.5, z * 0.5, 3, SEED + 40) * 1.3;
        let phase = (x * 3.0 + z * 1.1 + bend * 2.6) * 3.6;
        let crease = phase.cos() * 0.3 * near * smooth(0.55, 0.9, normal.1);
        let bumpy = (normal + V3(crease, 0.0, crease * 0.36)).unit();
        let facing = bumpy.dot(self.sun).max(0.0);
        let lit = if facing > 0.0 { facing * self.open_to_sun(point) } else { 0.0 };
        let grain = hash((x * 160.0) as i32, (z * 160.0) as i32, 9) - 0.5;
        let sand = V3::srgb(0xd0_8f_55).mix(V3::srgb(0xb5_6a_3a), 0.5 + 0.6 * clouds(x * 0.06, z * 0.06, 3, SEED + 50));
        let matter = sand * (1.0 + 0.12 * grain * near);
        let light = V3(2.5, 1.45, 0.75) * lit + V3(0.1, 0.115, 0.22) * (0.35 + 0.65 * normal.1) + V3(0.11, 0.05, 0.03);
        let seen = (-z * 0.0034).exp();
        let toward = ray.dot(self.sun).max(0.0);
        V3(0.36, 0.24, 0.24).mix(V3(0.7, 0.4, 0.22), toward).mix(matter.tint(light), seen)
    }

    fn sky(&self, ray: V3) -> V3 {
        let stops = [
            (0.0, V3::srgb(0xf3_c5_9a)),
            (0.07, V3::srgb(0xe5_b4_a0) * 0.9),
            (0.16, V3::srgb(0xb0_a3_b8) * 0.75),
            (0.3, V3::srgb(0x6c_87_b8) * 0.62),
            (0.48, V3::srgb(0x36_5a_9a) * 0.5),
        ];
        let toward = ray.dot(self.sun).max(0.0);
        let clear = ramp(&stops, ray.1) * 0.72 + V3(0.5, 0.26, 0.1) * (0.6 * toward.powf(3.0));
        let (x, y) = (ray.0 / ray.2, ray.1 / ray.2);
        let veil = clouds(x * 1.6 + y * 1.1 + 4.0, y * 9.0 - x * 1.4, 6, SEED + 62);
        let thin = smooth(0.0, 0.55, veil) * smooth(0.03, 0.12, y) * 0.42;
        let moon = moon(ray);
        clear.mix(V3(1.0, 0.72, 0.55), thin) + moon
    }
}

impl Erg {
    /// How much of the sun reaches a point past the dunes before it, 0 to 1.
    fn open_to_sun(&self, point: V3) -> f32 {
        let mut open: f32 = 1.0;
        let mut way = 0.8;
        while open > 0.0 && way < 60.0 {
            let place = point + self.sun * way;
            // Only the large dunes throw shadows that are seen.
            let clearance = place.1 - large_dune(place.0, place.2);
            open = open.min(0.5 + 9.0 * clearance / way);
            way *= 1.5;
        }
        smooth(0.0, 1.0, open)
    }
}

fn large_dune(x: f32, z: f32) -> f32 {
    dune(x * 0.026 + 0.4, z * 0.022 + 0.15, SEED) * (6.5 + 9.0 * smooth(20.0, 160.0, z))
}

/// One field of dunes, 0 to 1: a long slope against the wind, a sharp crest, a short fall behind it.
fn dune(x: f32, z: f32, seed: u32) -> f32 {
    let bend = clouds(x * 0.9, z * 0.9, 3, seed) * 0.85;
    let across = x * 0.85 + z * 0.3 + bend + 0.12;
    let along = across - across.floor();
    let way = if along < CREST { along / CREST } else { (1.0 - along) / (1.0 - CREST) };
    // Both flanks are hollow and meet in an edge.
    let slope = way * way * (1.6 - 0.6 * way);
    let height = 0.55 + 0.45 * smooth_noise(x * 0.7 + across.floor() * 3.3, z * 0.4, seed + 7);
    slope * height
}

/// A waxing moon over the horizon.
fn moon(ray: V3) -> V3 {
    let (x, y) = (ray.0 / ray.2 - 0.135, ray.1 / ray.2 - 0.245);
    let radius = 0.0165;
    let from = (x * x + y * y).sqrt() / radius;
    let halo = V3(0.09, 0.085, 0.08) * (-from * 0.5).exp();
    if from > 1.03 {
        return halo;
    }
    let dark = ((x - 0.0075) * (x - 0.0075) + (y - 0.003) * (y - 0.003)).sqrt() / radius;
    let seas = 1.0 - 0.28 * smooth(0.0, 0.4, clouds(x * 260.0, y * 260.0, 4, 4));
    let disc = smooth(1.03, 0.97, from) * smooth(0.72, 1.0, dark);
    halo + V3(0.95, 0.93, 0.88) * (disc * seas * 0.85)
}

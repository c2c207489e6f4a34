//! Mountains behind a lake at dusk.

use super::noise::{Dice, clouds, hash, next_octave, sloped, smooth_noise};
use super::raster::Raster;
use super::terrain::{Eye, Scene, view};
use super::vector::{V3, ramp, smooth};

/// The valley; one unit is about a hundred metres.
struct Valley {
    /// Towards the sun, which stands behind the mountains on the right.
    sun: V3,
}

/// A spruce against the light; lengths are shares of the picture's height.
struct Spruce {
    x: f32,
    /// Where its tip is, from the top of the picture.
    tip: f32,
    height: f32,
    seed: u32,
}

const SEED: u32 = 20;
const LAKE: f32 = 0.0;
/// Above this height snow stays where it is not too steep.
const SNOW_LINE: f32 = 9.5;

/// The picture in any size of about 3:2.
pub(super) fn paint(width: u32, height: u32) -> Raster {
    let far = view(&Valley { sun: V3(0.42, 0.075, 1.0).unit() }, width, height);
    let woods = woods(width as f32 / height as f32);
    Raster::paint(width, height, 2.2, |x, y| {
        let (u, v) = ((x as f32 + 0.5) / height as f32, (y as f32 + 0.5) / height as f32);
        let cover = covered(&woods, u, v, 1.0 / height as f32);
        let behind = far.at(x, y);
        let dark = V3::srgb(0x0b_0c_14).mix(V3::srgb(0x1d_13_1a), smooth(0.6, 1.0, v)).display();
        [0, 1, 2].map(|channel| f32::from(behind[channel]) / 255.0 * (1.0 - cover) + dark[channel] * cover)
    })
}

// === impl Valley ===

impl Scene for Valley {
    fn eye(&self) -> Eye {
        Eye { height: 1.1, horizon: 0.565, zoom: 1.35, near: 2.2, far: 420.0, stride: 0.0016 }
    }

    fn water(&self) -> Option<f32> {
        Some(LAKE)
    }

    fn height(&self, x: f32, z: f32, distance: f32) -> f32 {
        // Far ground needs no pebbles: an octave less each time the distance doubles.
        let octaves = (13.0 - distance.max(4.0).log2()).clamp(5.0, 10.0);
        let rock = rock(x * 0.016 + 7.3, z * 0.016 + 4.9, octaves);
        // The ground rises behind the lake and at both sides of the valley.
        let back = smooth(34.0, 170.0, z + 0.25 * x.abs());
        let side = smooth(9.0, 62.0, x.abs() - 0.08 * z + 3.0 * smooth_noise(z * 0.08, 4.0, SEED));
        let rise = back.max(side * 0.8);
        let shore =
            smooth_noise(x * 0.12 + 0.7, z * 0.12, SEED + 3) * 0.9 + clouds(x * 0.5, z * 0.5, 4, SEED + 4) * 0.25;
        rise * (1.0 + 44.0 * rock.max(0.0).powf(1.7) * (0.3 + 0.7 * back)) - 1.5 + shore
    }

    fn ground(&self, point: V3, normal: V3, ray: V3) -> V3 {
        let V3(x, y, z) = point;
        let flat = normal.1;
        // Faces are looked at from the side, where height is a direction too: their grain runs along x + z and y.
        let face = clouds((x + z) * 1.3, y * 0.9, 5, SEED + 8);
        let grain = clouds(x * 1.9, z * 1.9, 5, SEED + 9);
        let layers = smooth_noise(y * 1.1 + grain * 1.5 + x * 0.05, x * 0.02, SEED + 10);
        let rock = V3::srgb(0x3d_37_37).mix(V3::srgb(0x8a_78_6c), (0.45 + 0.8 * face + 0.2 * layers).clamp(0.0, 1.0));
        let grass = V3::srgb(0x2c_33_1c).mix(V3::srgb(0x4b_42_20), 0.5 + grain);
        let woods = V3::srgb(0x0e_15_10).mix(V3::srgb(0x22_2d_1c), hash((x * 9.0) as i32, (z * 5.0) as i32, 3));
        let wooded = smooth(5.2, 2.2, y + grain * 3.0) * smooth(0.3, 0.6, flat);
        let grassed = smooth(0.62, 0.84, flat) * smooth(8.5, 4.0, y + grain * 2.5);
        let snowed = smooth(SNOW_LINE - 2.0, SNOW_LINE + 1.5, y + grain * 7.0) * smooth(0.42, 0.6, flat + grain * 0.12);
        let matter = rock.mix(grass, grassed).mix(woods, wooded).mix(V3::srgb(0xe4_e8_f0), snowed);

        let rough = V3(face * 0.55, grain * 0.3, -face * 0.35) * (1.0 - 0.75 * snowed);
        let lit = (normal + rough).unit().dot(self.lamp()).max(0.0);
        let open = 0.4 + 0.6 * flat;
        let light = V3(2.4, 0.95, 0.42) * lit + V3(0.085, 0.105, 0.2) * open + V3(0.2, 0.09, 0.08) * (0.3 * open);
        self.haze(matter.tint(light), point, ray)
    }

    fn sky(&self, ray: V3) -> V3 {
        let up = ray.1.max(0.0);
        let stops = [
            (0.0, V3::srgb(0xff_c4_7a) * 1.35),
            (0.045, V3::srgb(0xff_a6_6c) * 1.2),
            (0.12, V3::srgb(0xe3_7c_7c)),
            (0.22, V3::srgb(0x9d_62_94) * 0.85),
            (0.36, V3::srgb(0x4d_4d_8f) * 0.75),
            (0.55, V3::srgb(0x22_2c_5e) * 0.7),
        ];
        let toward = ray.dot(self.sun).max(0.0);
        let glow = V3(0.9, 0.42, 0.14) * (0.32 * toward.powf(18.0)) + V3(1.0, 0.72, 0.4) * (0.9 * toward.powf(260.0));
        let clear = ramp(&stops, up) * 0.62 + glow + V3::WHITE * stars(ray);
        clouded(clear, ray, toward)
    }

    fn water_light(&self, mirrored: V3, point: V3, ray: V3) -> V3 {
        // Seen from above water shows itself; seen flat it shows the sky.
        let flatness = (1.0 + ray.1).clamp(0.0, 1.0).powf(5.0);
        let deep = V3(0.012, 0.022, 0.04);
        let breeze = smooth(0.1, 0.55, clouds(point.0 * 0.07, point.2 * 0.022, 4, SEED + 31));
        deep.mix(mirrored.tint(V3(0.86, 0.87, 0.92)), 0.25 + 0.7 * flatness) + V3(0.16, 0.12, 0.13) * (breeze * 0.5)
    }

    fn ripple(&self, point: V3) -> f32 {
        let V3(x, _, z) = point;
        let breeze = smooth(0.0, 0.5, clouds(x * 0.07, z * 0.022, 4, SEED + 31));
        let waves = clouds(x * 1.4, z * 5.0, 4, SEED + 40);
        waves * (0.006 + 0.035 * breeze) / (1.0 + z * 0.02)
    }
}

impl Valley {
    /// Where light on the ground comes from: the sun, raised, as the bright sky around it shines too.
    fn lamp(&self) -> V3 {
        V3(self.sun.0 * 1.9, 0.42, self.sun.2 * 0.55).unit()
    }

    /// Light after the way through the evening's air: warm towards the sun, blue away from it.
    fn haze(&self, light: V3, point: V3, ray: V3) -> V3 {
        let toward = ray.dot(self.sun).max(0.0);
        let air = V3(0.115, 0.115, 0.235).mix(V3(0.55, 0.235, 0.14), toward.powf(9.0));
        let thin = (-point.1.max(0.0) * 0.05).exp();
        let seen = (-point.2 * 0.0062 * (0.45 + 0.55 * thin)).exp();
        air.mix(light, seen)
    }
}

fn clouded(clear: V3, ray: V3, toward: f32) -> V3 {
    // A ceiling far above: directions near the horizon look at parts of it that are far away.
    let reach = 1.0 / (ray.1 + 0.09);
    let (x, z) = (ray.0 * reach * 1.3 + 5.0, ray.2 * reach * 0.55);
    let bend = clouds(x * 0.8, z * 0.8, 4, SEED + 50);
    let mass = clouds(x + bend * 0.9, z + bend * 0.5, 7, SEED + 60);
    let dense = smooth(-0.02, 0.42, mass - 0.03) * smooth(0.0, 0.06, ray.1) * (1.0 - 0.5 * smooth(0.3, 0.55, ray.1));
    let behind = clouds(x + 0.16 + bend * 0.9, z + 0.1 + bend * 0.5, 5, SEED + 60);
    let rim = smooth(-0.12, 0.2, mass - behind);
    let shade = V3(0.11, 0.085, 0.17).mix(V3(0.26, 0.125, 0.12), toward.powf(5.0));
    let fire = V3(0.62, 0.2, 0.15).mix(V3(1.15, 0.55, 0.24), toward.powf(9.0));
    clear.mix(shade.mix(fire, rim), dense * 0.82)
}

/// Worn rock, 0 to about 1; a broken number of octaves fades the last one in.
fn rock(mut x: f32, mut z: f32, octaves: f32) -> f32 {
    let (mut sum, mut weight) = (0.0, 0.5);
    let (mut steep_x, mut steep_z) = (0.0, 0.0);
    for octave in 0..octaves.ceil() as u32 {
        let (value, slope_x, slope_z) = sloped(x, z, SEED + 100 + octave);
        steep_x += slope_x;
        steep_z += slope_z;
        let share = (octaves - octave as f32).min(1.0);
        // Steep flanks are already worn: what is finer shows on the rest.
        sum += share * weight * value / (1.0 + steep_x * steep_x + steep_z * steep_z);
        weight *= 0.5;
        (x, z) = next_octave(x, z);
    }
    0.5 + sum
}

/// The first stars, where the sky is already dark.
fn stars(ray: V3) -> f32 {
    let (x, y) = (ray.0 / ray.2 * 420.0, ray.1 / ray.2 * 420.0);
    let (cell_x, cell_y) = (x.floor() as i32, y.floor() as i32);
    let bright = hash(cell_x, cell_y, 91);
    if bright < 0.9955 {
        return 0.0;
    }
    let (dx, dy) = (x - cell_x as f32 - 0.5, y - cell_y as f32 - 0.5);
    let point = (-(dx * dx + dy * dy) * 26.0).exp();
    point * smooth(0.24, 0.5, ray.1) * (bright - 0.9955) * 420.0
}

/// Spruces on the near bank, at both edges of the picture, so that the view between them is free.
fn woods(width: f32) -> Vec<Spruce> {
    let mut dice = Dice::new(11);
    let mut woods = Vec::new();
    for seed in 0..46 {
        let edge = dice.roll().powf(1.7);
        let x = if seed % 3 == 0 { width * (1.0 - edge * 0.2) } else { width * edge * 0.27 };
        let height = dice.between(0.1, 0.27) * (1.25 - edge) + if seed == 2 { 0.16 } else { 0.0 };
        woods.push(Spruce { x, tip: bank(x) + 0.03 - height, height, seed });
    }
    woods
}

/// How far down the near bank begins at `x`, as a share of the picture's height.
fn bank(x: f32) -> f32 {
    let bay = smooth(0.05, 0.6, x) * smooth(1.55, 1.12, x);
    0.9 + 0.14 * bay + 0.012 * clouds(x * 9.0, 1.0, 5, SEED + 70)
}

/// How much of a pixel with edges of `size` the bank and its trees hide, 0 to 1.
fn covered(woods: &[Spruce], x: f32, y: f32, size: f32) -> f32 {
    let grass = 0.008 * hash((x / size) as i32, 0, 5) * hash((x / size * 0.3) as i32, 1, 5);
    let mut cover = smooth(-size, size, y - bank(x) + grass);
    for tree in woods {
        let (down, aside) = ((y - tree.tip) / tree.height, (x - tree.x).abs() / tree.height);
        if !(0.0..1.1).contains(&down) || aside > 0.3 {
            continue;
        }
        // Whorls of branches, longer towards the ground, with needles that no two sides share.
        let side = u32::from(x > tree.x);
        let whorl = down * 13.0 + 0.35 * smooth_noise(down * 9.0, tree.seed as f32 * 3.1, side);
        let droop = 1.0 - (whorl - whorl.floor());
        let needles = clouds(x * 90.0 / tree.height.sqrt(), y * 110.0 / tree.height.sqrt(), 3, tree.seed);
        let reach = 0.002 + 0.21 * down.powf(0.9) * (0.5 + 0.5 * (1.0 - droop * droop)) * (0.78 + 0.5 * needles);
        cover = cover.max(smooth(size, -size, (aside - reach) * tree.height));
    }
    cover
}

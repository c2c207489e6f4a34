//! Landscapes from a height for every place: each column of the picture walks away from the eye and paints what rises
//! above everything nearer. Slopes, light and haze come from the scene.

use super::raster::{Raster, rows};
use super::vector::V3;

/// Sub-pixels on each axis; edges of ridges are nothing but edges.
const SAMPLES: u32 = 2;

/// Ground in a pixel that is no farther than this times the other ground in it is the same slope.
const ALIKE: f32 = 1.012;

/// How far apart the heights are from which a slope is taken, as a share of the distance.
const SLOPE: f32 = 0.0016;

/// Where the eye stands and how it looks: level, along the third axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Eye {
    pub(super) height: f32,
    /// Share of the picture's height at which the horizon lies.
    pub(super) horizon: f32,
    /// Picture heights that one unit at distance one covers.
    pub(super) zoom: f32,
    pub(super) near: f32,
    pub(super) far: f32,
    /// How much farther each step is, as a share of the distance: the sharper the crests, the finer.
    pub(super) stride: f32,
}

/// What there is to see.
pub(super) trait Scene: Sync {
    fn eye(&self) -> Eye;
    /// The ground's height; `distance` tells how fine it must be.
    fn height(&self, x: f32, z: f32, distance: f32) -> f32;
    /// The light that comes from the ground at a point, seen along `ray`.
    fn ground(&self, point: V3, normal: V3, ray: V3) -> V3;
    /// The light that comes from where there is no ground.
    fn sky(&self, ray: V3) -> V3;
    /// The height of still water, if there is any.
    fn water(&self) -> Option<f32> {
        None
    }
    /// The light of water that mirrors `mirrored`.
    fn water_light(&self, mirrored: V3, _point: V3, _ray: V3) -> V3 {
        mirrored
    }
    /// How far waves at a point throw the mirror image, as a share of the picture's height.
    fn ripple(&self, _point: V3) -> f32 {
        0.0
    }
}

/// From rows of one column to directions.
struct Lens {
    /// Sub-pixels that one unit at distance one covers.
    focal: f32,
    /// The row of the horizon, in sub-pixels from the top.
    horizon: f32,
    /// How far right the column looks at distance one.
    aside: f32,
}

/// What a sub-pixel shows, and where it is.
#[derive(Clone, Copy)]
enum Seen {
    Sky,
    Ground(V3),
    Water(V3),
}

/// One column of sub-pixels, filled from the bottom up.
struct Column {
    light: Vec<V3>,
    seen: Vec<Seen>,
    /// Sub-pixels from here on are painted.
    top: usize,
}

// === impl Lens ===

impl Lens {
    fn ray(&self, row: f32) -> V3 {
        V3(self.aside, (self.horizon - row - 0.5) / self.focal, 1.0).unit()
    }
}

/// The view of a scene, as a lens without a grain would show it.
pub(super) fn view(scene: &impl Scene, width: u32, height: u32) -> Raster {
    // Columns are painted as rows of a picture that lies on its side, which is turned afterwards.
    let row_bytes = height as usize * 3;
    let lying = rows(width, row_bytes, &|x, bytes: &mut [u8]| {
        for (out, light) in bytes.chunks_exact_mut(3).zip(pixel_column(scene, x, width, height)) {
            for (byte, channel) in out.iter_mut().zip(light.film()) {
                *byte = (channel * 255.0 + 0.5) as u8;
            }
        }
    });
    Raster::paint(width, height, 0.0, |x, y| {
        let from = x as usize * row_bytes + y as usize * 3;
        [0, 1, 2].map(|channel| f32::from(lying[from + channel]) / 255.0)
    })
}

/// The light of one column of pixels from the top down: the mean of its sub-pixels.
fn pixel_column(scene: &impl Scene, x: u32, width: u32, height: u32) -> Vec<V3> {
    let mut light = vec![V3::BLACK; height as usize];
    for sub in 0..SAMPLES {
        let column = sub_column(scene, (x * SAMPLES + sub) as f32, (width * SAMPLES) as f32, height * SAMPLES);
        for (pixel, samples) in light.iter_mut().zip(column.chunks_exact(SAMPLES as usize)) {
            let sum = samples.iter().fold(V3::BLACK, |sum, sample| sum + *sample);
            *pixel = *pixel + sum / (SAMPLES * SAMPLES) as f32;
        }
    }
    light
}

fn sub_column(scene: &impl Scene, x: f32, width: f32, height: u32) -> Vec<V3> {
    let eye = scene.eye();
    let lens = Lens {
        focal: eye.zoom * height as f32,
        horizon: eye.horizon * height as f32,
        aside: (x + 0.5 - width / 2.0) / (eye.zoom * height as f32),
    };
    let rows = height as usize;
    let mut column = Column { light: vec![V3::BLACK; rows], seen: vec![Seen::Sky; rows], top: rows };
    walk(scene, &lens, &mut column);
    // The sky has no edges: one look a pixel is enough.
    for row in 0..column.top {
        column.light[row] = if is_second(row) { column.light[row - 1] } else { scene.sky(lens.ray(row as f32)) };
    }
    mirror(scene, &lens, &mut column);
    column.light
}

/// From near to far, painting what shows above everything nearer.
fn walk(scene: &impl Scene, lens: &Lens, column: &mut Column) {
    let eye = scene.eye();
    let (mut distance, mut before) = (eye.near, None);
    while distance < eye.far && column.top > 0 {
        let ground = scene.height(lens.aside * distance, distance, distance);
        let level = scene.water().map_or(ground, |water| ground.max(water));
        let row = lens.horizon - (level - eye.height) * lens.focal / distance;
        let (last_distance, last_row, last_level) = before.unwrap_or((distance, row, level));
        while column.top > 0 && (column.top as f32 - 0.5) > row {
            column.top -= 1;
            let share = ((last_row - column.top as f32 - 0.5) / (last_row - row).max(1e-6)).clamp(0.0, 1.0);
            let z = last_distance + (distance - last_distance) * share;
            let point = V3(lens.aside * z, last_level + (level - last_level) * share, z);
            column.seen[column.top] = if level > ground { Seen::Water(point) } else { Seen::Ground(point) };
            if level <= ground {
                column.light[column.top] = match column.seen.get(column.top + 1) {
                    // Two looks at one slope within a pixel see the same.
                    Some(Seen::Ground(below)) if !is_second(column.top) && point.2 < below.2 * ALIKE => {
                        column.light[column.top + 1]
                    }
                    _ => scene.ground(point, normal(scene, point), lens.ray(column.top as f32)),
                };
            }
        }
        before = Some((distance, row, level));
        distance *= 1.0 + eye.stride;
    }
}

/// Whether a row of sub-pixels is the second one of its pixel.
fn is_second(row: usize) -> bool {
    row % SAMPLES as usize == 1
}

fn normal(scene: &impl Scene, point: V3) -> V3 {
    let step = point.2 * SLOPE;
    let height = |x: f32, z: f32| scene.height(x, z, point.2);
    let here = height(point.0, point.2);
    V3(here - height(point.0 + step, point.2), step, here - height(point.0, point.2 + step)).unit()
}

/// Gives each row of water the light of what a ray meets after touching it there.
fn mirror(scene: &impl Scene, lens: &Lens, column: &mut Column) {
    let Some(level) = scene.water() else { return };
    let above = scene.eye().height - level;
    // Water nearer to the eye mirrors higher ground, so the search goes on where the last one ended.
    let mut source = column.light.len();
    for row in column.top..column.light.len() {
        let Seen::Water(point) = column.seen[row] else { continue };
        if is_second(row) && matches!(column.seen[row - 1], Seen::Water(_)) {
            column.light[row] = column.light[row - 1];
            continue;
        }
        let climb = above / point.2;
        source = source.min(row);
        while source > column.top && !stops(column.seen[source - 1], point, level, climb) {
            source -= 1;
        }
        // Only upwards: below the mirrored ground there is water, whose own light is not known yet.
        let thrown = -scene.ripple(point).abs() * column.light.len() as f32;
        let (ray, bent) = (lens.ray(row as f32), source as f32 - 1.0 + thrown);
        let mirrored = if source > column.top && bent >= column.top as f32 {
            column.light[bent as usize]
        } else {
            let rise = -ray.1 / ray.2 - thrown / lens.focal;
            scene.sky(V3(ray.0 / ray.2, rise.max(0.0), 1.0).unit())
        };
        column.light[row] = scene.water_light(mirrored, point, ray);
    }
}

/// Whether ground at this place stands in the way of light that left the water at `from` and climbs.
fn stops(seen: Seen, from: V3, level: f32, climb: f32) -> bool {
    match seen {
        Seen::Ground(point) => point.2 > from.2 && point.1 >= level + climb * (point.2 - from.2),
        Seen::Sky | Seen::Water(_) => false,
    }
}

//! Fruit and a jug on a table beside a window.

use super::fruit::{Kind, Skin, Thing};
use super::noise::{Dice, clouds, smooth_noise};
use super::raster::Raster;
use super::vector::{V3, smooth};

/// The room: a table at height 0, a wall behind it, a window on the left.
struct Room {
    things: Vec<Thing>,
    /// The balls that stand for the things where light is blocked, each with the number of its thing.
    balls: Vec<(usize, V3, f32)>,
}

/// Where a ray ends.
enum Met {
    Thing(usize),
    Table,
    Wall,
}

const EYE: V3 = V3(0.25, 3.1, -9.6);
/// Picture heights that one unit at distance one covers.
const ZOOM: f32 = 1.72;
/// How much the eye looks down.
const DOWN: f32 = 0.205;
const WALL: f32 = 4.2;
/// The middle of the window, which is all the light there is.
const WINDOW: V3 = V3(-7.5, 5.4, -3.4);
const STEPS_MAX: u32 = 90;
/// The radius of a grape.
const GRAPE: f32 = 0.235;

/// The picture in any size of about 4:3.
pub(super) fn paint(width: u32, height: u32) -> Raster {
    let room = Room::laid();
    Raster::paint(width, height, 2.0, |x, y| {
        let sample = |dx: f32, dy: f32| {
            let right = (x as f32 + dx - width as f32 / 2.0) / height as f32 / ZOOM;
            let up = (height as f32 / 2.0 - y as f32 - dy) / height as f32 / ZOOM;
            room.light(EYE, V3(right, up - DOWN, 1.0).unit())
        };
        // Where the corners of a pixel agree there is no edge in it to smooth.
        let (one, other) = (sample(0.25, 0.25), sample(0.75, 0.75));
        let apart = (one - other).length();
        let mut light = (one + other) / 2.0;
        if apart > 0.012 + 0.03 * light.length() {
            light = (light + (sample(0.75, 0.25) + sample(0.25, 0.75)) / 2.0) / 2.0;
        }
        let (u, v) = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5);
        let edge = 1.0 - 0.75 * (u * u + v * v);
        (light * (edge * 1.15)).film()
    })
}

// === impl Room ===

impl Room {
    fn laid() -> Self {
        let thing = |kind, middle, size, up: V3, seed| Thing { kind, middle, size, up: up.unit(), seed };
        let mut things = vec![
            thing(Kind::Jug, V3(-1.75, 1.5, 1.6), 1.3, V3(0.0, 1.0, 0.0), 1),
            thing(Kind::Apple, V3(0.35, 0.72, 0.55), 0.9, V3(0.12, 1.0, -0.18), 2),
            thing(Kind::Apple, V3(1.95, 0.66, -0.35), 0.84, V3(0.75, 0.62, -0.45), 5),
            thing(Kind::Orange, V3(-0.62, 0.8, -1.25), 0.8, V3(0.3, 1.0, -0.4), 3),
            thing(Kind::Pear, V3(1.55, 1.12, 1.35), 1.08, V3(0.14, 1.0, 0.0), 4),
            thing(Kind::Lemon, V3(-2.35, 0.55, -1.1), 0.71, V3(1.0, 0.1, 0.42), 6),
            thing(Kind::Orange, V3(3.15, 0.76, 0.85), 0.76, V3(0.3, 1.0, 0.4), 8),
        ];
        heap_grapes(&mut things);
        let number = |(index, thing): (usize, &Thing)| thing.balls().map(|(middle, radius)| (index, middle, radius));
        let balls = things.iter().enumerate().flat_map(number).collect();
        Self { things, balls }
    }

    fn light(&self, from: V3, ray: V3) -> V3 {
        let (met, way) = self.meet(from, ray);
        let point = from + ray * way;
        match met {
            Met::Wall => wall(point) * (0.3 + 0.7 * self.window_seen(point, None)),
            Met::Table => {
                let skin = table(point);
                let normal = (V3(0.0, 1.0, 0.0) + skin.bump).unit();
                let mirrored = self.mirrored(point, ray.reflect(normal));
                self.shade(point, normal, ray, skin, None) + mirrored * (0.03 + 0.5 * (1.0 + ray.dot(normal)).powf(5.0))
            }
            Met::Thing(index) => {
                let thing = &self.things[index];
                let skin = thing.skin(point);
                let normal = (normal(thing, point) + skin.bump).unit();
                self.shade(point, normal, ray, skin, Some(index))
            }
        }
    }

    /// What a ray meets first, and after which way.
    fn meet(&self, from: V3, ray: V3) -> (Met, f32) {
        let to_wall = (WALL - from.2) / ray.2;
        let to_table = -from.1 / ray.1;
        let is_table = ray.1 < 0.0 && (to_table < to_wall || ray.2 <= 0.0);
        let mut nearest = if is_table { (Met::Table, to_table) } else { (Met::Wall, to_wall.max(0.0)) };
        for (index, thing) in self.things.iter().enumerate() {
            if let Some(way) = march(thing, from, ray, nearest.1) {
                nearest = (Met::Thing(index), way);
            }
        }
        nearest
    }

    fn shade(&self, point: V3, normal: V3, ray: V3, skin: Skin, own: Option<usize>) -> V3 {
        let toward = (WINDOW - point).unit();
        let open = self.window_seen(point, own);
        let facing = normal.dot(toward);
        // The window is broad, so that its light reaches around; flesh lets through a little more.
        let around = 0.32 + skin.clear;
        let lit = ((facing + around) / (1.0 + around)).max(0.0).powf(1.35);
        let through = skin.clear * (0.5 - 0.5 * facing).powf(2.0) * (1.0 + ray.dot(normal)).clamp(0.0, 1.0);
        let shut = self.closeness(point, normal, own);
        let sky = V3(0.4, 0.4, 0.44) * (0.75 - 0.25 * normal.0) + V3(0.42, 0.25, 0.14) * (0.5 - 0.5 * normal.1);
        let light = V3(2.05, 1.86, 1.6) * (lit * open + through * 0.5) + sky * (shut * 0.5);
        let edge =
            skin.gloss + (1.0 - skin.gloss) * (1.0 + ray.dot(normal)).clamp(0.0, 1.0).powf(5.0) * (1.0 - skin.matt);
        let shine = window_image(point, ray.reflect(normal), skin.matt) * (0.35 + 0.65 * open);
        skin.colour.tint(light) + shine * edge.min(0.6) + V3(0.05, 0.045, 0.04) * (edge * shut)
    }

    /// What the polished table shows of things that stand near it.
    fn mirrored(&self, point: V3, ray: V3) -> V3 {
        let (met, way) = self.meet(point + ray * 0.02, ray);
        let Met::Thing(index) = met else { return V3(0.05, 0.045, 0.04) };
        let thing = &self.things[index];
        let place = point + ray * (way + 0.02);
        let skin = thing.skin(place);
        let normal = normal(thing, place);
        let lit = normal.dot((WINDOW - place).unit()).max(0.0);
        skin.colour.tint(V3(2.6, 2.3, 2.0) * lit + V3::all(0.12)) * (-way * 0.5).exp()
    }

    /// How much of the window a point sees past all things but its own, 0 to 1.
    fn window_seen(&self, point: V3, own: Option<usize>) -> f32 {
        let toward = WINDOW - point;
        let (ray, far) = (toward.unit(), toward.length());
        let mut seen: f32 = 1.0;
        for (_, middle, radius) in self.balls.iter().filter(|(index, ..)| Some(*index) != own) {
            let to = *middle - point;
            let along = to.dot(ray);
            let is_inside = to.length() < *radius;
            if !is_inside && (along <= 0.0 || along > far) {
                continue;
            }
            let miss = (to - ray * along).length() - radius;
            // The window's half breadth as seen from here, thrown back past the ball, is the penumbra.
            let penumbra = along.max(0.05) * 0.26;
            seen *= if is_inside { 0.0 } else { smooth(-0.9, 1.1, miss / penumbra) };
        }
        seen
    }

    /// How open a point is to the room, 0 to 1.
    fn closeness(&self, point: V3, normal: V3, own: Option<usize>) -> f32 {
        let mut open = 1.0 - 0.6 * smooth(0.3, -1.0, normal.1) * smooth(1.4, 0.0, point.1);
        for (_, middle, radius) in self.balls.iter().filter(|(index, ..)| Some(*index) != own) {
            let to = *middle - point;
            let share = (radius / to.length()).min(1.0);
            open *= 1.0 - (normal.dot(to.unit()) * 0.7 + 0.3).max(0.0) * share * share * 0.8;
        }
        open
    }
}

/// Drops grapes one by one; each comes to lie on the table or on those before it.
fn heap_grapes(things: &mut Vec<Thing>) {
    let mut dice = Dice::new(16);
    let fruit = things.len();
    for seed in 0..260 {
        // A heap that is long and low and thins out to the right.
        let (along, aside) = (dice.roll().powf(1.3), dice.between(-1.0, 1.0));
        let breadth = 0.7 * (1.0 - 0.8 * along);
        let (x, z) = (0.5 + along * 2.3, -2.05 - along * 0.2 + aside * breadth);
        let apart = |other: &Thing| V3(other.middle.0 - x, 0.0, other.middle.2 - z).length();
        if things[..fruit].iter().any(|other| apart(other) < other.size + GRAPE) {
            continue;
        }
        // Ripe grapes give way a little where they touch.
        let touch = GRAPE * 1.86;
        let rests = things[fruit..].iter().filter(|other| apart(other) < touch);
        let y = rests.map(|other| other.middle.1 + (touch * touch - apart(other).powi(2)).sqrt()).fold(GRAPE, f32::max);
        if y < GRAPE + breadth * 1.1 {
            let up = V3(dice.between(-1.0, 1.0), 0.6, dice.between(-1.0, 1.0)).unit();
            things.push(Thing { kind: Kind::Grape, middle: V3(x, y, z), size: GRAPE, up, seed });
        }
    }
}

/// The way to a thing along a ray, if it is shorter than `limit`.
fn march(thing: &Thing, from: V3, ray: V3, limit: f32) -> Option<f32> {
    let to = thing.middle - from;
    let along = to.dot(ray);
    let reach = thing.reach() * thing.size;
    let inside = reach * reach - (to.dot(to) - along * along);
    if inside <= 0.0 {
        return None;
    }
    let mut way = (along - inside.sqrt()).max(0.0);
    let end = (along + inside.sqrt()).min(limit);
    for _ in 0..STEPS_MAX {
        if way > end {
            return None;
        }
        let distance = thing.distance(from + ray * way);
        if distance < 0.0003 * way {
            return Some(way);
        }
        way += distance;
    }
    None
}

fn normal(thing: &Thing, point: V3) -> V3 {
    let step = 0.004 * thing.size;
    let slope = |axis: V3| thing.distance(point + axis * step) - thing.distance(point - axis * step);
    V3(slope(V3(1.0, 0.0, 0.0)), slope(V3(0.0, 1.0, 0.0)), slope(V3(0.0, 0.0, 1.0))).unit()
}

/// Old boards, along the table.
fn table(point: V3) -> Skin {
    let V3(x, _, z) = point;
    let board = (z / 1.15 + 40.3).floor();
    let across = (z / 1.15 + 40.3 - board - 0.5).abs() * 2.0;
    let shift = board * 17.3;
    // A knot here and there draws the years' rings around itself.
    let knot = smooth_noise((x + shift) * 0.35, board * 3.7, 60) * 1.6;
    let rings = (z * 5.2 + shift + knot + clouds(x * 0.22 + shift, z * 1.7, 3, 61) * 1.7) * 2.1;
    let year = 0.5 + 0.5 * (rings * 3.2).sin();
    let fibre = clouds(x * 2.6 + shift, z * 55.0, 4, 62);
    let wear = clouds(x * 0.5, z * 0.7, 4, 63);
    let wood = V3::srgb(0x6b_41_25).mix(V3::srgb(0x93_63_3a), year * 0.55 + 0.25 + fibre * 0.35);
    let gap = smooth(0.985, 0.999, across);
    let colour = wood.mix(V3::srgb(0xa0_78_50), smooth(0.1, 0.6, wear) * 0.25) * (1.0 - 0.92 * gap);
    let bump = V3(fibre * 0.012, 0.0, fibre * 0.05 + (year - 0.5) * 0.012);
    Skin { colour: colour * 0.78, gloss: 0.03, matt: 0.28, clear: 0.0, bump }
}

/// Plaster that the window touches less and less.
fn wall(point: V3) -> V3 {
    let V3(x, y, _) = point;
    let stain = clouds(x * 0.45, y * 0.45, 6, 70);
    let trowel = clouds(x * 3.0 + stain * 2.0, y * 3.0, 4, 71);
    let colour = V3::srgb(0x4c_4a_40).mix(V3::srgb(0x6a_61_50), 0.5 + stain * 0.9 + trowel * 0.25);
    let toward = WINDOW - point;
    let far = toward.length();
    colour * ((1.0 + 0.25 * trowel) * 42.0 * (toward.2.abs() / far) / (far * far) + 0.04)
}

/// The light that a mirror at `point` would throw from the window: four panes and their bars.
fn window_image(point: V3, ray: V3, matt: f32) -> V3 {
    if ray.0 >= -0.05 {
        return V3::BLACK;
    }
    let way = (WINDOW.0 - point.0) / ray.0;
    let place = point + ray * way;
    let (across, up) = ((place.2 - WINDOW.2) / 2.6, (place.1 - WINDOW.1) / 2.9);
    let blur = 0.05 + matt * 1.5;
    let pane = |at: f32| smooth(1.0 + blur, 1.0 - blur, at.abs());
    let bar = |at: f32| 1.0 - 0.9 * smooth(0.09 + blur, 0.04, at.abs()) * smooth(0.35, 0.05, matt);
    V3(1.0, 0.97, 0.92) * (pane(across) * pane(up) * bar(across) * bar(up) * 9.0 / (1.0 + matt * 6.0))
}

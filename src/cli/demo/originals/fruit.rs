//! Things on the table: their shapes as distances, their skins as functions of a place on them.

use super::noise::{clouds, hash, smooth_noise};
use super::vector::{V3, smooth};

/// What lies there. Shapes are given for a size of one around their middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Apple,
    Orange,
    Lemon,
    Pear,
    Grape,
    Jug,
}

/// One thing at its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) middle: V3,
    pub(super) size: f32,
    /// Its own upward direction.
    pub(super) up: V3,
    pub(super) seed: u32,
}

/// What light does at a surface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Skin {
    pub(super) colour: V3,
    /// Share of light mirrored when looked at straight.
    pub(super) gloss: f32,
    /// How far the window's image is blurred, 0 for a mirror.
    pub(super) matt: f32,
    /// Share of light that passes through from behind.
    pub(super) clear: f32,
    /// How much the normal is thrown about by pores.
    pub(super) bump: V3,
}

/// From which height to which the stems reach, and how far they bend.
const APPLE_STEM: (f32, f32, f32) = (0.25, 0.95, 0.14);
const PEAR_STEM: (f32, f32, f32) = (0.7, 1.22, 0.2);

// === impl Thing ===

impl Thing {
    /// The radius around the middle outside which nothing of it is, in sizes.
    pub(super) fn reach(&self) -> f32 {
        match self.kind {
            Kind::Apple => 1.25,
            Kind::Lemon | Kind::Pear => 1.35,
            Kind::Jug => 2.3,
            Kind::Orange | Kind::Grape => 1.02,
        }
    }

    /// Balls that throw about the same shadow: middle and radius.
    pub(super) fn balls(&self) -> [(V3, f32); 2] {
        let ball = |up: f32, radius: f32| (self.middle + self.up * (up * self.size), radius * self.size);
        match self.kind {
            Kind::Apple => [ball(0.0, 0.93), ball(0.0, 0.93)],
            Kind::Lemon => [ball(0.28, 0.68), ball(-0.28, 0.68)],
            Kind::Pear => [ball(-0.35, 0.72), ball(0.5, 0.4)],
            Kind::Jug => [ball(-0.25, 1.0), ball(1.05, 0.55)],
            Kind::Orange | Kind::Grape => [ball(0.0, 1.0), ball(0.0, 1.0)],
        }
    }

    /// The place in the thing's own frame, in sizes.
    pub(super) fn local(&self, point: V3) -> V3 {
        let from = (point - self.middle) / self.size;
        let side = if self.up.1.abs() > 0.9 { V3(1.0, 0.0, 0.0) } else { V3(0.0, 1.0, 0.0) };
        let right = (side - self.up * side.dot(self.up)).unit();
        let ahead = V3(
            right.1 * self.up.2 - right.2 * self.up.1,
            right.2 * self.up.0 - right.0 * self.up.2,
            right.0 * self.up.1 - right.1 * self.up.0,
        );
        V3(from.dot(right), from.dot(self.up), from.dot(ahead))
    }

    /// How far the surface is at least, negative inside.
    pub(super) fn distance(&self, point: V3) -> f32 {
        let at = self.local(point);
        let around = (at.0 * at.0 + at.2 * at.2).sqrt();
        self.size
            * 0.8
            * match self.kind {
                Kind::Apple => apple(at, around),
                Kind::Orange => V3(at.0, at.1 * 1.05, at.2).length() - 1.0,
                Kind::Lemon => lemon(at, around),
                Kind::Pear => pear(at, around),
                Kind::Grape => V3(at.0, at.1 * 0.92, at.2).length() - 0.92,
                Kind::Jug => jug(at, around),
            }
    }

    pub(super) fn skin(&self, point: V3) -> Skin {
        let at = self.local(point);
        let turn = at.2.atan2(at.0);
        match self.kind {
            Kind::Apple => self.apple_skin(at, turn),
            Kind::Orange => {
                let pores = pores(at, 17.0, self.seed);
                let colour =
                    V3::srgb(0xe2_76_14).mix(V3::srgb(0xc8_55_0a), 0.5 + 0.5 * clouds(turn * 2.0, at.1 * 3.0, 3, 5));
                Skin { colour: colour * 0.95, gloss: 0.045, matt: 0.3, clear: 0.05, bump: pores * 0.07 }
            }
            Kind::Lemon => {
                let pores = pores(at, 12.0, self.seed);
                let tip = smooth(0.75, 1.15, at.1.abs());
                let colour = V3::srgb(0xdb_a6_15).mix(V3::srgb(0x94_86_1e), tip * 0.8 + 0.2 * pores.0.abs());
                Skin { colour, gloss: 0.045, matt: 0.25, clear: 0.08, bump: pores * 0.06 }
            }
            Kind::Pear => self.pear_skin(at, turn),
            Kind::Grape => self.grape_skin(at),
            Kind::Jug => jug_skin(at, turn),
        }
    }

    fn apple_skin(&self, at: V3, turn: f32) -> Skin {
        if twig(at, APPLE_STEM) < 0.012 {
            return stem();
        }
        let streaks = clouds(turn * 16.0, at.1 * 0.9 + turn, 5, self.seed);
        let sunny = smooth(-0.75, 0.75, streaks * 0.9 + 0.75 * (turn + 1.0 + self.seed as f32).cos());
        let hollow = smooth(0.42, 0.16, (at.0 * at.0 + at.2 * at.2).sqrt()) * smooth(0.0, 0.3, at.1);
        let green = V3::srgb(0xb9_a5_3a).mix(V3::srgb(0x8c_9a_2e), hollow);
        let red = V3::srgb(0xa3_12_15).mix(V3::srgb(0x6e_08_12), 0.5 + streaks);
        let colour = green.mix(red, sunny * (1.0 - hollow * 0.85));
        Skin { colour, gloss: 0.05, matt: 0.07, clear: 0.03, bump: V3::BLACK }
    }

    fn pear_skin(&self, at: V3, turn: f32) -> Skin {
        if twig(at, PEAR_STEM) < 0.012 {
            return stem();
        }
        let blush = smooth(0.1, 0.9, (turn - 2.2).cos() + 0.3 * clouds(turn * 2.0, at.1 * 2.0, 4, self.seed));
        let dots = smooth(0.2, 0.5, smooth_noise(turn * 26.0, at.1 * 30.0, self.seed));
        let base = V3::srgb(0xa9_a8_2e).mix(V3::srgb(0xc9_b2_48), 0.5 + clouds(turn, at.1 * 2.0, 3, 8));
        let colour = base.mix(V3::srgb(0xb8_5a_2a), blush * 0.75).mix(V3::srgb(0x6b_5a_25), dots * 0.3);
        Skin { colour, gloss: 0.04, matt: 0.2, clear: 0.06, bump: V3(dots, 0.0, dots) * 0.03 }
    }

    fn grape_skin(&self, at: V3) -> Skin {
        let dust = pores(at, 1.7, self.seed);
        let bloom = smooth(-0.5, 0.8, dust.0 + dust.1 + dust.2);
        let flesh = V3::srgb(0x3a_0d_30).mix(V3::srgb(0x5e_14_34), hash(self.seed as i32, 1, 1));
        let colour = flesh.mix(V3::srgb(0x7f_80_a8), bloom * 0.45);
        Skin { colour, gloss: 0.05, matt: 0.08 + 0.3 * bloom, clear: 0.25, bump: V3::BLACK }
    }
}

fn jug_skin(at: V3, turn: f32) -> Skin {
    // The potter's hands leave rings; the glaze runs and ends above the foot.
    let rings = smooth_noise(at.1 * 16.0, 0.5, 7) * 0.5 + smooth_noise(at.1 * 37.0, turn * 0.7, 8) * 0.25;
    let run = -0.82 + 0.12 * smooth_noise(turn * 3.0, 1.0, 9);
    let glazed = smooth(run - 0.02, run + 0.02, at.1);
    let glaze = V3::srgb(0x12_2b_3c)
        .mix(V3::srgb(0x2c_58_62), (0.4 + 0.5 * rings + 0.4 * clouds(turn, at.1 * 3.0, 5, 10)).clamp(0.0, 1.0));
    let rim = smooth(1.62, 1.75, at.1);
    let clay = V3::srgb(0x8a_5f_45);
    let colour = clay.mix(glaze.mix(V3::srgb(0x7d_5a_3c), rim * 0.7), glazed);
    Skin {
        colour,
        gloss: 0.055 * glazed + 0.02,
        matt: 0.08 + 0.4 * (1.0 - glazed),
        clear: 0.0,
        bump: V3(0.0, rings * 0.045, 0.0),
    }
}

fn apple(at: V3, around: f32) -> f32 {
    // A ring so thick that it closes: its hollows are those at stem and blossom.
    let taper = around * (1.04 - 0.14 * at.1);
    let body = ((taper - 0.4).powi(2) + (at.1 * 0.98).powi(2)).sqrt() - 0.6;
    body.min(twig(at, APPLE_STEM))
}

fn lemon(at: V3, around: f32) -> f32 {
    let body = V3(around, at.1 * 0.78, 0.0).length() - 0.78;
    let tip = V3(around, at.1.abs() - 1.02, 0.0).length() - 0.13;
    melt(body, tip, 0.28)
}

fn pear(at: V3, around: f32) -> f32 {
    let belly = V3(around, at.1 + 0.35, 0.0).length() - 0.72;
    let neck = V3(around, at.1 - 0.52, 0.0).length() - 0.33;
    melt(belly, neck, 0.5).min(twig(at, PEAR_STEM))
}

fn jug(at: V3, around: f32) -> f32 {
    let body = V3(around, (at.1 + 0.2) * 0.92, 0.0).length() - 0.95;
    let neck_half = 0.42 + 0.16 * smooth(0.9, 1.8, at.1) + 0.3 * smooth(0.9, 0.3, at.1);
    let neck = (around - neck_half).max((at.1 - 1.05).abs() - 0.72);
    let foot = (around - 0.62).max((at.1 + 1.02).abs() - 0.14);
    let hollow = (around - neck_half + 0.07).max(0.6 - at.1);
    let bend = V3(0.0, at.1 - 0.75, at.0 + 0.78).length();
    let handle = V3(bend - 0.52, at.2 * 0.7, 0.0).length() - 0.085;
    let vessel = melt(melt(body, neck, 0.25), foot, 0.12).max(-hollow);
    melt(vessel, handle, 0.08)
}

/// Two bodies run together over `width`.
fn melt(a: f32, b: f32, width: f32) -> f32 {
    let near = (width - (a - b).abs()).max(0.0) / width;
    a.min(b) - near * near * width * 0.25
}

fn twig(at: V3, (from, to, bend): (f32, f32, f32)) -> f32 {
    let share = ((at.1 - from) / (to - from)).clamp(0.0, 1.0);
    let middle = V3(bend * share * share, from + (to - from) * share, 0.0);
    (at - middle).length() - 0.03 - 0.02 * share * share
}

fn stem() -> Skin {
    Skin { colour: V3::srgb(0x4a_36_1e), gloss: 0.02, matt: 0.5, clear: 0.0, bump: V3::BLACK }
}

/// Slopes of fine pores, from noise on two planes so that no pole shows.
fn pores(at: V3, fine: f32, seed: u32) -> V3 {
    let one = clouds(at.0 * fine, at.1 * fine, 2, seed);
    let two = clouds(at.2 * fine, at.1 * fine + 7.0, 2, seed);
    let three = clouds(at.0 * fine, at.2 * fine + 3.0, 2, seed);
    V3(one, two, three)
}

//! The demo's originals: pictures made by code, so that a demo needs no photograph, no network and no licence but ours.
//!
//! Each is a pure function: the same bytes on every machine, give or take the last bit of a float. They are pixels or
//! text here; encoding them is the engine's work.

mod chart;
mod dunes;
mod fruit;
mod ink;
mod map;
mod mountains;
mod noise;
mod raster;
mod sheet;
mod shutter;
mod still_life;
mod terrain;
mod vector;

pub use raster::Raster;

/// One picture of the demo.
#[derive(Debug, Clone, Copy)]
pub struct DemoOriginal {
    /// A file name, whose extension says what it is to be encoded as.
    pub name: &'static str,
    pub title: &'static str,
    /// What it is good for trying, in a sentence without a full stop.
    pub description: &'static str,
    pub kind: Kind,
    make: fn() -> Made,
}

/// What a picture stands for among originals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Photo,
    Alpha,
    Animation,
    Vector,
    Large,
    Flat,
}

/// What comes out of a picture's function.
#[derive(Debug, Clone)]
pub enum Made {
    Still(Raster),
    /// Frames of one size with the milliseconds that each is shown; it runs for ever.
    Film(Vec<(Raster, u32)>),
    /// SVG.
    Text(String),
}

// === impl DemoOriginal ===

impl DemoOriginal {
    /// Makes the picture: up to a few seconds of every core, and three bytes a pixel.
    pub fn make(&self) -> Made {
        (self.make)()
    }
}

// === impl Kind ===

impl Kind {
    /// The kind in a catalogue that other programs read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Alpha => "alpha",
            Self::Animation => "animation",
            Self::Vector => "vector",
            Self::Large => "large",
            Self::Flat => "flat",
        }
    }
}

/// Every picture of the demo, in the order in which they are shown.
pub fn catalogue() -> Vec<DemoOriginal> {
    let original = |name, title, kind, make, description| DemoOriginal { name, title, description, kind, make };
    vec![
        original("landscape.jpg", "Mountain lake", Kind::Photo, landscape, "soft gradients, fine rock and a wide view"),
        original("dunes.jpg", "Dunes", Kind::Photo, portrait, "an upright photograph with regular texture"),
        original("fruit.jpg", "Still life", Kind::Photo, fruit, "strong colours, highlights and deep shadows"),
        original("badge.png", "Badge", Kind::Alpha, badge, "transparency with soft edges and a shadow"),
        original("pulse.gif", "Shutter", Kind::Animation, pulse, "an animation of 24 frames"),
        original("map.svg", "Town map", Kind::Vector, town, "shapes, gradients and text without a fixed size"),
        original("large.jpg", "Map sheet", Kind::Large, large, "48 megapixels of lines and small letters"),
        original("chart.png", "Chart", Kind::Flat, flat, "flat colours and sharp edges, as in a screenshot"),
    ]
}

fn landscape() -> Made {
    Made::Still(mountains::paint(2400, 1600))
}

fn portrait() -> Made {
    Made::Still(dunes::paint(1600, 2400))
}

fn fruit() -> Made {
    Made::Still(still_life::paint(2000, 1500))
}

fn badge() -> Made {
    Made::Still(shutter::badge(800))
}

fn pulse() -> Made {
    Made::Film(shutter::film(480, 360))
}

fn town() -> Made {
    Made::Text(map::svg())
}

fn large() -> Made {
    Made::Still(sheet::paint(8000, 6000))
}

fn flat() -> Made {
    Made::Still(chart::paint(1600, 1000))
}

#[cfg(test)]
mod tests;

//! Originals by formula: every colour says where in the picture it stands, so that a wrong size, turn or crop shows in
//! the colours. Encoded by the library's own libvips layer.

use bytes::Bytes;
use tintype::engine::vips::{Image, Op, Value, Vips, VipsError, VipsSpec};

/// A picture of 8-bit numbers, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    pub width: u32,
    pub height: u32,
    /// Numbers a pixel: 1 grey, 3 RGB, 4 RGBA.
    pub bands: u32,
    pub pixels: Vec<u8>,
}

/// The two squares of the checkerboard in blue.
const DARK: u32 = 64;
const LIGHT: u32 = 192;

// === impl Raster ===

impl Raster {
    /// A picture whose pixel at x and y is what `pixel` says.
    pub fn of<const BANDS: usize>(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; BANDS]) -> Self {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = places.flat_map(|(x, y)| pixel(x, y)).collect();
        Self { width, height, bands: BANDS as u32, pixels }
    }

    /// The pixel at x and y, as RGB.
    pub fn rgb(&self, x: u32, y: u32) -> [u8; 3] {
        let at = ((y * self.width + x) * self.bands) as usize;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }

    /// The same for libvips.
    pub fn image(&self) -> Image {
        start();
        let image = Image::from_pixels(&self.pixels, self.width, self.height, self.bands);
        let meaning = if self.bands < 3 { "b-w" } else { "srgb" };
        let named = |image: Image| Op::new("copy")?.set("in", &image)?.set("interpretation", Value::Nick(meaning));
        image.and_then(named).and_then(Op::image).expect("a picture in memory")
    }

    pub fn png(&self) -> Vec<u8> {
        saved(&self.image(), "pngsave_buffer", Ok)
    }

    /// Quality 95 with colours at full resolution.
    pub fn jpeg(&self) -> Vec<u8> {
        saved(&self.image(), "jpegsave_buffer", |op| {
            op.set("Q", 95)?.set("subsample_mode", Value::Nick("off"))?.set_if_supported("strip", true)
        })
    }
}

/// Red counts columns, green counts rows, blue is a checkerboard of eight by eight squares.
pub fn marks(width: u32, height: u32) -> Raster {
    Raster::of(width, height, |x, y| mark(width, height, x, y))
}

/// One pixel of [`marks`].
pub fn mark(width: u32, height: u32, x: u32, y: u32) -> [u8; 3] {
    let ramp = |at: u32, side: u32| (255 * at / (side - 1).max(1)) as u8;
    let is_light = !(x * 8 / width + y * 8 / height).is_multiple_of(2);
    [ramp(x, width), ramp(y, height), if is_light { LIGHT as u8 } else { DARK as u8 }]
}

/// A JPEG that says how it is to be turned: an EXIF segment with this one tag, behind the start of the file.
pub fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

/// The bytes of a saver of libvips with the options that `with` sets.
pub fn saved(image: &Image, saver: &str, with: impl FnOnce(Op) -> Result<Op, VipsError>) -> Vec<u8> {
    let op = Op::new(saver).and_then(|op| op.set("in", image)).and_then(with);
    op.and_then(Op::bytes).unwrap_or_else(|error| panic!("{saver}: {error}")).to_vec()
}

/// The first frame of a picture by one of libvips' loaders.
pub fn loaded(bytes: &[u8], loader: &str) -> Result<Image, VipsError> {
    start();
    Op::load(loader, &Bytes::copy_from_slice(bytes)).and_then(Op::image)?.in_memory()
}

/// libvips of this process; the server has its own.
pub fn start() -> &'static Vips {
    Vips::start(VipsSpec { threads: 1 }).expect("libvips starts")
}

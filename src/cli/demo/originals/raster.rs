//! Pixels in memory, painted by functions of a place.

use std::num::NonZero;
use std::thread;

use super::noise::hash;

/// Rows of 8-bit sRGB pixels without gaps: red, green, blue, and where there are four channels unpremultiplied alpha.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    pub width: u32,
    pub height: u32,
    /// 3 or 4.
    pub channels: u8,
    /// `width * height * channels` bytes.
    pub pixels: Vec<u8>,
}

/// Threads that paint at once, whatever the machine has: a demo must not take it over.
const PAINTERS_MAX: usize = 8;

// === impl Raster ===

impl Raster {
    /// Opaque pixels from channels of 0 to 1, with a grain of `grain` parts in 255 as a sensor would leave.
    pub(super) fn paint(width: u32, height: u32, grain: f32, pixel: impl Fn(u32, u32) -> [f32; 3] + Sync) -> Self {
        let row_bytes = width as usize * 3;
        let row = |y: u32, bytes: &mut [u8]| {
            for (x, out) in (0..width).zip(bytes.chunks_exact_mut(3)) {
                // Two hashes make the grain's distribution round, as a sensor's is; one seed for all channels.
                let noise = hash(x as i32, y as i32, 71) + hash(x as i32, y as i32, 72) - 1.0;
                for (byte, channel) in out.iter_mut().zip(pixel(x, y)) {
                    *byte = (channel * 255.0 + 0.5 + noise * grain).clamp(0.0, 255.0) as u8;
                }
            }
        };
        Self { width, height, channels: 3, pixels: rows(height, row_bytes, &row) }
    }

    /// Pixels with alpha from channels of 0 to 1.
    pub(super) fn paint_alpha(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [f32; 4] + Sync) -> Self {
        let row = |y: u32, bytes: &mut [u8]| {
            for (x, out) in (0..width).zip(bytes.chunks_exact_mut(4)) {
                for (byte, channel) in out.iter_mut().zip(pixel(x, y)) {
                    *byte = (channel * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
                }
            }
        };
        Self { width, height, channels: 4, pixels: rows(height, width as usize * 4, &row) }
    }

    /// The bytes of one pixel; places outside are those at the edge.
    pub(super) fn at(&self, x: u32, y: u32) -> &[u8] {
        let channels = usize::from(self.channels);
        let from = (y.min(self.height - 1) as usize * self.width as usize + x.min(self.width - 1) as usize) * channels;
        &self.pixels[from..from + channels]
    }
}

/// Rows of bytes made by several threads; which thread made a row cannot be seen in it.
pub(super) fn rows(height: u32, row_bytes: usize, row: &(impl Fn(u32, &mut [u8]) + Sync)) -> Vec<u8> {
    let mut bytes = vec![0_u8; row_bytes * height as usize];
    let painters = thread::available_parallelism().map_or(1, NonZero::get).min(PAINTERS_MAX);
    // Bands are small, so that a band of easy sky does not leave a painter idle for long.
    let band_rows = (height as usize).div_ceil(painters * 8).max(1);
    let bands: Vec<(usize, &mut [u8])> = bytes.chunks_mut((band_rows * row_bytes).max(1)).enumerate().collect();
    let mut shares: Vec<Vec<(usize, &mut [u8])>> = (0..painters).map(|_| Vec::new()).collect();
    for (index, band) in bands {
        shares[index % painters].push((index, band));
    }
    thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || {
                for (index, band) in share {
                    for (offset, bytes) in band.chunks_exact_mut(row_bytes).enumerate() {
                        row((index * band_rows + offset) as u32, bytes);
                    }
                }
            });
        }
    });
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_painted_once_at_its_place() {
        for (width, height) in [(1, 1), (7, 5), (3, 200)] {
            let raster = Raster::paint(width, height, 0.0, |x, y| [x as f32 / 255.0, y as f32 / 255.0, 1.0]);
            assert_eq!(raster.pixels.len(), (width * height * 3) as usize);
            for (x, y) in [(0, 0), (width - 1, height - 1), (width / 2, height / 2)] {
                assert_eq!(raster.at(x, y), [x as u8, y as u8, 255]);
            }
        }
    }
}

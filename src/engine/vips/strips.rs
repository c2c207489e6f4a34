//! The pixels of an image from top to bottom, a few rows at a time, on the calling thread.

use std::ptr::NonNull;

use libvips_rs::bindings as ffi;

use super::error::{VipsError, take_text};
use super::image::{Band, Image};

/// A window onto an image.
pub struct Strips<'a> {
    region: NonNull<ffi::VipsRegion>,
    image: &'a Image,
}

// === impl Strips ===

impl<'a> Strips<'a> {
    /// A window onto an image of 8-bit numbers.
    pub fn of(image: &'a Image) -> Result<Self, VipsError> {
        if image.band() != Band::U8 {
            return Err(failed("only 8-bit numbers are read in strips"));
        }
        // SAFETY: the image is alive; the result is a new reference or null.
        let region = NonNull::new(unsafe { ffi::vips_region_new(image.as_ptr()) });
        region.map(|region| Self { region, image }).ok_or_else(|| failed(&take_text()))
    }

    /// Makes the rows from `top` on, and gives them one by one. An image that is read sequentially wants them in order.
    pub fn rows(&mut self, top: u32, rows: u32) -> Result<impl Iterator<Item = &[u8]>, VipsError> {
        let (width, height) = (self.image.width(), self.image.height());
        let sides = [top, width, rows].map(i32::try_from);
        let ([Ok(y), Ok(w), Ok(h)], true) = (sides, top.saturating_add(rows) <= height && rows > 0) else {
            return Err(failed("rows out of range"));
        };
        let area = ffi::VipsRect { left: 0, top: y, width: w, height: h };
        // SAFETY: the region is alive, and the area lies in its image.
        if unsafe { ffi::vips_region_prepare(self.region.as_ptr(), &raw const area) } != 0 {
            return Err(failed(&take_text()));
        }
        let length = width as usize * self.image.bands() as usize;
        // SAFETY: the region is alive and prepared.
        let (data, valid, stride) = unsafe {
            let region = self.region.as_ref();
            (region.data, region.valid, region.bpl as usize)
        };
        let is_there = valid.left == 0 && valid.width >= w && valid.top <= y && valid.top + valid.height >= y + h;
        if data.is_null() || !is_there || stride < length {
            return Err(failed("rows are missing"));
        }
        let first = (y - valid.top) as usize;
        Ok((first..first + rows as usize).map(move |row| {
            // SAFETY: the area is prepared, as was just checked, and stays so until the next call, which the borrow of
            // `self` keeps off; pixels of 8 bits have as many bytes as bands.
            unsafe { std::slice::from_raw_parts(data.cast::<u8>().add(row * stride), length) }
        }))
    }
}

impl Drop for Strips<'_> {
    fn drop(&mut self) {
        // SAFETY: our one reference, given up once.
        unsafe { ffi::g_object_unref(self.region.as_ptr().cast()) };
    }
}

fn failed(text: &str) -> VipsError {
    VipsError::Failed { operation: "region".to_owned(), text: text.to_owned() }
}

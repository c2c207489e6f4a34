//! JPEG decoded by libjpeg, row by row: planes as they are stored, or RGB.

#![expect(unsafe_code, reason = "libjpeg is C, behind the shim in libjpeg.c")]

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::jpeg::{Plane, Space};

/// What a header says.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    pub width: u32,
    pub height: u32,
    /// Grey has 1, colour 3, CMYK 4.
    pub components: u32,
    /// libjpeg's number of the file's colour space.
    space: u32,
    /// How often the first three components are sampled across and down, in an MCU.
    pub across: [u32; 3],
    pub down: [u32; 3],
}

/// The file cannot be decoded, or not any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the JPEG cannot be decoded")]
pub struct DecodeError;

/// A file whose header was read. The file must stay as long.
pub struct Decoder<'a> {
    raw: NonNull<Raw>,
    pub header: Header,
    file: PhantomData<&'a [u8]>,
}

#[repr(C)]
struct Raw {
    _opaque: [u8; 0],
}

/// Samples of a block's side.
const BLOCK: usize = 8;

const GREY: u32 = 1;
const RGB: u32 = 2;
const YCBCR: u32 = 3;

unsafe extern "C" {
    fn tintype_jpeg_open(file: *const u8, length: usize, header: *mut Header) -> *mut Raw;
    fn tintype_jpeg_free(jpeg: *mut Raw);
    fn tintype_jpeg_start_planes(jpeg: *mut Raw) -> i32;
    fn tintype_jpeg_start_rgb(jpeg: *mut Raw) -> i32;
    fn tintype_jpeg_planes(jpeg: *mut Raw, planes: *const *mut u8, strides: *const usize) -> i32;
    fn tintype_jpeg_row(jpeg: *mut Raw, row: *mut u8) -> i32;
}

// === impl Header ===

impl Header {
    /// How its planes lie, where that is ordinary: the space, and samples of luma for one of colour, across and down.
    pub fn layout(&self) -> Option<(Space, usize, usize)> {
        let is_usual = |factors: [u32; 3]| matches!(factors, [1 | 2, 1, 1]);
        match (self.components, self.space) {
            (1, GREY) => Some((Space::Grey, 1, 1)),
            (3, YCBCR) if is_usual(self.across) && is_usual(self.down) => {
                Some((Space::YCbCr, self.across[0] as usize, self.down[0] as usize))
            }
            _ => None,
        }
    }

    /// Samples across and down of one component in a row of MCUs. libjpeg lets sampling factors be 1 to 4.
    fn extent(&self, component: usize) -> (usize, usize) {
        let most = self.across.iter().copied().max().unwrap_or(1).max(1) as usize;
        let mcus = (self.width as usize).div_ceil(most * BLOCK);
        (mcus * self.across[component] as usize * BLOCK, self.down[component] as usize * BLOCK)
    }
}

// === impl Decoder ===

impl<'a> Decoder<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`DecodeError`] where that is not one, or has more or fewer components than are understood here.
    pub fn open(file: &'a [u8]) -> Result<Self, DecodeError> {
        let mut header = Header::default();
        // SAFETY: the file outlives the decoder by its lifetime; the header is written during the call.
        let raw = unsafe { tintype_jpeg_open(file.as_ptr(), file.len(), &raw mut header) };
        let raw = NonNull::new(raw).ok_or(DecodeError)?;
        Ok(Self { raw, header, file: PhantomData })
    }

    /// Begins to decode to planes, as they are stored. Grey and YCbCr only.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn start_planes(&mut self) -> Result<(), DecodeError> {
        let is_planar = self.header.layout().is_some();
        // SAFETY: the decoder is alive.
        if is_planar && unsafe { tintype_jpeg_start_planes(self.raw.as_ptr()) } != 0 {
            Ok(())
        } else {
            Err(DecodeError)
        }
    }

    /// Begins to decode to RGB.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn start_rgb(&mut self) -> Result<(), DecodeError> {
        let is_color = self.header.components == 3 && matches!(self.header.space, YCBCR | RGB);
        // SAFETY: the decoder is alive.
        let is_started = is_color && unsafe { tintype_jpeg_start_rgb(self.raw.as_ptr()) } != 0;
        if is_started { Ok(()) } else { Err(DecodeError) }
    }

    /// The next row of MCUs, a plane a component; whether there was one.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn planes(&mut self, planes: &mut [Plane; 3]) -> Result<bool, DecodeError> {
        let mut starts = [std::ptr::null_mut(); 3];
        let mut strides = [0; 3];
        for (component, plane) in planes.iter_mut().enumerate().take(self.header.components as usize) {
            let (stride, rows) = self.header.extent(component);
            plane.stride = stride;
            plane.samples.resize(stride * rows, 0);
            starts[component] = plane.samples.as_mut_ptr();
            strides[component] = stride;
        }
        // SAFETY: the decoder is alive, and says itself where it was not started for planes; these hold rows of MCUs.
        match unsafe { tintype_jpeg_planes(self.raw.as_ptr(), starts.as_ptr(), strides.as_ptr()) } {
            rows if rows >= 0 => Ok(rows > 0),
            _ => Err(DecodeError),
        }
    }

    /// The next row of RGB; whether there was one.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn row(&mut self, row: &mut [u8]) -> Result<bool, DecodeError> {
        if row.len() < self.header.width as usize * 3 {
            return Err(DecodeError);
        }
        // SAFETY: the decoder is alive; the row holds three bytes for each pixel.
        match unsafe { tintype_jpeg_row(self.raw.as_ptr(), row.as_mut_ptr()) } {
            rows if rows >= 0 => Ok(rows > 0),
            _ => Err(DecodeError),
        }
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `tintype_jpeg_open`, freed once.
        unsafe { tintype_jpeg_free(self.raw.as_ptr()) };
    }
}

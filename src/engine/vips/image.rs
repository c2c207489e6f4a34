//! An image: one strong reference, its header readable, changed only on a copy of its own.

use std::ffi::{CString, c_void};
use std::ptr::NonNull;

use libvips_rs::bindings as ffi;

use super::error::{VipsError, take_text};
use super::op::Op;
use super::value::text_of;

/// A libvips image: a description of pixels that are made when something asks for them.
pub struct Image(NonNull<ffi::VipsImage>);

/// The header of an image that nobody else sees yet.
pub struct Header<'a>(&'a Image);

/// How a channel's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    U8,
    U16,
    Float,
    Other,
}

/// Fields that describe pixels.
const PIXEL_FIELDS: [&str; 13] = [
    "width",
    "height",
    "bands",
    "format",
    "coding",
    "interpretation",
    "xoffset",
    "yoffset",
    "xres",
    "yres",
    "filename",
    "vips-sequential",
    "vips-loader",
];

// SAFETY: libvips images are reference counted with atomic operations and may be used from any one thread at a time.
unsafe impl Send for Image {}

// === impl Image ===

impl Image {
    /// # Safety
    /// `image` must be null or a strong reference that the caller gives away.
    pub(super) unsafe fn from_raw(image: *mut ffi::VipsImage) -> Option<Self> {
        NonNull::new(image).map(Self)
    }

    pub(super) fn gtype() -> ffi::GType {
        // SAFETY: takes no arguments.
        unsafe { ffi::vips_image_get_type() }
    }

    pub(super) const fn as_ptr(&self) -> *mut ffi::VipsImage {
        self.0.as_ptr()
    }

    pub(super) const fn as_object(&self) -> *mut ffi::GObject {
        self.0.as_ptr().cast()
    }

    /// An image of 8-bit pixels, copied from `pixels`: `bands` numbers a pixel, row by row.
    pub fn from_pixels(pixels: &[u8], width: u32, height: u32, bands: u32) -> Result<Self, VipsError> {
        Self::from_memory(pixels, width, height, bands, Band::U8)
    }

    /// An image of numbers of this kind in native byte order, copied from `data`.
    pub fn from_memory(data: &[u8], width: u32, height: u32, bands: u32, band: Band) -> Result<Self, VipsError> {
        let (format, bytes) = match band {
            Band::U8 => (ffi::VipsBandFormat_VIPS_FORMAT_UCHAR, 1),
            Band::U16 => (ffi::VipsBandFormat_VIPS_FORMAT_USHORT, 2),
            Band::Float | Band::Other => return Err(failed("from_memory", "only integers are made from memory")),
        };
        let sides = [width, height, bands].map(i32::try_from);
        let [Ok(w), Ok(h), Ok(n)] = sides else {
            return Err(failed("from_memory", "sides out of range"));
        };
        let wanted = u128::from(width) * u128::from(height) * u128::from(bands) * bytes;
        if data.len() as u128 != wanted || data.is_empty() {
            return Err(failed("from_memory", "the number of bytes does not match the sides"));
        }
        // SAFETY: the slice is as long as libvips is told, which was just checked, and is copied before the return.
        let image =
            unsafe { ffi::vips_image_new_from_memory_copy(data.as_ptr().cast(), data.len() as _, w, h, n, format) };
        // SAFETY: a new reference or null.
        unsafe { Self::from_raw(image) }.ok_or_else(|| failed("from_memory", &take_text()))
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        // SAFETY: the image is alive.
        unsafe { ffi::vips_image_get_width(self.as_ptr()) }.unsigned_abs()
    }

    /// Height in pixels; of an animation, that of all frames together.
    pub fn height(&self) -> u32 {
        // SAFETY: the image is alive.
        unsafe { ffi::vips_image_get_height(self.as_ptr()) }.unsigned_abs()
    }

    /// Numbers a pixel.
    pub fn bands(&self) -> u32 {
        // SAFETY: the image is alive.
        unsafe { ffi::vips_image_get_bands(self.as_ptr()) }.unsigned_abs()
    }

    /// How each number is stored.
    pub fn band(&self) -> Band {
        // SAFETY: the image is alive.
        match unsafe { ffi::vips_image_get_format(self.as_ptr()) } {
            ffi::VipsBandFormat_VIPS_FORMAT_UCHAR => Band::U8,
            ffi::VipsBandFormat_VIPS_FORMAT_USHORT => Band::U16,
            ffi::VipsBandFormat_VIPS_FORMAT_FLOAT => Band::Float,
            _ => Band::Other,
        }
    }

    /// libvips' name of what the numbers mean: `srgb`, `b-w`, `rgb16`, `cmyk`, …
    pub fn interpretation(&self) -> String {
        // SAFETY: the image is alive.
        let value = unsafe { ffi::vips_image_guess_interpretation(self.as_ptr()) };
        // SAFETY: the type is registered by the call and the returned text belongs to libvips.
        unsafe { text_of(ffi::vips_enum_nick(ffi::vips_interpretation_get_type(), value)) }
    }

    /// Pixels a millimetre across and down.
    pub fn resolution(&self) -> (f64, f64) {
        // SAFETY: the image is alive.
        unsafe { (ffi::vips_image_get_xres(self.as_ptr()), ffi::vips_image_get_yres(self.as_ptr())) }
    }

    /// Whether the last band is transparency.
    pub fn has_alpha(&self) -> bool {
        // SAFETY: the image is alive.
        unsafe { ffi::vips_image_hasalpha(self.as_ptr()) != 0 }
    }

    /// A second reference to the same image.
    #[must_use]
    pub fn share(&self) -> Self {
        // SAFETY: the image is alive; the new reference is given up by the new owner.
        unsafe { ffi::g_object_ref(self.as_object().cast()) };
        Self(self.0)
    }

    /// The same pixels, made now and kept in memory.
    pub fn in_memory(&self) -> Result<Self, VipsError> {
        // SAFETY: the image is alive; the result is a new reference or null.
        unsafe { Self::from_raw(ffi::vips_image_copy_memory(self.as_ptr())) }
            .ok_or_else(|| failed("copy_memory", &take_text()))
    }

    /// All pixels, row by row, as libvips stores them.
    pub fn pixels(&self) -> Result<Vec<u8>, VipsError> {
        let mut len = 0;
        // SAFETY: the image is alive and the length may be written.
        let data = unsafe { ffi::vips_image_write_to_memory(self.as_ptr(), &raw mut len) };
        if data.is_null() {
            return Err(failed("write_to_memory", &take_text()));
        }
        // SAFETY: libvips gave us `len` bytes.
        let pixels = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len as usize) }.to_vec();
        // SAFETY: ours to free, with the function of who made it.
        unsafe { ffi::g_free(data) };
        Ok(pixels)
    }

    /// The names of every header field.
    pub fn fields(&self) -> Vec<String> {
        // SAFETY: the image is alive; the list ends with null and is ours.
        let list = unsafe { ffi::vips_image_get_fields(self.as_ptr()) };
        let mut names = Vec::new();
        let mut at = list;
        // SAFETY: walks to the terminating null.
        while !at.is_null() && !unsafe { *at }.is_null() {
            // SAFETY: each member ends with a zero byte.
            names.push(unsafe { text_of(*at) });
            // SAFETY: not past the terminating null.
            at = unsafe { at.add(1) };
        }
        // SAFETY: frees the list and its members; null is allowed.
        unsafe { ffi::g_strfreev(list) };
        names
    }

    /// Whether the header has this field.
    pub fn has(&self, field: &str) -> bool {
        // SAFETY: the image is alive and the name ends with a zero byte.
        CString::new(field).is_ok_and(|name| unsafe { ffi::vips_image_get_typeof(self.as_ptr(), name.as_ptr()) } != 0)
    }

    /// An integer field.
    pub fn int(&self, field: &str) -> Option<i32> {
        let name = self.field(field)?;
        let mut value = 0;
        // SAFETY: the field exists and the place may be written; another type is an error.
        let missing = unsafe { ffi::vips_image_get_int(self.as_ptr(), name.as_ptr(), &raw mut value) } != 0;
        if missing {
            take_text();
        }
        (!missing).then_some(value)
    }

    /// A field as libvips prints it.
    pub fn text(&self, field: &str) -> Option<String> {
        let name = self.field(field)?;
        let mut text = std::ptr::null_mut();
        // SAFETY: the field exists; the text is ours to free.
        if unsafe { ffi::vips_image_get_as_string(self.as_ptr(), name.as_ptr(), &raw mut text) } != 0 {
            take_text();
            return None;
        }
        // SAFETY: ends with a zero byte.
        let copy = unsafe { text_of(text) };
        // SAFETY: ours, freed once.
        unsafe { ffi::g_free(text.cast()) };
        Some(copy)
    }

    /// The bytes of a field.
    pub fn blob(&self, field: &str) -> Option<Vec<u8>> {
        let name = self.field(field)?;
        let (mut data, mut len): (*const c_void, _) = (std::ptr::null(), 0);
        // SAFETY: the field exists; the bytes belong to the image.
        if unsafe { ffi::vips_image_get_blob(self.as_ptr(), name.as_ptr(), &raw mut data, &raw mut len) } != 0 {
            take_text();
            return None;
        }
        if data.is_null() {
            return Some(Vec::new());
        }
        // SAFETY: valid for `len` bytes as long as the image has the field, and it is borrowed here.
        Some(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len as usize) }.to_vec())
    }

    /// A field of several integers, such as the delays of an animation.
    pub fn ints(&self, field: &str) -> Option<Vec<i32>> {
        let name = self.field(field)?;
        let (mut data, mut len) = (std::ptr::null_mut(), 0);
        // SAFETY: the field exists; the numbers belong to the image.
        if unsafe { ffi::vips_image_get_array_int(self.as_ptr(), name.as_ptr(), &raw mut data, &raw mut len) } != 0 {
            take_text();
            return None;
        }
        if data.is_null() || len <= 0 {
            return Some(Vec::new());
        }
        // SAFETY: valid for `len` numbers as long as the image has the field, and it is borrowed here.
        Some(unsafe { std::slice::from_raw_parts(data, len as usize) }.to_vec())
    }

    /// A copy (of the description, not the pixels) whose header `edit` has changed.
    pub fn edited(&self, edit: impl FnOnce(&mut Header<'_>)) -> Result<Self, VipsError> {
        let copy = Op::new("copy")?.set("in", self)?.image()?;
        edit(&mut Header(&copy));
        Ok(copy)
    }

    fn field(&self, field: &str) -> Option<CString> {
        if self.has(field) { CString::new(field).ok() } else { None }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: our one reference, given up once.
        unsafe { ffi::g_object_unref(self.as_object().cast()) };
    }
}

// === impl Header ===

impl Header<'_> {
    /// Removes a field; nothing happens where there is none.
    pub fn remove(&mut self, field: &str) {
        if let Ok(name) = CString::new(field) {
            // SAFETY: a fresh copy that nobody else reads.
            unsafe { ffi::vips_image_remove(self.0.as_ptr(), name.as_ptr()) };
        }
    }

    /// Sets an integer field.
    pub fn set_int(&mut self, field: &str, value: i32) {
        if let Ok(name) = CString::new(field) {
            // SAFETY: a fresh copy that nobody else reads.
            unsafe { ffi::vips_image_set_int(self.0.as_ptr(), name.as_ptr(), value) };
        }
    }

    /// Sets a text field.
    pub fn set_text(&mut self, field: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (CString::new(field), CString::new(value)) {
            // SAFETY: a fresh copy that nobody else reads; the text is copied.
            unsafe { ffi::vips_image_set_string(self.0.as_ptr(), name.as_ptr(), value.as_ptr()) };
        }
    }

    /// Sets a field of bytes.
    pub fn set_blob(&mut self, field: &str, value: &[u8]) {
        if let Ok(name) = CString::new(field) {
            // SAFETY: a fresh copy that nobody else reads; the bytes are copied.
            unsafe {
                ffi::vips_image_set_blob_copy(self.0.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len() as _);
            }
        }
    }

    /// Takes over what another image's header says beside its pixels: profile, metadata, resolution.
    pub fn adopt(&mut self, other: &Image) {
        for field in other.fields() {
            if let (false, Some(name)) = (PIXEL_FIELDS.contains(&field.as_str()), other.field(&field)) {
                // SAFETY: a fresh copy that nobody else reads; the value is initialised where the call succeeds, and
                // given up once.
                unsafe {
                    let mut value = std::mem::zeroed::<ffi::GValue>();
                    if ffi::vips_image_get(other.as_ptr(), name.as_ptr(), &raw mut value) == 0 {
                        ffi::vips_image_set(self.0.as_ptr(), name.as_ptr(), &raw mut value);
                        ffi::g_value_unset(&raw mut value);
                    } else {
                        take_text();
                    }
                }
            }
        }
    }

    /// Sets a field of several integers.
    pub fn set_ints(&mut self, field: &str, values: &[i32]) {
        if let (Ok(name), Ok(len)) = (CString::new(field), i32::try_from(values.len())) {
            // SAFETY: a fresh copy that nobody else reads; the numbers are copied.
            unsafe { ffi::vips_image_set_array_int(self.0.as_ptr(), name.as_ptr(), values.as_ptr(), len) };
        }
    }
}

fn failed(operation: &str, text: &str) -> VipsError {
    VipsError::Failed { operation: operation.to_owned(), text: text.to_owned() }
}

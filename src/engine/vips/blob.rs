//! Bytes in without a copy, bytes out with one, each freed by who made them.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use bytes::Bytes;
use libvips_rs::bindings as ffi;

/// A libvips source over bytes of ours.
pub(super) struct Source(NonNull<ffi::VipsSource>);

/// A libvips area that holds the bytes of a saver.
struct OwnedArea(NonNull<ffi::VipsArea>);

// SAFETY: an area is immutable bytes behind a reference count that libvips guards with a mutex.
unsafe impl Send for OwnedArea {}
// SAFETY: as above; it is only ever read.
unsafe impl Sync for OwnedArea {}

// === impl Source ===

impl Source {
    /// A source that keeps `bytes` alive as long as any image needs them; nothing if they are empty or libvips has no
    /// memory, as a null pointer of length 0 means other things to it.
    pub fn new(bytes: Bytes) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let (data, len) = (bytes.as_ptr(), bytes.len());
        // SAFETY: the pointer is valid for `len` bytes until `free_bytes` drops the owner that is attached below.
        let blob = NonNull::new(unsafe { ffi::vips_blob_new(Some(free_bytes), data.cast(), len as _) })?;
        let area = blob.cast::<ffi::VipsArea>();
        // SAFETY: a blob begins with its area, nobody else has it yet, and `client` is the creator's to use.
        unsafe { (*area.as_ptr()).client = Box::into_raw(Box::new(bytes)).cast() };
        // SAFETY: the blob is valid; the source takes a reference of its own.
        let source = unsafe { ffi::vips_source_new_from_blob(blob.as_ptr()) };
        // SAFETY: gives up the reference that vips_blob_new gave us.
        unsafe { ffi::vips_area_unref(area.as_ptr()) };
        NonNull::new(source).map(Self)
    }

    pub fn as_object(&self) -> *mut ffi::GObject {
        self.0.as_ptr().cast()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: our one reference, given up once.
        unsafe { ffi::g_object_unref(self.0.as_ptr().cast()) };
    }
}

/// Called by libvips when the last image lets go; runs under the area's lock and so must not call back into it.
unsafe extern "C" fn free_bytes(_data: *mut c_void, area: *mut c_void) -> c_int {
    // SAFETY: libvips passes the area that this callback was registered for.
    let owner = unsafe { (*area.cast::<ffi::VipsArea>()).client };
    if !owner.is_null() {
        // SAFETY: made by Box::into_raw in Source::new, and freed only here, once.
        drop(unsafe { Box::from_raw(owner.cast::<Bytes>()) });
    }
    0
}

// === impl OwnedArea ===

impl AsRef<[u8]> for OwnedArea {
    fn as_ref(&self) -> &[u8] {
        let mut len = 0;
        // SAFETY: a blob begins with its area; the area is alive as long as `self`.
        let data = unsafe { ffi::vips_blob_get(self.0.as_ptr().cast(), &raw mut len) };
        if data.is_null() || len == 0 {
            return &[];
        }
        // SAFETY: `data` is valid for `len` bytes and nobody writes to them while the area lives.
        unsafe { std::slice::from_raw_parts(data.cast(), len as usize) }
    }
}

impl Drop for OwnedArea {
    fn drop(&mut self) {
        // SAFETY: our one reference, given up once.
        unsafe { ffi::vips_area_unref(self.0.as_ptr()) };
    }
}

/// The bytes of a blob that libvips made, copied: behind a small result stands a buffer of many times its size, which a
/// cache that counts bytes would keep without knowing.
///
/// # Safety
/// `area` must be a valid `VipsBlob` (or null); this function takes a reference of its own.
pub(super) unsafe fn bytes_of(area: *mut c_void) -> Bytes {
    // SAFETY: valid by contract; the copy is a reference count, not bytes.
    let copy = if area.is_null() { area.cast() } else { unsafe { ffi::vips_area_copy(area.cast()) } };
    NonNull::new(copy).map_or_else(Bytes::new, |area| Bytes::copy_from_slice(OwnedArea(area).as_ref()))
}

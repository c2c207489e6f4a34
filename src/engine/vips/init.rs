//! Starting libvips, once a process, with everything that strangers' files should not reach switched off.

use std::ffi::{CString, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use libvips_rs::bindings as ffi;

use super::caps::Caps;
use super::error::{VipsError, take_text};
use super::value::text_of;
use crate::transform::Format;

/// libvips as it was started.
#[derive(Debug, Clone)]
pub struct Vips {
    pub caps: Caps,
}

/// How to start libvips.
#[derive(Debug, Clone, Copy)]
pub struct VipsSpec {
    /// Threads of one pipeline and of the encoders that ask libvips for the number.
    pub threads: u32,
}

static STARTED: OnceLock<Result<Vips, VipsError>> = OnceLock::new();
static GLIB_WARNINGS: AtomicU64 = AtomicU64::new(0);

/// Environment names that lift limits or make libvips write files; a server does not start with them.
const FORBIDDEN: [&str; 3] = ["VIPS_UNLIMITED", "VIPS_TRACE", "VIPS_PROFILE"];

/// Operations that no original may reach: external programs, raw memory layouts, and formats without a fuzzed loader.
const BLOCKED: [&str; 4] = ["VipsForeignLoadMatrix", "VipsForeignLoadMagick", "VipsForeignSaveMagick", "VipsSystem"];

/// Tagged untrusted by libvips, wanted all the same: SVG after our own sanitiser, JPEG XL as a format of the web.
const UNBLOCKED: [&str; 3] = ["VipsForeignLoadSvg", "VipsForeignLoadJxl", "VipsForeignSaveJxl"];

/// What every picture needs; without these tintype does not start.
const REQUIRED: [&str; 20] = [
    "copy",
    "resize",
    "extract_area",
    "embed",
    "flatten",
    "premultiply",
    "unpremultiply",
    "cast",
    "maplut",
    "bandjoin_const",
    "icc_transform",
    "icc_import",
    "colourspace",
    "rot",
    "flip",
    "gaussblur",
    "sharpen",
    "jpegload_source",
    "pngload_source",
    "jpegsave_buffer",
];

// === impl Vips ===

impl Vips {
    /// Starts libvips on the first call of the process; later calls give the same answer.
    pub fn start(spec: VipsSpec) -> Result<&'static Self, VipsError> {
        Self::start_with(spec, || Ok(Caps::read()))
    }

    /// The same with a way of one's own to learn what it can do: to find out takes threads, and a process that is to be
    /// forked may have none.
    pub fn start_with(
        spec: VipsSpec,
        caps: impl FnOnce() -> Result<Caps, VipsError>,
    ) -> Result<&'static Self, VipsError> {
        STARTED.get_or_init(|| start(spec, caps)).as_ref().map_err(Clone::clone)
    }

    /// What another process found out about the libvips that it started, which this one does not.
    pub const fn elsewhere(caps: Caps) -> Self {
        Self { caps }
    }

    /// Whether pictures of this format can be written here.
    pub fn saves(&self, format: Format) -> bool {
        match format {
            Format::Jpeg => self.caps.has("jpegsave_buffer"),
            Format::Png => self.caps.has("pngsave_buffer"),
            Format::Webp => self.caps.has("webpsave_buffer"),
            Format::Avif => self.caps.saves_avif,
            Format::Heic => self.caps.saves_heic,
            Format::Jxl => self.caps.has("jxlsave_buffer"),
            Format::Gif => self.caps.has("gifsave_buffer"),
            Format::Tiff => self.caps.has("tiffsave_buffer"),
            Format::Bmp | Format::Ico => true,
            Format::Svg => false,
        }
    }

    /// Whether originals of this format can be read here.
    pub fn loads(&self, format: Format) -> bool {
        match format {
            Format::Jpeg => self.caps.has("jpegload_source"),
            Format::Png => self.caps.has("pngload_source"),
            Format::Webp => self.caps.has("webpload_source"),
            Format::Avif | Format::Heic => self.caps.has("heifload_source"),
            Format::Jxl => self.caps.has("jxlload_source"),
            Format::Gif => self.caps.has("gifload_source"),
            Format::Tiff => self.caps.has("tiffload_source"),
            Format::Svg => self.caps.has("svgload_source"),
            Format::Bmp | Format::Ico => true,
        }
    }

    /// How many GLib warnings and errors were logged so far.
    pub fn glib_warnings() -> u64 {
        GLIB_WARNINGS.load(Ordering::Relaxed)
    }

    /// Counts those of another process.
    pub fn add_glib_warnings(count: u64) {
        GLIB_WARNINGS.fetch_add(count, Ordering::Relaxed);
    }
}

fn start(spec: VipsSpec, caps: impl FnOnce() -> Result<Caps, VipsError>) -> Result<Vips, VipsError> {
    if let Some(name) = FORBIDDEN.into_iter().find(|name| std::env::var_os(name).is_some()) {
        return Err(VipsError::Start(format!("the environment sets {name}, which lifts libvips' own limits")));
    }
    // SAFETY: the first GLib call of the process; the writer is a plain function that lives for ever.
    unsafe { ffi::g_log_set_writer_func(Some(log_writer), std::ptr::null_mut(), None) };
    // SAFETY: called once; the name is a constant that lives for ever.
    if unsafe { ffi::vips_init(c"tintype".as_ptr()) } != 0 {
        return Err(VipsError::Start(take_text()));
    }
    // SAFETY: plain settings after init. The operation cache would pin inputs and results of strangers.
    unsafe {
        ffi::vips_cache_set_max(0);
        ffi::vips_cache_set_max_mem(0);
        ffi::vips_cache_set_max_files(0);
        ffi::vips_block_untrusted_set(1);
    }
    set_threads(spec.threads);
    for class in BLOCKED {
        set_blocked(class, true);
    }
    for class in UNBLOCKED {
        set_blocked(class, false);
    }
    let caps = caps()?;
    let missing: Vec<_> = REQUIRED.into_iter().filter(|name| !caps.has(name)).collect();
    if !missing.is_empty() {
        return Err(VipsError::Start(format!("this libvips lacks {}", missing.join(", "))));
    }
    Ok(Vips { caps })
}

fn set_blocked(class: &str, blocked: bool) {
    if let Ok(name) = CString::new(class) {
        // SAFETY: the name ends with a zero byte; an unknown class is ignored.
        unsafe { ffi::vips_operation_block_set(name.as_ptr(), i32::from(blocked)) };
    }
}

/// Threads of pipelines that begin from now on, for the whole process.
pub fn set_threads(threads: u32) {
    // SAFETY: a plain setting, allowed at any time after init.
    unsafe { ffi::vips_concurrency_set(i32::try_from(threads.max(1)).unwrap_or(1)) };
}

/// Bytes that libvips itself holds now; codecs are not counted. None where libvips runs elsewhere.
pub fn tracked_bytes() -> u64 {
    if !STARTED.get().is_some_and(Result::is_ok) {
        return 0;
    }
    // SAFETY: takes no arguments.
    unsafe { ffi::vips_tracked_get_mem() as u64 }
}

/// GLib's log goes to ours. Warnings of damaged originals are everyday, so they are for debugging only.
unsafe extern "C" fn log_writer(
    level: ffi::GLogLevelFlags,
    fields: *const ffi::GLogField,
    len: ffi::gsize,
    _data: *mut c_void,
) -> ffi::GLogWriterOutput {
    const WARNING_OR_WORSE: ffi::GLogLevelFlags = 0b1_1100;
    const HANDLED: ffi::GLogWriterOutput = 1;
    let _ = std::panic::catch_unwind(|| {
        let mut text = String::new();
        for at in 0..len as usize {
            // SAFETY: GLib passes `len` fields.
            let field = unsafe { &*fields.add(at) };
            // SAFETY: keys end with a zero byte.
            if unsafe { text_of(field.key) } == "MESSAGE" && field.length < 0 {
                // SAFETY: a negative length says that the value ends with a zero byte.
                text = unsafe { text_of(field.value.cast()) };
            }
        }
        if level & WARNING_OR_WORSE != 0 {
            GLIB_WARNINGS.fetch_add(1, Ordering::Relaxed);
        }
        tracing::debug!(target: "tintype::vips", message = text);
    });
    HANDLED
}

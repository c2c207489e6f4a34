//! A value for an option, and the GValue that libvips reads.

use std::ffi::{CStr, CString};

use libvips_rs::bindings as ffi;

use super::blob::Source;
use super::image::Image;

/// A value of an operation's option. Numbers are never converted: an integer option takes an [`Value::Int`] alone.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Bool(bool),
    Int(i32),
    Double(f64),
    Text(&'a str),
    /// One name of an enumeration, as libvips spells it.
    Nick(&'a str),
    /// Names of flags, joined.
    Nicks(&'a [&'a str]),
    Image(&'a Image),
    Images(&'a [&'a Image]),
    Doubles(&'a [f64]),
    #[expect(private_interfaces, reason = "sources are made by this module alone")]
    Source(&'a Source),
}

/// A GValue that is unset when dropped.
pub(super) struct GValue(ffi::GValue);

/// GLib's fundamental types, which are macros in its headers: the identifier times four.
mod fundamental {
    pub const BOOLEAN: u64 = 5 << 2;
    pub const INT: u64 = 6 << 2;
    pub const ENUM: u64 = 12 << 2;
    pub const FLAGS: u64 = 13 << 2;
    pub const DOUBLE: u64 = 15 << 2;
    pub const STRING: u64 = 16 << 2;
    pub const BOXED: u64 = 18 << 2;
    pub const OBJECT: u64 = 20 << 2;
}

// === impl Value ===

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl<'a> From<&'a Image> for Value<'a> {
    fn from(value: &'a Image) -> Self {
        Self::Image(value)
    }
}

impl<'a> From<&'a [f64]> for Value<'a> {
    fn from(value: &'a [f64]) -> Self {
        Self::Doubles(value)
    }
}

impl Value<'_> {
    /// How the value reads in an error.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Text(value) | Self::Nick(value) => (*value).to_owned(),
            Self::Nicks(values) => values.join("|"),
            Self::Image(_) => "an image".to_owned(),
            Self::Images(values) => format!("{} images", values.len()),
            Self::Doubles(values) => format!("{values:?}"),
            Self::Source(_) => "a source".to_owned(),
        }
    }

    /// The GValue for an option with this description, or nothing where type, range or name do not fit.
    ///
    /// # Safety
    /// `spec` must be a valid parameter description.
    pub(super) unsafe fn to_gvalue(self, spec: *mut ffi::GParamSpec) -> Option<GValue> {
        // SAFETY: valid by contract.
        let kind = unsafe { (*spec).value_type };
        // SAFETY: any type identifier may be asked for its fundamental type.
        let base = unsafe { ffi::g_type_fundamental(kind) };
        let mut value = GValue::new(kind);
        let slot = value.as_mut_ptr();
        // SAFETY: in every arm `slot` was initialised with `kind`, whose fundamental type the arm has compared.
        unsafe {
            match self {
                Self::Bool(on) if base == fundamental::BOOLEAN => ffi::g_value_set_boolean(slot, i32::from(on)),
                Self::Int(number) if kind == fundamental::INT => {
                    let range = spec.cast::<ffi::GParamSpecInt>();
                    ((*range).minimum <= number && number <= (*range).maximum).then_some(())?;
                    ffi::g_value_set_int(slot, number);
                }
                Self::Double(number) if kind == fundamental::DOUBLE => {
                    let range = spec.cast::<ffi::GParamSpecDouble>();
                    ((*range).minimum <= number && number <= (*range).maximum).then_some(())?;
                    ffi::g_value_set_double(slot, number);
                }
                Self::Text(text) if base == fundamental::STRING => {
                    ffi::g_value_set_string(slot, CString::new(text).ok()?.as_ptr());
                }
                Self::Nick(nick) if base == fundamental::ENUM => {
                    ffi::g_value_set_enum(slot, enum_value(kind, nick)?);
                }
                Self::Nicks(nicks) if base == fundamental::FLAGS => {
                    let mut bits = 0;
                    for nick in nicks {
                        bits |= flag_value(kind, nick)?;
                    }
                    ffi::g_value_set_flags(slot, bits);
                }
                Self::Image(image) if base == fundamental::OBJECT => {
                    ffi::g_value_set_object(slot, image.as_object().cast());
                }
                Self::Source(source) if base == fundamental::OBJECT => {
                    ffi::g_value_set_object(slot, source.as_object().cast());
                }
                Self::Images(images) if base == fundamental::BOXED => set_images(slot, images)?,
                Self::Doubles(numbers) if base == fundamental::BOXED => {
                    let len = i32::try_from(numbers.len()).ok()?;
                    let array = ffi::vips_array_double_new(numbers.as_ptr(), len);
                    ffi::g_value_take_boxed(slot, array.cast());
                }
                _ => return None,
            }
        }
        Some(value)
    }
}

// === impl GValue ===

impl GValue {
    pub fn new(kind: ffi::GType) -> Self {
        // SAFETY: an all-zero GValue is the documented uninitialised state.
        let mut value = Self(unsafe { std::mem::zeroed() });
        // SAFETY: the value is zeroed, as g_value_init requires.
        unsafe { ffi::g_value_init(&raw mut value.0, kind) };
        value
    }

    pub const fn as_mut_ptr(&mut self) -> *mut ffi::GValue {
        &raw mut self.0
    }

    pub const fn as_ptr(&self) -> *const ffi::GValue {
        &raw const self.0
    }
}

impl Drop for GValue {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, unset once.
        unsafe { ffi::g_value_unset(&raw mut self.0) };
    }
}

fn enum_value(kind: ffi::GType, nick: &str) -> Option<i32> {
    let nick = CString::new(nick).ok()?;
    // SAFETY: both strings end with a zero byte; an unknown nick gives -1.
    let value = unsafe { ffi::vips_enum_from_nick(c"tintype".as_ptr(), kind, nick.as_ptr()) };
    (value >= 0).then_some(value)
}

fn flag_value(kind: ffi::GType, nick: &str) -> Option<u32> {
    let nick = CString::new(nick).ok()?;
    // SAFETY: both strings end with a zero byte; an unknown nick gives -1.
    let value = unsafe { ffi::vips_flags_from_nick(c"tintype".as_ptr(), kind, nick.as_ptr()) };
    u32::try_from(value).ok()
}

/// # Safety
/// `slot` must be a GValue of libvips' array-of-images type.
unsafe fn set_images(slot: *mut ffi::GValue, images: &[&Image]) -> Option<()> {
    let len = i32::try_from(images.len()).ok()?;
    let mut pointers: Vec<_> = images.iter().map(|image| image.as_ptr()).collect();
    // SAFETY: `pointers` holds `len` valid images; the array takes a reference of each.
    let array = unsafe { ffi::vips_array_image_new(pointers.as_mut_ptr(), len) };
    // SAFETY: the slot takes over the array.
    unsafe { ffi::g_value_take_boxed(slot, array.cast()) };
    Some(())
}

/// A Rust string of a C string that libvips or GLib owns.
///
/// # Safety
/// `text` must be null or end with a zero byte.
pub(super) unsafe fn text_of(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: valid by contract.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

//! One operation: made by name, its options checked one by one, run once.

use std::ffi::CString;
use std::ptr::NonNull;

use bytes::Bytes;
use libvips_rs::bindings as ffi;

use super::blob::{Source, bytes_of};
use super::error::{VipsError, take_text};
use super::image::Image;
use super::value::{GValue, Value};

/// libvips' argument flags that matter here (`VipsArgumentFlags`; stable since 8.0).
mod argument {
    pub const REQUIRED: u32 = 1;
    pub const INPUT: u32 = 16;
    pub const DEPRECATED: u32 = 64;
}

/// An operation that has not run yet.
pub struct Op {
    operation: Handle,
    name: String,
    /// Kept until the operation has run: from then on its image holds it.
    source: Option<Source>,
}

/// What an operation left behind.
pub struct Outputs {
    operation: Handle,
    name: String,
}

/// The one reference to an operation and to what it put out.
struct Handle(NonNull<ffi::VipsOperation>);

// === impl Op ===

impl Op {
    /// The operation of this name, or an error where this libvips lacks it or it is blocked.
    pub fn new(name: &str) -> Result<Self, VipsError> {
        let unknown = || VipsError::UnknownOperation(name.to_owned());
        let c_name = CString::new(name).map_err(|_| unknown())?;
        // SAFETY: the name ends with a zero byte; null for an unknown one.
        let operation = unsafe { ffi::vips_operation_new(c_name.as_ptr()) };
        let Some(operation) = NonNull::new(operation) else {
            take_text();
            return Err(unknown());
        };
        Ok(Self { operation: Handle(operation), name: name.to_owned(), source: None })
    }

    /// A loader over bytes that stay alive as long as any image needs them. Empty bytes are an error.
    pub fn load(name: &str, bytes: &Bytes) -> Result<Self, VipsError> {
        let source = Source::new(bytes.clone())
            .ok_or_else(|| VipsError::Failed { operation: name.to_owned(), text: "no bytes".to_owned() })?;
        let mut op = Self::new(name)?.set("source", Value::Source(&source))?;
        op.source = Some(source);
        Ok(op)
    }

    /// Sets an option. The name must be an input of the operation, the value of exactly its type and in its range.
    pub fn set<'value, V: Into<Value<'value>>>(self, option: &str, value: V) -> Result<Self, VipsError> {
        let value = value.into();
        let Some((c_name, spec)) = self.input(option) else {
            let operation = self.name.clone();
            return Err(VipsError::UnknownOption { operation, option: option.to_owned() });
        };
        // SAFETY: the description belongs to the operation's class and outlives it.
        let Some(gvalue) = (unsafe { value.to_gvalue(spec) }) else {
            let operation = self.name.clone();
            return Err(VipsError::BadValue { operation, option: option.to_owned(), value: value.shown() });
        };
        // SAFETY: the operation is alive, the property exists and the value has its type.
        unsafe { ffi::g_object_set_property(self.operation.0.as_ptr().cast(), c_name.as_ptr(), gvalue.as_ptr()) };
        Ok(self)
    }

    /// Sets an option that not every libvips knows; without it the operation runs all the same.
    pub fn set_if_supported<'value, V: Into<Value<'value>>>(self, option: &str, value: V) -> Result<Self, VipsError> {
        if self.input(option).is_some() { self.set(option, value) } else { Ok(self) }
    }

    /// Runs the operation and gives its image `out`.
    pub fn image(self) -> Result<Image, VipsError> {
        self.run()?.image("out")
    }

    /// Runs a saver and gives the file.
    pub fn bytes(self) -> Result<Bytes, VipsError> {
        self.run()?.bytes("buffer")
    }

    /// Runs the operation.
    pub fn run(self) -> Result<Outputs, VipsError> {
        let Self { mut operation, name, source } = self;
        let mut pointer = operation.0.as_ptr();
        // SAFETY: a valid operation; the call may exchange it for an equal one, whose reference is then ours instead.
        let failed = unsafe { ffi::vips_cache_operation_buildp(&raw mut pointer) } != 0;
        if let Some(exchanged) = NonNull::new(pointer) {
            operation.0 = exchanged;
        }
        drop(source);
        if failed {
            drop(operation);
            return Err(VipsError::Failed { operation: name, text: take_text() });
        }
        Ok(Outputs { operation, name })
    }

    /// Whether this libvips knows the option.
    pub fn has_input(&self, option: &str) -> bool {
        self.input(option).is_some()
    }

    /// Whether the operation may run; libvips makes blocked ones all the same and then refuses to run them.
    pub fn is_allowed(&self) -> bool {
        // SAFETY: the operation is alive.
        let flags = unsafe { ffi::vips_operation_get_flags(self.operation.0.as_ptr()) };
        flags & ffi::VipsOperationFlags_VIPS_OPERATION_BLOCKED == 0
    }

    fn input(&self, option: &str) -> Option<(CString, *mut ffi::GParamSpec)> {
        let name = CString::new(option).ok()?;
        let mut spec = std::ptr::null_mut();
        let mut class: *mut ffi::VipsArgumentClass = std::ptr::null_mut();
        let mut instance = std::ptr::null_mut();
        // SAFETY: the operation is alive, the name ends with a zero byte and the three places may be written.
        let missing = unsafe {
            ffi::vips_object_get_argument(
                self.operation.0.as_ptr().cast(),
                name.as_ptr(),
                &raw mut spec,
                &raw mut class,
                &raw mut instance,
            )
        } != 0;
        if missing || spec.is_null() || class.is_null() {
            take_text();
            return None;
        }
        // SAFETY: not null; belongs to the operation's class.
        let flags = unsafe { (*class).flags } as u32;
        let usable =
            flags & argument::INPUT != 0 && (flags & argument::DEPRECATED == 0 || flags & argument::REQUIRED != 0);
        usable.then_some((name, spec))
    }
}

// === impl Outputs ===

impl Outputs {
    /// The image of this name.
    pub fn image(&self, output: &str) -> Result<Image, VipsError> {
        let value = self.read(output, Image::gtype())?;
        // SAFETY: the value holds an image or null; the duplicate is a reference of our own.
        let image = unsafe { ffi::g_value_dup_object(value.as_ptr()) };
        // SAFETY: a new strong reference to a VipsImage, or null.
        unsafe { Image::from_raw(image.cast()) }.ok_or_else(|| self.nothing(output))
    }

    /// The bytes of this name.
    pub fn bytes(&self, output: &str) -> Result<Bytes, VipsError> {
        // SAFETY: takes no arguments.
        let value = self.read(output, unsafe { ffi::vips_blob_get_type() })?;
        // SAFETY: the value was initialised as a blob and holds one or null.
        let bytes = unsafe { bytes_of(ffi::g_value_get_boxed(value.as_ptr())) };
        if bytes.is_empty() { Err(self.nothing(output)) } else { Ok(bytes) }
    }

    /// The integer of this name.
    pub fn int(&self, output: &str) -> Result<i32, VipsError> {
        const INT: ffi::GType = 6 << 2;
        let value = self.read(output, INT)?;
        // SAFETY: initialised as an integer.
        Ok(unsafe { ffi::g_value_get_int(value.as_ptr()) })
    }

    fn read(&self, output: &str, kind: ffi::GType) -> Result<GValue, VipsError> {
        let name = CString::new(output).map_err(|_| self.nothing(output))?;
        let mut value = GValue::new(kind);
        // SAFETY: the operation is alive; GLib leaves the value alone (with a warning) if there is no such property.
        unsafe {
            ffi::g_object_get_property(self.operation.0.as_ptr().cast(), name.as_ptr(), value.as_mut_ptr());
        }
        Ok(value)
    }

    fn nothing(&self, output: &str) -> VipsError {
        VipsError::Failed { operation: self.name.clone(), text: format!("no output {output}") }
    }
}

// === impl Handle ===

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: our one reference; outputs are given up first, as libvips asks.
        unsafe {
            ffi::vips_object_unref_outputs(self.0.as_ptr().cast());
            ffi::g_object_unref(self.0.as_ptr().cast());
        }
    }
}

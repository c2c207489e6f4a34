//! What this libvips can do, asked once at start.

use std::collections::BTreeSet;
use std::ffi::CString;

use libvips_rs::bindings as ffi;
use serde::{Deserialize, Serialize};

use super::op::Op;
use super::value::text_of;

/// The operations of this libvips and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::unsafe_derive_deserialize, reason = "plain facts: no unsafe call here relies on a field")]
pub struct Caps {
    pub version: (u32, u32, u32),
    operations: BTreeSet<String>,
    /// Whether an AV1 and an HEVC encoder were found behind libheif: the saver alone does not tell.
    pub saves_avif: bool,
    pub saves_heic: bool,
}

// === impl Caps ===

impl Caps {
    /// Asks libvips, which has to be started.
    pub fn read() -> Self {
        // SAFETY: takes a plain number; called after init.
        let part = |flag| unsafe { ffi::vips_version(flag) }.unsigned_abs();
        let mut operations = BTreeSet::new();
        if let Some(root) = type_of("VipsOperation") {
            collect(root, &mut operations);
        }
        let mut caps = Self { version: (part(0), part(1), part(2)), operations, saves_avif: false, saves_heic: false };
        caps.saves_avif = encodes_heif("av1");
        caps.saves_heic = encodes_heif("hevc");
        caps
    }

    /// Whether the operation exists and is not blocked.
    pub fn has(&self, operation: &str) -> bool {
        self.operations.contains(operation)
    }

    /// Whether the version is at least this one.
    pub fn at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.version >= (major, minor, patch)
    }

    /// What makes pixels: enough to tell two engines apart in an `ETag`.
    pub fn fingerprint(&self) -> String {
        let (major, minor, patch) = self.version;
        format!("libvips {major}.{minor}.{patch}, {} operations", self.operations.len())
    }
}

fn type_of(name: &str) -> Option<ffi::GType> {
    let name = CString::new(name).ok()?;
    // SAFETY: ends with a zero byte; 0 where there is none.
    let kind = unsafe { ffi::g_type_from_name(name.as_ptr()) };
    (kind != 0).then_some(kind)
}

fn collect(kind: ffi::GType, names: &mut BTreeSet<String>) {
    // SAFETY: any type may be asked; the text belongs to libvips.
    let nick = unsafe { text_of(ffi::vips_nickname_find(kind)) };
    if Op::new(&nick).is_ok_and(|op| op.is_allowed()) {
        names.insert(nick);
    }
    let mut len = 0;
    // SAFETY: the list holds `len` types and is ours.
    let children = unsafe { ffi::g_type_children(kind, &raw mut len) };
    for at in 0..len as usize {
        // SAFETY: within the list.
        collect(unsafe { *children.add(at) }, names);
    }
    // SAFETY: ours; null is allowed.
    unsafe { ffi::g_free(children.cast()) };
}

/// A tiny picture tells whether the encoder is there, and loads its module before a request needs it.
fn encodes_heif(compression: &str) -> bool {
    let encode = || {
        let pixels = super::Image::from_pixels(&[128; 16 * 16 * 3], 16, 16, 3)?;
        let pixels = Op::new("copy")?.set("in", &pixels)?.set("interpretation", super::Value::Nick("srgb"))?.image()?;
        Op::new("heifsave_buffer")?
            .set("in", &pixels)?
            .set("compression", super::Value::Nick(compression))?
            .set_if_supported("effort", 0)?
            .bytes()
    };
    encode().is_ok()
}

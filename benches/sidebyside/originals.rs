//! What pictures are made of: photographs of the caller's or the demo's own, and what is derived from them.
//!
//! Contract: derived originals are made once, under `target/sidebyside/`, from what is in the folder at that time; the
//! caller's folder is only read.

use std::fmt;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, ImageReader, RgbImage};
use tintype::cli::demo::make_originals;

use super::reference::Pixels;
use super::score::decode;

/// Pictures in one folder.
#[derive(Debug, Clone)]
pub struct Originals {
    pub folder: PathBuf,
    /// File names in their order.
    pub names: Vec<String>,
    is_synthetic: bool,
}

/// Larger ones are for the work about large originals.
const PIXELS_MAX: u64 = 25_000_000;
/// Large originals, each under a name of its own, and their sides' product.
const LARGE_COUNT: usize = 32;
const LARGE_PIXELS: f64 = 24_000_000.0;
const LARGE_QUALITY: u8 = 92;

// === impl Originals ===

impl Originals {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl fmt::Display for Originals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_synthetic { "synthetic pictures of the demo" } else { "photographs" };
        write!(formatter, "{} {kind} in {}", self.names.len(), self.folder.display())
    }
}

/// The photographs of this folder, or those that the demo makes.
pub fn photos(folder: Option<&Path>) -> Originals {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, is_synthetic) = if let Some(folder) = folder {
        (fs::canonicalize(folder).expect("a folder of photographs"), false)
    } else {
        let folder = root.join("target/demo-originals");
        make_originals(&folder).expect("originals can be made");
        (folder, true)
    };
    let entries = fs::read_dir(&folder).expect("a folder of originals");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".jpg")).collect();
    names.retain(|name| pixels(&folder.join(name)).is_some_and(|pixels| pixels <= PIXELS_MAX));
    names.sort();
    assert!(!names.is_empty(), "no .jpg of at most {} megapixels in {}", PIXELS_MAX / 1_000_000, folder.display());
    Originals { folder, names, is_synthetic }
}

/// The same pictures without loss as PNG.
pub fn png_copies(photos: &Originals) -> Originals {
    let folder = derived("png", photos);
    let mut names = Vec::new();
    for name in &photos.names {
        let copy = name.replace(".jpg", ".png");
        write_once(&folder.join(&copy), || {
            let pixels = read(&photos.path(name));
            let mut file = Vec::new();
            PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive)
                .write_image(&pixels.rgb, pixels.width as u32, pixels.height as u32, ExtendedColorType::Rgb8)
                .expect("a picture can be written");
            file
        });
        names.push(copy);
    }
    Originals { folder, names, is_synthetic: photos.is_synthetic }
}

/// The first photograph enlarged to 24 megapixels, under 32 names.
pub fn large(photos: &Originals) -> Originals {
    let folder = derived("large", photos);
    let names: Vec<String> = (0..LARGE_COUNT).map(|number| format!("large-{number:02}.jpg")).collect();
    let first = folder.join(&names[0]);
    write_once(&first, || {
        let pixels = read(&photos.path(&photos.names[0]));
        let (width, height) = (pixels.width as u32, pixels.height as u32);
        let factor = (LARGE_PIXELS / (f64::from(width) * f64::from(height))).sqrt();
        let [wide, high] = [width, height].map(|side| (f64::from(side) * factor).round() as u32);
        let image = RgbImage::from_raw(width, height, pixels.rgb).expect("a whole picture");
        let image = image::imageops::resize(&image, wide, high, image::imageops::FilterType::CatmullRom);
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, LARGE_QUALITY).encode_image(&image).expect("a picture can be written");
        file
    });
    for name in &names[1..] {
        write_once(&folder.join(name), || fs::read(&first).expect("the first one"));
    }
    Originals { folder, names, is_synthetic: photos.is_synthetic }
}

/// A folder for what is derived from these photographs and from no others.
fn derived(kind: &str, photos: &Originals) -> PathBuf {
    let text = format!("{}\n{}", photos.folder.display(), photos.names.join("\n"));
    let digest = blake3::hash(text.as_bytes()).to_hex();
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sidebyside").join(format!("{kind}-{}", &digest[..8]));
    fs::create_dir_all(&folder).expect("a folder of our own");
    folder
}

/// Whole or not at all, so that a bench that was ended half-way leaves no half of a picture.
fn write_once(path: &Path, make: impl FnOnce() -> Vec<u8>) {
    if !path.exists() {
        let part = path.with_extension("part");
        fs::write(&part, make()).expect("a folder of our own");
        fs::rename(&part, path).expect("a folder of our own");
    }
}

fn read(path: &Path) -> Pixels {
    decode(&fs::read(path).expect("a readable picture")).expect("a whole picture").pixels
}

/// By its header alone.
fn pixels(path: &Path) -> Option<u64> {
    let bytes = fs::read(path).ok()?;
    let (width, height) = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_dimensions().ok()?;
    Some(u64::from(width) * u64::from(height))
}

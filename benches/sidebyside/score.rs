//! How good pictures look: SSIMULACRA 2 of each against the reference of its own size.
//!
//! Contract: originals and pictures are decoded by the crate `image`, whoever made them, and AVIF by a program of
//! libavif or libheif; what cannot be decoded or compared has no score and is counted. 100 is the reference itself, 90
//! is hard to tell from it side by side, 70 is good, 50 is fair.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};
use image::{DynamicImage, ImageDecoder as _, ImageReader};

use super::colours::is_srgb;
use super::formats::Format;
use super::peers::program;
use super::reference::{Pixels, reference};
use super::statistics::mean;

/// Decodes and compares; keeps references, which cost more than any picture.
pub struct Scorer {
    references: RefCell<HashMap<(PathBuf, usize, usize), Option<Pixels>>>,
    avif: Option<Decoder>,
}

/// A program that reads a file of AVIF and writes another one of PNG.
struct Decoder {
    program: PathBuf,
    /// What stands before the names of both files.
    arguments: &'static [&'static str],
}

/// What was found out about pictures of the same kind.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    pub bytes: Vec<f64>,
    pub scores: Vec<f64>,
}

/// Programs that decode AVIF, the most direct first, with what stands before the names of both files.
const AVIF_DECODERS: [(&str, &[&str]); 4] =
    [("avifdec", &[]), ("heif-dec", &[]), ("heif-convert", &[]), ("vips", &["copy"])];
/// How far a side may be from what fits exactly, since servers round in their own ways.
const ROUNDING_MAX: usize = 1;

// === impl Scorer ===

impl Scorer {
    pub fn new() -> Self {
        let mut known = AVIF_DECODERS.into_iter();
        let avif = known.find_map(|(name, arguments)| Some(Decoder { program: program(name)?, arguments }));
        if avif.is_none() {
            println!("AVIF has no score: none of {} is in PATH", AVIF_DECODERS.map(|(name, _)| name).join(", "));
        }
        Self { references: RefCell::default(), avif }
    }

    /// The score of a picture that was made of this original to fit a box; nothing where one of both cannot be
    /// compared.
    ///
    /// # Errors
    /// The picture is none, or of another size than was asked for.
    pub fn score(&self, picture: &[u8], original: &Path, fit: usize) -> Result<Option<f64>, String> {
        let pixels = match Format::of(picture) {
            Some(Format::Avif) => match &self.avif {
                Some(decoder) => decoder.pixels(picture)?,
                None => return Ok(None),
            },
            _ => decode(picture)?.pixels,
        };
        let key = (original.to_owned(), pixels.width, pixels.height);
        let mut references = self.references.borrow_mut();
        if !references.contains_key(&key) {
            let bytes = std::fs::read(original).map_err(|error| format!("{}: {error}", original.display()))?;
            let decoded = decode(&bytes)?;
            check_size(&decoded.pixels, &pixels, fit)?;
            // In a space of its own the original would have to be converted first, and by whom is a matter of taste.
            let made = decoded.is_srgb.then(|| reference(&decoded.pixels, pixels.width, pixels.height));
            references.insert(key.clone(), made);
        }
        Ok(references[&key].as_ref().map(|reference| ssimulacra2(reference, &pixels)))
    }
}

// === impl Decoder ===

impl Decoder {
    fn pixels(&self, file: &[u8]) -> Result<Pixels, String> {
        let path = |ending: &str| std::env::temp_dir().join(format!("tintype-score-{}.{ending}", std::process::id()));
        let (from, to) = (path("avif"), path("png"));
        std::fs::write(&from, file).map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        let command = command.args(self.arguments).arg(&from).arg(&to).stdout(Stdio::null()).stderr(Stdio::null());
        let (status, written) = (command.status(), std::fs::read(&to));
        let _ = (std::fs::remove_file(&from), std::fs::remove_file(&to));
        match (status, written) {
            (Ok(status), Ok(written)) if status.success() => decode(&written).map(|decoded| decoded.pixels),
            _ => Err(format!("{} cannot decode it", self.program.display())),
        }
    }
}

// === impl Marks ===

impl Marks {
    pub fn bytes_mean(&self) -> f64 {
        mean(&self.bytes)
    }

    pub fn score_mean(&self) -> f64 {
        mean(&self.scores)
    }

    pub fn score_min(&self) -> f64 {
        self.scores.iter().copied().reduce(f64::min).unwrap_or(f64::NAN)
    }
}

/// A decoded file.
pub struct Decoded {
    pub pixels: Pixels,
    /// It has no colour profile, or one that means sRGB.
    pub is_srgb: bool,
}

/// JPEG, PNG and WebP, turned as their orientation tag says.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let told = |error: image::ImageError| error.to_string();
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut decoder = reader.into_decoder().map_err(told)?;
    let profile = decoder.icc_profile().map_err(told)?;
    let orientation = decoder.orientation().map_err(told)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(told)?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = Pixels { width, height, rgb: image.into_rgb8().into_raw() };
    Ok(Decoded { pixels, is_srgb: profile.is_none_or(|profile| is_srgb(&profile)) })
}

/// A picture that is smaller than was asked for is cheaper to make and would be compared with an easier reference.
fn check_size(original: &Pixels, picture: &Pixels, fit: usize) -> Result<(), String> {
    let scale = (fit as f64 / original.width.max(original.height) as f64).min(1.0);
    let is_near = |got: usize, of: usize| got.abs_diff((of as f64 * scale).round() as usize) <= ROUNDING_MAX;
    if is_near(picture.width, original.width) && is_near(picture.height, original.height) {
        return Ok(());
    }
    let sizes = [picture, original].map(|pixels| format!("{}x{}", pixels.width, pixels.height));
    Err(format!("a picture of {} does not fit {} into {fit}", sizes[0], sizes[1]))
}

/// SSIMULACRA 2 of two pictures of one size.
pub fn ssimulacra2(reference: &Pixels, picture: &Pixels) -> f64 {
    assert_eq!((reference.width, reference.height), (picture.width, picture.height), "pictures of two sizes");
    let (width, height) = (reference.width as u32, reference.height as u32);
    let view = |rgb| PixelSlice::new(rgb, width, height, width as usize * 3, PixelDescriptor::RGB8_SRGB);
    let pair = (view(&reference.rgb).expect("a whole picture"), view(&picture.rgb).expect("a whole picture"));
    compute_ssimulacra2(&pair.0, &pair.1).unwrap_or(f64::NAN)
}

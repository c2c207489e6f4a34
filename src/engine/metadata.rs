//! What is written about a picture inside its file: removed, but for who made it.

use super::vips::{Image, VipsError};

/// What stays in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    Copyright,
    Nothing,
}

/// The image with only the metadata that is to stay, and whether any is left that a saver must write.
pub fn scrubbed(image: &Image, keep: Keep) -> Result<(Image, bool), VipsError> {
    if keep == Keep::All {
        return Ok((image.share(), true));
    }
    let clean = image.edited(|header| {
        for field in image.fields() {
            let personal = field.starts_with("exif-") || field.starts_with("png-comment-");
            if personal || matches!(field.as_str(), "xmp-data" | "iptc-data" | "photoshop-data") {
                header.remove(&field);
            }
        }
    })?;
    Ok((clean, false))
}

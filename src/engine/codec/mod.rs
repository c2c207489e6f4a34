//! Codecs that are called without libvips between: where a picture is ordinary, they are what its time goes into.
//!
//! [`libjpeg`] decodes to planes or rows; [`jpegli`] encodes JPEG.

pub mod jpegli;
pub mod libjpeg;

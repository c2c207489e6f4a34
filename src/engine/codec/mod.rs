//! Codecs that are called without libvips between: where a picture is ordinary, they are what its time goes into.
//!
//! [`jpeg`] is a decoder of our own for clean, ordinary files, [`libjpeg`] decodes the others; [`jpegli`] encodes.

pub mod jpeg;
pub mod jpegli;
pub mod libjpeg;

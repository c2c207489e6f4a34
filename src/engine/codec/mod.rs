//! Codecs of single formats that are faster than the general way.

pub mod jpeg;

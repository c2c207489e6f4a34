//! Images made: the pool, the pipeline, the codecs.

pub mod vips;

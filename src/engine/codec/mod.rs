//! Codecs of single formats that are faster than the general way.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the express path calls it"))]
pub mod jpeg;

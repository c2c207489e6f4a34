//! The native dialect against its oracle: what the real imgproxy answered to thousands of URLs.
//!
//! `tests/native/observed.tsv` is the table of answers, `tests/native/differences.tsv` the list of those that are
//! different here on purpose, and `docs/differences.md` tells people why. A difference that is not on the list fails.

mod native {
    mod agreement;
    mod differences;
    mod look;
    mod originals;
    mod table;
    mod verdict;
}
#[expect(dead_code, reason = "the other black-box tests use the rest of it")]
mod support;

//! What a file announces, read before any decoder sees it: any bytes are admitted or over a limit, what is admitted
//! still is when it is looked at again, and nothing is added to it.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tintype::engine::{EngineError, Limits, admitted, sniff};
use tintype::transform::Format;

fuzz_target!(|file: &[u8]| {
    let file = Bytes::copy_from_slice(file);
    let tight = Limits { source_side_max: 100, source_pixels_max: 1000, frames_max: 2, ..Limits::default() };
    for format in Format::ALL {
        for limits in [Limits::default(), tight] {
            let kept = match admitted(file.clone(), format, &limits) {
                Ok(kept) => kept,
                Err(EngineError::Limit { got, max, .. }) => {
                    assert!(got > max);
                    continue;
                }
                Err(other) => panic!("{format:?}: {other:?}"),
            };
            assert!(kept.len() <= file.len(), "{format:?} grew");
            assert_eq!(admitted(kept.clone(), format, &limits).ok(), Some(kept.clone()), "{format:?}");
            if sniff(&file) == Some(format) {
                assert_eq!(sniff(&kept), Some(format));
            }
        }
        // What is within tight limits is within wide ones.
        let is_admitted = |limits| admitted(file.clone(), format, &limits).is_ok();
        assert!(!is_admitted(tight) || is_admitted(Limits::default()));
    }
});

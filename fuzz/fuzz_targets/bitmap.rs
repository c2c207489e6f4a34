//! BMP and ICO, which are decoded here and not by libvips: any file is a picture within the limits, or refused.

#![no_main]

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tintype::engine::vips::{Vips, VipsSpec, Watch};
use tintype::engine::{EngineError, Job, Limits, Output, run, sniff};
use tintype::telemetry::clock;
use tintype::transform::{Candidates, Format, Transform};

const SIDE_MAX: u32 = 512;

static VIPS: LazyLock<&Vips> = LazyLock::new(|| Vips::start(VipsSpec { threads: 1 }).expect("libvips"));

fuzz_target!(|input: (bool, &[u8])| {
    let (is_icon, rest) = input;
    let magic: &[u8] = if is_icon { b"\0\0\x01\0" } else { b"BM" };
    let bytes = Bytes::from([magic, rest].concat());
    assert_eq!(sniff(&bytes), Some(if is_icon { Format::Ico } else { Format::Bmp }));
    let _: &Vips = *VIPS;
    let transform = Transform { width: 16, format: Some(Format::Bmp), ..Transform::default() };
    let limits = Limits {
        source_pixels_max: u64::from(SIDE_MAX * SIDE_MAX),
        source_side_max: SIDE_MAX,
        output_side_max: 16,
        ..Limits::default()
    };
    let output = Output { candidates: Candidates::only(transform.format), transform };
    let job = Job { inputs: vec![bytes], outputs: vec![output], limits };
    let watch = Watch::new(clock::instant() + Duration::from_secs(60), Arc::default());
    run(&job, &watch, |(_, outcome)| {
        match outcome {
            Ok(made) => {
                assert!((1..=16).contains(&made.width) && made.height <= 16);
                assert!(made.original.width <= SIDE_MAX && made.original.height <= SIDE_MAX);
                assert_eq!(sniff(&made.bytes), Some(Format::Bmp));
            }
            Err(error) => assert!(
                matches!(error, EngineError::Broken(_) | EngineError::Limit { .. } | EngineError::Truncated),
                "{error:?}"
            ),
        }
        ControlFlow::Continue(())
    });
});
